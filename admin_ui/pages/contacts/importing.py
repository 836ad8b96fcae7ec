"""Files of contacts: brought, mapped, looked at before anything is written, watched while they come in, and taken back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from uuid import UUID

from nicegui import ui
from nicegui.events import UploadEventArguments
from pydantic import ValidationError

from admin_ui.kit import (
    Desk,
    Live,
    Missing,
    badge,
    bar,
    bound,
    button,
    confirm,
    empty,
    every,
    facts,
    go,
    heading,
    here,
    link_button,
    live,
    note,
    page,
    panel,
    say,
    select_field,
    stat,
    text_field,
    toast,
)
from admin_ui.kit.controls import tag
from admin_ui.kit.frame import crumb
from admin_ui.pages.contacts.parts import KINDS, sentence, unit
from bot.contacts.book import FieldRow, fields
from bot.contacts.errors import NotPossible
from bot.contacts.importing.draft import (
    ImportView,
    Preview,
    discard,
    find_import,
    imports,
    keep_plan,
    preview,
    rejected_csv,
    start,
    start_undo,
    table_of,
    upload,
)
from bot.contacts.importing.plan import CORE_TARGETS, Claim, Plan, field_target
from bot.contacts.importing.table import MAX_BYTES, Table

WATCH_S = 0.7
SHOWN_BAD = 25
_TITLE = {"en": "Import", "sw": "Uagizaji"}
_STATES: Mapping[str, tuple[str, str]] = {
    "draft": ("not started", "plain"),
    "running": ("coming in", "info"),
    "done": ("imported", "good"),
    "undoing": ("being taken back", "info"),
    "undone": ("taken back", "plain"),
    "failed": ("stopped", "bad"),
}
_EXISTING = {
    "fill": "Fill in what is missing",
    "overwrite": "Replace with what the file says",
    "skip": "Leave as they are",
}


@page("/contacts/import", title=_TITLE, permission="contacts.import", parent="/contacts")
async def import_list(desk: Desk) -> None:
    text = {
        "en": "A CSV file from any spreadsheet or event tool. You see what will happen before anything is written, and can take it back.",
        "sw": "Faili ya CSV kutoka jedwali lolote. Utaona kitakachotokea kabla ya kuandikwa, na unaweza kutendua.",
    }
    with heading({"en": "Import contacts", "sw": "Agiza anwani"}, text):
        pass
    with panel():
        _uploader()
        ui.label(
            desk.say(
                {
                    "en": "The first row names the columns; one of them has phone numbers. Numbers without a country code are taken as "
                    f"{desk.organization.country}. An import sends nobody anything.",
                    "sw": f"Safu ya kwanza inataja nguzo; moja ni namba za simu. Namba bila msimbo wa nchi ni za {desk.organization.country}.",
                }
            )
        ).classes("cn-hint")
    found = await imports()
    with panel({"en": "Earlier files", "sw": "Faili za awali"}, flush=True):
        if not found:
            with empty("upload_file", "No file yet", "What you import is listed here, with what became of each row."):
                return
        with ui.element("div").classes("cn-list"):
            for each in found:
                _line(desk, each)


def _uploader() -> None:
    async def uploaded(event: UploadEventArguments) -> None:
        desk = here()
        desk.require("contacts.import")
        data = await event.file.read()
        async with unit() as work:
            view = await upload(work, data, event.file.name, country=desk.organization.country)
        go(f"/contacts/import/{view.id}")

    async def refused() -> None:
        toast(say("One CSV file of at most {n} MB, please.", n=MAX_BYTES // 1024 // 1024), kind="bad")

    found = ui.upload(
        label=say("Choose a CSV file, or drop it here"),
        on_upload=bound(uploaded, writes=False),
        on_rejected=bound(refused, writes=False),
        max_file_size=MAX_BYTES,
        max_files=1,
        auto_upload=True,
    )
    found.props('flat bordered accept=".csv,.txt,.tsv,text/csv" hide-upload-btn').classes("cn-upload").mark("csv")


def _line(desk: Desk, each: ImportView) -> None:
    words, tone = _STATES[each.state]
    with ui.element("a").classes("cn-row") as line:
        line.props["href"] = f"/contacts/import/{each.id}"
        with ui.element("div").classes("cn-grow"):
            ui.label(each.filename).classes("cn-strong cn-clip")
            told = say("{total:,} rows", total=each.total)
            if each.state not in ("draft",):
                told = say(
                    "{created:,} new · {updated:,} completed · {rejected:,} not taken",
                    created=each.created,
                    updated=each.updated,
                    rejected=each.rejected,
                )
            ui.label(f"{desk.moment(each.created_at)} · {told}").classes("cn-muted cn-small")
        badge(say(words), tone)  # type: ignore[arg-type]


@page(
    "/contacts/import/{import_id}",
    title={"en": "A file", "sw": "Faili"},
    permission="contacts.import",
    parent="/contacts/import",
)
async def one_import(desk: Desk, import_id: UUID) -> None:
    try:
        view = await find_import(import_id)
    except NotPossible as e:
        raise Missing from e
    crumb(view.filename)
    if view.state == "draft":
        await _draft(desk, view)
    else:
        await _result(desk, view)


# -- before: what the columns are, and what would happen


async def _draft(desk: Desk, view: ImportView) -> None:
    table, known = await table_of(view.id), await fields()
    wizard = _Wizard(view, table)

    async def begin() -> None:
        await wizard.begin()

    async def throw_away() -> None:
        here().require("contacts.import")
        await discard(view.id)
        go("/contacts/import")

    with heading(view.filename, say("{n:,} rows, {n2} columns", n=len(table.rows), n2=len(table.header))):
        button({"en": "Throw away", "sw": "Tupa"}, bound(throw_away, writes=False), kind="quiet")
        button({"en": "Import", "sw": "Agiza"}, bound(begin, writes=False), icon="upload", kind="primary", mark="begin")
    with ui.element("div").classes("cn-grid cn-cols-side"):
        with ui.element("div").classes("cn-stack loose"):
            with panel(
                {"en": "1. What the columns are", "sw": "1. Nguzo ni nini"},
                text={"en": "We guessed; put right what is wrong.", "sw": "Tumekisia; sahihisha palipo na kosa."},
            ):
                wizard.draw_columns(known)
            with panel({"en": "2. How they come in", "sw": "2. Wanaingiaje"}):
                wizard.draw_options(desk)
        with ui.element("div").classes("cn-stack loose"):
            wizard.shown = await live(wizard.draw_preview)


class _Wizard:
    """The choices of one draft. Each change is kept, so that a reload loses nothing, and looked at anew."""

    shown: Live

    def __init__(self, view: ImportView, table: Table) -> None:
        self._id = view.id
        self._table = table
        self._before = view.plan
        self._columns: list[ui.select] = []
        self._ready = False

    def draw_columns(self, known: list[FieldRow]) -> None:
        options = {key: say(text) for key, text in CORE_TARGETS.items()}
        options |= {field_target(each.key): each.name for each in known}
        options |= {
            f"new:{kind}": say("New field: {kind}", kind=say(words).lower())
            for kind, words in KINDS.items()
            if kind != "choice"
        }
        with ui.element("div").classes("cn-list"):
            for place, name in enumerate(self._table.header):
                target = self._before.columns[place] if place < len(self._before.columns) else ""
                with ui.element("div").classes("cn-row").style("flex-wrap: wrap; gap: 8px 14px"):
                    with ui.element("div").classes("cn-grow").style("min-width: 150px"):
                        ui.label(name).classes("cn-strong cn-clip")
                        sample = ", ".join(each[:24] for each in self._table.column(place, 3)) or say("empty")
                        ui.label(sample).classes("cn-muted cn-small cn-clip")
                    pick = (
                        ui.select(options, value=target if target in options else "", with_input=False)
                        .props("outlined dense hide-bottom-space options-dense")
                        .style("width: 210px; max-width: 100%")
                        .mark(f"column-{place}")
                    )
                    pick.props["aria-label"] = say("Column {name} is", name=name)
                    pick.on_value_change(bound(self.changed, writes=False))
                    self._columns.append(pick)

    def draw_options(self, desk: Desk) -> None:
        plan = self._before
        again = bound(self.changed, writes=False)
        self._existing = select_field(
            {"en": "People who are here already", "sw": "Waliopo tayari"}, _EXISTING, plan.existing, mark="existing"
        )
        self._labels = text_field(
            {"en": "Labels for everybody in this file", "sw": "Lebo kwa wote wa faili hii"},
            ", ".join(plan.labels),
            hint={"en": "Separated by commas, such as Night Market 2026.", "sw": "Tenganisha kwa mkato."},
            mark="labels",
        )
        claimed = plan.consent is not None
        self._claims = ui.switch(
            desk.say({"en": "They all agreed to messages", "sw": "Wote walikubali ujumbe"}), value=claimed
        ).mark("claims")
        with ui.element("div").classes("cn-stack") as box:
            note(
                desk.say(
                    {
                        "en": "You answer for this. Say where and when they agreed: it stands in the ledger of each of them. Who said STOP stays out.",
                        "sw": "Unawajibika kwa hili. Sema wapi na lini walikubali. Aliyesema STOP anabaki nje.",
                    }
                ),
                "warn",
            )
            self._source = text_field(
                {"en": "Where they agreed", "sw": "Walikubali wapi"},
                plan.consent.source if plan.consent else "",
                placeholder="Paper form at the Night Market",
                mark="consent-source",
            )
            self._given_on = text_field(
                {"en": "On which day", "sw": "Siku gani"},
                plan.consent.given_on.isoformat() if plan.consent else "",
                kind="date",
                mark="consent-date",
            )
        box.bind_visibility_from(self._claims, "value")
        for control in (self._existing, self._labels, self._source, self._given_on, self._claims):
            control.on_value_change(again)
        for field in (self._labels, self._source):
            field.props("debounce=400")
        self._ready = True

    def read(self) -> Plan | None:
        """None: something is missing, which is said below its field."""
        claim = None
        self._source.error = self._given_on.error = None
        if self._claims.value:
            try:
                claim = Claim(
                    source=(self._source.value or "").strip(), given_on=date.fromisoformat(self._given_on.value or "")
                )
            except (ValueError, ValidationError):
                if len((self._source.value or "").strip()) < 5:
                    self._source.error = say("Say where, in a few words")
                if not self._given_on.value:
                    self._given_on.error = say("Say on which day")
                return None
        names = tuple(
            dict.fromkeys(name for each in (self._labels.value or "").split(",") if (name := each.strip()[:60]))
        )
        return Plan(
            columns=tuple(str(each.value or "") for each in self._columns),
            existing=self._existing.value,
            labels=names,
            consent=claim,
        )

    async def changed(self) -> None:
        plan = self.read() if self._ready else None
        if plan is not None:
            here().require("contacts.import")
            await keep_plan(self._id, plan)
        await self.shown.refresh()

    async def begin(self) -> None:
        desk = here()
        plan = self.read()
        if plan is None:
            toast("Something is missing below: where and when did they agree?", kind="bad")
            return
        async with unit() as work:
            await start(work, desk.principal, self._id, plan, country=desk.organization.country)
        go(f"/contacts/import/{self._id}")

    async def draw_preview(self) -> None:
        desk = here()
        plan = self.read()
        with panel({"en": "3. What will happen", "sw": "3. Kitakachotokea"}):
            if plan is None:
                note("Say where and when they agreed, or switch that off.", "warn")
                return
            try:
                seen = await preview(desk.principal, self._id, plan, country=desk.organization.country, now=desk.now)
            except NotPossible as e:
                note(sentence(e) + ".", "bad")
                return
            self._numbers(seen)
            self._sample(seen)
        if seen.bad_total:
            _bad_rows(seen)

    def _numbers(self, seen: Preview) -> None:
        with ui.element("div").classes("cn-grid").style("grid-template-columns: repeat(3, minmax(0, 1fr)); gap: 8px"):
            for name, value in (("New", seen.new), ("Known", seen.known), ("Not taken", seen.bad_total)):
                with ui.element("div").mark(f"preview-{name.lower().replace(' ', '-')}"):
                    ui.label(name).classes("cn-stat-name")
                    ui.label(f"{value:,}").classes("cn-stat-value num")

    def _sample(self, seen: Preview) -> None:
        if not seen.sample:
            note("No row can be taken as it is. Look at what the columns are.", "bad")
            return
        ui.label(say("The first of them")).classes("cn-muted cn-small")
        with ui.element("div").classes("cn-list"):
            for row in seen.sample[:3]:
                with ui.element("div").classes("cn-row").style("padding: 7px 0"), ui.element("div").classes("cn-grow"):
                    ui.label(row.name or say("No name")).classes("cn-strong cn-clip")
                    more = ", ".join(map(str, row.custom.values()))
                    ui.label(" · ".join(filter(None, [row.phone, more, *row.labels]))).classes(
                        "cn-muted cn-small"
                    ).style("overflow-wrap: anywhere")


def _bad_rows(seen: Preview) -> None:
    title = say("{bad:,} rows will not be taken", bad=seen.bad_total)
    with (
        panel(title, text="Mend them in the file and bring it again, or import the rest now.", flush=True),
        ui.element("div").classes("cn-list"),
    ):
        for row in seen.bad[:SHOWN_BAD]:
            with ui.element("div").classes("cn-row").style("align-items: flex-start"):
                badge(say("Row {number}", number=row.number), "warn")
                with ui.element("div").classes("cn-grow"):
                    for each in row.problems:
                        given = f" “{each.value}”" if each.value else ""
                        with ui.element("div").style("overflow-wrap: anywhere; font-size: 13px"):
                            tag("span", f"{each.column}{given}: ", "cn-strong")
                            tag("span", say(each.text))
        if seen.bad_total > SHOWN_BAD:
            ui.label(
                say("and {n:,} more; all of them are in the report afterwards", n=seen.bad_total - SHOWN_BAD)
            ).classes("cn-muted cn-small").style("padding: 12px 18px")


# -- while and after


async def _result(desk: Desk, view: ImportView) -> None:
    words, _ = _STATES[view.state]

    async def report() -> None:
        content = await rejected_csv(here().principal, view.id)
        name = view.filename.rpartition(".")[0] or view.filename
        ui.download.content(content.encode("utf-8-sig"), f"{name}-to-mend.csv", "text/csv")

    async def take_back() -> None:
        async with unit() as work:
            await start_undo(work, here().principal, view.id)
        go(f"/contacts/import/{view.id}")

    def ask() -> None:
        confirm(
            say("Take back “{filename}”?", filename=view.filename),
            say(
                "{created:,} contacts are removed and {updated:,} are as they were before. Whoever wrote or was changed since stays.",
                created=view.created,
                updated=view.updated,
            ),
            "Take all of it back",
            bound(take_back, writes=False),
        )

    with heading(view.filename, f"{words.capitalize()} · {desk.moment(view.finished_at or view.created_at)}"):
        if view.rejected and not view.is_at_work:
            button("Rows to mend", bound(report, writes=False), icon="download", mark="report")
        if view.state == "done":
            button("Take it back", bound(ask, writes=False), icon="undo", kind="danger", mark="take-back")
            link_button("See them", f"/contacts?imported={view.id}", icon="group", kind="primary")
        elif view.state == "undone":
            link_button("To the contacts", "/contacts", icon="group")
    shown = await live(_progress, view.id)
    if view.is_at_work:

        async def watch() -> None:
            now = await find_import(view.id)
            if now.is_at_work:
                await shown.refresh()
            else:
                timer.cancel()
                go(f"/contacts/import/{view.id}")

        timer = every(WATCH_S, bound(watch, writes=False))
        return
    with panel({"en": "What was chosen", "sw": "Kilichochaguliwa"}):
        plan = view.plan
        agreed = (
            f"{plan.consent.source}, {plan.consent.given_on:%d %b %Y}"
            if plan.consent
            else say("none came with the file")
        )
        facts(
            [
                ("People who were here already", say(_EXISTING[plan.existing])),
                ("Labels for everybody", ", ".join(plan.labels)),
                ("Consent", agreed),
            ]
        )


async def _progress(import_id: UUID) -> None:
    view = await find_import(import_id)
    if view.state == "undoing":
        done, total = view.restored + view.kept, view.created + view.updated
        note(say("Taking back: {done:,} of {total:,}", done=done, total=total), "info")
        bar(done / total if total else 1, label="How much is taken back")
        return
    if view.state == "running":
        with panel():
            ui.label(say("{reached:,} of {total:,} rows", reached=view.reached, total=view.total)).classes(
                "cn-strong num"
            )
            bar(view.share, label="How much is imported")
            ui.label(say("It goes on by itself; you may leave this page.")).classes("cn-muted cn-small")
    elif view.state == "undone":
        kept = (
            say(" {kept:,} stayed, because somebody wrote or changed them since.", kept=view.kept) if view.kept else ""
        )
        note(
            say("Taken back: {restored:,} contacts are as they were before.{kept}", restored=view.restored, kept=kept),
            "good",
        )
    elif view.error:
        note(view.error, "bad")
    with ui.element("div").classes("cn-grid cn-cols-4"):
        for name, value, told in (
            ("New", view.created, "people you did not have"),
            ("Completed", view.updated, "people who were here"),
            ("Unchanged", view.unchanged, "nothing new in the file"),
            ("Not taken", view.rejected, "rows to mend"),
        ):
            stat(name, value, told)
