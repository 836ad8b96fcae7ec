"""One organization: what it uses, who is there, how it stands; suspending it, and seeing it with somebody's eyes."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from nicegui import context, ui

from admin_ui import gate
from admin_ui.kit import (
    Desk,
    Live,
    Missing,
    badge,
    bound,
    button,
    confirm,
    dialog,
    facts,
    heading,
    here,
    live,
    page,
    panel,
    say,
    select_field,
    stat,
    text_area,
    text_field,
    toast,
)
from admin_ui.kit.chart import lines
from admin_ui.kit.frame import crumb
from admin_ui.pages.channels.parts import STATES, stopped_why
from admin_ui.pages.skills.title import skill_title
from admin_ui.words import LOCALES
from bot.identity import letters
from bot.identity.errors import NotPossible
from bot.identity.impersonation import impersonate
from bot.platform import resume, suspend
from store import audit, insights, platform
from store.platform import Looked, Member
from store.tenancy import organization_scope, unscoped

PERIODS = {
    "": None,
    "1": timedelta(hours=1),
    "24": timedelta(days=1),
    "168": timedelta(days=7),
    "720": timedelta(days=30),
}
MINUTES = (15, 30, 60)
SAYS = {
    "en": "This chat is paused for the moment. Your message is kept, and we read it as soon as we are back.",
    "sw": "Mazungumzo haya yamesimama kwa sasa. Ujumbe wako umehifadhiwa, tutausoma mara tu tutakaporudi.",
}


@page(
    "/platform/organizations/{organization_id}",
    title={"en": "Organization", "sw": "Shirika"},
    permission="platform.organizations",
    parent="/platform/organizations",
)
async def organization(desk: Desk, organization_id: UUID) -> None:
    looked = await platform.organization(organization_id, desk.now)
    if looked is None:
        raise Missing(str(organization_id))
    crumb(looked.listed.name)
    parts: dict[str, Live] = {}
    parts["head"] = await live(_head, organization_id, parts)
    month, today = looked.listed.month, looked.listed.today
    with ui.element("div").classes("cn-grid cn-cols-4"):
        _stat(desk, {"en": "Conversations today", "sw": "Mazungumzo leo"}, today.conversations, month.conversations)
        _stat(desk, {"en": "Messages today", "sw": "Ujumbe leo"}, today.messages, month.messages)
        _stat(desk, {"en": "LLM tokens today", "sw": "Tokeni za LLM leo"}, today.tokens, month.tokens)
        stat(
            {"en": "Given up", "sw": "Zimeshindikana"},
            looked.dead,
            desk.say({"en": "rows of its queues", "sw": "safu za foleni zake"}),
            href="/platform/queues" if looked.dead else "",
            tone="down" if looked.dead else "",
        )
    with ui.element("div").classes("cn-grid cn-cols-side"):
        with ui.element("div").classes("cn-stack loose"):
            await _chart(desk, looked)
            _members(desk, looked)
        with ui.element("div").classes("cn-stack loose"):
            _about(desk, looked)
            parts["audit"] = await live(_doings, organization_id)


def _stat(desk: Desk, name: dict[str, str], today: int, month: int) -> None:
    stat(name, today, desk.say({"en": f"{month:,} in 30 days", "sw": f"{month:,} kwa siku 30"}))


async def _head(organization_id: UUID, parts: dict[str, Live]) -> None:
    desk = here()
    looked = await platform.organization(organization_id, desk.now)
    assert looked is not None
    listed = looked.listed
    is_suspended = listed.suspended_at is not None
    with heading(listed.name, f"{listed.slug} · {listed.country} · {looked.timezone}"):
        if desk.may("platform.impersonate") and not is_suspended:
            button(
                {"en": "See it as…", "sw": "Liangalie kama…"},
                bound(_asking(looked, None), writes=False),
                icon="visibility",
                mark="impersonate",
            )
        if desk.may("platform.suspend"):
            change = {"en": "Change", "sw": "Badilisha"} if is_suspended else {"en": "Suspend", "sw": "Simamisha"}
            button(change, bound(_suspending(looked, parts), writes=False), icon="block", kind="danger", mark="suspend")
            if is_suspended:
                button(
                    {"en": "Resume", "sw": "Endelea"},
                    bound(_resuming(looked, parts), writes=False),
                    icon="play_arrow",
                    kind="primary",
                    mark="resume",
                )
    if is_suspended:
        until = desk.moment(listed.suspended_until) or desk.say({"en": "somebody resumes it", "sw": "mtu aliendeleze"})
        says = looked.suspended_says.get("en") or looked.suspended_says.get("sw")
        bot = {
            "en": f"The bot answers: “{says}”" if says else "The bot is silent.",
            "sw": f"Boti inajibu: “{says}”" if says else "Boti iko kimya.",
        }
        with ui.element("div").classes("cn-note bad").props("role=status"):
            ui.icon("block").props("aria-hidden=true")
            with ui.element("div").classes("cn-stack tight"):
                since = desk.moment(listed.suspended_at)
                ui.label(
                    desk.say(
                        {
                            "en": f"Suspended since {since}, until {until}",
                            "sw": f"Limesimamishwa tangu {since}, hadi {until}",
                        }
                    )
                ).classes("cn-strong")
                ui.label(looked.suspended_reason)
                ui.label(desk.say(bot)).classes("cn-small")


def _suspending(looked: Looked, parts: dict[str, Live]) -> Callable[[], None]:
    def ask() -> None:
        desk = here()
        text = {
            "en": "Nobody signs in and no key works, each with your reason. Messages are kept; what the organization starts waits.",
            "sw": "Hakuna anayeingia wala ufunguo unaofanya kazi, wakiona sababu yako. Ujumbe unahifadhiwa; wanachoanzisha kinasubiri.",
        }
        with dialog({"en": f"Suspend {looked.listed.name}", "sw": f"Simamisha {looked.listed.name}"}, text=text) as box:
            reason = text_field(
                {"en": "Why", "sw": "Kwa nini"},
                looked.suspended_reason,
                hint={"en": "The organization reads it.", "sw": "Shirika litaisoma."},
                mark="suspend-reason",
            )
            period = select_field({"en": "Until", "sw": "Hadi"}, _periods(desk), "", mark="suspend-until")
            english = text_area(
                {"en": "What the bot answers, in English", "sw": "Boti inajibu nini, kwa Kiingereza"},
                looked.suspended_says.get("en", SAYS["en"]),
                rows=3,
                hint={"en": "Once to each person. Empty: silence.", "sw": "Mara moja kwa kila mtu. Tupu: kimya."},
                mark="suspend-says",
            )
            swahili = text_area(
                {"en": "In Swahili", "sw": "Kwa Kiswahili"}, looked.suspended_says.get("sw", SAYS["sw"]), rows=3
            )

            async def go() -> None:
                reason.error = None
                lasts = PERIODS[str(period.value or "")]
                try:
                    await suspend(
                        here().runtime,
                        here().principal,
                        looked.listed.id,
                        reason=reason.value or "",
                        until=here().now + lasts if lasts else None,
                        says={"en": english.value or "", "sw": swahili.value or ""},
                    )
                except NotPossible as e:
                    if e.field != "reason":
                        raise
                    reason.error = str(e)[:1].upper() + str(e)[1:]
                    return
                box.close()
                await _drawn_again(parts)
                toast(here().say({"en": "It is suspended", "sw": "Limesimamishwa"}))

            with ui.element("div").classes("cn-actions"):
                button(desk.word("cancel"), box.close, kind="quiet")
                button({"en": "Suspend", "sw": "Simamisha"}, bound(go, writes=False), kind="danger", mark="suspend-go")
        box.open()

    return ask


def _periods(desk: Desk) -> dict[str, str]:
    return {
        "": desk.say({"en": "Somebody resumes it", "sw": "Mtu aliendeleze"}),
        "1": desk.say({"en": "One hour", "sw": "Saa moja"}),
        "24": desk.say({"en": "One day", "sw": "Siku moja"}),
        "168": desk.say({"en": "One week", "sw": "Wiki moja"}),
        "720": desk.say({"en": "30 days", "sw": "Siku 30"}),
    }


def _resuming(looked: Looked, parts: dict[str, Live]) -> Callable[[], None]:
    def ask() -> None:
        async def go() -> None:
            await resume(here().runtime, here().principal, looked.listed.id)
            await _drawn_again(parts)
            toast(here().say({"en": "It goes on", "sw": "Linaendelea"}))

        text = {
            "en": "Its people sign in again, the bot answers, and what waited goes out.",
            "sw": "Watu wake wanaingia tena, boti inajibu, na yaliyosubiri yanatumwa.",
        }
        title = {"en": f"Resume {looked.listed.name}?", "sw": f"Endeleza {looked.listed.name}?"}
        confirm(title, text, {"en": "Resume", "sw": "Endelea"}, bound(go, writes=False), kind="primary")

    return ask


async def _drawn_again(parts: dict[str, Live]) -> None:
    for each in parts.values():
        await each.refresh()


async def _chart(desk: Desk, looked: Looked) -> None:
    with unscoped("an organization's month"), organization_scope(looked.listed.id):
        days = await insights.days(desk.now, ZoneInfo(looked.timezone), count=30)
    with panel({"en": "Messages, last 30 days", "sw": "Ujumbe, siku 30 zilizopita"}):
        lines(
            [desk.short_date(each.day) for each in days],
            {
                desk.say({"en": "In", "sw": "Ndani"}): [each.incoming for each in days],
                desk.say({"en": "Out", "sw": "Nje"}): [each.outgoing for each in days],
                desk.say({"en": "Not delivered", "sw": "Hazikufika"}): [each.failed for each in days],
            },
            label={
                "en": "Messages in, out and not delivered on each of the last 30 days",
                "sw": "Ujumbe ulioingia, uliotoka na ambao haukufika kila siku kwa siku 30 zilizopita",
            },
        )


def _members(desk: Desk, looked: Looked) -> None:
    may_borrow = desk.may("platform.impersonate") and looked.listed.suspended_at is None
    with panel({"en": "People", "sw": "Watu"}, flush=True), ui.element("div").classes("cn-list"):
        if not looked.members:
            ui.label(desk.say({"en": "Nobody yet", "sw": "Bado hakuna mtu"})).classes("cn-muted").style(
                "padding: 4px 18px 16px"
            )
        for each in looked.members:
            with ui.element("div").classes("cn-row"):
                ui.label((each.name or each.email)[:1].upper()).classes("cn-avatar").props("aria-hidden=true")
                with ui.element("div").classes("cn-grow"):
                    ui.label(each.name or each.email).classes("cn-strong cn-clip")
                    seen = (
                        desk.ago(each.last_seen_at)
                        if each.last_seen_at
                        else desk.say({"en": "never signed in", "sw": "hajaingia"})
                    )
                    ui.label(f"{each.email} · {seen}").classes("cn-muted cn-small").style("overflow-wrap: anywhere")
                badge(each.role_name or letters.role_name(each.role, desk.locale).capitalize()).classes("cn-hide-small")
                if may_borrow and not each.platform_admin:
                    see = {"en": "See as", "sw": "Ona kama"}
                    button(see, bound(_asking(looked, each), writes=False), small=True)


def _about(desk: Desk, looked: Looked) -> None:
    listed = looked.listed
    with panel({"en": "About", "sw": "Kuhusu"}):
        facts(
            [
                (desk.say({"en": "Plan", "sw": "Mpango"}), listed.plan),
                (desk.say({"en": "Since", "sw": "Tangu"}), desk.day(listed.created_at)),
                (desk.say({"en": "People", "sw": "Watu"}), f"{listed.members:,}"),
                (desk.say({"en": "Language", "sw": "Lugha"}), LOCALES.get(looked.locale, looked.locale)),
                (
                    desk.say({"en": "Skills", "sw": "Stadi"}),
                    ", ".join(skill_title(desk, each) for each in looked.skills),
                ),
            ]
        )
    with panel({"en": "Numbers", "sw": "Namba"}):
        if not looked.numbers:
            ui.label(desk.say({"en": "None yet", "sw": "Bado hakuna"})).classes("cn-muted")
        for each in looked.numbers:
            with ui.element("div").classes("cn-line between"):
                ui.label(f"{each.name} {each.display}".strip()).classes("cn-clip")
                words, tone = STATES[each.state]
                badge(desk.say(words), tone)
            if each.reason:
                ui.label(stopped_why(desk, each.reason)).classes("cn-muted cn-small")


async def _doings(organization_id: UUID) -> None:
    """What the platform's people did here."""
    desk = here()
    with unscoped("an organization's audit log"), organization_scope(organization_id):
        found: list[audit.Entry] = []
        for action in ("organization.suspended", "organization.resumed", "impersonation.", "queue."):
            found += (await audit.entries(action=action, limit=5))[0]
    found.sort(key=lambda each: each.at, reverse=True)
    with panel({"en": "What we did here", "sw": "Tulichofanya hapa"}), ui.element("div").classes("cn-timeline"):
        if not found:
            ui.label(desk.say({"en": "Nothing yet", "sw": "Bado hakuna"})).classes("cn-muted")
        for each in found[:8]:
            with ui.element("div"):
                ui.label(say(each.action.replace(".", " ").replace("_", " ").capitalize())).classes("cn-strong")
                told = each.after if isinstance(each.after, dict) else {}
                if why := str(told.get("reason") or told.get("note") or told.get("error") or ""):
                    ui.label(why).classes("cn-small")
                ui.label(f"{each.actor_name or each.actor} · {desk.moment(each.at)}").classes("cn-muted cn-small")


