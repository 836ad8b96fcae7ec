"""How a skill tells what happened to a contact, for the one timeline of all skills. In its `timeline.py`:

    @tells("events.view")
    async def tickets(asked: Asked) -> list[Entry]:
        rows = await Ticket.filter(contact_id__in=asked.contact_ids, created_at__lt=asked.before).order_by("-created_at").limit(asked.limit)
        return [Entry(row.id, row.created_at, "ticket", {"en": "Got a ticket", "sw": "Alipata tiketi"}, row.code) for row in rows]

A function is asked only for people who have its permission, in the organization's scope, and gives its newest entries before a moment; what
stands in the timeline is cut out of all answers. So it need not know of pages, and an entry is told once however often it is asked.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from bot.identity import Principal

__all__ = ["Asked", "Entry", "Teller", "tells"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One line. `kind` is what one can filter by: message, consent, change, hand_off, import, or a word of the skill's own.

    `title` in the languages of the admin app; `href` is a path of it, shown as a link to who has that page.
    """

    id: UUID
    at: datetime
    kind: str
    title: Mapping[str, str]
    text: str = ""
    icon: str = "circle"
    href: str = ""
    tone: Literal["plain", "good", "warn", "bad", "info", "accent"] = "plain"


@dataclass(frozen=True, slots=True)
class Asked:
    """For the newest entries before `before`, `limit` at most. A contact has several ids when others were merged into it."""

    principal: Principal
    contact_ids: Sequence[UUID]
    before: datetime
    limit: int


Teller = Callable[[Asked], Awaitable[Sequence[Entry]]]


def tells(permission: str) -> Callable[[Teller], Teller]:
    def mark(function: Teller) -> Teller:
        function.__chatnation_timeline__ = permission  # type: ignore[attr-defined]
        return function

    return mark
