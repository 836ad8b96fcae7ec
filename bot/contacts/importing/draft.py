"""The part with people in it: upload, guesses, preview, start, progress, report, undo."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from bot.contacts.book import FieldKind, FieldRow, fields, key_of, labels, put_field, put_label
from bot.contacts.errors import NotPossible
from bot.contacts.importing.check import BadRow, Checked, GoodRow, check
from bot.contacts.importing.jobs import ImportContacts, UndoImport
from bot.contacts.importing.plan import Plan, field_target, guess, sound
from bot.contacts.importing.table import Table, read_table
from bot.identity import Principal
from bot.unit import Unit
from store.crypto import OrganizationKeys, column_aad, keyring
from store.db import execute, fetch, fetchrow
from store.ids import uuid7
from store.jsonb import from_jsonb, to_jsonb
from store.tenancy import current_organization

__all__ = [
    "ImportView",
    "Preview",
    "discard",
    "find_import",
    "imports",
    "keep_plan",
    "preview",
    "rejected_csv",
    "start",
    "start_undo",
    "table_of",
    "upload",
]

SHOWN_BAD = 200
KNOWN_AT_ONCE = 5_000
_VIEW = "id, filename, plan, state, total, reached, created, updated, unchanged, rejected, restored, kept, error, created_by, created_at, finished_at"


@dataclass(frozen=True, slots=True)
class ImportView:
    id: UUID
    filename: str
    plan: Plan
    state: str  # draft | running | done | undoing | undone | failed
    total: int
    reached: int
    created: int
    updated: int
    unchanged: int
    rejected: int
    restored: int
    kept: int
    error: str
    created_by: str
    created_at: datetime
    finished_at: datetime | None

    @property
    def share(self) -> float:
        return self.reached / self.total if self.total else 0.0

    @property
    def is_at_work(self) -> bool:
        return self.state in ("running", "undoing")


@dataclass(frozen=True, slots=True)
class Preview:
    total: int
    new: int
    known: int
    bad: tuple[BadRow, ...]  # the first of them
    bad_total: int
    sample: tuple[GoodRow, ...]


async def upload(work: Unit, data: bytes, filename: str, *, country: str) -> ImportView:
    """Keeps the file, sealed, as a draft with guessed columns.

    Raises:
        NotPossible: it is no CSV file; the message says what to bring.
    """
    table = await asyncio.to_thread(read_table, data, filename)
    plan = await asyncio.to_thread(guess, table, await fields(), country)
    import_id = uuid7()
    await work.tx.execute(
        "INSERT INTO contact_imports (id, organization_id, filename, sealed_file, plan, state, total, reached, created, updated, unchanged, rejected,"
        " restored, kept, error, created_by, created_at) VALUES ($1, $2, $3, $4, $5::jsonb, 'draft', $6, 0, 0, 0, 0, 0, 0, 0, '', $7, clock_timestamp())",
        import_id,
        work.organization_id,
        filename.replace("\x00", "")[:200],
        work.keys.seal(data, _aad(work.keys)),
        to_jsonb(plan.model_dump(mode="json")),
        len(table.rows),
        work.actor,
    )
    return await find_import(import_id)


async def imports(limit: int = 50) -> list[ImportView]:
    """Newest first."""
    rows = await fetch(
        f"SELECT {_VIEW} FROM contact_imports WHERE organization_id = $1 ORDER BY created_at DESC LIMIT $2",  # noqa: S608
        current_organization(),
        limit,
    )
    return [_view(row) for row in rows]


async def find_import(import_id: UUID) -> ImportView:
    """
    Raises:
        NotPossible: there is none in this organization.
    """
    row = await fetchrow(
        f"SELECT {_VIEW} FROM contact_imports WHERE organization_id = $1 AND id = $2",  # noqa: S608
        current_organization(),
        import_id,
    )
    if row is None:
        raise NotPossible("there is no such import; it may have been thrown away")
    return _view(row)


async def table_of(import_id: UUID) -> Table:
    row = await fetchrow(
        "SELECT filename, sealed_file FROM contact_imports WHERE organization_id = $1 AND id = $2",
        current_organization(),
        import_id,
    )
    if row is None:
        raise NotPossible("there is no such import; it may have been thrown away")
    keys = await keyring().keys(current_organization())
    data = keys.open(bytes(row["sealed_file"]), _aad(keys))
    return await asyncio.to_thread(read_table, data, row["filename"])


async def preview(principal: Principal, import_id: UUID, plan: Plan, *, country: str, now: datetime) -> Preview:
    """What would happen; nothing is written.

    Raises:
        NotAllowed: without `contacts.import`.
        NotPossible: the plan cannot be followed.
    """
    principal.require("contacts.import")
    table = await table_of(import_id)
    known_fields = await fields()
    sound(plan, table, known_fields, now.date())
    checked = await asyncio.to_thread(check, table, *_as_if_made(table, plan, known_fields), country)
    known = await _known([row.phone for row in checked.good])
    return Preview(
        total=len(checked.rows),
        new=len(checked.good) - known,
        known=known,
        bad=tuple(checked.bad[:SHOWN_BAD]),
        bad_total=len(checked.bad),
        sample=tuple(checked.good[:5]),
    )


async def start(work: Unit, principal: Principal, import_id: UUID, plan: Plan, *, country: str) -> ImportView:
    """Makes the fields and labels that the plan wants, and the job that does the rest.

    Raises:
        NotAllowed: without `contacts.import`.
        NotPossible: the plan cannot be followed, or it was started before.
    """
    principal.require("contacts.import")
    view = await _locked(work, import_id)
    if view.state != "draft":
        raise NotPossible("this file was imported already")
    table = await table_of(import_id)
    known = await fields()
    sound(plan, table, known, work.now.date())
    settled = await _make_fields(work, table, plan, known)
    checked = await asyncio.to_thread(check, table, settled, await fields(), country)
    settled = await _make_labels(work, settled, checked)
    await work.tx.execute(
        "UPDATE contact_imports SET state = 'running', plan = $3::jsonb, total = $4, started_at = clock_timestamp()"
        " WHERE organization_id = $1 AND id = $2",
        work.organization_id,
        import_id,
        to_jsonb(settled.model_dump(mode="json")),
        len(checked.rows),
    )
    work.enqueue(ImportContacts(import_id=import_id))
    work.audit(
        "contacts.import_started",
        subject=f"contact_import:{import_id}",
        after={
            "file": view.filename,
            "rows": len(checked.rows),
            "consent": f"{plan.consent.source}, {plan.consent.given_on}" if plan.consent else None,
        },
    )
    return await find_import(import_id)


async def start_undo(work: Unit, principal: Principal, import_id: UUID) -> None:
    """
    Raises:
        NotAllowed: without `contacts.import`.
        NotPossible: there is nothing to undo.
    """
    principal.require("contacts.import")
    view = await _locked(work, import_id)
    if view.state not in ("done", "failed"):
        raise NotPossible("an import can be undone when it has ended, and once")
    await work.tx.execute(
        "UPDATE contact_imports SET state = 'undoing', finished_at = NULL WHERE organization_id = $1 AND id = $2",
        work.organization_id,
        import_id,
    )
    work.enqueue(UndoImport(import_id=import_id))
    work.audit("contacts.import_undo_started", subject=f"contact_import:{import_id}")


async def keep_plan(import_id: UUID, plan: Plan) -> None:
    """So that a draft survives a reload."""
    await execute(
        "UPDATE contact_imports SET plan = $3::jsonb WHERE organization_id = $1 AND id = $2 AND state = 'draft'",
        current_organization(),
        import_id,
        to_jsonb(plan.model_dump(mode="json")),
    )


async def discard(import_id: UUID) -> None:
    """A draft that nobody wants."""
    await execute(
        "DELETE FROM contact_imports WHERE organization_id = $1 AND id = $2 AND state = 'draft'",
        current_organization(),
        import_id,
    )


async def rejected_csv(principal: Principal, import_id: UUID) -> str:
    """The rows that were not taken, as they stood, with their number and what to mend: mended, the file can be imported.

    Raises:
        NotAllowed: without `contacts.import`.
    """
    principal.require("contacts.import")
    table = await table_of(import_id)
    rows = await fetch(
        "SELECT number, problems FROM contact_import_rows WHERE organization_id = $1 AND import_id = $2 AND outcome = 'rejected' ORDER BY number",
        current_organization(),
        import_id,
    )
    cells = dict(table.rows)
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow([*table.header, "Row", "What to mend"])
    for row in rows:
        given = list(cells.get(row["number"], ()))[: len(table.header)]
        given += [""] * (len(table.header) - len(given))
        told = "; ".join(
            f"{each['column']}: {each['text']}" if each["column"] else each["text"]
            for each in from_jsonb(row["problems"])
        )
        writer.writerow([*map(_harmless, given), row["number"], told])
    return file.getvalue()


# -- inside


def _harmless(cell: str) -> str:
    """A cell that a spreadsheet would take for a formula; numbers with a plus are none."""
    plain = cell[1:].replace(" ", "")
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r") and not plain.isdigit() else cell


def _view(row: Any) -> ImportView:
    return ImportView(**{**dict(row), "plan": Plan.model_validate(from_jsonb(row["plan"]))})


def _aad(keys: OrganizationKeys) -> bytes:
    return column_aad(keys.organization_id, "contact_imports", "sealed_file")


async def _locked(work: Unit, import_id: UUID) -> ImportView:
    row = await work.tx.fetchrow(
        f"SELECT {_VIEW} FROM contact_imports WHERE organization_id = $1 AND id = $2 FOR UPDATE",  # noqa: S608
        work.organization_id,
        import_id,
    )
    if row is None:
        raise NotPossible("there is no such import; it may have been thrown away")
    return _view(row)


async def _known(phones: Sequence[str]) -> int:
    keys = await keyring().keys(current_organization())
    found = 0
    for place in range(0, len(phones), KNOWN_AT_ONCE):
        indexes = [keys.blind_index(each) for each in phones[place : place + KNOWN_AT_ONCE]]
        row = await fetchrow(
            "SELECT count(*) AS number FROM contact_identities WHERE organization_id = $1 AND portfolio = '' AND kind = 'phone'"
            " AND valid_to IS NULL AND value_index = ANY($2)",
            keys.organization_id,
            indexes,
        )
        found += row["number"]
    return found


def _as_if_made(table: Table, plan: Plan, known: Sequence[FieldRow]) -> tuple[Plan, list[FieldRow]]:
    """The plan with its new fields as if they were there."""
    columns, rows = list(plan.columns), list(known)
    for place, target in enumerate(plan.columns):
        if target.startswith("new:"):
            row = FieldRow(f"new_{place}", table.header[place], FieldKind(target[4:]))
            rows.append(row)
            columns[place] = field_target(row.key)
    return plan.model_copy(update={"columns": tuple(columns)}), rows


async def _make_fields(work: Unit, table: Table, plan: Plan, known: Sequence[FieldRow]) -> Plan:
    columns, made = list(plan.columns), []
    names = {key_of(each.name): each for each in known}
    for place, target in enumerate(plan.columns):
        if not target.startswith("new:"):
            continue
        found = names.get(key_of(table.header[place]))
        if found is None:
            found = await put_field(work, table.header[place], FieldKind(target[4:]))
            made.append(found.key)
        columns[place] = field_target(found.key)
    return plan.model_copy(update={"columns": tuple(columns), "made_fields": tuple(made)})


async def _make_labels(work: Unit, plan: Plan, checked: Checked) -> Plan:
    wanted = dict.fromkeys([*plan.labels, *(name for row in checked.good for name in row.labels)])
    if len(wanted) > 100:
        raise NotPossible(
            f"the column of labels has {len(wanted)} different ones; make it a field instead", field="columns"
        )
    known = {each.key for each in await labels()}
    made = [row.key for name in wanted if (row := await put_label(work, name)).key not in known]
    return plan.model_copy(update={"made_labels": tuple(made)})
