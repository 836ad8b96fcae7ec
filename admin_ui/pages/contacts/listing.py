"""Everybody: found, filtered, labelled, exported."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any, cast
from uuid import UUID

from nicegui import ui

from admin_ui.kit import (
    Desk,
    Group,
    Hit,
    bound,
    button,
    dialog,
    empty,
    go,
    heading,
    here,
    link_button,
    page,
    panel,
    say,
    search,
    select_field,
    text_field,
    toast,
    undo,
)
from admin_ui.kit.controls import tag
from admin_ui.kit.table import Column, Filter, Query, Rows, Table, table
from admin_ui.pages.contacts.parts import CONSENTS, consent_words, sentence, unit
from bot.contacts.book import LabelRow, SegmentRow, fields, labels, save_segment, segments, shown_value
from bot.contacts.change import add_labels, create_contact, remove_label_from
from bot.contacts.errors import NotPossible
from bot.contacts.filter import ContactFilter
from bot.contacts.listing import ContactRow, Sort, count, list_contacts
from bot.contacts.merge import open_proposals
from bot.unit import Unit

MOST_EXPORTED = 100_000
EXPORT_STEP = 1_000
MOST_LABELLED = 100_000
_HITS = 6
_TITLE = {"en": "Contacts", "sw": "Anwani"}


@search
async def people(desk: Desk, text: str) -> list[Hit]:
    """Into the command palette: by name, number, or what stands in a field."""
    if not desk.may("contacts.view"):
        return []
    found = await list_contacts(
        desk.principal, ContactFilter(find=text[:200]), country=desk.organization.country, limit=_HITS
    )
    return [Hit(each.name or each.phone, f"/contacts/{each.id}", "person", each.phone) for each in found]


@page("/contacts", title=_TITLE, icon="group", group=Group.AUDIENCE, permission="contacts.view", order=10)
async def contacts(desk: Desk, segment: UUID | None = None, imported: UUID | None = None) -> None:
    saved = await segments()
    chosen = next((each for each in saved if each.id == segment), None)
    base = chosen.filter if chosen is not None else ContactFilter(import_id=imported)
    everybody, doubles = await count(), await open_proposals()
    known = {each.key: each for each in await labels()}
    text = {
        "en": "Everybody who wrote to you, and everybody you brought along.",
        "sw": "Kila aliyekuandikia, na kila uliyemleta.",
    }
    with heading(_TITLE, text):
        if doubles and desk.may("contacts.edit"):
            link_button(
                {"en": f"Doubles ({doubles})", "sw": f"Wanaofanana ({doubles})"}, "/contacts/merge", icon="merge"
            )
        link_button({"en": "Labels & fields", "sw": "Lebo na sehemu"}, "/contacts/book", icon="sell")
        if desk.may("contacts.import"):
            link_button({"en": "Import", "sw": "Agiza"}, "/contacts/import", icon="upload")
        if desk.may("contacts.edit"):
            button({"en": "New contact", "sw": "Anwani mpya"}, bound(_new, writes=False), icon="add", kind="primary")
    if not everybody:
        _nobody(desk)
        return
    if saved or base != ContactFilter():
        _chips(desk, saved, chosen, imported)
    with panel(flush=True):
        made: list[Table] = []

        async def rows(query: Query) -> Rows:
            return await _rows(here(), base, query, known)

        await _tools(desk, base, made)
        made.append(
            await table(
                "contacts",
                [
                    Column("name", {"en": "Name", "sw": "Jina"}, sort=True),
                    Column("phone", {"en": "Phone", "sw": "Simu"}),
                    Column("labels", {"en": "Labels", "sw": "Lebo"}),
                    Column("consent", {"en": "Messages", "sw": "Ujumbe"}),
                    Column("seen", {"en": "Last wrote", "sw": "Aliandika mwisho"}, sort=True),
                    Column("created", {"en": "Here since", "sw": "Tangu"}, sort=True),
                ],
                rows,
                find={"en": "Name, number or value", "sw": "Jina, namba au thamani"},
                filters=_filters(desk, known),
                sort="seen",
                descending=True,
                nothing={
                    "en": "Nobody fits. Take a filter away, or look for less.",
                    "sw": "Hakuna anayelingana. Ondoa kichujio, au tafuta kidogo.",
                },
            )
        )


def _filters(desk: Desk, known: Mapping[str, LabelRow]) -> list[Filter]:
    found = []
    if known:
        every = desk.say({"en": "Any label", "sw": "Lebo yoyote"})
        found.append(Filter("label", "Label", {"": every, **{each.key: each.name for each in known.values()}}))
    consents = {key: desk.say(words) for key, (words, _) in CONSENTS.items()}
    found.append(
        Filter("consent", "Messages", {"": desk.say({"en": "Any consent", "sw": "Idhini yoyote"}), **consents})
    )
    spans = {
        "": {"en": "Any time", "sw": "Wakati wowote"},
        "w7": {"en": "Wrote within a week", "sw": "Aliandika wiki hii"},
        "w30": {"en": "Wrote within a month", "sw": "Aliandika mwezi huu"},
        "s30": {"en": "Silent for a month", "sw": "Kimya mwezi mzima"},
        "s90": {"en": "Silent for three months", "sw": "Kimya miezi mitatu"},
    }
    found.append(Filter("span", "Activity", {key: desk.say(words) for key, words in spans.items()}))
    return found


def _wanted(base: ContactFilter, query: Query) -> ContactFilter:
    """The segment, narrowed by what is chosen above the table."""
    span = query.filtered("span")
    days = int(span[1:]) if span[1:].isdigit() else None
    label = query.filtered("label")
    changes: dict[str, Any] = {
        "find": query.find[:200] or base.find,
        "labels": tuple(dict.fromkeys([*base.labels, *([label] if label else [])])),
        "consent": query.filtered("consent") or base.consent,
        "wrote_within_days": days if span.startswith("w") else base.wrote_within_days,
        "silent_for_days": days if span.startswith("s") else base.silent_for_days,
    }
    return base.model_copy(update=changes)


async def _rows(desk: Desk, base: ContactFilter, query: Query, known: Mapping[str, LabelRow]) -> Rows:
    wanted = _wanted(base, query)
    country = desk.organization.country
    found = await list_contacts(
        desk.principal,
        wanted,
        country=country,
        sort=cast("Sort", query.sort or "seen"),
        descending=query.descending or not query.sort,
        offset=query.offset,
        limit=query.limit,
    )
    return Rows([_row(desk, each, known) for each in found], await count(wanted, country=country))


def _row(desk: Desk, each: ContactRow, known: Mapping[str, LabelRow]) -> dict[str, Any]:
    href = f"/contacts/{each.id}"
    return {
        "_href": href,
        "name": each.name or desk.say({"en": "No name yet", "sw": "Bila jina"}),
        "name_href": href,
        "phone": each.phone or "–",
        "labels": ", ".join(known[key].name for key in each.labels if key in known),
        "consent": consent_words(each.consent),
        "consent_tone": CONSENTS[each.consent][1],
        "seen": desk.ago(each.seen_at) if each.seen_at else desk.say({"en": "never", "sw": "kamwe"}),
        "created": desk.day(each.created_at),
    }


async def _tools(desk: Desk, base: ContactFilter, made: list[Table]) -> None:
    """What one can do with everybody who is shown."""

    def wanted() -> ContactFilter:
        return _wanted(base, made[0].query)

    async def export() -> None:
        await _export(here(), wanted())

    async def label() -> None:
        await _label_all(here(), wanted(), made[0])

    def keep() -> None:
        _keep_segment(wanted())

    if not (desk.may("contacts.edit") or desk.may("contacts.export")):
        return
    with ui.element("div").classes("cn-line").style("padding: 10px 14px 0; justify-content: flex-end; gap: 4px"):
        ui.label(desk.say({"en": "All who are listed:", "sw": "Wote walioorodheshwa:"})).classes("cn-muted cn-small")
        if desk.may("contacts.edit"):
            button(
                {"en": "Label", "sw": "Weka lebo"},
                bound(label, writes=False),
                icon="sell",
                kind="quiet",
                small=True,
                mark="label-all",
            )
            button(
                {"en": "Save as segment", "sw": "Hifadhi kundi"},
                bound(keep, writes=False),
                icon="filter_alt",
                kind="quiet",
                small=True,
                mark="save-segment",
            )
        if desk.may("contacts.export"):
            button(
                {"en": "Export CSV", "sw": "Toa CSV"},
                bound(export, writes=False),
                icon="download",
                kind="quiet",
                small=True,
                mark="export-contacts",
            )


def _chips(desk: Desk, saved: list[SegmentRow], chosen: SegmentRow | None, imported: UUID | None) -> None:
    with (
        ui.element("nav")
        .classes("cn-segments")
        .style("flex-wrap: wrap; align-self: flex-start; max-width: 100%")
        .props(f'aria-label="{say("Segments")}"')
    ):
        _chip(desk.say({"en": "Everybody", "sw": "Wote"}), "/contacts", is_on=chosen is None and imported is None)
        if imported is not None:
            _chip(desk.say({"en": "Of one file", "sw": "Ya faili moja"}), f"/contacts?imported={imported}", is_on=True)
        for each in saved:
            _chip(each.name, f"/contacts?segment={each.id}", is_on=each is chosen)


def _chip(name: str, href: str, *, is_on: bool) -> None:
    found = tag("a", name)
    found.props["href"] = href
    if is_on:
        found.props["aria-current"] = "true"


def _nobody(desk: Desk) -> None:
    with (
        panel(flush=True),
        empty(
            "group",
            desk.say({"en": "Nobody yet", "sw": "Bado hakuna mtu"}),
            desk.say(
                {
                    "en": "Whoever writes to your number appears here by themselves. You can also bring a list of guests as a CSV file.",
                    "sw": "Yeyote anayeandikia namba yako ataonekana hapa. Unaweza pia kuleta orodha ya wageni kwa faili ya CSV.",
                }
            ),
        ),
    ):
        if desk.may("contacts.import"):
            link_button({"en": "Import a file", "sw": "Agiza faili"}, "/contacts/import", icon="upload", kind="primary")


async def _export(desk: Desk, wanted: ContactFilter) -> None:
    """Everybody with all fields; who did it stands in the audit log."""
    desk.require("contacts.export")
    own, known = await fields(), {each.key: each.name for each in await labels()}
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(["Name", "Phone", "Language", "Country", "Labels", "Messages", *(each.name for each in own)])
    after: UUID | None = None
    written = 0
    while written < MOST_EXPORTED:
        part = await list_contacts(
            desk.principal,
            wanted,
            country=desk.organization.country,
            sort="created",
            after=after,
            limit=EXPORT_STEP,
        )
        for each in part:
            custom = [shown_value(one, each.custom.get(one.key)) for one in own]
            names = ", ".join(known.get(key, key) for key in each.labels)
            cells = [each.name, each.phone, each.locale, each.country, names, consent_words(each.consent), *custom]
            writer.writerow(list(map(_harmless, cells)))
        written += len(part)
        if len(part) < EXPORT_STEP:
            break
        after = part[-1].id
    async with unit() as work:
        work.audit(
            "contacts.exported",
            after={"contacts": written, "filter": wanted.model_dump(mode="json", exclude_defaults=True)},
        )
    ui.download.content(file.getvalue().encode("utf-8-sig"), "contacts.csv", "text/csv")


def _harmless(cell: str) -> str:
    """A cell that a spreadsheet would take for a formula; a number with its plus is none."""
    is_number = cell[1:].replace(" ", "").isdigit()
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r") and not is_number else cell


async def _label_all(desk: Desk, wanted: ContactFilter, listing: Table) -> None:
    number = await count(wanted, country=desk.organization.country)
    known = {each.key: each.name for each in await labels()}
    if not known:
        toast("Make a label first, under Labels & fields.")
        return
    with dialog({"en": f"Label {number:,} contacts", "sw": f"Weka lebo kwa {number:,}"}) as box:
        chosen = select_field({"en": "Labels", "sw": "Lebo"}, known, [], multiple=True, mark="labels-for-all")

        async def put() -> None:
            desk = here()
            desk.require("contacts.edit")
            keys = list(chosen.value or [])
            if not keys:
                chosen.error = say("Choose one")
                return
            async with unit() as work:
                done = await add_labels(work, wanted, keys, country=desk.organization.country)
            box.close()
            await listing.reload()

            async def back() -> None:
                here().require("contacts.edit")
                async with unit() as work:
                    await remove_label_from(work, keys, done)
                await listing.reload()

            undo(say("{n:,} contacts labelled", n=len(done)), bound(back, writes=False))

        with ui.element("div").classes("cn-actions"):
            button(desk.word("cancel"), box.close, kind="quiet")
            button(
                {"en": "Put on all", "sw": "Weka kwa wote"}, bound(put, writes=False), kind="primary", mark="put-labels"
            )
    box.open()


def _keep_segment(wanted: ContactFilter) -> None:
    desk = here()
    text = {
        "en": "Whoever fits these filters is in it, also tomorrow.",
        "sw": "Yeyote anayelingana na vichujio hivi yumo, hata kesho.",
    }
    with dialog({"en": "Save as segment", "sw": "Hifadhi kama kundi"}, text=text) as box:
        name = text_field({"en": "Name", "sw": "Jina"}, mark="segment-name")

        async def keep(work: Unit) -> None:
            here().require("contacts.edit")
            try:
                made = await save_segment(work, name.value or "", wanted)
            except NotPossible as e:
                name.error = sentence(e)
                return
            go(f"/contacts?segment={made.id}")

        with ui.element("div").classes("cn-actions"):
            button(desk.word("cancel"), box.close, kind="quiet")
            button(desk.word("save"), bound(keep), kind="primary", mark="keep-segment")
    box.open()


async def _new() -> None:
    desk = here()
    text = {
        "en": "Somebody who has not written yet. They get no messages before they agree to them.",
        "sw": "Mtu ambaye bado hajaandika. Hapati ujumbe kabla ya kukubali.",
    }
    with dialog({"en": "New contact", "sw": "Anwani mpya"}, text=text) as box:
        name = text_field({"en": "Name", "sw": "Jina"}, mark="new-name")
        phone = text_field({"en": "Phone number", "sw": "Namba ya simu"}, kind="tel", mark="new-phone")

        async def make(work: Unit) -> None:
            here().require("contacts.edit")
            name.error = phone.error = None
            try:
                made = await create_contact(
                    work, name=name.value or "", phone=phone.value or "", country=here().organization.country
                )
            except NotPossible as e:
                (phone if e.field == "phone" else name).error = sentence(e)
                return
            go(f"/contacts/{made}")

        with ui.element("div").classes("cn-actions"):
            button(desk.word("cancel"), box.close, kind="quiet")
            button({"en": "Add", "sw": "Ongeza"}, bound(make), kind="primary", mark="make-contact")
    box.open()
