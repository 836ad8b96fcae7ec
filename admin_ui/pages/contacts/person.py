"""One person: who they are, what they agreed to, and everything that ever happened, in one line of time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from uuid import UUID

from nicegui import ui
from nicegui.events import ValueChangeEventArguments

from admin_ui.kit import (
    Desk,
    Live,
    Missing,
    badge,
    bound,
    button,
    dialog,
    facts,
    go,
    heading,
    here,
    link_button,
    link_to,
    live,
    note,
    page,
    panel,
    say,
    select_field,
    text_field,
    toast,
    undo,
)
from admin_ui.kit.controls import tag
from admin_ui.kit.frame import crumb
from admin_ui.pages.contacts.parts import CONSENTS, LANGUAGES, label_badges, sentence, unit
from admin_ui.words import Words
from bot.contacts.book import FieldKind, FieldRow, fields, labels, put_label, shown_value
from bot.contacts.change import put_content, read_content, update_contact
from bot.contacts.erasure import settle
from bot.contacts.errors import NoSuchContact, NotPossible
from bot.contacts.filter import ContactFilter
from bot.contacts.listing import ContactRow, Whole, consents, get, list_contacts, resolve
from bot.contacts.merge import propose
from bot.contacts.timeline import KINDS, proof_text, timeline
from bot.timeline import Entry
from bot.unit import Unit
from store.models import Session

Again = Callable[[], Awaitable[None]]
_IDENTITIES: dict[str, Words] = {
    "phone": {"en": "Phone", "sw": "Simu"},
    "bsuid": {"en": "WhatsApp id", "sw": "Kitambulisho cha WhatsApp"},
    "parent_bsuid": {
        "en": "WhatsApp id of the business group",
        "sw": "Kitambulisho cha WhatsApp cha kundi la biashara",
    },
}


@page("/contacts/{contact_id}", title={"en": "Contact", "sw": "Anwani"}, permission="contacts.view", parent="/contacts")
async def person(desk: Desk, contact_id: UUID) -> None:
    merged_into = await resolve(contact_id)
    if merged_into is not None:
        with heading({"en": "Merged", "sw": "Imeunganishwa"}):
            link_button({"en": "Open the contact", "sw": "Fungua anwani"}, f"/contacts/{merged_into}", kind="primary")
        note("This contact is one with another now. Its history stands there.", "info")
        return
    try:
        whole = await get(desk.principal, contact_id)
    except NoSuchContact as e:
        raise Missing from e
    parts: list[Live] = []

    async def again() -> None:
        for each in parts:
            await each.refresh()

    parts.append(await live(_head, contact_id, again))
    with ui.element("div").classes("cn-grid cn-cols-side"):
        with ui.element("div").classes("cn-stack loose"):
            await _timeline(desk, whole)
        with ui.element("div").classes("cn-stack loose"):
            parts.append(await live(_profile, contact_id, again))
            parts.append(await live(_labels, contact_id))
            await _consents(desk, whole)
            _identities(desk, whole)


async def _head(contact_id: UUID, again: Again) -> None:
    desk = here()
    whole = await get(desk.principal, contact_id)
    row = whole.row
    name = row.name or desk.say({"en": "No name yet", "sw": "Bila jina"})
    crumb(name)
    seen = desk.say({"en": "last wrote", "sw": "aliandika"})
    sub = " · ".join(filter(None, [row.phone, row.country, f"{seen} {desk.ago(row.seen_at)}" if row.seen_at else ""]))
    with heading(name, sub):
        await _actions(desk, whole)
    if row.erasure_asked_at is not None:
        _erasure(desk, row, again)


def _erasure(desk: Desk, row: ContactRow, again: Again) -> None:
    since = desk.day(row.erasure_asked_at)
    words = desk.say(
        {
            "en": f"Asked on {since} for everything about them to be deleted. It is not deleted by itself: carry it out, or tell them why not.",
            "sw": f"Aliomba tarehe {since} kila kitu kumhusu kifutwe. Hakifutiki chenyewe: kitekeleze, au mweleze kwa nini haiwezekani.",
        }
    )
    with note(words, "warn"):
        if desk.may("contacts.edit"):

            async def settled() -> None:
                here().require("contacts.edit")
                async with unit() as work:
                    await settle(work, row.id)
                toast(here().say({"en": "Noted as done", "sw": "Imewekwa kuwa imetekelezwa"}))
                await again()

            button(
                {"en": "It is done", "sw": "Imetekelezwa"},
                bound(settled, writes=False),
                small=True,
                mark="erasure-done",
            )


async def _actions(desk: Desk, whole: Whole) -> None:
    if link_to(desk, "/inbox"):
        session = await Session.filter(contact_id__in=list(whole.ids)).order_by("-last_user_at").first()
        if session is not None:
            link_button({"en": "Conversation", "sw": "Mazungumzo"}, f"/inbox/{session.id}", icon="forum")
    if desk.may("contacts.edit"):

        async def same() -> None:
            await _same_as(here(), whole.row.id)

        button({"en": "Is the same as…", "sw": "Ni sawa na…"}, bound(same, writes=False), icon="merge", mark="same-as")


# -- who


async def _profile(contact_id: UUID, again: Again) -> None:
    desk = here()
    row = (await get(desk.principal, contact_id)).row
    own = await fields()
    with panel():
        with ui.element("div").classes("cn-panel-head"):
            tag("h2", desk.say({"en": "Profile", "sw": "Wasifu"}))
            if desk.may("contacts.edit"):

                async def edit() -> None:
                    await _edit(here(), contact_id, again)

                button(
                    {"en": "Edit", "sw": "Hariri"},
                    bound(edit, writes=False),
                    icon="edit",
                    kind="quiet",
                    small=True,
                    mark="edit-contact",
                )
        facts(
            [
                (desk.say({"en": "Name", "sw": "Jina"}), row.name),
                *(
                    [(desk.say({"en": "In WhatsApp", "sw": "Kwenye WhatsApp"}), row.profile_name)]
                    if row.profile_name not in ("", row.name)
                    else []
                ),
                (desk.say({"en": "Language", "sw": "Lugha"}), desk.say(LANGUAGES.get(row.locale, row.locale))),
                *((each.name, shown_value(each, row.custom.get(each.key))) for each in own),
                (desk.say({"en": "Here since", "sw": "Tangu"}), desk.day(row.created_at)),
            ]
        )


async def _edit(desk: Desk, contact_id: UUID, again: Again) -> None:
    row = (await get(desk.principal, contact_id)).row
    own = await fields()
    seen = row.content()
    with dialog({"en": "Edit contact", "sw": "Hariri anwani"}) as box:
        with ui.element("div").classes("cn-stack").style("max-height: 62vh; overflow-y: auto; padding: 2px"):
            name = text_field({"en": "Name", "sw": "Jina"}, row.name, mark="contact-name")
            options = {**LANGUAGES, **({} if row.locale in LANGUAGES else {row.locale: row.locale})}
            locale = select_field({"en": "Language", "sw": "Lugha"}, options, row.locale, mark="contact-locale")
            controls = {each.key: _control(each, row.custom.get(each.key)) for each in own}

        async def keep() -> None:
            here().require("contacts.edit")
            for control in (name, locale, *controls.values()):
                control.error = None
            custom = {each.key: _typed(controls[each.key].value) for each in own}
            try:
                async with unit() as work:
                    before = await update_contact(
                        work, contact_id, name=name.value or "", locale=locale.value or "", custom=custom, seen=seen
                    )
            except NotPossible as e:
                named = {"name": name, "locale": locale, **controls}.get(e.field)
                if named is None:
                    raise
                named.error = sentence(e)
                return
            box.close()

            async def back() -> None:
                here().require("contacts.edit")
                async with unit() as work:
                    await put_content(work, contact_id, before)
                    work.audit("contact.change_undone", subject=f"contact:{contact_id}", after=before)
                await again()

            undo(desk.word("saved"), bound(back, writes=False))
            await again()  # last: it takes along what this handler hangs on

        with ui.element("div").classes("cn-actions"):
            button(desk.word("cancel"), box.close, kind="quiet")
            button(desk.word("save"), bound(keep, writes=False), kind="primary", mark="save-contact")
    box.open()


def _control(field: FieldRow, value: object) -> ui.input | ui.select:
    mark = f"field-{field.key}"
    if field.kind is FieldKind.CHOICE:
        return select_field(field.name, {"": "–", **{each: each for each in field.options}}, value or "", mark=mark)
    if field.kind is FieldKind.BOOLEAN:
        shown = "" if value is None else "yes" if value else "no"
        return select_field(field.name, {"": "–", "yes": say("Yes"), "no": say("No")}, shown, mark=mark)
    kind = {FieldKind.DATE: "date", FieldKind.EMAIL: "email", FieldKind.URL: "url"}.get(field.kind, "text")
    return text_field(field.name, "" if value is None else str(value), kind=kind, mark=mark)


def _typed(value: object) -> str:
    return "" if value is None else str(value)


async def _labels(contact_id: UUID) -> None:
    desk = here()
    row = (await get(desk.principal, contact_id)).row
    known = {each.key: each for each in await labels()}
    with panel({"en": "Labels", "sw": "Lebo"}):
        if not desk.may("contacts.edit"):
            with ui.element("div").classes("cn-line"):
                label_badges(row.labels, known)
                if not row.labels:
                    ui.label("–").classes("cn-muted")
            return

        async def put(event: ValueChangeEventArguments[list[str]], work: Unit) -> None:
            here().require("contacts.edit")
            before = (await read_content(work, contact_id))["labels"]
            keys = [each if each in known else (await put_label(work, str(each))).key for each in event.value or []]
            if sorted(keys) != before:
                await update_contact(work, contact_id, labels=keys)
                toast(desk.word("saved"))

        options = {each.key: each.name for each in known.values()}
        chosen = (
            ui.select(
                options,
                value=[key for key in row.labels if key in known],
                multiple=True,
                with_input=True,
                new_value_mode="add-unique",
                key_generator=lambda text: str(text),
                on_change=bound(put),
            )
            .props("outlined dense hide-bottom-space use-chips options-dense")
            .style("width: 100%")
            .mark("contact-labels")
        )
        chosen.props["aria-label"] = desk.say({"en": "Labels", "sw": "Lebo"})
        ui.label(
            desk.say({"en": "Type a new one and press Enter.", "sw": "Andika mpya kisha ubonyeze Enter."})
        ).classes("cn-hint")


# -- what they agreed to


async def _consents(desk: Desk, whole: Whole) -> None:
    words, tone = CONSENTS[whole.row.consent]
    with panel():
        with ui.element("div").classes("cn-panel-head"):
            tag("h2", desk.say({"en": "Consent", "sw": "Idhini"}))
            badge(desk.say(words), tone)
        rows = await consents(whole.ids)
        if not rows:
            text = {
                "en": "Nothing is recorded. They can be answered when they write, and get nothing else.",
                "sw": "Hakuna kilichorekodiwa. Wanaweza kujibiwa wakiandika tu.",
            }
            ui.label(desk.say(text)).classes("cn-muted cn-small")
            return
        with ui.element("div").classes("cn-list"):
            for each in rows[:12]:
                with ui.element("div").classes("cn-row").style("align-items: flex-start; gap: 10px"):
                    is_in = each.state == "granted"
                    icon = ui.icon("verified_user" if is_in else "do_not_disturb_on").props("aria-hidden=true")
                    icon.style(f"font-size: 18px; margin-top: 2px; color: var(--{'good' if is_in else 'warn'})")
                    with ui.element("div").classes("cn-grow"):
                        state = {"en": "Agreed", "sw": "Alikubali"} if is_in else {"en": "Stopped", "sw": "Alikataa"}
                        source = f"{each.source}, {each.file}" if each.file else each.source
                        ui.label(f"{desk.say(state)} · {source}").classes("cn-strong").style("font-size: 13px")
                        if each.wording:
                            ui.label(f"“{each.wording}”").classes("cn-small").style("overflow-wrap: anywhere")
                        ui.label(desk.moment(each.at)).classes("cn-muted cn-small num")
                        if each.message_id is not None and desk.may("inbox.view"):
                            proof = await proof_text(each.message_id)
                            if proof is not None:
                                said = desk.say({"en": "Their message", "sw": "Ujumbe wake"})
                                ui.label(f"{said}, {desk.moment(proof[0])}: {proof[1]}").classes("cn-muted cn-small")


def _identities(desk: Desk, whole: Whole) -> None:
    with panel({"en": "Known by", "sw": "Anajulikana kwa"}):
        if not whole.identities:
            ui.label("–").classes("cn-muted")
        with ui.element("div").classes("cn-list"):
            for each in whole.identities:
                with ui.element("div").classes("cn-row").style("padding: 7px 0"):
                    with ui.element("div").classes("cn-grow"):
                        ui.label(each.value).classes("num").style("overflow-wrap: anywhere; font-size: 13.5px")
                        ui.label(desk.say(_IDENTITIES.get(each.kind, each.kind))).classes("cn-muted cn-small")
                    if each.valid_to is not None:
                        badge(desk.say({"en": "earlier", "sw": "ya zamani"}))
        if not desk.may("contacts.phone"):
            text = {"en": "Your role sees masked numbers.", "sw": "Jukumu lako linaona namba zilizofichwa."}
            ui.label(desk.say(text)).classes("cn-hint")


# -- what happened


async def _timeline(desk: Desk, whole: Whole) -> None:
    chosen = {"kind": ""}
    with panel(flush=True):
        with ui.element("div").classes("cn-panel-head").style("padding: 14px 18px"):
            tag("h2", desk.say({"en": "Timeline", "sw": "Mfululizo"}))
            options = {"": desk.say({"en": "Everything", "sw": "Yote"})}
            options |= {key: desk.say(words) for key, words in KINDS.items()}
            pick = (
                ui.select(options, value="")
                .props("outlined dense hide-bottom-space options-dense")
                .style("min-width: 150px")
                .mark("timeline-kind")
            )
            pick.props["aria-label"] = desk.say({"en": "What is shown", "sw": "Kinachoonyeshwa"})
        host = ui.element("div").classes("cn-list").style("padding: 0 18px 10px")

        async def more(before: datetime | None) -> None:
            desk = here()
            part = await timeline(desk.runtime, desk.principal, whole.ids, before=before, kind=chosen["kind"])
            with host:
                _entries(desk, part.entries)
                if not part.entries and before is None:
                    text = {"en": "Nothing of this kind yet.", "sw": "Bado hakuna."}
                    ui.label(desk.say(text)).classes("cn-muted").style("padding: 18px 0")
                if part.before is not None:
                    until = part.before
                    line = ui.element("div").style("padding: 10px 0")

                    async def older() -> None:
                        line.delete()
                        await more(until)

                    with line:
                        button(
                            {"en": "Older", "sw": "Za zamani"},
                            bound(older, writes=False),
                            icon="expand_more",
                            kind="quiet",
                            small=True,
                            mark="older",
                        )

        async def narrow(event: ValueChangeEventArguments[str]) -> None:
            chosen["kind"] = str(event.value or "")
            host.clear()
            await more(None)

        pick.on_value_change(bound(narrow, writes=False))
        await more(None)


def _entries(desk: Desk, entries: Sequence[Entry]) -> None:
    day = ""
    for each in entries:
        if desk.day(each.at) != day:
            day = desk.day(each.at)
            ui.label(day).classes("cn-muted cn-small cn-strong").style("padding: 14px 0 4px; border-top: 0")
        with ui.element("div").classes("cn-row").style("align-items: flex-start; padding: 9px 0"):
            icon = ui.icon(each.icon).props("aria-hidden=true")
            colour = {"plain": "muted", "accent": "accent-ink"}.get(each.tone, each.tone)
            icon.style(f"font-size: 18px; margin-top: 1px; color: var(--{colour})")
            with ui.element("div").classes("cn-grow"):
                title = desk.say(each.title)
                href = each.href if each.href and link_to(desk, "/" + each.href.split("/")[1]) else ""
                if href:
                    tag("a", title, "cn-strong").props["href"] = href
                else:
                    ui.label(title).classes("cn-strong").style("font-size: 13.5px")
                if each.text:
                    ui.label(each.text).classes("cn-small").style("overflow-wrap: anywhere")
            ui.label(f"{desk.local(each.at):%H:%M}").classes("cn-muted cn-small num")


# -- one and the same


async def _same_as(desk: Desk, contact_id: UUID) -> None:
    text = {
        "en": "Find the other one. You see both side by side before anything is merged.",
        "sw": "Mtafute mwingine. Utawaona wote wawili kabla ya kuunganisha.",
    }
    with dialog({"en": "Who is the same person?", "sw": "Nani ni mtu yule yule?"}, text=text) as box:
        find = (
            ui.input(placeholder=say("Name or number")).props("outlined dense autofocus debounce=250").mark("find-same")
        )
        find.props["aria-label"] = say("Name or number")
        find.style("width: 100%")
        results = ui.element("div").classes("cn-results")

        async def look(event: ValueChangeEventArguments[str]) -> None:
            results.clear()
            if len(str(event.value or "").strip()) < 2:
                return
            wanted = ContactFilter(find=str(event.value).strip()[:200])
            found = await list_contacts(here().principal, wanted, country=here().organization.country, limit=6)
            with results:
                for each in found:
                    if each.id != contact_id:
                        button(f"{each.name or '–'}  {each.phone}", choose(each.id), kind="quiet")

        def choose(other_id: UUID) -> Callable[..., Awaitable[None]]:
            async def put(work: Unit) -> None:
                here().require("contacts.edit")
                await propose(work, contact_id, other_id, reason="somebody of the team says so")
                go("/contacts/merge")

            return bound(put)

        find.on_value_change(bound(look, writes=False))
        with ui.element("div").classes("cn-actions"):
            button(desk.word("cancel"), box.close, kind="quiet")
    box.open()
