"""Tables that a database pages, sorts and filters: a page never holds more rows than it shows.

    columns = [Column("at", "When", sort=True), Column("actor", "Who"), Column("action", "What", sort=True)]
    await table("audit", columns, rows, filters=[Filter("action", "Action", {"": "All", ...})], find="Find an action", export=True)

`rows(query)` is a coroutine that gives `Rows`: the page's rows as dicts of texts, and how many there are in all. A row may carry, for a column
`name`: `name_href` (a link), `name_tone` (a pill), `name_note` (a second line). `_href` opens with a click on the row.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from nicegui import app, ui
from nicegui.events import GenericEventArguments, ValueChangeEventArguments

from admin_ui.kit.bound import bound
from admin_ui.kit.controls import button, dialog, icon_button, text_field, toast
from admin_ui.scope import here, say
from admin_ui.words import Words

__all__ = ["Column", "Filter", "Query", "Rows", "Table", "table"]

PAGE_SIZES = (25, 50, 100)
MOST_EXPORTED = 50_000
EXPORT_STEP = 1_000

_CELL = """
<q-td :props="props">
  <a v-if="props.row[props.col.name + '_href']" :href="props.row[props.col.name + '_href']" @click.stop>{{ props.value }}</a>
  <span v-else-if="props.row[props.col.name + '_tone']" :class="'cn-pill ' + props.row[props.col.name + '_tone']">{{ props.value }}</span>
  <template v-else>{{ props.value }}</template>
  <div v-if="props.row[props.col.name + '_note']" class="cn-muted cn-small">{{ props.row[props.col.name + '_note'] }}</div>
</q-td>
"""
_CARD = """
<div class="cn-card" :tabindex="props.row._href ? 0 : -1" @click="props.row._href && (window.location = props.row._href)">
  <div v-for="(col, n) in props.cols" :key="col.name" v-show="col.value" :class="n ? 'cn-card-line' : 'cn-card-head'">
    <span v-if="n" class="cn-muted cn-small">{{ col.label }}</span>
    <a v-if="props.row[col.name + '_href']" :href="props.row[col.name + '_href']" @click.stop>{{ col.value }}</a>
    <span v-else-if="props.row[col.name + '_tone']" :class="'cn-pill ' + props.row[col.name + '_tone']">{{ col.value }}</span>
    <span v-else>{{ col.value }}</span>
  </div>
