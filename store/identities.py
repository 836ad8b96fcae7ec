"""How a person is recognised, when the provider says that it has changed."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from store.crypto import OrganizationKeys, mask_phone
from store.db import Tx
from store.ids import uuid7

__all__ = ["Name", "find_contact", "move"]

_FIND = (
    "SELECT contact_id FROM contact_identities WHERE organization_id = $1 AND portfolio = $2 AND kind = $3 AND value_index = $4"
    " AND valid_to IS NULL"
)
_END = (
    "UPDATE contact_identities SET valid_to = clock_timestamp() WHERE organization_id = $1 AND contact_id = $2 AND portfolio = $3"
    " AND kind = $4 AND value_index <> $5 AND valid_to IS NULL"
)
_ADD = (
    "INSERT INTO contact_identities (id, organization_id, contact_id, portfolio, kind, value_index, value_sealed, value_masked, valid_from)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, clock_timestamp())"
    " ON CONFLICT (organization_id, portfolio, kind, value_index) WHERE valid_to IS NULL DO NOTHING"
)
_PROPOSE = (
    "INSERT INTO contact_merge_proposals (id, organization_id, contact_id, other_contact_id, reason, created_at)"
    " VALUES ($1, $2, $3, $4, 'the provider says that this person has moved here', clock_timestamp())"
    " ON CONFLICT (organization_id, contact_id, other_contact_id) DO NOTHING"
)


@dataclass(frozen=True, slots=True)
class Name:
    """One identity in clear. `kind`: bsuid (within a portfolio) or phone (E.164, portfolio "")."""

    kind: str
    portfolio: str
    value: str


async def find_contact(tx: Tx, keys: OrganizationKeys, names: list[Name]) -> UUID | None:
    """By the first name that anybody has; BSUID before phone is the caller's order."""
    for name in names:
        found: UUID | None = await tx.fetchval(
            _FIND, keys.organization_id, name.portfolio, name.kind, keys.blind_index(name.value)
        )
        if found is not None:
            return found
    return None


async def move(tx: Tx, keys: OrganizationKeys, contact_id: UUID, names: list[Name]) -> None:
    """The contact has these names from now on, in place of older ones of the same kind. One that another contact has by now is not
    taken away: a merge is proposed."""
    for name in names:
        index = keys.blind_index(name.value)
        await tx.execute(_END, keys.organization_id, contact_id, name.portfolio, name.kind, index)
        owner = await tx.fetchval(_FIND, keys.organization_id, name.portfolio, name.kind, index)
        if owner is not None and owner != contact_id:
            await tx.execute(_PROPOSE, uuid7(), keys.organization_id, contact_id, owner)
            continue
        sealed = keys.seal_text(name.value, table="contact_identities", column="value_sealed")
        masked = mask_phone(name.value) if name.kind == "phone" else f"{name.value[:3]}…{name.value[-4:]}"
        await tx.execute(
            _ADD, uuid7(), keys.organization_id, contact_id, name.portfolio, name.kind, index, sealed, masked
        )
