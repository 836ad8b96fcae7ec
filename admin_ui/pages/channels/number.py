"""One number and its connection doctor: what was tried, what came back, how to mend it, and again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from uuid import UUID

from nicegui import ui

from admin_ui.kit import (
    Desk,
    Live,
    Missing,
    bound,
    button,
    dialog,
    facts,
    here,
    icon_button,
    live,
    note,
    page,
    panel,
    soon,
    text_field,
    toast,
)
from admin_ui.kit.controls import Tone, tag
from admin_ui.kit.frame import crumb
from admin_ui.pages.channels import connecting
from admin_ui.pages.channels.parts import (
    OUTCOMES,
    THROUGHPUT,
    at_meta,
    expiry,
    limit,
    quality,
    standing,
    stopped_why,
    use_styles,
)
from admin_ui.words import Words
from bot.contacts.errors import NotPossible
from bot.numbers import Finding, Number, Outcome, examine, examine_all, find_number, send_test, subscribe
from bot.numbers.book import UnknownNumber

NOT_YET: tuple[str, Tone, Words] = (
    "radio_button_unchecked",
    "plain",
    {"en": "Not asked yet", "sw": "Bado haijaulizwa"},
)
Again = Callable[[], Awaitable[None]]
MENDED_HERE = "subscribed"  # by a press of a button


@page(
    "/channels/{account_id}",
    title={"en": "Number", "sw": "Namba"},
    permission="channels.view",
    parent="/channels",
)
async def number(desk: Desk, account_id: UUID, examine: str = "") -> None:
    """`examine`: the doctor looks at once, as after connecting."""
    use_styles()
    try:
        found = await find_number(desk.organization.id, account_id)
    except UnknownNumber as e:
        raise Missing from e
    crumb(found.name or found.display_phone_number)
    parts: list[Live] = []

    async def again() -> None:
        for each in parts:
            await each.refresh()

    parts.append(await live(_head, account_id, again))
    with ui.element("div").classes("cn-grid cn-cols-side"):
        parts.append(await live(_doctor, account_id, again))
        parts.append(await live(_facts, account_id))
    if examine and desk.may("channels.manage"):

        async def look() -> None:
            await _examine_all(account_id)
            await again()

        soon(0.3, bound(look, writes=False))


async def _head(account_id: UUID, again: Again) -> None:
    desk = here()
    each = await find_number(desk.organization.id, account_id)
    with ui.element("div").classes("cn-title"):
        with ui.element("div"):
            with ui.element("div").classes("cn-line"):
                tag("h1", each.name or each.facts.verified_name or each.phone_number_id)
                standing(desk, each)
            tag("div", each.display_phone_number or each.facts.display_phone_number, "cn-sub num")
        if desk.may("channels.manage"):
            with ui.element("div").classes("cn-actions"):
                button(
                    {"en": "New token", "sw": "Tokeni mpya"},
                    bound(lambda: connecting.ask_token(account_id), writes=False),
                    icon="key",
                    mark="new-token",
                )
                button(
                    {"en": "Send a test", "sw": "Tuma jaribio"},
                    bound(lambda: _ask_test(account_id, again), writes=False),
                    icon="send_to_mobile",
                    mark="send-test",
                )
                run = button(
                    {"en": "Examine all", "sw": "Pima vyote"}, icon="monitor_heart", kind="primary", mark="examine"
                )

                async def look() -> None:
                    run.props("loading")
                    try:
                        await _examine_all(account_id)
                    finally:
                        run.props(remove="loading")
                    await again()

                run.on("click", bound(look, writes=False), [])
    if each.state != "connected" and each.state_reason:
        note(stopped_why(desk, each.state_reason), "bad")


async def _examine_all(account_id: UUID) -> None:
    desk = here()
    desk.require("channels.manage")
    await examine_all(desk.runtime, desk.organization.id, account_id)


async def _facts(account_id: UUID) -> None:
    desk = here()
    each = await find_number(desk.organization.id, account_id)
    rated, _ = quality(desk, each.facts.quality)
    until, _ = expiry(desk, each)
    never = desk.say({"en": "never", "sw": "bado"})
    asked = (
        {"en": f"Asked {desk.ago(each.facts_at)}.", "sw": f"Imeulizwa: {desk.ago(each.facts_at)}."}
        if each.facts_at
        else {"en": "Not asked yet.", "sw": "Bado haijaulizwa."}
    )
    throughput = desk.say(THROUGHPUT.get(each.facts.throughput, each.facts.throughput.lower()))
    with panel({"en": "What Meta says", "sw": "Meta inasema"}, text=asked):
        facts(
            [
                (desk.say({"en": "Verified name", "sw": "Jina"}), each.facts.verified_name),
                (desk.say({"en": "Status", "sw": "Hali"}), at_meta(desk, each.facts.status)),
                (desk.say({"en": "Quality", "sw": "Ubora"}), rated),
                (desk.say({"en": "Messaging limit", "sw": "Kikomo"}), limit(desk, each.facts.messaging_limit)),
                (desk.say({"en": "Throughput", "sw": "Kasi"}), throughput),
                (desk.say({"en": "Token expires", "sw": "Tokeni inaisha"}), until),
                (desk.say({"en": "Last message in", "sw": "Ujumbe wa mwisho"}), desk.moment(each.heard_at) or never),
                (desk.say({"en": "Number ID", "sw": "Kitambulisho"}), each.phone_number_id),
                (desk.say({"en": "Account ID", "sw": "Akaunti"}), each.waba_id),
            ]
        )


# -- the doctor -----------------------------------------------------------------------------------


async def _doctor(account_id: UUID, again: Again) -> None:
    desk = here()
    each = await find_number(desk.organization.id, account_id)
    titles = desk.runtime.provider.checks
    order = sorted(titles, key=lambda check: _urgency(each, check))
    text = {
        "en": "Asked over real HTTP: Meta's servers, and our own webhook as Meta calls it.",
        "sw": "Huulizwa kwa HTTP halisi: seva za Meta, na webhook yetu kama Meta inavyoiita.",
    }
    with panel({"en": "Connection doctor", "sw": "Daktari wa muunganisho"}, text=text, flush=True):
        _summary(desk, each)
        with ui.element("div").classes("cn-list ch-checks"):
            if "message" in each.findings:
                title = {"en": "A test message comes and is told of", "sw": "Ujumbe wa jaribio unafika na kuripotiwa"}
                _show(desk, "message", title, each.findings["message"])
            for check in order:
                _show(desk, check, dict(titles[check]), each.findings.get(check), account_id, again)


def _urgency(each: Number, check: str) -> int:
    found = each.findings.get(check)
    return (
        (Outcome.BAD, Outcome.WARN).index(found.outcome)
        if found and found.outcome in (Outcome.BAD, Outcome.WARN)
        else 2
    )


def _summary(desk: Desk, each: Number) -> None:
    if not each.findings:
        nobody = {
            "en": "Nobody has looked yet. “Examine all” takes a second or two and changes nothing.",
            "sw": "Bado haijapimwa. “Pima vyote” huchukua sekunde moja au mbili na haibadilishi chochote.",
        }
        with ui.element("div").classes("ch-note"):
            note(desk.say(nobody))
        return
    with ui.element("div").classes("cn-line ch-counts"):
        for outcome, (icon, tone, words) in OUTCOMES.items():
            count = sum(1 for found in each.findings.values() if found.outcome is outcome)
            if count:
                with ui.element("div").classes(f"ch-verdict {tone}"):
                    ui.icon(icon).props("aria-hidden=true")
                    ui.label(f"{count} · {desk.say(words)}")


def _show(
    desk: Desk,
    check: str,
    title: Words,
    found: Finding | None,
    account_id: UUID | None = None,
    again: Again | None = None,
) -> None:
    """With `account_id` it can be asked again."""
    icon, tone, words = OUTCOMES[found.outcome] if found else NOT_YET
    with ui.element("div").classes(f"ch-check {tone}").mark(f"check-{check}"):
        mark = ui.icon(icon)
        mark.props["role"], mark.props["aria-label"] = "img", desk.say(words)
        with ui.element("div").classes("cn-grow cn-stack tight"):
            with ui.element("div").classes("cn-line between keep"):
                ui.label(desk.say(title)).classes("cn-strong")
                if found and found.at:
                    ui.label(" · ".join((f"{found.ms} ms", desk.ago(found.at)))).classes(
                        "cn-muted cn-small num ch-when"
                    )
            if found:
                ui.label(desk.say(found.came)).classes("ch-came")
                ui.label(desk.say(found.tried)).classes("cn-muted cn-small")
                if found.mend and found.outcome is not Outcome.GOOD:
                    with ui.element("div").classes("ch-mend"):
                        ui.icon("build").props("aria-hidden=true")
                        ui.label(desk.say(found.mend))
        if account_id is not None and again is not None and desk.may("channels.manage"):
            _gestures(desk, account_id, check, found, again)


def _gestures(desk: Desk, account_id: UUID, check: str, found: Finding | None, again: Again) -> None:
    with ui.element("div").classes("ch-do"):
        if check == MENDED_HERE and found and found.outcome is Outcome.BAD:

            async def mend() -> None:
                await _subscribe(account_id)
                await again()

            button(
                {"en": "Subscribe", "sw": "Jiandikishe"},
                bound(mend, writes=False),
                kind="primary",
                small=True,
                mark="subscribe",
            )

        async def ask() -> None:
            desk = here()
            await examine(desk.runtime, desk.principal, account_id, check)
            await again()

        words = desk.say({"en": "Try again", "sw": "Jaribu tena"})
        if found and found.outcome in (Outcome.BAD, Outcome.WARN):
            button(words, bound(ask, writes=False), icon="refresh", small=True, mark=f"again-{check}")
        else:
            icon_button("refresh", words, bound(ask, writes=False)).mark(f"again-{check}")


async def _subscribe(account_id: UUID) -> None:
    desk = here()
    await subscribe(desk.runtime, desk.principal, account_id)
    await examine(desk.runtime, desk.principal, account_id, MENDED_HERE)


def _ask_test(account_id: UUID, again: Again) -> None:
    desk = here()
    text = {
        "en": "To a phone of your own. A template without variables is sent if one is approved, else a plain text; then we wait for Meta to tell"
        " our webhook of it.",
        "sw": "Kwa simu yako mwenyewe. Kiolezo kisicho na vigezo hutumwa kama kimeidhinishwa, vinginevyo maandishi; kisha tunasubiri Meta"
        " iiambie webhook yetu.",
    }
    with dialog({"en": "Send a test message", "sw": "Tuma ujumbe wa jaribio"}, text=text) as box:
        phone = text_field({"en": "Phone", "sw": "Simu"}, kind="tel", placeholder="+254 711 000 001", mark="test-phone")
        with ui.element("div").classes("cn-actions"):
            button(desk.word("cancel"), box.close, kind="quiet")
            push = button({"en": "Send", "sw": "Tuma"}, icon="send", kind="primary", mark="test-go")

            async def go() -> None:
                desk = here()
                phone.error = None
                push.props("loading")
                try:
                    found = await send_test(desk.runtime, desk.principal, account_id, str(phone.value or ""))
                except NotPossible as e:
                    phone.error = str(e)[:1].upper() + str(e)[1:]
                    return
                finally:
                    push.props(remove="loading")
                box.close()
                toast(desk.say(found.came), kind="plain" if found.outcome is Outcome.GOOD else "bad")
                await again()

            push.on("click", bound(go, writes=False), [])
    box.open()
