"""What an organization writes beside its contacts: labels, fields of its own, segments, and the files that contacts came from."""

from __future__ import annotations

from tortoise import fields

from store.fields import JsonField
from store.tenancy import OrgModel


class ContactLabel(OrgModel):
    """`contacts.labels` holds keys; the name may change."""

    key = fields.CharField(max_length=60)
    name = fields.CharField(max_length=60)
    colour = fields.CharField(max_length=12, default="plain")  # a tone of the theme
    created_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        table = "contact_labels"
        unique_together = (("organization_id", "key"),)


class ContactField(OrgModel):
    """`contacts.custom` holds values by key, as `kind` says: text, number, date (ISO), boolean, choice, email, url."""

    key = fields.CharField(max_length=60)
    name = fields.CharField(max_length=80)
    kind = fields.CharField(max_length=12, default="text")
    options = JsonField(null=True)  # of a choice: list of texts
    position = fields.IntField(default=0)
    created_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        table = "contact_fields"
        unique_together = (("organization_id", "key"),)


class Segment(OrgModel):
    """A filter under a name; whoever fits it at the moment is in it."""

    name = fields.CharField(max_length=80)
    conditions = JsonField(default=dict)  # bot.contacts.filter.ContactFilter
    created_by = fields.CharField(max_length=120, default="")
    created_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        table = "contact_segments"
        unique_together = (("organization_id", "name"),)


class ContactImport(OrgModel):
    """A file of contacts, from its upload on. `state`: draft | running | done | undoing | undone | failed.

    The file is sealed; `reached` counts its rows that are done, so that a crash resumes behind them.
    """

    filename = fields.CharField(max_length=200)
    sealed_file = fields.BinaryField()
    plan = JsonField(default=dict)  # bot.contacts.importing.plan.Plan
    state = fields.CharField(max_length=8, default="draft")
    total = fields.IntField(default=0)
    reached = fields.IntField(default=0)
    created = fields.IntField(default=0)
    updated = fields.IntField(default=0)
    unchanged = fields.IntField(default=0)
    rejected = fields.IntField(default=0)
    restored = fields.IntField(default=0)  # by the undo
    kept = fields.IntField(default=0)  # by the undo, because somebody touched them
    error = fields.CharField(max_length=300, default="")
    created_by = fields.CharField(max_length=120, default="")
    created_at = fields.DatetimeField(auto_now_add=True)
    started_at = fields.DatetimeField(null=True)
    finished_at = fields.DatetimeField(null=True)

    class Meta:
        table = "contact_imports"
        indexes = (("organization_id", "created_at"),)


class ContactImportRow(OrgModel):
    """What became of one row: `outcome` created | updated | unchanged | rejected. `number` is the row's in a spreadsheet, the header being 1.

    `before` and `after` are the contact's content, for the undo; `problems` name column, what is wrong and how to mend it, without the value.
    """

    import_id = fields.UUIDField()
    number = fields.IntField()
    outcome = fields.CharField(max_length=12)
    contact_id = fields.UUIDField(null=True)
    before = JsonField(null=True)
    after = JsonField(null=True)
    problems = JsonField(null=True)
    undone = fields.CharField(max_length=12, default="")  # restored | kept

    class Meta:
        table = "contact_import_rows"
        unique_together = (("organization_id", "import_id", "number"),)


class KnowledgeQuestion(OrgModel):
    """A golden question: what should answer it (`source` as it is quoted), or an empty text where nothing should."""

    ask = fields.CharField(max_length=500)
    source = fields.CharField(max_length=620, default="")
    locale = fields.CharField(max_length=12, default="en")
    created_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        table = "knowledge_questions"
        unique_together = (("organization_id", "ask"),)