def _asking(looked: Looked, member: Member | None) -> Callable[[], None]:
    def ask() -> None:
        desk = here()
        people = {
            str(each.user_id): f"{each.name or each.email} ({letters.role_name(each.role, desk.locale)})"
            for each in looked.members
            if not each.platform_admin
        }
        if not people:
            toast(desk.say({"en": "Nobody is there yet", "sw": "Bado hakuna mtu"}), kind="bad")
            return
        text = {
            "en": "You see and do what they may, but passwords, keys, people and exports. All of it stands in the organization’s audit log, under both names.",
            "sw": "Unaona na kufanya wanachoruhusiwa, isipokuwa nywila, funguo, watu na kuhamisha data. Yote yanaandikwa kwa majina yote mawili.",
        }
        with dialog(
            {
                "en": f"See {looked.listed.name} with somebody’s eyes",
                "sw": f"Ona {looked.listed.name} kwa macho ya mtu",
            },
            text=text,
        ) as box:
            chosen = str(member.user_id) if member else next(iter(people))
            who = select_field(
                {"en": "Whose", "sw": "Ya nani"}, people, chosen, find=len(people) > 12, mark="impersonate-who"
            )
            reason = text_field(
                {"en": "Why", "sw": "Kwa nini"},
                hint={
                    "en": "A ticket, a request. The organization reads it.",
                    "sw": "Tiketi, ombi. Shirika litaisoma.",
                },
                mark="impersonate-reason",
            )
            minutes = {each: desk.say({"en": f"{each} min", "sw": f"dk {each}"}) for each in MINUTES}
            lasts = select_field({"en": "For", "sw": "Kwa muda wa"}, minutes, 30, mark="impersonate-lasts")
            with ui.element("div").classes("cn-actions"):
                button(desk.word("cancel"), box.close, kind="quiet")
                go = _borrowing(looked.listed.id, who, reason, lasts)
                button({"en": "Begin", "sw": "Anza"}, bound(go, writes=False), kind="primary", mark="impersonate-go")
        box.open()

    return ask


def _borrowing(
    organization_id: UUID, who: ui.select, reason: ui.input, lasts: ui.select
) -> Callable[[], Coroutine[Any, Any, None]]:
    async def go() -> None:
        desk, request = here(), context.client.request
        reason.error = None
        user_id = UUID(str(who.value))
        try:
            session_id = await impersonate(
                desk.runtime,
                desk.principal,
                user_id,
                organization_id,
                reason=reason.value or "",
                ip=gate.address_of(request),
                user_agent=request.headers.get("user-agent", "")[:300],
                lasts=timedelta(minutes=int(lasts.value or 30)),
            )
        except NotPossible as e:
            if e.field != "reason":
                raise
            reason.error = str(e)[:1].upper() + str(e)[1:]
            return
        ui.navigate.to(gate.ticket(session_id, user_id, organization_id, "/", own=(desk.session_id, desk.principal.id)))

    return go
