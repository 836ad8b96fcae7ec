"""Payloads of the two background jobs."""

from __future__ import annotations

from uuid import UUID

from bot.skill import Job

__all__ = ["ImportContacts", "UndoImport"]


class ImportContacts(Job):
    name = "core.import_contacts"
    queue = "bulk"
    lease_s = 120

    import_id: UUID


class UndoImport(Job):
    name = "core.undo_import"
    queue = "bulk"
    lease_s = 120

    import_id: UUID
