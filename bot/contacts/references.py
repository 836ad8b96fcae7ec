"""What points at a contact, whatever table and skill it is of: read off the database's own foreign keys."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from bot.unit import Unit

__all__ = ["OWN", "references", "touched_contacts"]

# What belongs to a contact itself, and says nothing of what happened to it.
OWN = frozenset({"contact_identities", "consents", "contact_import_rows", "contact_merge_proposals"})

_REFERENCES = """
SELECT c.conrelid::regclass::text AS name, a.attname::text AS col
  FROM pg_constraint c
  JOIN unnest(c.conkey, c.confkey) AS k(own, theirs) ON true
  JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.own
  JOIN pg_attribute t ON t.attrelid = c.confrelid AND t.attnum = k.theirs
 WHERE c.contype = 'f' AND c.confrelid = 'contacts'::regclass AND t.attname = 'id'
 ORDER BY 1, 2
"""


async def references(work: Unit) -> list[tuple[str, str]]:
    """Tables and columns that name a contact, those of `OWN` left out. Names come from the catalog, quoted where they must be."""
    rows = await work.tx.fetch(_REFERENCES)
    return [(row["name"], row["col"]) for row in rows if row["name"] not in OWN]


async def touched_contacts(work: Unit, contact_ids: Sequence[UUID], *, but_import: UUID) -> set[UUID]:
    """Those to whom something happened that the import did not do: a conversation, a ticket, a consent, another identity."""
    if not contact_ids:
        return set()
    found: set[UUID] = set()
    asked = [
        f"SELECT {column} AS id FROM {table} WHERE organization_id = $1 AND {column} = ANY($2)"  # noqa: S608 - from the catalog
        for table, column in await references(work)
    ]
    asked += [
        "SELECT contact_id AS id FROM consents WHERE organization_id = $1 AND contact_id = ANY($2) AND import_id IS DISTINCT FROM $3",
        "SELECT contact_id AS id FROM contact_identities WHERE organization_id = $1 AND contact_id = ANY($2)"
        " GROUP BY contact_id HAVING count(*) > 1",
        "SELECT contact_id AS id FROM contact_import_rows WHERE organization_id = $1 AND contact_id = ANY($2) AND import_id <> $3"
        " AND outcome = 'updated'",
    ]
    rows = await work.tx.fetch(
        f"SELECT id FROM ({' UNION '.join(asked)}) q WHERE $3::uuid IS NOT NULL",  # noqa: S608
        work.organization_id,
        list(contact_ids),
        but_import,
    )
    found.update(row["id"] for row in rows)
    return found
