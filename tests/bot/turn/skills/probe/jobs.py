from __future__ import annotations

from uuid import UUID

from bot.skill import Job


class Note(Job):
    name = "probe.note"
    queue = "bulk"
    session_id: UUID
