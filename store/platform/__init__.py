"""What the platform's own people look at, over all organizations. Everything here works unscoped and changes nothing of an organization's."""

from store.platform.incidents import (
    Finding,
    Incident,
    IncidentNote,
    change_incident,
    incident,
    incidents,
    notes_of,
    observe,
    put_note,
)
from store.platform.organizations import (
    Listed,
    Looked,
    Member,
    Number,
    Usage,
    organization,
    organizations,
    suspensions_over,
)
from store.platform.queues import Dead, Depth, dead_row, dead_rows, depths

__all__ = [
    "Dead",
    "Depth",
    "Finding",
    "Incident",
    "IncidentNote",
    "Listed",
    "Looked",
    "Member",
    "Number",
    "Usage",
    "change_incident",
    "dead_row",
    "dead_rows",
    "depths",
    "incident",
    "incidents",
    "notes_of",
    "observe",
    "organization",
    "organizations",
    "put_note",
    "suspensions_over",
]
