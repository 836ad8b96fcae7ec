"""People of an organization, as its staff see them: numbers masked, unless one may see them whole."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from store import db
from store.crypto import keyring
from store.tenancy import current_organization

__all__ = ["contact_with_phone", "phones_of"]


async def phones_of(contact_ids: Iterable[UUID], *, whole: bool) -> dict[UUID, str]:
    """The live number of each that has one, the newest first known."""
    rows = await db.fetch(
        "SELECT DISTINCT ON (contact_id) contact_id, value_masked, value_sealed FROM contact_identities"
        " WHERE organization_id = $1 AND contact_id = ANY($2) AND kind = 'phone' AND valid_to IS NULL"
        " ORDER BY contact_id, valid_from DESC",
        current_organization(),
        list(contact_ids),
    )
    if not whole:
        return {row["contact_id"]: row["value_masked"] for row in rows}
    keys = await keyring().keys(current_organization())
    return {
        row["contact_id"]: keys.open_text(row["value_sealed"], table="contact_identities", column="value_sealed")
        for row in rows
    }


async def contact_with_phone(phone: str) -> UUID | None:
    """`phone` in E.164."""
    keys = await keyring().keys(current_organization())
    found: UUID | None = await db.fetchval(
        "SELECT contact_id FROM contact_identities WHERE organization_id = $1 AND portfolio = '' AND kind = 'phone'"
        " AND value_index = $2 AND valid_to IS NULL",
        current_organization(),
        keys.blind_index(phone),
    )
    return found
