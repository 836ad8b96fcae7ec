"""How deep the queues are, and what was given up: why, and another try."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import urlencode

from nicegui import ui

from admin_ui.kit import (
    Desk,
    Group,
    Live,
    badge,
    bound,
    button,
    confirm,
    empty,
    every,
    facts,
    heading,
    here,
    link_button,
    live,
    page,
    panel,
    select_field,
    text_field,
    toast,
)
from bot.platform import drop, try_again, try_all_again
from store import platform
from store.platform import Dead, Depth

TITLE = {"en": "Queues", "sw": "Foleni"}
NAMES = {
    "inbox": {"en": "Inbox: what waits for an answer", "sw": "Inbox: zinazosubiri jibu"},
    "outbox": {"en": "Outbox: what goes out", "sw": "Outbox: zinazotumwa"},
    "jobs": {"en": "Jobs", "sw": "Kazi"},
}
SHORT = {
    "inbox": {"en": "Inbox", "sw": "Inbox"},
    "outbox": {"en": "Outbox", "sw": "Outbox"},
    "jobs": {"en": "Jobs", "sw": "Kazi"},
}
REFRESH_S = 5.0
LATE_S = 30.0
AT_ONCE = 25


@page(
    "/platform/queues",
    title=TITLE,
    icon="low_priority",
    group=Group.PLATFORM,
    permission="platform.view",
    order=20,
)
async def queues(desk: Desk, queue: str = "", find: str = "", before: int = 0) -> None:
    """`before`: how many newer ones are passed over."""
    text = {
        "en": "Of all organizations. What is given up stays here until somebody tries it again or drops it.",
        "sw": "Za mashirika yote. Zilizoachwa zinabaki hapa hadi mtu azijaribu tena au aziondoe.",
    }
    queue = queue if queue in NAMES else ""
    with heading(TITLE, text):
        pass
    depths = await live(_depths)

    async def again() -> None:
        await depths.refresh()

    every(REFRESH_S, bound(again, writes=False))
    parts: dict[str, Live] = {}
    _narrowing(desk, queue, find)
    parts["dead"] = await live(_dead, queue, find, max(0, before), parts)


async def _depths() -> None:
    desk = here()
    with ui.element("div").classes("cn-grid cn-cols-3"):
        for each in await platform.depths():
            _depth(desk, each)


def _depth(desk: Desk, each: Depth) -> None:
    with panel(NAMES[each.queue]):
        if each.dead or each.oldest_s > LATE_S:
            badge(desk.say({"en": "Needs a look", "sw": "Inahitaji kuangaliwa"}), "bad" if each.dead else "warn")
        else:
            badge(desk.say({"en": "Flowing", "sw": "Inaenda"}), "good")
        facts(
            [
                (desk.say({"en": "Due now", "sw": "Zinazosubiri sasa"}), f"{each.due:,}"),
                (desk.say({"en": "The oldest waits", "sw": "Ya zamani inasubiri"}), _age(desk, each.oldest_s)),
                (desk.say({"en": "At work", "sw": "Zinafanyiwa kazi"}), f"{each.at_work:,}"),
                (desk.say({"en": "Later", "sw": "Baadaye"}), f"{each.later:,}"),
                (desk.say({"en": "Held", "sw": "Zimezuiwa"}), f"{each.held:,}"),
                (desk.say({"en": "Given up", "sw": "Zimeachwa"}), f"{each.dead:,}"),
            ],
            numbers=True,
        )


def _age(desk: Desk, seconds: float) -> str:
    if seconds < 1:
        return "–"
    units = ((86_400, "d", "siku"), (3_600, "h", "saa"), (60, "min", "dk"), (1, "s", "sek"))
    size, en, sw = next(each for each in units if seconds >= each[0])
    return desk.say({"en": f"{seconds / size:.0f} {en}", "sw": f"{sw} {seconds / size:.0f}"})


def _narrowing(desk: Desk, queue: str, find: str) -> None:
    """By the address, so that a view can be sent to a colleague."""
    with panel(), ui.element("div").classes("cn-line"):
        options = {"": desk.say({"en": "All queues", "sw": "Foleni zote"})}
        options |= {name: desk.say(words) for name, words in SHORT.items()}
        with ui.element("div").style("flex: 1 1 160px"):
            chosen = select_field({"en": "Queue", "sw": "Foleni"}, options, queue, mark="queue")
        with ui.element("div").style("flex: 3 1 220px"):
            text = text_field(
                {"en": "Find a reason, a kind, an organization", "sw": "Tafuta sababu, aina au shirika"},
                find,
                mark="find",
            )

        def look() -> None:
            ui.navigate.to(_address(str(chosen.value or ""), text.value or ""))

        chosen.on_value_change(bound(look, writes=False))
        text.on("keydown.enter", bound(look, writes=False), [])


def _address(queue: str, find: str, before: int = 0) -> str:
    found = {name: value for name, value in (("queue", queue), ("find", find.strip()), ("before", before)) if value}
    return "/platform/queues" + (f"?{urlencode(found)}" if found else "")


async def _dead(queue: str, find: str, before: int, parts: dict[str, Live]) -> None:
    desk = here()
    found, total = await platform.dead_rows(queue=queue, find=find, offset=before, limit=AT_ONCE)
    title = {"en": f"Given up: {total:,}", "sw": f"Zilizoachwa: {total:,}"}
    with panel(title, flush=True):
        if not found:
            nothing = {"en": "Nothing was given up", "sw": "Hakuna kilichoachwa"}
            text = {
                "en": "What fails five times, or is refused for good, would show here with its reason.",
                "sw": "Kinachoshindwa mara tano, au kukataliwa kabisa, kingeonekana hapa na sababu yake.",
            }
            with empty("task_alt", desk.say(nothing), desk.say(text)):
                return
        with ui.element("div").classes("cn-list"):
            for each in found:
                _row(desk, each, parts)
    with ui.element("div").classes("cn-line"):
        if desk.may("platform.queues"):
            again = {"en": f"Try all {total:,} again", "sw": f"Jaribu zote {total:,} tena"}
            button(again, bound(_asking_for_all(queue, find, parts), writes=False), icon="replay", mark="retry-all")
        if before:
            link_button({"en": "Newer", "sw": "Mpya zaidi"}, _address(queue, find, max(0, before - AT_ONCE)))
        if total > before + AT_ONCE:
            link_button({"en": "Older", "sw": "Za zamani"}, _address(queue, find, before + AT_ONCE))


def _row(desk: Desk, each: Dead, parts: dict[str, Live]) -> None:
    with ui.element("div").classes("cn-row cn-dead"):
        with ui.element("div").classes("cn-grow cn-stack tight"):
            with ui.element("div").classes("cn-line"):
                badge(desk.say(SHORT[each.queue]))
                ui.label(each.what).classes("cn-strong")
                with ui.element("a") as link:
                    link.props["href"] = f"/platform/organizations/{each.organization_id}"
                    ui.label(each.organization)
            ui.label(each.error or desk.say({"en": "no reason was noted", "sw": "sababu haikuandikwa"})).style(
                "overflow-wrap: anywhere"
            )
            tries = desk.say({"en": f"{each.attempts} tries", "sw": f"majaribio {each.attempts}"})
            ui.label(f"{tries} · {desk.moment(each.at)}").classes("cn-muted cn-small")
        if desk.may("platform.queues"):
            with ui.element("div").classes("cn-line"):
                again = {"en": "Try again", "sw": "Jaribu tena"}
                button(again, bound(_trying(each, parts), writes=False), small=True, mark=f"retry-{each.id}")
                away = {"en": "Drop", "sw": "Ondoa"}
                button(
                    away, bound(_asking(each, parts), writes=False), kind="danger", small=True, mark=f"drop-{each.id}"
                )


def _trying(each: Dead, parts: dict[str, Live]) -> Callable[[], Coroutine[Any, Any, None]]:
    async def go() -> None:
        await _told(await try_again(here().runtime, here().principal, each.queue, each.id), parts, TRIED)

    return go


def _asking(each: Dead, parts: dict[str, Live]) -> Callable[[], None]:
    def ask() -> None:
        async def go() -> None:
            await _told(await drop(here().runtime, here().principal, each.queue, each.id), parts, DROPPED)

        title = {"en": "Drop it for good?", "sw": "Kuiondoa kabisa?"}
        confirm(title, ABOUT_DROPPING[each.queue], {"en": "Drop", "sw": "Ondoa"}, bound(go, writes=False))

    return ask


def _asking_for_all(queue: str, find: str, parts: dict[str, Live]) -> Callable[[], None]:
    def ask() -> None:
        async def go() -> None:
            number = await try_all_again(here().runtime, here().principal, queue=queue, find=find)
            await _told(number > 0, parts, {"en": f"{number:,} are tried again", "sw": f"{number:,} zinajaribiwa tena"})

        title = {"en": "Try all of these again?", "sw": "Kujaribu zote hizi tena?"}
        text = {
            "en": "At most a thousand at once, the oldest first. A message whose fate nobody knew may arrive twice.",
            "sw": "Elfu moja kwa wakati mmoja, za zamani kwanza. Ujumbe ambao hatima yake haikujulikana unaweza kufika mara mbili.",
        }
        confirm(title, text, {"en": "Try again", "sw": "Jaribu tena"}, bound(go, writes=False), kind="primary")

    return ask


async def _told(is_done: bool, parts: dict[str, Live], words: dict[str, str]) -> None:
    await parts["dead"].refresh()
    gone = {"en": "It was not given up any more", "sw": "Haikuwa imeachwa tena"}
    toast(here().say(words if is_done else gone))


TRIED = {"en": "It is tried again", "sw": "Inajaribiwa tena"}
DROPPED = {"en": "It is dropped", "sw": "Imeondolewa"}
ABOUT_DROPPING = {
    "inbox": {
        "en": "The message stays in its conversation; the bot will not answer it any more.",
        "sw": "Ujumbe unabaki kwenye mazungumzo; boti haitaujibu tena.",
    },
    "outbox": {
        "en": "It is not sent. In the conversation it stands as not delivered.",
        "sw": "Hautatumwa. Kwenye mazungumzo unaonekana kama haukufika.",
    },
    "jobs": {
        "en": "The job is not done. Nobody tries it again.",
        "sw": "Kazi haitafanywa. Hakuna atakayeijaribu tena.",
    },
}
