"""The Command Center: what happened today, what needs somebody, what is still to do."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from nicegui import ui

from admin_ui.kit import (
    Desk,
    Group,
    Todo,
    badge,
    bound,
    empty,
    every,
    facts,
    heading,
    here,
    later,
    link_to,
    live,
    note,
    page,
    panel,
    say,
    stat,
    todo,
)
from admin_ui.kit.chart import bars, lines
from admin_ui.kit.controls import Tone, tag
from admin_ui.kit.page import owner_of, todos
from admin_ui.pages.channels.parts import STATES, stopped_why
from admin_ui.words import Words
from bot.contacts.erasure import open_requests
from bot.hooks.reasons import words_of
from store import insights
from store.models import ChannelAccount, HookEndpoint, HookState, KnowledgeDocument, Membership

REFRESH_S = 20.0
LATE_S = 30.0  # a person who waits for so long has put the phone away
BAD_SHARE = 0.03  # of what went out and did not arrive
PHASES: dict[str, tuple[Words, Tone]] = {
    "IDLE": ({"en": "done", "sw": "imekwisha"}, "plain"),
    "LOCKED": ({"en": "in a flow", "sw": "inaendelea"}, "info"),
    "WAITING": ({"en": "waiting", "sw": "inasubiri"}, "warn"),
}
_GREETINGS: tuple[tuple[int, Words], ...] = (
    (12, {"en": "Good morning", "sw": "Habari za asubuhi"}),
    (17, {"en": "Good afternoon", "sw": "Habari za mchana"}),
    (24, {"en": "Good evening", "sw": "Habari za jioni"}),
)


@page(
    "/",
    title={"en": "Command Center", "sw": "Kituo cha Amri"},
    icon="space_dashboard",
    group=Group.WORK,
    permission="dashboard.view",
    order=0,
)
async def command_center(desk: Desk) -> None:
    local = desk.local(desk.now)
    hello = next(words for until, words in _GREETINGS if local.hour < until)
    first = desk.name.partition("@")[0].split()[:1]
    with heading(", ".join([desk.say(hello), *first]), desk.long_date(desk.now)):
        pass
    parts = [await live(_alerts), await live(_today)]
    with ui.element("div").classes("cn-grid cn-cols-side"):
        with ui.element("div").classes("cn-stack loose"):
            later(_charts, lines=9)
            parts.append(await live(_conversations))
        with ui.element("div").classes("cn-stack loose"):
            await _checklist(desk)
            parts.append(await live(_queues))

    async def again() -> None:
        for each in parts:
            await each.refresh()

    every(REFRESH_S, bound(again, writes=False))


async def _alerts() -> None:
    desk = here()
    await _erasures(desk)
    channels = link_to(desk, "/channels")
    for each in await insights.stopped_numbers():
        told = stopped_why(desk, each.reason) or desk.say(STATES[each.state][0])
        text = desk.say(
            {
                "en": f"{each.name} {each.number} is {told}. Its messages wait and go out as soon as it works again.",
                "sw": f"{each.name} {each.number} {told}. Ujumbe wake unasubiri na utatumwa ikifanya kazi tena.",
            }
        )
        with note(text, "bad"):
            if channels:
                tag("a", desk.say({"en": "See what to do", "sw": "Ona la kufanya"})).props["href"] = (
                    f"/channels/{each.account_id}"
                )
    if not link_to(desk, "/webhooks"):
        return
    for hook in await HookEndpoint.filter(state__in=[HookState.FAILING, HookState.GONE]):
        name = hook.description or urlsplit(hook.url).hostname
        reason = desk.say(words_of(hook.state_reason))
        text = desk.say({"en": f"The webhook {name} is off: {reason}.", "sw": f"Webhook {name} imezimwa: {reason}."})
        with note(text, "warn"):
            tag("a", desk.say({"en": "See what to do", "sw": "Ona la kufanya"})).props["href"] = f"/webhooks/{hook.id}"


async def _erasures(desk: Desk) -> None:
    open_now, since = await open_requests() if desk.may("contacts.view") else (0, None)
    if not open_now:
        return
    text = desk.say(
        {
            "en": f"People who want everything about them deleted: {open_now}, since {desk.day(since)}. Each is on the list of the inbox.",
            "sw": f"Watu wanaotaka kila kitu kuwahusu kifutwe: {open_now}, tangu {desk.day(since)}. Kila mmoja yuko kwenye orodha ya kikasha.",
        }
    )
    with note(text, "warn"):
        if inbox := link_to(desk, "/inbox"):
            tag("a", desk.say({"en": "Open the inbox", "sw": "Fungua kikasha"})).props["href"] = inbox


async def _today() -> None:
    desk = here()
    now = await insights.today(desk.now, desk.organization.zone)
    before = await insights.today(desk.now, desk.organization.zone, days_ago=7)
    inbox, contacts = link_to(desk, "/inbox"), link_to(desk, "/contacts")
    share = now.failed / now.outgoing if now.outgoing else 0.0
    with ui.element("div").classes("cn-grid cn-cols-4"):
        stat(
            {"en": "Conversations today", "sw": "Mazungumzo leo"},
            now.conversations,
            _against(desk, now.conversations, before.conversations),
            href=inbox,
        )
        stat(
            {"en": "People who wrote", "sw": "Walioandika"},
            now.people,
            desk.say({"en": f"{now.new_people:,} for the first time", "sw": f"{now.new_people:,} kwa mara ya kwanza"}),
            href=contacts,
        )
        stat(
            {"en": "Messages in / out", "sw": "Ujumbe ndani / nje"},
            f"{now.incoming:,} / {now.outgoing:,}",
            _against(desk, now.incoming + now.outgoing, before.incoming + before.outgoing),
        )
        stat(
            {"en": "Not delivered", "sw": "Hazikufika"},
            now.failed,
            desk.say({"en": f"{share:.1%} of what went out", "sw": f"{share:.1%} ya zilizotumwa"}),
            tone="down" if share > BAD_SHARE else "",
        )


def _against(desk: Desk, now: int, before: int) -> str:
    if not before:
        return desk.say({"en": "none a week ago", "sw": "hakuna wiki iliyopita"})
    change = (now - before) / before
    return desk.say({"en": f"{change:+.0%} against a week ago", "sw": f"{change:+.0%} kuliko wiki iliyopita"})


async def _charts() -> None:
    desk = here()
    found = await insights.days(desk.now, desk.organization.zone)
    names = [desk.short_date(each.day) for each in found]
    with panel({"en": "Messages, last 14 days", "sw": "Ujumbe, siku 14 zilizopita"}):
        lines(
            names,
            {
                desk.say({"en": "In", "sw": "Ndani"}): [each.incoming for each in found],
                desk.say({"en": "Out", "sw": "Nje"}): [each.outgoing for each in found],
                desk.say({"en": "Not delivered", "sw": "Hazikufika"}): [each.failed for each in found],
            },
            label="Messages in, out and not delivered on each of the last 14 days",
        )
    with panel({"en": "People who wrote", "sw": "Walioandika"}):
        bars(
            names,
            {desk.say({"en": "People", "sw": "Watu"}): [each.people for each in found]},
            label="People who wrote on each of the last 14 days",
            height_px=170,
        )


async def _conversations() -> None:
    desk = here()
    found = await insights.recent_conversations()
    inbox = link_to(desk, "/inbox")
    with panel({"en": "Latest conversations", "sw": "Mazungumzo ya karibuni"}, flush=True):
        if not found:
            title = {"en": "Nobody has written yet", "sw": "Bado hakuna aliyeandika"}
            text = {
                "en": "Send “hi” to your number from your own phone: the conversation shows here.",
                "sw": "Tuma “habari” kwa namba yako kutoka simu yako: mazungumzo yataonekana hapa.",
            }
            with empty("forum", desk.say(title), desk.say(text)):
                return
        with ui.element("div").classes("cn-list"):
            for each in found:
                _conversation(desk, each, inbox)


def _conversation(desk: Desk, each: insights.Recent, inbox: str) -> None:
    with ui.element("a" if inbox else "div").classes("cn-row") as row:
        if inbox:
            row.props["href"] = f"{inbox}?session={each.session_id}"
        ui.label((each.name or "?")[:1].upper()).classes("cn-avatar").props("aria-hidden=true")
        ui.label(each.name or desk.say({"en": "Without a name", "sw": "Bila jina"})).classes(
            "cn-grow cn-clip cn-strong"
        )
        words, tone = PHASES.get(each.phase, (each.phase.lower(), "plain"))
        badge(desk.say(words), tone)
        ui.label(desk.ago(each.last_at)).classes("cn-muted cn-small num").style("min-width: 70px; text-align: right")


async def _checklist(desk: Desk) -> None:
    steps = [
        step
        for tell in todos()
        if (owner := owner_of(tell)) is None or owner in desk.skills
        for step in await tell(desk)
    ]
    steps.sort(key=lambda each: each.order)
    done = sum(each.is_done for each in steps)
    if not steps or done == len(steps):
        return
    progress = {"en": f"{done} of {len(steps)} done", "sw": f"{done} kati ya {len(steps)} tayari"}
    with panel({"en": "Get going", "sw": "Anza"}, text=progress), ui.element("div").classes("cn-list"):
        for each in steps:
            _step(desk, each)


def _step(desk: Desk, each: Todo) -> None:
    with ui.element("a" if each.href else "div").classes(f"cn-todo {'done' if each.is_done else ''}") as line:
        if each.href:
            line.props["href"] = each.href
        icon = ui.icon("check_circle" if each.is_done else "radio_button_unchecked").props("role=img")
        icon.props["aria-label"] = say("done") if each.is_done else say("to do")
        with ui.element("div").classes("cn-stack tight"):
            ui.label(desk.say(each.title)).classes("cn-strong")
            if not each.is_done:
                ui.label(desk.say(each.text)).classes("cn-muted cn-small")


async def _queues() -> None:
    desk = here()
    found = await insights.health()
    late = found.oldest_s > LATE_S
    with panel({"en": "Queues", "sw": "Foleni"}):
        if found.dead or late:
            badge(desk.say({"en": "Needs a look", "sw": "Inahitaji kuangaliwa"}), "bad" if found.dead else "warn")
        else:
            badge(desk.say({"en": "All flowing", "sw": "Yote yanaenda"}), "good")
        oldest = desk.say({"en": f", oldest {found.oldest_s:.0f} s", "sw": f", ya zamani {found.oldest_s:.0f} s"})
        rows: tuple[tuple[Words, str], ...] = (
            ({"en": "Waiting for an answer", "sw": "Zinasubiri jibu"}, f"{found.to_answer:,}{oldest if late else ''}"),
            ({"en": "On their way out", "sw": "Zinatumwa"}, f"{found.to_send:,}"),
            ({"en": "Held, number stopped", "sw": "Zimezuiwa, namba imesimama"}, f"{found.held:,}"),
            ({"en": "Not known whether sent", "sw": "Haijulikani kama zimefika"}, f"{found.unknown:,}"),
            ({"en": "Jobs", "sw": "Kazi"}, f"{found.jobs:,}"),
            ({"en": "Given up", "sw": "Zimeshindikana"}, f"{found.dead:,}"),
        )
        facts([(desk.say(name), value) for name, value in rows], numbers=True)


@todo
async def first_steps(desk: Desk) -> Sequence[Todo]:
    numbers = await ChannelAccount.filter(state="connected").count()
    people = await Membership.all().count()
    knowledge = await KnowledgeDocument.all().count()
    written = await insights.recent_conversations(1)
    branded = bool(desk.organization.branding.get("logo") or desk.organization.branding.get("colour"))
    return [
        Todo(
            {"en": "Connect your WhatsApp number", "sw": "Unganisha namba yako ya WhatsApp"},
            {"en": "People write to it, your bot answers.", "sw": "Watu wanaiandikia, boti yako inajibu."},
            link_to(desk, "/channels"),
            numbers > 0,
            10,
        ),
        Todo(
            {"en": "Say hi from your own phone", "sw": "Tuma salamu kutoka simu yako"},
            {"en": "See the first conversation arrive.", "sw": "Ona mazungumzo ya kwanza yakifika."},
            link_to(desk, "/inbox"),
            bool(written),
            20,
        ),
        Todo(
            {"en": "Write down what people ask", "sw": "Andika wanayouliza watu"},
            {
                "en": "Opening hours, parking, prices: the bot quotes it, with its source.",
                "sw": "Saa, maegesho, bei: boti inanukuu, na chanzo chake.",
            },
            link_to(desk, "/knowledge"),
            knowledge > 0,
            30,
        ),
        Todo(
            {"en": "Put on your colours", "sw": "Weka rangi zako"},
            {"en": "Logo and colour of this app.", "sw": "Nembo na rangi ya programu hii."},
            link_to(desk, "/settings"),
            branded,
            40,
        ),
        Todo(
            {"en": "Invite a colleague", "sw": "Mwalike mwenzako"},
            {"en": "Each with their own rights.", "sw": "Kila mmoja na haki zake."},
            link_to(desk, "/people"),
            people > 1,
            50,
        ),
    ]
