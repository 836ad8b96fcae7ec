"""Work that a segment leaves behind, and what it cost."""

from __future__ import annotations

from tortoise import fields
from tortoise.models import Model

from store.fields import JsonField
from store.tenancy import OrgModel


class JobRow(OrgModel):
    """One job: `name` is `skill.job`, `queue` one of interactive, bulk, render. The row is the truth, NATS only a hint.

    `state`: ready | running (leased) | done | dead. A job with a `key` is made once, also after it is done.
    """

    name = fields.CharField(max_length=120)
    queue = fields.CharField(max_length=12)
    payload = JsonField(default=dict)
    key = fields.CharField(max_length=200, null=True)
    state = fields.CharField(max_length=8, default="ready")
    run_at = fields.DatetimeField(auto_now_add=True)
    hinted_at = fields.DatetimeField(null=True)
    attempts = fields.SmallIntField(default=0)
    lease_token = fields.UUIDField(null=True)
    lease_until = fields.DatetimeField(null=True)
    last_error = fields.CharField(max_length=500, default="")
    created_at = fields.DatetimeField(auto_now_add=True)
    finished_at = fields.DatetimeField(null=True)
    trace_id = fields.UUIDField(null=True)  # bot.trace

    class Meta:
        table = "jobs"
        unique_together = (("organization_id", "key"),)


class Charge(OrgModel):
    """What the organization owes: a meter, a quantity, once per key. Unpriced until there are prices (decision 29)."""

    key = fields.CharField(max_length=200)
    meter = fields.CharField(max_length=80)
    quantity = fields.BigIntField(default=1)
    at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        table = "charges"
        unique_together = (("organization_id", "key"),)


class PacingSlot(OrgModel):
    """GCRA state of a limit: the theoretical arrival time of the next send. `key`: number:<account> | bulk:<account>."""

    key = fields.CharField(max_length=120)
    tat = fields.DatetimeField()

    class Meta:
        table = "pacing"
        unique_together = (("organization_id", "key"),)


class Heartbeat(Model):
    """When each kind of process was last alive, by the database's clock. Platform table without contents of anyone.

    `alive_since` is moved whenever a beat comes late, so that whoever waits for an answer can tell silence from an outage.
    """

    name = fields.CharField(max_length=60, primary_key=True)
    beat_at = fields.DatetimeField()
    alive_since = fields.DatetimeField()

    class Meta:
        table = "heartbeats"


class AuditEntry(OrgModel):
    """Who did what, when, before and after. The clock seals the hash chain in batches (decision 30)."""

    at = fields.DatetimeField(auto_now_add=True)
    actor = fields.CharField(max_length=120)  # user:<id> | contact:<id> | job:<id> | platform
    action = fields.CharField(max_length=120)  # dotted, e.g. consent.withdrawn
    subject = fields.CharField(max_length=120, default="")
    before = JsonField(null=True)
    after = JsonField(null=True)
    seal = fields.BinaryField(null=True)

    class Meta:
        table = "audit_entries"