</div>
"""


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    title: Words
    sort: bool = False
    align: Literal["left", "right"] = "left"
    export: bool = True


@dataclass(frozen=True, slots=True)
class Filter:
    """A choice above the table; the option "" is everything."""

    name: str
    title: Words
    options: Mapping[str, str]
    start: str = ""


@dataclass(frozen=True, slots=True)
class Query:
    find: str = ""
    filters: Mapping[str, str] = field(default_factory=dict)
    sort: str = ""
    descending: bool = False
    offset: int = 0
    limit: int = PAGE_SIZES[0]

    def to_json(self) -> dict[str, Any]:
        return {"find": self.find, "filters": dict(self.filters), "sort": self.sort, "descending": self.descending}

    def filtered(self, name: str) -> str:
        return self.filters.get(name, "")


@dataclass(frozen=True, slots=True)
class Rows:
    rows: Sequence[Mapping[str, Any]]
    total: int


Fetch = Callable[[Query], Awaitable[Rows]]


class Table:
    """What `table` returns: `await it.reload()` after something changed."""

    def __init__(self, name: str, columns: Sequence[Column], fetch: Fetch, query: Query) -> None:
        self.name, self.columns, self.fetch, self.query = name, columns, fetch, query
        self.element: ui.table | None = None
        self.total = 0

    async def reload(self, query: Query | None = None) -> None:
        self.query = query or self.query
        found = await self.fetch(self.query)
        self.total = found.total
        assert self.element is not None
        self.element.rows = [{"_key": number, **row} for number, row in enumerate(found.rows)]
        self.element.pagination = self._pagination()
        self.element.props["loading"] = False
        self.element.update()

    def _pagination(self) -> dict[str, Any]:
        return {
            "rowsPerPage": self.query.limit,
            "page": self.query.offset // self.query.limit + 1,
            "rowsNumber": self.total,
            "sortBy": self.query.sort or None,
            "descending": self.query.descending,
        }

    def asked(self, pagination: Mapping[str, Any]) -> Query:
        limit = min(int(pagination.get("rowsPerPage") or PAGE_SIZES[0]), PAGE_SIZES[-1])
        sortable = {column.name for column in self.columns if column.sort}
        sort = str(pagination.get("sortBy") or "")
        return replace(
            self.query,
            sort=sort if sort in sortable else "",
            descending=bool(pagination.get("descending")),
            limit=limit,
            offset=(max(1, int(pagination.get("page") or 1)) - 1) * limit,
        )

    async def to_csv(self) -> str:
        """All rows that the filters let through, as one sees them."""
        shown = [column for column in self.columns if column.export]
        file = io.StringIO()
        writer = csv.writer(file)
        writer.writerow([here().say(column.title) for column in shown])
        offset = 0
        while offset < MOST_EXPORTED:
            found = await self.fetch(replace(self.query, offset=offset, limit=EXPORT_STEP))
            writer.writerows([[_harmless(str(row.get(column.name, ""))) for column in shown] for row in found.rows])
            offset += EXPORT_STEP
            if offset >= found.total:
                break
        return file.getvalue()


def _harmless(text: str) -> str:
    """A cell that a spreadsheet would take for a formula."""
    return (
        f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") and not text[1:].replace(" ", "").isdigit() else text
    )


async def table(
    name: str,
    columns: Sequence[Column],
    fetch: Fetch,
    *,
    find: Words = "",
    filters: Sequence[Filter] = (),
    sort: str = "",
    descending: bool = False,
    export: bool = False,
    views: bool = True,
    nothing: Words = "Nothing here yet.",
) -> Table:
    """Inside `panel(flush=True)`. With `find` there is a field to search; the coroutine gets its text in `query.find`."""
    desk = here()
    made = Table(
        name,
        columns,
        fetch,
        Query(filters={each.name: each.start for each in filters}, sort=sort, descending=descending),
    )
    find_field, selects = None, {}
    if find or filters or export:
        with ui.element("div").classes("cn-tools"):
            if find:
                find_field = (
                    ui.input(placeholder=desk.say(find))
                    .props('outlined dense hide-bottom-space debounce=250 clearable type="search"')
                    .classes("cn-find")
                    .mark(f"{name}-find")
                )
                find_field.props["aria-label"] = desk.say(find)
                with find_field.add_slot("prepend"):
                    ui.icon("search").props("aria-hidden=true")
            for each in filters:
                selects[each.name] = _filter(name, each)
            ui.element("div").classes("cn-grow cn-hide-small")
            if views and (find or filters):
                _views(made, find_field, selects)
            if export:
                _export(made)
    shown = [
        {
            "name": each.name,
            "label": desk.say(each.title),
            "field": each.name,
            "align": each.align,
            "sortable": each.sort,
        }
        for each in columns
    ]
    element = ui.table(columns=shown, rows=[], row_key="_key", pagination=made._pagination())
    element.props(
        f'flat binary-state-sort :rows-per-page-options="{list(PAGE_SIZES)}" :grid="Quasar.Screen.lt.sm" hide-selected-banner'
    )
    element.props["no-data-label"] = desk.say(nothing)
    element.props["rows-per-page-label"] = say("Rows per page")
    element.props(':pagination-label="(first, last, all) => `${first}–${last} / ${all}`"')
    element.add_slot("body-cell", _CELL)
    element.add_slot("item", _CARD)
    made.element = element

    async def page_or_sort(event: GenericEventArguments) -> None:
        await made.reload(made.asked(event.args.get("pagination") or {}))

    element.on("request", bound(page_or_sort, writes=False))
    element.on(
        "row-click",
        js_handler="(event, row) => { if (row._href && !event.target.closest('a,button')) window.location = row._href }",
    )

    async def narrow(_: ValueChangeEventArguments[Any]) -> None:
        chosen = {key: str(select.value or "") for key, select in selects.items()}
        text = str(find_field.value or "") if find_field is not None else ""
        await made.reload(replace(made.query, find=text.strip(), filters=chosen, offset=0))

    for control in (*selects.values(), *([find_field] if find_field is not None else [])):
        control.on_value_change(bound(narrow, writes=False))
    await made.reload()
    return made


def _filter(name: str, each: Filter) -> ui.select:
    found = (
        ui.select({key: say(text) for key, text in each.options.items()}, value=each.start)
        .props("outlined dense hide-bottom-space options-dense")
        .style("min-width: 150px")
        .mark(f"{name}-{each.name}")
    )
    found.props["aria-label"] = here().say(each.title)
    return found


def _export(made: Table) -> None:
    async def download() -> None:
        content = (await made.to_csv()).encode("utf-8-sig")  # with its mark, or spreadsheets take it for Latin-1
        ui.download.content(content, f"{made.name}.csv", "text/csv")

    icon_button("download", "Download as CSV", bound(download, writes=False)).mark(f"{made.name}-export")


def _views(made: Table, find_field: ui.input | None, selects: Mapping[str, ui.select]) -> None:
    """Filters under a name. Kept for this person in this browser."""
    key = f"views:{made.name}:{here().organization.id}"

    def saved() -> dict[str, Any]:
        found = app.storage.user.get(key)
        return dict(found) if isinstance(found, dict) else {}

    with icon_button("bookmark_border", "Saved views"), ui.menu() as menu:
        pass

    def show() -> None:
        menu.clear()
        with menu:
            for name, view in saved().items():
                with ui.item(on_click=bound(lambda view=view: use(view), writes=False)), ui.item_section():
                    ui.label(name)
            with ui.item(on_click=bound(ask, writes=False)), ui.item_section():
                ui.label(say("Save this view…"))
            if saved():
                with ui.item(on_click=bound(forget, writes=False)), ui.item_section():
                    ui.label(say("Forget all views"))

    def use(view: Mapping[str, Any]) -> None:
        menu.close()
        if find_field is not None:
            find_field.set_value(view.get("find", ""))
        for key, select in selects.items():
            value = (view.get("filters") or {}).get(key, "")
            select.set_value(value if value in (select.options or {}) else "")

    def ask() -> None:
        menu.close()
        with dialog("Save this view", text="Search and filters, under a name of yours.") as asking:
            name = text_field("Name", mark="view-name")
            with ui.element("div").classes("cn-actions"):
                button("Cancel", asking.close, kind="quiet")

                def keep() -> None:
                    if not (name.value or "").strip():
                        name.error = say("Give it a name")
                        return
                    app.storage.user[key] = {**saved(), name.value.strip()[:60]: made.query.to_json()}
                    asking.close()
                    show()
                    toast("View saved")

                button("Save", bound(keep, writes=False), kind="primary", mark="view-save")
        asking.open()

    def forget() -> None:
        menu.close()
        app.storage.user.pop(key, None)
        show()

    show()
