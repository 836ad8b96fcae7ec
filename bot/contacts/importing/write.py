"""The background part: rows in batches, one transaction each, with progress; and the way back.

The import's row is locked for each batch and says how far it got, so that a job that runs twice, or again after a crash, does nothing twice.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import TYPE_CHECKING, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from bot.contacts.book import fields, labels, remove_field, remove_label
from bot.contacts.importing.check import BadRow, GoodRow, check
from bot.contacts.importing.draft import ImportView, _locked, find_import, table_of
from bot.contacts.importing.jobs import ImportContacts, UndoImport
from bot.contacts.importing.plan import Plan
from bot.contacts.listing import content_of
from bot.contacts.references import touched_contacts
from bot.notifications import notify, person_behind
from bot.skill import TaskContext
from bot.unit import Unit
from store.crypto import mask_phone
from store.ids import uuid7
from store.jsonb import from_jsonb, to_jsonb
from store.tenancy import organization_scope

if TYPE_CHECKING:
    from bot.runtime import Runtime

__all__ = ["import_contacts", "undo_import"]

log = logging.getLogger(__name__)

BATCH = 500
BATCHES_PER_JOB = 20  # then the next job goes on: no job runs into its time-out


async def import_contacts(runtime: Runtime, job: ImportContacts, ctx: TaskContext) -> None:
    organization = ctx.organization
    with organization_scope(organization.id):
        view = await find_import(job.import_id)
        if view.state != "running":
            return
        table = await table_of(job.import_id)
        known = await fields()
        by_name = {each.name.lower(): each.key for each in await labels()}
    checked = await asyncio.to_thread(check, table, view.plan, known, organization.country)
    batch = _Batch(view.plan, by_name, ZoneInfo(organization.timezone))
    for number in range(BATCHES_PER_JOB):
        async with ctx.unit_of_work() as work:
            assert isinstance(work, Unit)
            held = await _locked(work, job.import_id)
            if held.state != "running":
                return
            rows = checked.rows[held.reached : held.reached + BATCH]
            done = await batch.write(work, job.import_id, rows)
            reached = held.reached + len(rows)
            is_last = reached >= len(checked.rows)
            await _count(work, job.import_id, reached, done, is_last=is_last)
            if is_last:
                work.audit(
                    "contacts.imported",
                    subject=f"contact_import:{job.import_id}",
                    after={"file": view.filename, **done.as_json(held)},
                )
                await _tell(work, view, done.as_json(held))
            elif number == BATCHES_PER_JOB - 1:
                work.enqueue(ImportContacts(import_id=job.import_id))
        if is_last:
            log.info("contacts imported", extra={"rows": len(checked.rows)})
            return


async def _tell(work: Unit, view: ImportView, done: dict[str, int]) -> None:
    who = person_behind(view.created_by)
    if who is None:
        return
    taken, bad = done["created"] + done["updated"] + done["unchanged"], done["rejected"]
    subject = {
        "en": f"{view.filename}: {taken:,} contacts imported, {bad:,} rows left out",
        "sw": f"{view.filename}: anwani {taken:,} zimeingizwa, safu {bad:,} zimeachwa",
    }
    await notify(work, "import.finished", subject, f"/contacts/import/{view.id}", user_id=who)


@dataclass(slots=True)
class _Done:
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0

    def as_json(self, before: Any) -> dict[str, int]:
        return {name: getattr(before, name) + getattr(self, name) for name in self.__slots__}


async def _count(work: Unit, import_id: UUID, reached: int, done: _Done, *, is_last: bool) -> None:
    await work.tx.execute(
        "UPDATE contact_imports SET reached = $3, created = created + $4, updated = updated + $5, unchanged = unchanged + $6,"
        " rejected = rejected + $7, state = CASE WHEN $8 THEN 'done' ELSE state END,"
        " finished_at = CASE WHEN $8 THEN clock_timestamp() END WHERE organization_id = $1 AND id = $2",
        work.organization_id,
        import_id,
        reached,
        done.created,
        done.updated,
        done.unchanged,
        done.rejected,
        is_last,
    )


class _Batch:
    def __init__(self, plan: Plan, labels_by_name: dict[str, str], zone: ZoneInfo) -> None:
        self._plan = plan
        self._keys = labels_by_name
        self._for_all = [labels_by_name[each.lower()] for each in plan.labels if each.lower() in labels_by_name]
        claim = plan.consent
        self._granted_at = (
            datetime.combine(claim.given_on, time(12), tzinfo=zone).astimezone(UTC) if claim is not None else None
        )

    async def write(self, work: Unit, import_id: UUID, rows: Sequence[GoodRow | BadRow]) -> _Done:
        done = _Done()
        outcomes: list[tuple[Any, ...]] = []
        for row in rows:
            if isinstance(row, BadRow):
                problems = [{"column": each.column, "text": each.text} for each in row.problems]
                outcomes.append((row.number, "rejected", None, None, None, problems))
        good = {work.keys.blind_index(row.phone): row for row in rows if isinstance(row, GoodRow)}
        known = await self._known(work, list(good))
        fresh = await self._create(work, import_id, {index: row for index, row in good.items() if index not in known})
        late = [index for index in good if index not in known and index not in fresh]
        if late:  # they wrote, or another file came, between the two statements
            known |= await self._known(work, late)
        for index, contact_id in fresh.items():
            outcomes.append((good[index].number, "created", contact_id, None, self._of_new(good[index]), None))
        outcomes += await self._update(
            work, {index: contact_id for index, contact_id in known.items() if index in good}, good
        )
        await self._consent(work, import_id, [each for each in outcomes if (each[4] or {}).get("opted_in_at")])
        for each in outcomes:
            setattr(done, each[1], getattr(done, each[1]) + 1)
        await work.tx.executemany(
            "INSERT INTO contact_import_rows (id, organization_id, import_id, number, outcome, contact_id, before, after, problems, undone)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7::jsonb, $8::jsonb, $9::jsonb, '')",
            [
                (
                    uuid7(),
                    work.organization_id,
                    import_id,
                    *each[:3],
                    *(None if one is None else to_jsonb(one) for one in each[3:]),
                )
                for each in outcomes
            ],
        )
        return done

    async def _known(self, work: Unit, indexes: list[bytes]) -> dict[bytes, UUID]:
        rows = await work.tx.fetch(
            "SELECT value_index, contact_id FROM contact_identities WHERE organization_id = $1 AND portfolio = '' AND kind = 'phone'"
            " AND valid_to IS NULL AND value_index = ANY($2)",
            work.organization_id,
            indexes,
        )
        return {bytes(row["value_index"]): row["contact_id"] for row in rows}

    def _of_new(self, row: GoodRow) -> dict[str, Any]:
        content = content_of(row.name, row.locale, row.country, self._labels(row), row.custom)
        return {**content, "opted_in_at": _text(self._granted_at)}

    def _labels(self, row: GoodRow) -> list[str]:
        return sorted(
            {*self._for_all, *(self._keys[each.lower()] for each in row.labels if each.lower() in self._keys)}
        )

    async def _create(self, work: Unit, import_id: UUID, rows: dict[bytes, GoodRow]) -> dict[bytes, UUID]:
        if not rows:
            return {}
        ids = {index: uuid7() for index in rows}
        contents = {index: self._of_new(row) for index, row in rows.items()}
        await work.tx.execute(
            "INSERT INTO contacts (id, organization_id, name, locale, country, labels, custom, opted_in_at, import_id, created_at)"
            " SELECT i, $1, n, nullif(l, ''), c, a::jsonb, u::jsonb, $8, $9, clock_timestamp()"
            " FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[]) AS x(i, n, l, c, a, u)",
            work.organization_id,
            list(ids.values()),
            [each["name"] for each in contents.values()],
            [each["locale"] for each in contents.values()],
            [each["country"] for each in contents.values()],
            [to_jsonb(each["labels"]) for each in contents.values()],
            [to_jsonb(each["custom"]) for each in contents.values()],
            self._granted_at,
            import_id,
        )
        made = await work.tx.fetch(
            "INSERT INTO contact_identities (id, organization_id, contact_id, portfolio, kind, value_index, value_sealed, value_masked, valid_from)"
            " SELECT i, $1, c, '', 'phone', x, s, m, clock_timestamp()"
            " FROM unnest($2::uuid[], $3::uuid[], $4::bytea[], $5::bytea[], $6::text[]) AS x(i, c, x, s, m)"
            " ON CONFLICT (organization_id, portfolio, kind, value_index) WHERE valid_to IS NULL DO NOTHING RETURNING contact_id",
            work.organization_id,
            [uuid7() for _ in ids],
            list(ids.values()),
            list(ids),
            [
                work.keys.seal_text(row.phone, table="contact_identities", column="value_sealed")
                for row in rows.values()
            ],
            [mask_phone(row.phone) for row in rows.values()],
        )
        named = {row["contact_id"] for row in made}
        nameless = [each for each in ids.values() if each not in named]
        if nameless:
            await work.tx.execute(
                "DELETE FROM contacts WHERE organization_id = $1 AND id = ANY($2)", work.organization_id, nameless
            )
        return {index: contact_id for index, contact_id in ids.items() if contact_id in named}

    async def _update(self, work: Unit, known: dict[bytes, UUID], good: dict[bytes, GoodRow]) -> list[tuple[Any, ...]]:
        """Locked in the order of their keys, so that two imports never wait for each other crosswise."""
        rows = await work.tx.fetch(
            "SELECT id, name, locale, country, labels, custom, opted_in_at, opted_out_at FROM contacts"
            " WHERE organization_id = $1 AND id = ANY($2) ORDER BY id FOR UPDATE",
            work.organization_id,
            list(known.values()),
        )
        by_id = {row["id"]: row for row in rows}
        outcomes: list[tuple[Any, ...]] = []
        changed: list[tuple[UUID, dict[str, Any]]] = []
        for index, contact_id in known.items():
            row, held = good[index], by_id[contact_id]
            before = content_of(
                held["name"],
                held["locale"],
                held["country"],
                from_jsonb(held["labels"] or "[]"),
                from_jsonb(held["custom"] or "{}"),
            )
            after = self._merged(before, row)
            is_fresh = self._grants(held)
            if after == before and not is_fresh:
                outcomes.append((row.number, "unchanged", contact_id, None, None, None))
                continue
            granted = {"opted_in_at": _text(self._granted_at)} if is_fresh else {}
            changed.append((contact_id, after))
            outcomes.append((row.number, "updated", contact_id, before, {**after, **granted}, None))
        await work.tx.executemany(
            "UPDATE contacts SET name = $3, locale = nullif($4, ''), country = $5, labels = $6::jsonb, custom = $7::jsonb"
            " WHERE organization_id = $1 AND id = $2",
            [_values(work.organization_id, contact_id, content) for contact_id, content in changed],
        )
        return outcomes

    def _grants(self, held: Any) -> bool:
        """An import never speaks for somebody who has spoken: who agreed has a better proof, who said STOP stays out."""
        return (
            self._granted_at is not None
            and self._plan.existing != "skip"
            and held["opted_in_at"] is None
            and held["opted_out_at"] is None
        )

    def _merged(self, before: dict[str, Any], row: GoodRow) -> dict[str, Any]:
        if self._plan.existing == "skip":
            return before
        given = content_of(row.name, row.locale, before["country"] or row.country, self._labels(row), row.custom)
        overwrite = self._plan.existing == "overwrite"

        def better(old: Any, new: Any) -> Any:
            return new if new not in ("", None) and (overwrite or old in ("", None)) else old

        return {
            "name": better(before["name"], given["name"]),
            "locale": better(before["locale"], given["locale"]),
            "country": given["country"],
            "labels": sorted({*before["labels"], *given["labels"]}),
            "custom": dict(
                sorted(
                    {
                        **before["custom"],
                        **{key: better(before["custom"].get(key), value) for key, value in given["custom"].items()},
                    }.items()
                )
            ),
        }

    async def _consent(self, work: Unit, import_id: UUID, outcomes: Sequence[tuple[Any, ...]]) -> None:
        if self._plan.consent is None or self._granted_at is None or not outcomes:
            return
        ids = [each[2] for each in outcomes]
        await work.tx.execute(
            "INSERT INTO consents (id, organization_id, contact_id, purpose, state, source, wording, at, import_id)"
            " SELECT i, $1, c, 'messages', 'granted', 'import', $4, $5, $6 FROM unnest($2::uuid[], $3::uuid[]) AS x(i, c)",
            work.organization_id,
            [uuid7() for _ in ids],
            ids,
            self._plan.consent.source,
            self._granted_at,
            import_id,
        )
        await work.tx.execute(
            "UPDATE contacts SET opted_in_at = $3 WHERE organization_id = $1 AND id = ANY($2) AND opted_in_at IS NULL AND opted_out_at IS NULL",
            work.organization_id,
            ids,
            self._granted_at,
        )


# -- the way back


async def undo_import(runtime: Runtime, job: UndoImport, ctx: TaskContext) -> None:
    """Removes contacts that the import made and restores those that it changed. Who was touched since, by anybody, is left as they are."""
    for number in range(BATCHES_PER_JOB):
        async with ctx.unit_of_work() as work:
            assert isinstance(work, Unit)
            view = await _locked(work, job.import_id)
            if view.state != "undoing":
                return
            rows = await work.tx.fetch(
                "SELECT id, outcome, contact_id, before, after FROM contact_import_rows WHERE organization_id = $1 AND import_id = $2"
                " AND outcome IN ('created', 'updated') AND undone = '' ORDER BY number DESC LIMIT $3",
                work.organization_id,
                job.import_id,
                BATCH,
            )
            if not rows:
                await _finish_undo(work, job.import_id, view.plan)
                return
            await _undo_batch(work, job.import_id, rows)
            if number == BATCHES_PER_JOB - 1:
                work.enqueue(UndoImport(import_id=job.import_id))


async def _undo_batch(work: Unit, import_id: UUID, rows: Sequence[Any]) -> None:
    ids = [row["contact_id"] for row in rows if row["contact_id"] is not None]
    found = await work.tx.fetch(
        "SELECT id, name, locale, country, labels, custom, opted_in_at, opted_out_at, merged_into FROM contacts"
        " WHERE organization_id = $1 AND id = ANY($2) ORDER BY id FOR UPDATE",
        work.organization_id,
        ids,
    )
    held = {row["id"]: row for row in found}
    made = [row["contact_id"] for row in rows if row["outcome"] == "created" and row["contact_id"] in held]
    touched = await touched_contacts(work, made, but_import=import_id)
    removed: list[UUID] = []
    restored: list[tuple[UUID, dict[str, Any], bool]] = []
    fates: list[tuple[UUID, str]] = []
    for row in rows:
        contact = held.get(row["contact_id"])
        after = from_jsonb(row["after"])
        if contact is None or contact["merged_into"] is not None or not _is_as_left(contact, after):
            fates.append((row["id"], "kept"))
        elif row["outcome"] == "created":
            if contact["id"] in touched:
                fates.append((row["id"], "kept"))
                continue
            removed.append(contact["id"])
            fates.append((row["id"], "restored"))
        else:
            restored.append((contact["id"], from_jsonb(row["before"]), bool(after.get("opted_in_at"))))
            fates.append((row["id"], "restored"))
    await work.tx.executemany(
        "UPDATE contacts SET name = $3, locale = nullif($4, ''), country = $5, labels = $6::jsonb, custom = $7::jsonb"
        " WHERE organization_id = $1 AND id = $2",
        [_values(work.organization_id, contact_id, content) for contact_id, content, _ in restored],
    )
    granted = [contact_id for contact_id, _, is_granted in restored if is_granted]
    await work.tx.execute(
        "DELETE FROM consents WHERE organization_id = $1 AND import_id = $2 AND contact_id = ANY($3)",
        work.organization_id,
        import_id,
        granted,
    )
    await work.tx.execute(
        "UPDATE contacts SET opted_in_at = NULL WHERE organization_id = $1 AND id = ANY($2)",
        work.organization_id,
        granted,
    )
    await work.tx.executemany(
        "UPDATE contact_import_rows SET undone = $3 WHERE organization_id = $1 AND id = $2",
        [(work.organization_id, row_id, fate) for row_id, fate in fates],
    )
    await work.tx.execute(
        "DELETE FROM contacts WHERE organization_id = $1 AND id = ANY($2)", work.organization_id, removed
    )
    kept = sum(fate == "kept" for _, fate in fates)
    await work.tx.execute(
        "UPDATE contact_imports SET restored = restored + $3, kept = kept + $4 WHERE organization_id = $1 AND id = $2",
        work.organization_id,
        import_id,
        len(fates) - kept,
        kept,
    )


def _is_as_left(contact: Any, after: dict[str, Any]) -> bool:
    """Whether nobody changed it since, and no consent came or went."""
    content = content_of(
        contact["name"],
        contact["locale"],
        contact["country"],
        from_jsonb(contact["labels"] or "[]"),
        from_jsonb(contact["custom"] or "{}"),
    )
    if any(after.get(key) != value for key, value in content.items()):
        return False
    if "opted_in_at" not in after:
        return True
    return contact["opted_out_at"] is None and _text(contact["opted_in_at"]) == after["opted_in_at"]


async def _finish_undo(work: Unit, import_id: UUID, plan: Plan) -> None:
    """Labels and fields that came with the file go with it, if nobody else uses them."""
    for key in plan.made_labels:
        if not await work.tx.fetchval(
            "SELECT count(*) FROM contacts WHERE organization_id = $1 AND labels @> $2::jsonb",
            work.organization_id,
            to_jsonb([key]),
        ):
            await remove_label(work, key)
    for key in plan.made_fields:
        if not await work.tx.fetchval(
            "SELECT count(*) FROM contacts WHERE organization_id = $1 AND custom ? $2::text", work.organization_id, key
        ):
            await remove_field(work, key)
    await work.tx.execute(
        "UPDATE contact_imports SET state = 'undone', finished_at = clock_timestamp() WHERE organization_id = $1 AND id = $2",
        work.organization_id,
        import_id,
    )
    view = await find_import(import_id)
    work.audit(
        "contacts.import_undone",
        subject=f"contact_import:{import_id}",
        after={"restored": view.restored, "kept": view.kept},
    )


def _values(organization_id: UUID, contact_id: UUID, content: dict[str, Any]) -> tuple[Any, ...]:
    return (
        organization_id,
        contact_id,
        content["name"],
        content["locale"],
        content["country"],
        to_jsonb(content["labels"]),
        to_jsonb(content["custom"]),
    )


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat()
