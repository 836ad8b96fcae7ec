from __future__ import annotations

from bot.skill import Job


class Note(Job):
    """Writes down in a file that it ran, and then does `then`."""

    name = "probe.note"
    queue = "bulk"
    lease_s = 1
    file: str
    then: str = ""
