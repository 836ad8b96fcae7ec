"""Who did what, when, and what it was before."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from admin_ui.kit import Desk, Group, heading, page, panel, say
from admin_ui.kit.table import Column, Filter, Query, Rows, table
from store import audit as log

SPANS = {"": "Any time", "1": "Last 24 hours", "7": "Last 7 days", "30": "Last 30 days"}
MOST_TOLD = 4  # fields of one change


@page(
    "/audit",
    title={"en": "Audit log", "sw": "Kumbukumbu ya matendo"},
    icon="history",
    group=Group.SETTINGS,
    permission="audit.view",
    order=80,
)
async def audit(desk: Desk) -> None:
    async def rows(query: Query) -> Rows:
        span = query.filtered("span")
        found, total = await log.entries(
            action=query.filtered("kind"),
            since=desk.now - timedelta(days=int(span)) if span in SPANS and span else None,
            find=query.find,
            ascending=query.sort == "at" and not query.descending,
            offset=query.offset,
            limit=query.limit,
        )
        return Rows([_row(desk, each) for each in found], total)

    kinds = {"": "Everything", **{f"{kind}.": kind.replace("_", " ").capitalize() for kind in await log.actions()}}
    text = {
        "en": "Everything that anybody changed, in this app, by the API or in the chat. It cannot be edited.",
        "sw": "Kila kilichobadilishwa na mtu yeyote, hapa, kwa API au kwenye mazungumzo. Hakihaririwi.",
    }
    with heading({"en": "Audit log", "sw": "Kumbukumbu ya matendo"}, text):
        pass
    with panel(flush=True):
        await table(
            "audit",
            [
                Column("at", {"en": "When", "sw": "Lini"}, sort=True),
                Column("who", {"en": "Who", "sw": "Nani"}),
                Column("action", {"en": "What", "sw": "Nini"}),
                Column("subject", {"en": "Of what", "sw": "Cha nini"}),
                Column("change", {"en": "Change", "sw": "Badiliko"}),
            ],
            rows,
            find={"en": "Find who or what", "sw": "Tafuta nani au nini"},
            filters=[Filter("kind", "Kind", kinds), Filter("span", "Time", SPANS)],
            sort="at",
            descending=True,
            export=True,
            nothing={"en": "Nothing was done like that.", "sw": "Hakuna kilichofanywa hivyo."},
        )


def _row(desk: Desk, each: log.Entry) -> dict[str, Any]:
    kind, _, _ = each.actor.partition(":")
    return {
        "at": desk.moment(each.at),
        "who": each.actor_name
        or say({"contact": "A contact", "job": "A job", "user": "A former user"}.get(kind, each.actor)),
        "action": _readable(each.action),
        "subject": _short(each.subject),
        "change": _change(each.before, each.after),
    }


def _readable(action: str) -> str:
    """`api_key.created` -> `Api key created`."""
    return say(action.replace(".", " ").replace("_", " ").capitalize())


def _short(subject: str) -> str:
    name, _, identity = subject.partition(":")
    return f"{name.replace('_', ' ')} …{identity[-6:]}" if len(identity) == 36 else subject


def _change(before: Any, after: Any) -> str:
    """`name: Old → New, capacity: 20 → 30`."""
    old, new = (each if isinstance(each, dict) else {} if each is None else {"": each} for each in (before, after))
    told = []
    for key in [*old, *(each for each in new if each not in old)]:
        if old.get(key) != new.get(key) and any(each.get(key) not in (None, "") for each in (old, new)):
            name = f"{key.replace('_', ' ')}: " if key else ""
            told.append(name + " → ".join(_text(each[key]) for each in (old, new) if key in each))
    more = say(" and {more} more", more=len(told) - MOST_TOLD) if len(told) > MOST_TOLD else ""
    return "; ".join(told[:MOST_TOLD]) + more


def _text(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_text, value)) or say("none")
    if isinstance(value, bool):
        return say("yes") if value else say("no")
    text = say("none") if value is None else str(value)
    if re.fullmatch(r"[0-9a-f]{32,}", text):  # a fingerprint: its beginning tells it from another
        return text[:8] + "…"
    return text if len(text) <= 60 else text[:59] + "…"
