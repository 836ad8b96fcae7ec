"""What people do with a conversation besides writing: take it, give it back, hand it on, close it, note something down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from bot.conversations.errors import NoConversation, NotValid
from bot.conversations.notes import Kind, put_note
from bot.conversations.telling import tell_of_assignment
from bot.conversations.words import told
from bot.identity import Principal
from bot.messages import Text
from bot.policy import window_closes_at
from bot.ports import Lane
from bot.turn.silence import GIVEN_BACK, HELD
from bot.unit import Unit
from store.ids import uuid7
from store.jsonb import from_jsonb, to_jsonb

__all__ = [
    "Held",
    "assign",
    "close",
    "give_back",
    "hold",
    "mark_read",
    "mark_unread",
    "origin_of",
    "put_labels",
    "reopen",
    "take_over",
    "write_note",
]

ORIGIN = "inbox/"  # of what people write; behind it, who
MAX_LABELS, MAX_LABEL = 20, 40
MAX_NOTE = 4000

_HOLD = """
SELECT v.contact_id, v.account_id, v.assignee_id, v.labels, v.unread, v.taken_over_at, v.taken_over_by, v.closed_at, v.waiting_at,
       s.last_user_at, COALESCE(c.locale, o.locale) AS locale, c.opted_in_at, c.opted_out_at, a.state AS account_state, o.name AS organization,
       EXISTS (SELECT 1 FROM contact_identities i WHERE i.organization_id = $1 AND i.contact_id = v.contact_id AND i.kind IN ('phone', 'bsuid')
               AND i.valid_to IS NULL) AS reachable
