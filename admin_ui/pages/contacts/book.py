"""Labels, fields of the organization's own, and segments."""

from __future__ import annotations

from nicegui import ui

from admin_ui.kit import (
    Desk,
    Live,
    badge,
    bound,
    button,
    confirm,
    dialog,
    empty,
    heading,
    here,
    icon_button,
    link_button,
    live,
    page,
    panel,
    say,
    select_field,
    text_area,
    text_field,
    toast,
    undo,
)
from admin_ui.pages.contacts.parts import KINDS, sentence, tone_of, unit
from admin_ui.words import Words
from bot.contacts.book import (
    COLOURS,
    FieldKind,
    FieldRow,
    LabelRow,
    SegmentRow,
    fields,
    labels,
    put_field,
    put_label,
    remove_field,
    remove_label,
    remove_segment,
    save_segment,
    segments,
)
from bot.contacts.errors import NotPossible

_TITLE = {"en": "Labels & fields", "sw": "Lebo na sehemu"}
_COLOUR_NAMES = {"plain": "Grey", "accent": "Brand", "info": "Blue", "good": "Green", "warn": "Amber", "bad": "Red"}


@page("/contacts/book", title=_TITLE, permission="contacts.view", parent="/contacts")
async def book(desk: Desk) -> None:
    text = {
        "en": "What you keep beside names and numbers.",
        "sw": "Unachohifadhi pamoja na majina na namba.",
    }
    with heading(_TITLE, text):
        pass
    with ui.element("div").classes("cn-grid cn-cols-2"):
        for draw in (_labels, _fields):
            parts: list[Live] = []
            parts.append(await live(draw, parts))
    parts = []
    parts.append(await live(_segments, parts))


def _head(title: Words, text: Words, new: Words, handler: object, mark: str) -> None:
    with ui.element("div").classes("cn-panel-head").style("padding: 16px 18px 8px"):
        with ui.element("div").classes("cn-stack tight").style("width: auto; flex: 1"):
            with ui.element("h2"):
                ui.label(say(title)).props("tag=span")
            ui.label(say(text)).classes("cn-muted cn-small")
        if here().may("contacts.edit"):
            button(new, bound(handler, writes=False), icon="add", small=True, mark=mark)  # type: ignore[arg-type]


# -- labels


async def _labels(parts: list[Live]) -> None:
    async def new() -> None:
        _label_dialog(None, parts)

    found = await labels(counted=True)
    with panel(flush=True):
        _head("Labels", "Short marks, several for one person.", "New label", new, "new-label")
        if not found:
            with empty(
                "sell",
                "No labels yet",
                "Such as VIP, Speaker or Press: to find them again, and to write to them alone.",
            ):
                return
        with ui.element("div").classes("cn-list"):
            for each in found:
                _label(each, parts)


def _label(each: LabelRow, parts: list[Live]) -> None:
    async def edit() -> None:
        _label_dialog(each, parts)

    async def drop() -> None:
        here().require("contacts.edit")
        async with unit() as work:
            await remove_label(work, each.key)
        await parts[0].refresh()

    def ask() -> None:
        confirm(
            say("Remove “{name}”?", name=each.name),
            say("It is taken from {contacts:,} contacts. This cannot be undone.", contacts=each.contacts),
            "Remove",
            bound(drop, writes=False),
        )

    with ui.element("div").classes("cn-row"):
        with ui.element("div").classes("cn-grow cn-line"):
            badge(each.name, tone_of(each.colour))
            ui.label(say("{contacts:,} contacts", contacts=each.contacts)).classes("cn-muted cn-small num")
        if here().may("contacts.edit"):
            icon_button("edit", say("Edit {name}", name=each.name), bound(edit, writes=False))
            icon_button("delete", say("Remove {name}", name=each.name), bound(ask, writes=False))


def _label_dialog(each: LabelRow | None, parts: list[Live]) -> None:
    desk = here()
    with dialog("Edit label" if each else "New label") as box:
        name = text_field("Name", each.name if each else "", mark="label-name")
        colour = select_field(
            "Colour", {key: say(_COLOUR_NAMES[key]) for key in COLOURS}, each.colour if each else "plain"
        )

        async def keep() -> None:
            here().require("contacts.edit")
            try:
                async with unit() as work:
                    await put_label(work, name.value or "", colour=colour.value, key=each.key if each else "")
            except NotPossible as e:
                name.error = sentence(e)
                return
            box.close()
            await parts[0].refresh()

        with ui.element("div").classes("cn-actions"):
            button(desk.word("cancel"), box.close, kind="quiet")
            button(desk.word("save"), bound(keep, writes=False), kind="primary", mark="save-label")
    box.open()


