"""Replies that are written often, by a short name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from uuid import UUID

from bot.conversations.errors import NotValid
from bot.identity import Principal
from bot.render.limits import TEXT_BODY
from bot.unit import Unit
from store.db import fetch
from store.ids import uuid7

__all__ = ["Canned", "canned_replies", "put_canned_reply", "remove_canned_reply"]

MOST = 500


@dataclass(frozen=True, slots=True)
class Canned:
    """`text` may hold `{name}`, which becomes the person's first name."""

    id: UUID
    shortcut: str
    text: str

    def for_person(self, name: str) -> str:
        first = next(iter(name.split()), "")
        return " ".join(self.text.replace("{name}", first).split(" ")).replace(" ,", ",")


async def canned_replies(organization_id: UUID) -> list[Canned]:
    rows = await fetch(
        "SELECT id, shortcut, text FROM canned_replies WHERE organization_id = $1 ORDER BY shortcut LIMIT $2",
        organization_id,
        MOST,
    )
    return [Canned(row["id"], row["shortcut"], row["text"]) for row in rows]


async def put_canned_reply(work: Unit, principal: Principal, shortcut: str, text: str) -> None:
    """New, or in place of the one with this name.

    Raises:
        NotValid: `field` says which of the two is wrong.
    """
    principal.require("inbox.reply")
    name = shortcut.strip().removeprefix("/").lower()
    if not re.fullmatch(r"[\w-]{1,40}", name):
        raise NotValid("shortcut", "the name has 1 to 40 letters, digits, - or _, without spaces")
    if not text.strip() or len(text) > TEXT_BODY:
        raise NotValid("text", f"the text has 1 to {TEXT_BODY} characters")
    await work.tx.execute(
        "INSERT INTO canned_replies AS r (id, organization_id, shortcut, text, created_by, updated_at)"
        " VALUES ($1, $2, $3, $4, $5, clock_timestamp())"
        " ON CONFLICT (organization_id, shortcut) DO UPDATE SET text = EXCLUDED.text, updated_at = clock_timestamp()",
        uuid7(),
        work.organization_id,
        name,
        text.strip(),
        principal.id,
    )
    work.audit("canned_reply.saved", subject=f"canned_reply:{name}", after={"text": text.strip()})


async def remove_canned_reply(work: Unit, principal: Principal, shortcut: str) -> None:
    principal.require("inbox.reply")
    tag = await work.tx.execute(
        "DELETE FROM canned_replies WHERE organization_id = $1 AND shortcut = $2", work.organization_id, shortcut
    )
    if tag == "DELETE 1":
        work.audit("canned_reply.removed", subject=f"canned_reply:{shortcut}")
