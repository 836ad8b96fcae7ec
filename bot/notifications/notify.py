"""Who is told, and how."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

from bot.identity.letters import write
from bot.identity.mailing import send_beside
from bot.identity.rights import permissions_of_role
from bot.identity.roles import CORE, NARROW
from bot.notifications.kinds import Way, Words, ways_of
from bot.notifications.mail import MailNotification, letter_values
from bot.skill import UnitOfWork
from bot.unit import Unit
from store import people
from store.ids import uuid7
from store.jsonb import from_jsonb
from store.notifications import Board, Pin, pin

if TYPE_CHECKING:
    from bot.runtime import Runtime

__all__ = ["notify", "notify_platform", "person_behind"]

LONGEST = 200

_MEMBERS = """
SELECT m.user_id, m.role, r.permissions, m.events IS NOT NULL OR m.exhibitors IS NOT NULL AS is_limited, u.notify_by
FROM memberships m JOIN users u ON u.id = m.user_id
LEFT JOIN roles r ON r.organization_id = m.organization_id AND r.id = m.role_id
WHERE m.organization_id = $1 AND ($2::uuid IS NULL OR m.user_id = $2)
"""


async def notify(
    work: UnitOfWork,
    kind: str,
    subject: Words,
    link: str,
    *,
    user_id: UUID | None = None,
    permission: str = "",
    key: str = "",
    but: UUID | None = None,
) -> int:
    """Tells one member, or all who have a permission; `but` is who did it. How many were told, in either way.

    Args:
        kind: one of `KINDS`; decides with what each person chose whether the bell, an e-mail or nothing tells.
        subject: one line, a text or one in each language. It may name a contact, never quote a message.
        link: a page of the admin app, from `/` on.
        key: as long as it is unread, another with the same key makes it newer in place of standing beside it.
    """
    assert isinstance(work, Unit)
    assert (user_id is None) != (not permission), "tell one person, or those who have a permission"
    subject = _short(subject)
    told: list[UUID] = []
    mailed: list[UUID] = []
    for row in await work.tx.fetch(_MEMBERS, work.organization_id, user_id):
        if row["user_id"] == but or (permission and not await _may(work, permission, row)):
            continue
        ways = ways_of(kind, from_jsonb(row["notify_by"] or "{}") or {})
        told += [row["user_id"]] if Way.APP in ways else []
        mailed += [row["user_id"]] if Way.EMAIL in ways else []
    if told:
        await pin(work.tx, work.organization_id, told, Pin(kind, subject, link, key or f"{kind}:{uuid7()}"), work.now)
    for each in mailed:
        text: dict[str, str] | str = subject if isinstance(subject, str) else dict(subject)
        work.enqueue(MailNotification(user_id=each, subject=text, link=link))
    return len({*told, *mailed})


async def notify_platform(runtime: Runtime, kind: str, subject: Words, link: str, *, key: str = "") -> None:
    """Tells the platform's own people. A letter that the mail server does not take for long is lost: the bell has it."""
    subject = _short(subject)
    told: list[UUID] = []
    for user_id, email, locale, chosen in await people.platform_people():
        ways = ways_of(kind, chosen)
        if Way.APP in ways:
            told.append(user_id)
        if Way.EMAIL in ways:
            values = letter_values(runtime, subject, link, locale, "ChatNation")
            send_beside(runtime, write("notification", email, locale, **values))
    if told:
        await Board(None).put(told, Pin(kind, subject, link, key or f"{kind}:{uuid7()}"), runtime.clock.now())


def person_behind(actor: str) -> UUID | None:
    """Of an audit entry's actor; None: a program, a contact, or somebody of the platform with borrowed eyes."""
    kind, _, found = actor.partition(":")
    try:
        return UUID(found) if kind == "user" else None
    except ValueError:
        return None


async def _may(work: Unit, permission: str, row: Any) -> bool:
    own = from_jsonb(row["permissions"] or "[]") or []
    held = await permissions_of_role(work.runtime, work.organization_id, row["role"], own)
    return permission in (held - (CORE.keys() - NARROW) if row["is_limited"] else held)


def _short(subject: Words) -> Words:
    """On one line: it becomes the subject of a letter."""
    if isinstance(subject, Mapping):
        return {locale: " ".join(text.split())[:LONGEST] for locale, text in subject.items()}
    return " ".join(subject.split())[:LONGEST]
