"""Everything that happened to a contact, in one list, of the core and of every skill that is on: what the reader may not see is not in it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from bot.bodies import decode_inbound, decode_outbound
from bot.contacts.erasure import ASKED as ERASURE
from bot.contacts.listing import consents
from bot.identity import Principal
from bot.messages import Inbound, Outbound
from bot.reach import HAND_OFF
from bot.timeline import Asked, Entry, Teller, tells
from store.crypto import keyring
from store.db import fetch
from store.errors import Permanent
from store.jsonb import from_jsonb
from store.tenancy import current_organization

if TYPE_CHECKING:
    from bot.runtime import Runtime

__all__ = ["KINDS", "Stretch", "part_text", "proof_text", "timeline"]

_MARKS = re.compile(r"(?<!\w)([*_~])(\S(?:.*?\S)?)\1(?!\w)")  # WhatsApp's own, of bold and the like
PAGE = 50
MAX_TEXT = 400
END_OF_TIME = datetime(9000, 1, 1, tzinfo=UTC)
KINDS = {
    "message": {"en": "Messages", "sw": "Ujumbe"},
    "ticket": {"en": "Tickets", "sw": "Tiketi"},
    "consent": {"en": "Consents", "sw": "Idhini"},
    "hand_off": {"en": "Hand-offs", "sw": "Kukabidhiwa"},
    "erasure": {"en": "Deletion requests", "sw": "Maombi ya kufutwa"},
    "change": {"en": "Changes", "sw": "Mabadiliko"},
    "import": {"en": "Imports", "sw": "Uagizaji"},
}


@dataclass(frozen=True, slots=True)
class Stretch:
    """One page, newest first. `before` asks for the next one; None: this was the beginning."""

    entries: tuple[Entry, ...]
    before: datetime | None


async def timeline(
    runtime: Runtime,
    principal: Principal,
    contact_ids: Sequence[UUID],
    *,
    before: datetime | None = None,
    kind: str = "",
    limit: int = PAGE,
) -> Stretch:
    """
    Args:
        contact_ids: `Whole.ids`: the contact's own and those that were merged into it.
        kind: only these entries.

    Raises:
        NotAllowed: without `contacts.view`.
    """
    principal.require("contacts.view")
    profile = await runtime.directory.organization(current_organization())
    asked = Asked(principal, tuple(contact_ids), before or END_OF_TIME, limit + 1)
    tellers: list[Teller] = [*_CORE.values(), *runtime.registry.tellers(profile.skills)]
    if kind in _CORE:
        tellers = [_CORE[kind]]
    allowed = [tell for tell in tellers if principal.may(tell.__chatnation_timeline__)]  # type: ignore[attr-defined]
    found = [entry for tell in allowed for entry in await tell(asked)]
    if kind:
        found = [each for each in found if each.kind == kind]
    found.sort(key=lambda each: (each.at, each.id), reverse=True)
    if len(found) <= limit:
        return Stretch(tuple(found), None)
    page = found[:limit]
    # What happened in the same moment as the last line comes along, so that the next page can begin before that moment.
    page += [each for each in found[limit:] if each.at == page[-1].at]
    return Stretch(tuple(page), page[-1].at)


@tells("inbox.view")
async def _messages(asked: Asked) -> list[Entry]:
    rows = await fetch(
        "SELECT id, direction, type, body, status, origin, session_id, created_at FROM messages"
        " WHERE organization_id = $1 AND contact_id = ANY($2) AND created_at < $3 ORDER BY created_at DESC LIMIT $4",
        current_organization(),
        list(asked.contact_ids),
        asked.before,
        asked.limit,
    )
    keys = await keyring().keys(current_organization())
    return [
        Entry(
            row["id"],
            row["created_at"],
            "message",
            {"en": "Wrote", "sw": "Aliandika"} if row["direction"] == "in" else {"en": "We answered", "sw": "Tulijibu"},
            _text(row, keys),
            "chat_bubble" if row["direction"] == "in" else "reply",
            f"/inbox/{row['session_id']}",
            "accent" if row["direction"] == "in" else ("bad" if row["status"] in ("failed", "refused") else "plain"),
        )
        for row in rows
    ]


@tells("contacts.view")
async def _consents(asked: Asked) -> list[Entry]:
    found = [each for each in await consents(asked.contact_ids) if each.at < asked.before][: asked.limit]
    entries = []
    for number, each in enumerate(found):
        is_granted = each.state == "granted"
        text = f"“{each.wording}”" if each.wording else ""
        source = f"import of {each.file}" if each.file else each.source
        entries.append(
            Entry(
                each.message_id or UUID(int=number),
                each.at,
                "consent",
                {"en": "Agreed to messages", "sw": "Alikubali ujumbe"}
                if is_granted
                else {"en": "Wants no messages", "sw": "Hataki ujumbe"},
                " · ".join(filter(None, [text, source])),
                "verified_user" if is_granted else "do_not_disturb_on",
                tone="good" if is_granted else "warn",
            )
        )
    return entries


@tells("inbox.view")
async def _hand_offs(asked: Asked) -> list[Entry]:
    return [
        Entry(
            row["id"],
            row["at"],
            "hand_off",
            {"en": "Asked for a person", "sw": "Aliomba mtu"},
            str((from_jsonb(row["after"] or "{}") or {}).get("reason", "")).replace("_", " "),
            "support_agent",
            tone="info",
        )
        for row in await _audited(asked, "e.action = $5", HAND_OFF)
    ]


@tells("contacts.view")
async def _erasures(asked: Asked) -> list[Entry]:
    return [
        Entry(
            row["id"],
            row["at"],
            "erasure",
            {"en": "Asked for their data to be deleted", "sw": "Aliomba data yake ifutwe"},
            icon="delete_forever",
            tone="warn",
        )
        for row in await _audited(asked, "e.action = $5", ERASURE)
    ]


@tells("audit.view")
async def _changes(asked: Asked) -> list[Entry]:
    rows = await _audited(
        asked, f"e.action <> $5 AND e.action <> '{ERASURE}' AND e.action NOT LIKE 'consent.%'", HAND_OFF
    )
    return [
        Entry(
            row["id"],
            row["at"],
            "change",
            {"en": row["action"].replace(".", " ").replace("_", " ").capitalize()},
            " · ".join(filter(None, [row["actor_name"], _difference(row["before"], row["after"])])),
            "edit",
        )
        for row in rows
    ]


@tells("contacts.view")
async def _imports(asked: Asked) -> list[Entry]:
    rows = await fetch(
        "SELECT r.id, i.started_at, i.filename, r.outcome, r.number, r.undone FROM contact_import_rows r"
        " JOIN contact_imports i ON i.organization_id = r.organization_id AND i.id = r.import_id"
        " WHERE r.organization_id = $1 AND r.contact_id = ANY($2) AND r.outcome IN ('created', 'updated') AND i.started_at < $3"
        " ORDER BY i.started_at DESC LIMIT $4",
        current_organization(),
        list(asked.contact_ids),
        asked.before,
        asked.limit,
    )
    return [
        Entry(
            row["id"],
            row["started_at"],
            "import",
            {"en": "Came with a file", "sw": "Alikuja na faili"}
            if row["outcome"] == "created"
            else {"en": "Completed by a file", "sw": "Alikamilishwa na faili"},
            f"{row['filename']}, row {row['number']}",
            "upload_file",
        )
        for row in rows
    ]


_CORE: dict[str, Teller] = {
    "message": _messages,
    "consent": _consents,
    "hand_off": _hand_offs,
    "erasure": _erasures,
    "change": _changes,
    "import": _imports,
}


async def _audited(asked: Asked, condition: str, action: str) -> list[Any]:
    subjects = [f"{word}:{each}" for each in asked.contact_ids for word in ("contact", "contacts")]
    rows: list[Any] = await fetch(
        "SELECT e.id, e.at, e.action, e.before, e.after, COALESCE(NULLIF(u.name, ''), u.email, '') AS actor_name FROM audit_entries e"  # noqa: S608
        " LEFT JOIN users u ON e.actor LIKE 'user:%' AND u.id::text = right(e.actor, 36)"
        f" WHERE e.organization_id = $1 AND e.subject = ANY($2) AND e.at < $3 AND {condition} ORDER BY e.at DESC LIMIT $4",
        current_organization(),
        subjects,
        asked.before,
        asked.limit,
        action,
    )
    return rows


def _difference(before: str | None, after: str | None) -> str:
    old, new = (from_jsonb(each) if each else {} for each in (before, after))
    if not isinstance(old, dict) or not isinstance(new, dict):
        return ""
    told = [
        f"{key.replace('_', ' ')}: {_plain(old.get(key))} → {_plain(new.get(key))}"
        for key in dict.fromkeys([*old, *new])
        if old.get(key) != new.get(key)
    ]
    return "; ".join(told)[:MAX_TEXT]


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_plain, value)) or "none"
    if isinstance(value, dict):
        return ", ".join(f"{key.replace('_', ' ')} {_plain(each)}" for key, each in value.items()) or "none"
    return "none" if value in (None, "") else str(value)


def _text(row: Any, keys: Any) -> str:
    try:
        body = bytes(row["body"])
        part = decode_inbound(body, keys) if row["direction"] == "in" else decode_outbound(body, keys).part
    except (Permanent, ValueError, KeyError):
        return ""
    return part_text(part)


def part_text(part: Inbound | Outbound) -> str:
    """What a message says, in one line."""
    for name in ("text", "title", "transcript", "caption", "emoji", "name", "filename"):
        found = getattr(part, name, "")
        if isinstance(found, str) and found.strip():
            return " ".join(_MARKS.sub(r"\2", found).split())[:MAX_TEXT]
    kind = str(getattr(part, "kind", part.type)).replace("_", " ")
    return f"({kind})"


async def proof_text(message_id: UUID) -> tuple[datetime, str] | None:
    """When and in which words: the message that a consent rests on. For who has `inbox.view`."""
    rows = await fetch(
        "SELECT id, direction, body, created_at FROM messages WHERE organization_id = $1 AND id = $2",
        current_organization(),
        message_id,
    )
    if not rows:
        return None
    return rows[0]["created_at"], _text(rows[0], await keyring().keys(current_organization()))
