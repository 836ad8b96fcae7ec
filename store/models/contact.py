"""People on the other side of the chat. Our id is the key; numbers and provider ids are attributes with scope and history."""

from __future__ import annotations

from tortoise import fields

from store.fields import JsonField
from store.tenancy import OrgModel


class Contact(OrgModel):
    name = fields.CharField(
        max_length=300, default=""
    )  # display only; follows the profile's until people here write another one
    profile_name = fields.CharField(max_length=300, default="")  # what the person calls themselves in WhatsApp
    locale = fields.CharField(max_length=12, null=True)  # null: the organization's
    country = fields.CharField(max_length=2, default="")
    opted_in_at = fields.DatetimeField(null=True)  # derived from the last consent, for the policy gate
    opted_out_at = fields.DatetimeField(null=True)
    erasure_asked_at = fields.DatetimeField(null=True)  # the person wants everything about them deleted
    created_at = fields.DatetimeField(auto_now_add=True)
    labels = JsonField(null=True)  # keys of `contact_labels`; the database's default is the empty list
    custom = JsonField(null=True)  # values by key of `contact_fields`; the database's default is {}
    merged_into = fields.UUIDField(null=True)  # whose history this one is part of now
    import_id = fields.UUIDField(null=True)  # the file that it came from

    class Meta:
        table = "contacts"


class ContactIdentity(OrgModel):
    """One way to recognise a contact. `kind`: bsuid | parent_bsuid | phone. Live while `valid_to` is null.

    BSUIDs are unique within a business portfolio; phones have the empty portfolio. The value is sealed; it is found by the
    keyed hash `value_index` and shown as `value_masked`.
    """

    contact_id = fields.UUIDField(db_index=True)
    portfolio = fields.CharField(max_length=64, default="")
    kind = fields.CharField(max_length=16)
    value_index = fields.BinaryField()
    value_sealed = fields.BinaryField()
    value_masked = fields.CharField(max_length=64, default="")
    valid_from = fields.DatetimeField(auto_now_add=True)
    valid_to = fields.DatetimeField(null=True)

    class Meta:
        table = "contact_identities"


class Consent(OrgModel):
    """The consent ledger: who agreed to or withdrew what, when, how, in which words."""

    contact_id = fields.UUIDField(db_index=True)
    purpose = fields.CharField(max_length=40, default="messages")
    state = fields.CharField(max_length=12)  # granted | withdrawn
    source = fields.CharField(max_length=60)  # e.g. chat, registration, provider
    wording = fields.CharField(max_length=500, default="")
    at = fields.DatetimeField()
    message_id = fields.UUIDField(null=True)  # the proof: what the person wrote
    import_id = fields.UUIDField(null=True)  # the file that says so

    class Meta:
        table = "consents"


class MergeProposal(OrgModel):
    """Two contacts that may be one person. Nothing is merged without somebody's decision."""

    contact_id = fields.UUIDField()
    other_contact_id = fields.UUIDField()
    reason = fields.CharField(max_length=120)
    created_at = fields.DatetimeField(auto_now_add=True)
    decided_at = fields.DatetimeField(null=True)
    decision = fields.CharField(max_length=12, default="")  # merged | dismissed; "" is open
    decided_by = fields.CharField(max_length=120, default="")
    undo = JsonField(null=True)  # of a merge: what it moved and what was there before

    class Meta:
        table = "contact_merge_proposals"
        unique_together = (("organization_id", "contact_id", "other_contact_id"),)
