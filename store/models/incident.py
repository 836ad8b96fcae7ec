"""Alarms of the platform, and what its people did about them."""

from __future__ import annotations

from tortoise import fields
from tortoise.models import Model

from store.fields import JsonField
from store.ids import uuid7


class Incident(Model):
    """One alarm from its first sign to its end; of a `key` one is unresolved at a time. `state`: open | acknowledged | resolved."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    kind = fields.CharField(max_length=40)
    key = fields.CharField(max_length=120)
    severity = fields.CharField(max_length=10)  # critical | warning
    facts = JsonField(default=dict)  # the numbers, as they were last
    state = fields.CharField(max_length=12, default="open")
    opened_at = fields.DatetimeField()
    seen_at = fields.DatetimeField()  # when it was last found so
    acknowledged_at = fields.DatetimeField(null=True)
    acknowledged_by = fields.UUIDField(null=True)
    resolved_at = fields.DatetimeField(null=True)
    resolved_by = fields.UUIDField(null=True)  # null and resolved: it was over

    class Meta:
        table = "incidents"


class IncidentNote(Model):
    """What somebody wrote or did; `kind`: note | acknowledged | resolved | over | again."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    incident_id = fields.UUIDField(db_index=True)
    at = fields.DatetimeField()
    by = fields.UUIDField(null=True)
    kind = fields.CharField(max_length=12, default="note")
    text = fields.CharField(max_length=1000, default="")

    class Meta:
        table = "incident_notes"