FROM conversations v JOIN sessions s ON s.organization_id = $1 AND s.id = v.id
JOIN contacts c ON c.organization_id = $1 AND c.id = v.contact_id
JOIN channel_accounts a ON a.organization_id = $1 AND a.id = v.account_id
JOIN organizations o ON o.id = $1
WHERE v.organization_id = $1 AND v.id = $2 FOR NO KEY UPDATE OF v
"""
_MEMBER = """
SELECT COALESCE(NULLIF(u.name, ''), u.email) FROM memberships m JOIN users u ON u.id = m.user_id WHERE m.organization_id = $1 AND m.user_id = $2
"""


@dataclass(frozen=True, slots=True)
class Held:
    """A conversation, locked until the unit of work is over."""

    contact_id: UUID
    account_id: UUID
    assignee_id: UUID | None
    labels: Any
    unread: int
    taken_over_at: datetime | None
    taken_over_by: UUID | None
    closed_at: datetime | None
    waiting_at: datetime | None
    last_user_at: datetime | None
    locale: str
    opted_in_at: datetime | None
    opted_out_at: datetime | None
    account_state: str
    organization: str
    reachable: bool

    def is_window_open(self, now: datetime) -> bool:
        closes_at = window_closes_at(self.last_user_at)
        return closes_at is not None and now < closes_at


async def hold(work: Unit, conversation_id: UUID) -> Held:
    """
    Raises:
        NoConversation: not in this organization.
    """
    row = await work.tx.fetchrow(_HOLD, work.organization_id, conversation_id)
    if row is None:
        raise NoConversation(conversation_id)
    return Held(**row)


async def take_over(work: Unit, principal: Principal, conversation_id: UUID) -> bool:
    """From now on the bot is silent. The person is told once, while WhatsApp takes free text; False: it was yours already.

    What the bot has in hand at this moment it still finishes. From a colleague it is taken without a word to the person.
    """
    principal.require("inbox.reply")
    held = await hold(work, conversation_id)
    if held.taken_over_by == principal.id and held.taken_over_at is not None:
        return False
    await _put(
        work,
        conversation_id,
        "taken_over_at = COALESCE(taken_over_at, $3), taken_over_by = $4, assignee_id = CASE WHEN $5 THEN $4 ELSE assignee_id END,"
        " waiting_at = NULL, closed_at = NULL",
        work.now,
        principal.id,
        principal.kind == "user" and held.assignee_id is None,
    )
    await put_note(work, conversation_id, Kind.TAKEN_OVER, author_id=_author(principal))
    if held.taken_over_at is None and held.is_window_open(work.now):
        name = principal.name.split("@")[0]
        _tell(work, principal, held, told("taken_over", held.locale, name=name, organization=held.organization))
    _audit(work, "conversation.taken_over", conversation_id, before={"by": held.taken_over_by})
    return True


async def give_back(work: Unit, principal: Principal, conversation_id: UUID) -> bool:
    """The bot answers again and goes on where it was: with outside events that came meanwhile, else with the open question.

    False: it answered already.
    """
    principal.require("inbox.reply")
    held = await hold(work, conversation_id)
    if held.taken_over_at is None:
        return False
    await _put(work, conversation_id, "taken_over_at = NULL, taken_over_by = NULL, sealed_summary = NULL, unread = 0")
    await put_note(work, conversation_id, Kind.GIVEN_BACK, author_id=_author(principal))
    if held.is_window_open(work.now):
        _tell(work, principal, held, told("given_back", held.locale))
    await _wake(work, conversation_id, quiet=not held.is_window_open(work.now))
    _audit(work, "conversation.given_back", conversation_id)
    return True


async def close(work: Unit, principal: Principal, conversation_id: UUID) -> bool:
    """Off the list until the person writes again; then the bot answers. False: it was closed."""
    principal.require("inbox.reply")
    held = await hold(work, conversation_id)
    if held.closed_at is not None:
        return False
    await _put(
        work,
        conversation_id,
        "closed_at = $3, waiting_at = NULL, unread = 0, taken_over_at = NULL, taken_over_by = NULL, sealed_summary = NULL",
        work.now,
    )
    await put_note(work, conversation_id, Kind.CLOSED, author_id=_author(principal))
    if held.taken_over_at is not None:
        await _wake(work, conversation_id, quiet=True)
    _audit(work, "conversation.closed", conversation_id)
    return True


async def reopen(work: Unit, principal: Principal, conversation_id: UUID) -> bool:
    principal.require("inbox.reply")
    held = await hold(work, conversation_id)
    if held.closed_at is None:
        return False
    await _put(work, conversation_id, "closed_at = NULL")
    await put_note(work, conversation_id, Kind.REOPENED, author_id=_author(principal))
    _audit(work, "conversation.reopened", conversation_id)
    return True


async def assign(work: Unit, principal: Principal, conversation_id: UUID, user_id: UUID | None) -> bool:
    """To oneself with `inbox.reply`, to others and away from them with `inbox.assign`; False: it was so.

    Raises:
        NotValid: nobody of this organization.
    """
    held = await hold(work, conversation_id)
    is_mine = user_id == principal.id or (user_id is None and held.assignee_id == principal.id)
    principal.require("inbox.reply" if is_mine else "inbox.assign")
    if user_id == held.assignee_id:
        return False
    name = ""
    if user_id is not None:
        name = await work.tx.fetchval(_MEMBER, work.organization_id, user_id) or ""
        if not name:
            raise NotValid("assignee", "choose somebody who belongs to this organization")
    await _put(work, conversation_id, "assignee_id = $3", user_id)
    await put_note(work, conversation_id, Kind.ASSIGNED, author_id=_author(principal), text=name)
    _audit(work, "conversation.assigned", conversation_id, before={"to": held.assignee_id}, after={"to": user_id})
    if user_id is not None and not is_mine:
        await tell_of_assignment(work, conversation_id, user_id, by=principal.name.split("@")[0])
    return True


async def put_labels(work: Unit, principal: Principal, conversation_id: UUID, labels: Sequence[str]) -> None:
    """All of them, in this order.

    Raises:
        NotValid: too many, too long.
    """
    principal.require("inbox.reply")
    wanted = list(dict.fromkeys(" ".join(each.split()) for each in labels if each.strip()))
    if len(wanted) > MAX_LABELS or any(len(each) > MAX_LABEL for each in wanted):
        raise NotValid("labels", f"at most {MAX_LABELS} labels of at most {MAX_LABEL} characters")
    held = await hold(work, conversation_id)
    before = from_jsonb(held.labels) or []
    if before == wanted:
        return
    await _put(work, conversation_id, "labels = $3::jsonb", to_jsonb(wanted))
    _audit(work, "conversation.labelled", conversation_id, before=before, after=wanted)


async def write_note(work: Unit, principal: Principal, conversation_id: UUID, text: str) -> UUID:
    """For colleagues; it never leaves the house.

    Raises:
        NotValid: nothing written, or too much.
    """
    principal.require("inbox.reply")
    if not text.strip() or len(text) > MAX_NOTE:
        raise NotValid("text", f"a note has 1 to {MAX_NOTE} characters")
    await hold(work, conversation_id)
    note_id = await put_note(work, conversation_id, Kind.NOTE, author_id=_author(principal), text=text.strip())
    await _put(work, conversation_id, "unread = unread")
    _audit(work, "conversation.noted", conversation_id, after={"note": str(note_id)})
    return note_id


async def mark_read(work: Unit, principal: Principal, conversation_id: UUID) -> None:
    """Without an audit entry: it happens whenever somebody looks."""
    principal.require("inbox.reply")
    await work.tx.execute(
        "UPDATE conversations SET unread = 0, version = version + 1 WHERE organization_id = $1 AND id = $2 AND unread > 0",
        work.organization_id,
        conversation_id,
    )


async def mark_unread(work: Unit, principal: Principal, conversation_id: UUID) -> None:
    principal.require("inbox.reply")
    await hold(work, conversation_id)
    await _put(work, conversation_id, "unread = GREATEST(unread, 1)")


async def _put(work: Unit, conversation_id: UUID, what: str, *values: Any) -> None:
    """`what`: a constant of this file."""
    await work.tx.execute(
        f"UPDATE conversations SET {what}, version = version + 1 WHERE organization_id = $1 AND id = $2",  # noqa: S608
        work.organization_id,
        conversation_id,
        *values,
    )


async def _wake(work: Unit, conversation_id: UUID, *, quiet: bool) -> None:
    """Lets held events go, and the bot look at the conversation. `quiet`: the open question is not put again."""
    tag = await work.tx.execute(
        "UPDATE inbox SET state = 'ready', next_attempt_at = clock_timestamp()"
        " WHERE organization_id = $1 AND session_id = $2 AND state = $3",
        work.organization_id,
        conversation_id,
        HELD,
    )
    quiet = quiet or tag != "UPDATE 0"
    work.resume(conversation_id, GIVEN_BACK, key=uuid7().hex, slots={"quiet": quiet})


def _tell(work: Unit, principal: Principal, held: Held, text: str) -> None:
    work.send(
        held.contact_id,
        held.account_id,
        Text(text=text),
        key=f"inbox:{uuid7().hex}",
        lane=Lane.REPLY,
        origin=origin_of(principal),
    )


def origin_of(principal: Principal) -> str:
    return f"{ORIGIN}{principal.kind}:{principal.id}"


def _author(principal: Principal) -> UUID | None:
    return principal.id if principal.kind == "user" else None


def _audit(work: Unit, action: str, conversation_id: UUID, *, before: Any = None, after: Any = None) -> None:
    work.audit(action, subject=f"conversation:{conversation_id}", before=_plain(before), after=_plain(after))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: str(each) if isinstance(each, UUID) else each for name, each in value.items()}
    return value
