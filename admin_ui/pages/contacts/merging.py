"""Two contacts that may be one person, side by side."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from uuid import UUID

from nicegui import ui

from admin_ui.kit import (
    Desk,
    Live,
    badge,
    bound,
    button,
    empty,
    facts,
    heading,
    here,
    live,
    page,
    panel,
    say,
    toast,
    undo,
)
from admin_ui.kit.controls import tag
from admin_ui.pages.contacts.parts import LANGUAGES, consent_words, label_badges, unit
from bot.contacts.book import FieldRow, LabelRow, fields, labels, shown_value
from bot.contacts.listing import Whole
from bot.contacts.merge import Proposal, dismiss, merge, proposals, take_back

_TITLE = {"en": "Doubles", "sw": "Wanaofanana"}


@page("/contacts/merge", title=_TITLE, permission="contacts.edit", parent="/contacts")
async def doubles(desk: Desk) -> None:
    text = {
        "en": "Contacts that may be one person. Nothing is merged until you say so, and you can part them again.",
        "sw": "Anwani ambazo huenda ni mtu mmoja. Hakuna kinachounganishwa bila wewe, na unaweza kutenganisha.",
    }
    with heading(_TITLE, text):
        pass
    parts: list[Live] = []
    parts.append(await live(_open, parts))
    parts.append(await live(_decided, parts))


async def _open(parts: list[Live]) -> None:
    desk = here()
    found = await proposals(desk.principal)
    known, own = {each.key: each for each in await labels()}, await fields()
    if not found:
        with (
            panel(flush=True),
            empty(
                "diversity_1",
                "No doubles",
                "When one number turns up with two WhatsApp accounts, or you say on a contact’s page that two are the same, they stand here.",
            ),
        ):
            return
    for each in found:
        _proposal(desk, each, known, own, parts)


def _proposal(
    desk: Desk, each: Proposal, known: Mapping[str, LabelRow], own: list[FieldRow], parts: list[Live]
) -> None:
    async def apart() -> None:
        async with unit() as work:
            await dismiss(work, here().principal, each.id)
        undo("They stay two people", bound(back, writes=False))
        await _redraw(parts)

    async def back() -> None:
        await _take_back(each.id, parts)

    with panel(each.reason[:1].upper() + each.reason[1:], text=desk.moment(each.created_at)):
        with ui.element("div").classes("cn-grid cn-cols-2"):
            for one in (each.one, each.other):
                with (
                    ui.element("div")
                    .classes("cn-stack")
                    .style("border: 1px solid var(--line); border-radius: var(--radius-small); padding: 14px")
                ):
                    _side(desk, one, known, own)
                    is_suggested = one.row.id == each.suggested
                    button(
                        "Merge, keep this one",
                        bound(_keep(each, one, parts), writes=False),
                        kind="primary" if is_suggested else "plain",
                        small=True,
                        mark="keep-suggested" if is_suggested else "keep-other",
                    )
        with ui.element("div").classes("cn-line between"):
            ui.label(
                say("What the kept one lacks is filled from the other; labels add up; who said STOP stays out.")
            ).classes("cn-muted cn-small")
            button("They are two people", bound(apart, writes=False), kind="quiet", small=True, mark="dismiss")


def _keep(each: Proposal, one: Whole, parts: list[Live]) -> Callable[[], Awaitable[None]]:
    async def keep() -> None:
        async with unit() as work:
            await merge(work, here().principal, each.id, keep=one.row.id)

        async def back() -> None:
            await _take_back(each.id, parts)

        undo("Merged", bound(back, writes=False))
        await _redraw(parts)  # last: it takes along what this handler hangs on

    return keep


def _side(desk: Desk, one: Whole, known: Mapping[str, LabelRow], own: list[FieldRow]) -> None:
    row = one.row
    tag("a", row.name or say("No name yet"), "cn-strong").props["href"] = f"/contacts/{row.id}"
    with ui.element("div").classes("cn-line"):
        label_badges(row.labels, known)
    facts(
        [
            ("Known by", ", ".join(each.value for each in one.identities if each.valid_to is None)),
            ("Last wrote", desk.ago(row.seen_at) if row.seen_at else say("never")),
            ("Here since", desk.day(row.created_at)),
            ("Language", say(LANGUAGES.get(row.locale, row.locale))),
            ("Messages", consent_words(row.consent)),
            *((each.name, shown_value(each, row.custom[each.key])) for each in own if each.key in row.custom),
        ]
    )


async def _decided(parts: list[Live]) -> None:
    desk = here()
    found = await proposals(desk.principal, decided=True, limit=20)
    if not found:
        return
    with panel("Decided lately", flush=True), ui.element("div").classes("cn-list"):
        for each in found:
            with ui.element("div").classes("cn-row").style("flex-wrap: wrap"):
                with ui.element("div").classes("cn-grow").style("min-width: 200px"):
                    names = say(" and ").join(
                        one.row.name or one.row.phone or say("somebody") for one in (each.one, each.other)
                    )
                    ui.label(names).classes("cn-strong")
                    ui.label(desk.moment(each.decided_at)).classes("cn-muted cn-small num")
                badge(
                    say("merged") if each.decision == "merged" else say("two people"),
                    "info" if each.decision == "merged" else "plain",
                )
                if each.decision:
                    button(
                        "Part again" if each.decision == "merged" else "Look again",
                        bound(_taking_back(each.id, parts), writes=False),
                        icon="undo",
                        small=True,
                    )


def _taking_back(proposal_id: UUID, parts: list[Live]) -> Callable[[], Awaitable[None]]:
    async def back() -> None:
        await _take_back(proposal_id, parts)

    return back


async def _take_back(proposal_id: UUID, parts: list[Live]) -> None:
    async with unit() as work:
        is_whole = await take_back(work, here().principal, proposal_id)
    toast("Open again" if is_whole else "Parted. What was edited since stays with the one that was kept.")
    await _redraw(parts)


async def _redraw(parts: list[Live]) -> None:
    for each in parts:
        await each.refresh()