# -- fields


async def _fields(parts: list[Live]) -> None:
    async def new() -> None:
        _field_dialog(None, parts)

    found = await fields()
    with panel(flush=True):
        _head("Fields", "One value for one person, of a type that is checked.", "New field", new, "new-field")
        if not found:
            with empty(
                "list_alt",
                "No fields yet",
                "Such as Company, T-shirt size or Member since. An import can make them too.",
            ):
                return
        with ui.element("div").classes("cn-list"):
            for each in found:
                _field(each, parts)


def _field(each: FieldRow, parts: list[Live]) -> None:
    async def edit() -> None:
        _field_dialog(each, parts)

    async def drop() -> None:
        here().require("contacts.edit")
        async with unit() as work:
            await remove_field(work, each.key)
        await parts[0].refresh()

    def ask() -> None:
        confirm(
            say("Remove “{name}”?", name=each.name),
            "Everybody’s value in it is removed too. This cannot be undone.",
            "Remove",
            bound(drop, writes=False),
        )

    with ui.element("div").classes("cn-row"):
        with ui.element("div").classes("cn-grow"):
            ui.label(each.name).classes("cn-strong")
            told = here().say(KINDS[each.kind])
            ui.label(f"{told}: {', '.join(each.options)}" if each.options else told).classes("cn-muted cn-small")
        if here().may("contacts.edit"):
            icon_button("edit", say("Edit {name}", name=each.name), bound(edit, writes=False))
            icon_button("delete", say("Remove {name}", name=each.name), bound(ask, writes=False))


def _field_dialog(each: FieldRow | None, parts: list[Live]) -> None:
    desk = here()
    with dialog("Edit field" if each else "New field") as box:
        name = text_field("Name", each.name if each else "", mark="field-name")
        kinds = {key: desk.say(words) for key, words in KINDS.items()}
        kind = select_field("Type", kinds, str(each.kind) if each else "text", mark="field-kind")
        if each:
            kind.disable()
        options = text_area(
            "Options", "\n".join(each.options) if each else "", hint="One a line.", rows=4, mark="field-options"
        )
        assert options.parent_slot is not None
        options.parent_slot.parent.bind_visibility_from(kind, "value", value="choice")

        async def keep() -> None:
            here().require("contacts.edit")
            try:
                async with unit() as work:
                    await put_field(
                        work,
                        name.value or "",
                        FieldKind(kind.value),
                        options=(options.value or "").splitlines(),
                        key=each.key if each else "",
                    )
            except NotPossible as e:
                (options if e.field == "options" else name).error = sentence(e)
                return
            box.close()
            await parts[0].refresh()

        with ui.element("div").classes("cn-actions"):
            button(desk.word("cancel"), box.close, kind="quiet")
            button(desk.word("save"), bound(keep, writes=False), kind="primary", mark="save-field")
    box.open()


# -- segments


async def _segments(parts: list[Live]) -> None:
    found = await segments()
    with panel("Segments", text="Filters under a name. Whoever fits is in it, also tomorrow.", flush=True):
        if not found:
            with empty("filter_alt", "No segments yet", "Filter the list of contacts, then choose “Save as segment”."):
                link_button("To the list", "/contacts")
            return
        with ui.element("div").classes("cn-list"):
            for each in found:
                _segment(each, parts)


def _segment(each: SegmentRow, parts: list[Live]) -> None:
    async def drop() -> None:
        here().require("contacts.edit")
        async with unit() as work:
            was = await remove_segment(work, each.id)
        if was is None:
            toast("It was gone already")
            await parts[0].refresh()
            return

        async def back() -> None:
            here().require("contacts.edit")
            async with unit() as work:
                await save_segment(work, was.name, was.filter)
            await parts[0].refresh()

        undo(say("“{name}” removed", name=was.name), bound(back, writes=False))
        await parts[0].refresh()  # last: it takes along what this handler hangs on

    with ui.element("div").classes("cn-row"):
        with ui.element("a").classes("cn-grow") as link:
            link.props["href"] = f"/contacts?segment={each.id}"
            ui.label(each.name).classes("cn-strong")
        if here().may("contacts.edit"):
            icon_button("delete", say("Remove {name}", name=each.name), bound(drop, writes=False))
