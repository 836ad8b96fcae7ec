"""The message templates of an organization's WhatsApp accounts: fetched from the provider, kept true by its webhooks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from bot.numbers.book import find_number, line_of, list_numbers
from bot.provider import TemplateFacts
from bot.runtime import Runtime
from store.db import fetch, transaction
from store.ids import uuid7
from store.jsonb import from_jsonb, to_jsonb
from store.tenancy import organization_scope

__all__ = [
    "ApprovedTemplate",
    "approved_templates",
    "counted",
    "fetch_templates",
    "fetched",
    "find_template",
    "list_templates",
    "tell_template",
]

STALE = timedelta(hours=24)

_PUT = """
INSERT INTO message_templates (id, organization_id, waba_id, external_id, name, language, category, status, reason, quality,
    parameter_format, components, changed_at, fetched_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12::jsonb, $13, $13)
ON CONFLICT (organization_id, waba_id, external_id) DO UPDATE SET name = excluded.name, language = excluded.language,
    category = excluded.category, status = excluded.status, quality = excluded.quality, parameter_format = excluded.parameter_format,
    components = excluded.components, fetched_at = excluded.fetched_at,
    reason = CASE WHEN excluded.reason = '' AND excluded.status = message_templates.status THEN message_templates.reason ELSE excluded.reason END,
    changed_at = CASE WHEN (excluded.status, excluded.category, excluded.components) IS DISTINCT FROM
        (message_templates.status, message_templates.category, message_templates.components)
        THEN excluded.changed_at ELSE message_templates.changed_at END
"""
# What is not listed any more was deleted; it stays, so that nobody wonders where it went.
_GONE = """
UPDATE message_templates SET status = 'DELETED', changed_at = $4 WHERE organization_id = $1 AND waba_id = $2
    AND NOT external_id = ANY($3::text[]) AND status <> 'DELETED'
"""
_TELL = """
UPDATE message_templates SET status = COALESCE(nullif($4, ''), status), quality = COALESCE(nullif($5, ''), quality),
    category = COALESCE(nullif($6, ''), category), reason = CASE WHEN $4 = '' THEN reason ELSE left($7, 300) END, changed_at = clock_timestamp()
WHERE organization_id = $1 AND waba_id = $2 AND external_id = $3
"""
_FOUND = """
FROM message_templates WHERE organization_id = $1 AND ($2 = '' OR status = $2)
    AND ($3 = '' OR name ILIKE '%' || $3 || '%') AND ($4 = '' OR category = $4) AND ($5 = '' OR waba_id = $5)
"""
_SORTS = {"name": "name", "status": "status", "changed": "changed_at", "language": "language"}


@dataclass(frozen=True, slots=True)
class TemplateRow:
    id: UUID
    waba_id: str
    external_id: str
    name: str
    language: str
    category: str
    status: str
    reason: str
    quality: str
    parameter_format: str
    components: list[dict[str, Any]]
    changed_at: datetime

    @property
    def named(self) -> bool:
        return self.parameter_format == "NAMED"


ApprovedTemplate = TemplateRow

_COLUMNS = "id, waba_id, external_id, name, language, category, status, reason, quality, parameter_format, components, changed_at"


async def fetch_templates(runtime: Runtime, organization_id: UUID, account_id: UUID) -> int:
    """Brings all templates of the number's account; the number of them. Never inside a transaction.

    Raises:
        NotConnected: the provider does not let us.
        Retryable: it cannot be asked now.
    """
    with organization_scope(organization_id):
        number = await find_number(organization_id, account_id)
        found = await runtime.provider.templates(await line_of(runtime, organization_id, number))
        await _put(organization_id, number.waba_id, found, runtime.clock.now())
    return len(found)


async def fetched(runtime: Runtime, organization_id: UUID) -> None:
    """Sees to it that each account's templates were fetched within a day. Raises as `fetch_templates`."""
    seen: set[str] = set()
    for number in await list_numbers(organization_id):
        is_stale = number.templates_at is None or runtime.clock.now() - number.templates_at > STALE
        if is_stale and number.waba_id and number.waba_id not in seen:
            await fetch_templates(runtime, organization_id, number.id)
        seen.add(number.waba_id)


async def _put(organization_id: UUID, waba_id: str, found: Sequence[TemplateFacts], now: datetime) -> None:
    async with transaction() as tx:
        if found:
            await tx.executemany(
                _PUT,
                [
                    (
                        uuid7(),
                        organization_id,
                        waba_id,
                        each.external_id,
                        each.name,
                        each.language,
                        each.category,
                        each.status,
                        each.reason,
                        each.quality,
                        each.parameter_format,
                        to_jsonb(each.components),
                        now,
                    )
                    for each in found
                ],
            )
        await tx.execute(_GONE, organization_id, waba_id, [each.external_id for each in found], now)
        await tx.execute(
            "UPDATE channel_accounts SET templates_at = $3 WHERE organization_id = $1 AND waba_id = $2",
            organization_id,
            waba_id,
            now,
        )


async def tell_template(
    tx: Any,
    organization_id: UUID,
    waba_id: str,
    external_id: str,
    *,
    status: str = "",
    quality: str = "",
    category: str = "",
    reason: str = "",
) -> bool:
    """What a webhook said of one; "" leaves it. False: we do not have it."""
    done = await tx.execute(_TELL, organization_id, waba_id, external_id, status, quality, category, reason)
    return str(done) != "UPDATE 0"


async def list_templates(
    organization_id: UUID,
    *,
    status: str = "",
    find: str = "",
    category: str = "",
    waba_id: str = "",
    sort: str = "name",
    descending: bool = False,
    offset: int = 0,
    limit: int = 100,
) -> tuple[list[TemplateRow], int]:
    """A page of them, and how many there are in all."""
    given = (organization_id, status, find.replace("\\", "").replace("%", r"\%").replace("_", r"\_"), category, waba_id)
    order = f"{_SORTS.get(sort, 'name')} {'DESC' if descending else 'ASC'}, name, language, id"
    rows = await fetch(f"SELECT {_COLUMNS} {_FOUND} ORDER BY {order} LIMIT $6 OFFSET $7", *given, limit, offset)
    total = await fetch(f"SELECT count(*) AS n {_FOUND}", *given)
    return [_read(row) for row in rows], total[0]["n"]


async def approved_templates(organization_id: UUID, *, waba_id: str = "") -> list[TemplateRow]:
    """Those that may be sent; by name."""
    return (await list_templates(organization_id, status="APPROVED", waba_id=waba_id, limit=1000))[0]


async def find_template(organization_id: UUID, template_id: UUID) -> TemplateRow | None:
    rows = await fetch(
        f"SELECT {_COLUMNS} FROM message_templates WHERE organization_id = $1 AND id = $2",  # noqa: S608
        organization_id,
        template_id,
    )
    return _read(rows[0]) if rows else None


async def counted(organization_id: UUID, waba_id: str) -> dict[str, int]:
    """How many of each status."""
    rows = await fetch(
        "SELECT status, count(*) AS n FROM message_templates WHERE organization_id = $1 AND waba_id = $2 AND status <> 'DELETED' GROUP BY status",
        organization_id,
        waba_id,
    )
    return {row["status"]: row["n"] for row in rows}


def _read(row: Any) -> TemplateRow:
    return TemplateRow(
        **{name: row[name] if name != "components" else from_jsonb(row["components"]) for name in _COLUMNS.split(", ")}
    )
