"""What is wrong with the platform: open, looked after, over."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any
from uuid import UUID

from nicegui import ui

from admin_ui.kit import (
    Desk,
    Group,
    Live,
    Missing,
    badge,
    bound,
    button,
    every,
    facts,
    heading,
    here,
    link_button,
    live,
    note,
    page,
    panel,
    text_area,
    toast,
)
from admin_ui.kit.controls import Tone
from admin_ui.kit.frame import crumb
from admin_ui.kit.table import Column, Filter, Query, Rows, table
from bot.platform import acknowledge, resolve, write_note
from bot.platform.incidents import title_of, what_mends
from store import platform
from store.platform import Incident, IncidentNote

TITLE = {"en": "Incidents", "sw": "Hitilafu"}
REFRESH_S = 10.0
STATES: dict[str, tuple[dict[str, str], Tone]] = {
    "open": ({"en": "open", "sw": "wazi"}, "bad"),
    "acknowledged": ({"en": "looked after", "sw": "inashughulikiwa"}, "warn"),
    "resolved": ({"en": "over", "sw": "imekwisha"}, "good"),
}
SEVERITIES: dict[str, tuple[dict[str, str], Tone]] = {
    "critical": ({"en": "critical", "sw": "kubwa"}, "bad"),
    "warning": ({"en": "warning", "sw": "onyo"}, "warn"),
}
DOINGS = {
    "note": {"en": "", "sw": ""},
    "acknowledged": {"en": "looks after it", "sw": "anashughulikia"},
    "resolved": {"en": "resolved it", "sw": "ameimaliza"},
    "over": {"en": "It was over by itself", "sw": "Imekwisha yenyewe"},
}


@page("/platform/incidents", title=TITLE, icon="emergency", group=Group.PLATFORM, permission="platform.view", order=30)
async def incidents(desk: Desk) -> None:
    async def rows(query: Query) -> Rows:
        found, total = await platform.incidents(
            state=query.filtered("state"), find=query.find, offset=query.offset, limit=query.limit
        )
        return Rows([_row(desk, each) for each in found], total)

    text = {
        "en": "What the platform noticed of itself, looked for every few seconds. Failing requests and workers are with Prometheus.",
        "sw": "Ambayo jukwaa limegundua lenyewe, hutafutwa kila sekunde chache. Maombi na wafanyakazi wanaoshindwa wako Prometheus.",
    }
    states = {
        "unresolved": desk.say({"en": "Not over", "sw": "Hazijaisha"}),
        "": desk.say({"en": "All", "sw": "Zote"}),
        **{name: desk.say(words).capitalize() for name, (words, _) in STATES.items()},
    }
    with heading(TITLE, text):
        pass
    with panel(flush=True):
        made = await table(
            "incidents",
            [
                Column("what", {"en": "What", "sw": "Nini"}),
                Column("state", {"en": "Status", "sw": "Hali"}),
                Column("severity", {"en": "Severity", "sw": "Uzito"}),
                Column("opened", {"en": "Since", "sw": "Tangu"}),
                Column("lasted", {"en": "Lasted", "sw": "Ilidumu"}),
                Column("who", {"en": "Who looks after it", "sw": "Anayeshughulikia"}),
            ],
            rows,
            find={"en": "Find", "sw": "Tafuta"},
            filters=[Filter("state", {"en": "Status", "sw": "Hali"}, states, "unresolved")],
            export=True,
            nothing={"en": "All is well.", "sw": "Yote ni shwari."},
        )

    async def again() -> None:
        await made.reload()

    every(REFRESH_S, bound(again, writes=False))


def _row(desk: Desk, each: Incident) -> dict[str, Any]:
    state, state_tone = STATES[each.state]
    severity, severity_tone = SEVERITIES[each.severity]
    href = f"/platform/incidents/{each.id}"
    return {
        "what": desk.say(title_of(each)),
        "what_href": href,
        "state": desk.say(state),
        "state_tone": state_tone,
        "severity": desk.say(severity),
        "severity_tone": severity_tone,
        "opened": desk.moment(each.opened_at),
        "lasted": _lasted(desk, each),
        "who": each.acknowledged_by or each.resolved_by,
        "_href": href,
    }


def _lasted(desk: Desk, each: Incident) -> str:
    minutes = int(((each.resolved_at or desk.now) - each.opened_at).total_seconds() // 60)
    if minutes < 1:
        return desk.say({"en": "under a minute", "sw": "chini ya dakika"})
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = ((days, "d", "siku"), (hours, "h", "saa"), (minutes, "min", "dk"))
    return desk.say(
        {
            "en": " ".join(f"{number} {en}" for number, en, _ in parts if number),
            "sw": " ".join(f"{sw} {number}" for number, _, sw in parts if number),
        }
    )


@page(
    "/platform/incidents/{incident_id}",
    title={"en": "Incident", "sw": "Hitilafu"},
    permission="platform.view",
    parent="/platform/incidents",
)
async def incident(desk: Desk, incident_id: UUID) -> None:
    found = await platform.incident(incident_id)
    if found is None:
        raise Missing(str(incident_id))
    crumb(desk.say(title_of(found)))
    parts: dict[str, Live] = {}
    parts["head"] = await live(_head, incident_id, parts)
    with ui.element("div").classes("cn-grid cn-cols-side"):
        with ui.element("div").classes("cn-stack loose"):
            parts["notes"] = await live(_notes, incident_id)
            if desk.may("platform.incidents"):
                _writing(incident_id, parts)
        parts["facts"] = await live(_facts, incident_id)


async def _looked(incident_id: UUID) -> Incident:
    found = await platform.incident(incident_id)
    if found is None:
        raise Missing(str(incident_id))
    return found


async def _head(incident_id: UUID, parts: dict[str, Live]) -> None:
    desk, found = here(), await _looked(incident_id)
    with heading(title_of(found)):
        if desk.may("platform.incidents") and found.state == "open":
            look = {"en": "I look after it", "sw": "Nitashughulikia"}
            button(
                look,
                bound(_acknowledging(found, parts), writes=False),
                icon="front_hand",
                kind="primary",
                mark="acknowledge",
            )
        if desk.may("platform.incidents") and found.state != "resolved":
            over = {"en": "Resolve", "sw": "Maliza"}
            button(over, bound(_resolving(found, parts), writes=False), icon="task_alt", mark="resolve")
        if found.kind in ("dead", "backlog", "late"):
            link_button(
                {"en": "See the queue", "sw": "Ona foleni"}, f"/platform/queues?queue={found.facts.get('queue', '')}"
            )
    if mends := desk.say(what_mends(found)):
        note(mends, "info" if found.state == "resolved" else "warn")


async def _facts(incident_id: UUID) -> None:
    desk, found = here(), await _looked(incident_id)
    with panel({"en": "How it stands", "sw": "Hali yake"}):
        with ui.element("div").classes("cn-line"):
            for words, tone in (STATES[found.state], SEVERITIES[found.severity]):
                badge(desk.say(words), tone)
        pairs = [
            (desk.say({"en": "Since", "sw": "Tangu"}), desk.moment(found.opened_at)),
            (desk.say({"en": "Last seen", "sw": "Ilionekana mwisho"}), desk.ago(found.seen_at)),
            (desk.say({"en": "Lasted", "sw": "Ilidumu"}), _lasted(desk, found)),
        ]
        if found.acknowledged_by:
            pairs.append((desk.say({"en": "Looked after by", "sw": "Anashughulikia"}), found.acknowledged_by))
        if found.resolved_at:
            by = found.resolved_by or desk.say({"en": "nobody: it was over", "sw": "hakuna: ilikwisha"})
            pairs.append((desk.say({"en": "Resolved by", "sw": "Aliyemaliza"}), by))
        facts(pairs)


async def _notes(incident_id: UUID) -> None:
    desk = here()
    found = await platform.notes_of(incident_id)
    with panel({"en": "What was done", "sw": "Yaliyofanywa"}), ui.element("div").classes("cn-timeline"):
        if not found:
            ui.label(desk.say({"en": "Nothing yet", "sw": "Bado hakuna"})).classes("cn-muted")
        for each in found:
            _note(desk, each)


def _note(desk: Desk, each: IncidentNote) -> None:
    with ui.element("div"):
        if each.text:
            ui.label(each.text).style("white-space: pre-wrap")
        doing = desk.say(DOINGS.get(each.kind, ""))
        ui.label(f"{each.by} {doing}".strip() + f" · {desk.moment(each.at)}").classes("cn-muted cn-small")


def _writing(incident_id: UUID, parts: dict[str, Live]) -> None:
    with panel():
        text = text_area({"en": "A note", "sw": "Maelezo"}, rows=3, mark="note")

        async def go() -> None:
            await write_note(here().runtime, here().principal, incident_id, text.value or "")
            text.set_value("")
            await parts["notes"].refresh()

        with ui.element("div").classes("cn-line"):
            button({"en": "Write it down", "sw": "Andika"}, bound(go, writes=False), mark="write-note")


def _acknowledging(found: Incident, parts: dict[str, Live]) -> Callable[[], Coroutine[Any, Any, None]]:
    async def go() -> None:
        is_done = await acknowledge(here().runtime, here().principal, found.id)
        await _told(is_done, parts, {"en": "It is yours", "sw": "Ni yako"})

    return go


def _resolving(found: Incident, parts: dict[str, Live]) -> Callable[[], Coroutine[Any, Any, None]]:
    async def go() -> None:
        is_done = await resolve(here().runtime, here().principal, found.id)
        await _told(is_done, parts, {"en": "Resolved", "sw": "Imekwisha"})

    return go


async def _told(is_done: bool, parts: dict[str, Live], words: dict[str, str]) -> None:
    for each in parts.values():
        await each.refresh()
    already = {"en": "Somebody was faster", "sw": "Mtu amekuwahi"}
    toast(here().say(words if is_done else already))
