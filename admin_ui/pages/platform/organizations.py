"""All organizations, with what they use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from admin_ui.kit import Desk, Group, Hit, heading, page, panel, search
from admin_ui.kit.table import Column, Filter, Query, Rows, table
from store import platform
from store.platform import Listed

TITLE = {"en": "Organizations", "sw": "Mashirika"}
HITS = 4


@page(
    "/platform/organizations",
    title=TITLE,
    icon="apartment",
    group=Group.PLATFORM,
    permission="platform.organizations",
    order=10,
    wide=True,
)
async def organizations(desk: Desk) -> None:
    async def rows(query: Query) -> Rows:
        found, total = await platform.organizations(
            desk.now,
            find=query.find,
            state=query.filtered("state"),
            sort=query.sort or "today",
            descending=query.descending if query.sort else True,
            offset=query.offset,
            limit=query.limit,
        )
        return Rows([_row(desk, each) for each in found], total)

    text = {
        "en": "Who is here and what they use. Days are each organization's own; tokens are those that models read and wrote.",
        "sw": "Nani yupo na anatumia nini. Siku ni za kila shirika; tokeni ni zile ambazo modeli zimesoma na kuandika.",
    }
    states = {
        "": desk.say({"en": "All", "sw": "Yote"}),
        "active": desk.say({"en": "Active", "sw": "Yanayotumika"}),
        "suspended": desk.say({"en": "Suspended", "sw": "Yaliyosimamishwa"}),
    }
    with heading(TITLE, text):
        pass
    with panel(flush=True):
        await table(
            "organizations",
            [
                Column("name", {"en": "Organization", "sw": "Shirika"}, sort=True),
                Column("state", {"en": "Status", "sw": "Hali"}),
                Column("plan", {"en": "Plan", "sw": "Mpango"}),
                Column("conversations", {"en": "Conversations", "sw": "Mazungumzo"}, align="right"),
                Column("today", {"en": "Messages today", "sw": "Ujumbe leo"}, sort=True, align="right"),
                Column("month", {"en": "30 days", "sw": "Siku 30"}, sort=True, align="right"),
                Column("tokens", {"en": "Tokens, 30 d", "sw": "Tokeni, siku 30"}, sort=True, align="right"),
                Column("created", {"en": "Since", "sw": "Tangu"}, sort=True),
            ],
            rows,
            find={"en": "Find by name", "sw": "Tafuta kwa jina"},
            filters=[Filter("state", {"en": "Status", "sw": "Hali"}, states)],
            sort="today",
            descending=True,
            export=True,
            nothing={"en": "No organization is called so.", "sw": "Hakuna shirika lenye jina hilo."},
        )


def _row(desk: Desk, each: Listed) -> dict[str, Any]:
    href = f"/platform/organizations/{each.id}"
    is_suspended = each.suspended_at is not None
    until = desk.moment(each.suspended_until)
    return {
        "name": each.name,
        "name_href": href,
        "name_note": desk.say(
            {"en": f"{each.country} · {each.members:,} people", "sw": f"{each.country} · watu {each.members:,}"}
        ),
        "state": desk.say(STATES[is_suspended]),
        "state_tone": "bad" if is_suspended else "good",
        "state_note": desk.say({"en": f"until {until}", "sw": f"hadi {until}"}) if until else "",
        "plan": each.plan or "–",
        "conversations": f"{each.today.conversations:,}",
        "conversations_note": desk.say(
            {"en": f"{each.month.conversations:,} in 30 days", "sw": f"{each.month.conversations:,} kwa siku 30"}
        ),
        "today": f"{each.today.messages:,}",
        "month": f"{each.month.messages:,}",
        "tokens": f"{each.month.tokens:,}",
        "created": desk.day(each.created_at),
        "_href": href,
    }


STATES = {
    False: {"en": "active", "sw": "linatumika"},
    True: {"en": "suspended", "sw": "limesimamishwa"},
}


@search
async def find_organizations(desk: Desk, text: str) -> Sequence[Hit]:
    if not (desk.is_platform and desk.may("platform.organizations")):
        return []
    found, _ = await platform.organizations(desk.now, find=text, sort="name", descending=False, limit=HITS)
    return [Hit(each.name, f"/platform/organizations/{each.id}", "apartment", each.slug) for each in found]
