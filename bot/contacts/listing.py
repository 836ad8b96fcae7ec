"""Who there is: lists by filter, sorted and paged by the database, and one contact with everything that is known of it.

Phone numbers are whole for those who may see them (`contacts.phone`) and masked for everybody else: what leaves here is fit to be shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from bot.contacts.errors import NoSuchContact, NotPossible
from bot.contacts.filter import ContactFilter, Where, where
from bot.contacts.phone import e164
from bot.identity import Principal
from store.crypto import OrganizationKeys, keyring, mask_phone
from store.db import fetch, fetchrow, fetchval
from store.jsonb import from_jsonb
from store.tenancy import current_organization

__all__ = [
    "ConsentRow",
    "ContactRow",
    "Identity",
    "Sort",
    "Whole",
    "consents",
    "count",
    "get",
    "list_contacts",
    "resolve",
]

Sort = Literal["seen", "name", "created"]
MAX_LIMIT = 1_000

_SEEN = (
    " LEFT JOIN LATERAL (SELECT max(s.last_user_at) AS seen FROM sessions s WHERE s.organization_id = c.organization_id"
    " AND s.contact_id = c.id) w ON true"
)
_PHONE = (
    " LEFT JOIN LATERAL (SELECT n.value_sealed, n.value_masked FROM contact_identities n WHERE n.organization_id = c.organization_id"
    " AND n.contact_id = c.id AND n.kind = 'phone' AND n.valid_to IS NULL ORDER BY n.valid_from DESC LIMIT 1) p ON true"
)
_COLUMNS = (
    "c.id, c.name, c.locale, c.country, c.labels, c.custom, c.opted_in_at, c.opted_out_at, c.created_at, w.seen,"
    " c.profile_name, c.erasure_asked_at, p.value_sealed, p.value_masked"
)
_KEYS: dict[str, str] = {
    "seen": "COALESCE(w.seen, '-infinity')",
    "name": "lower(c.name)",
    "created": "c.created_at",
}


@dataclass(frozen=True, slots=True)
class ContactRow:
    id: UUID
    name: str
    phone: str  # as this caller may see it; "" where there is none
    locale: str
    country: str
    labels: tuple[str, ...]  # keys
    custom: dict[str, Any]
    opted_in_at: datetime | None
    opted_out_at: datetime | None
    created_at: datetime
    seen_at: datetime | None  # when they last wrote
    profile_name: str = ""  # what they call themselves in WhatsApp
    erasure_asked_at: datetime | None = None  # they want everything about them deleted

    @property
    def consent(self) -> Literal["in", "out", "none"]:
        return "out" if self.opted_out_at else "in" if self.opted_in_at else "none"

    def content(self) -> dict[str, Any]:
        """What people edit, and what an undo compares."""
        return content_of(self.name, self.locale, self.country, self.labels, self.custom)


@dataclass(frozen=True, slots=True)
class Identity:
    kind: str  # bsuid | parent_bsuid | phone
    value: str  # masked where the caller may not see it
    valid_from: datetime
    valid_to: datetime | None


@dataclass(frozen=True, slots=True)
class Whole:
    """One contact. `others` were merged into it: their history is its own."""

    row: ContactRow
    identities: tuple[Identity, ...]
    others: tuple[UUID, ...] = ()
    import_id: UUID | None = None

    @property
    def ids(self) -> tuple[UUID, ...]:
        return (self.row.id, *self.others)


@dataclass(frozen=True, slots=True)
class ConsentRow:
    """`message_id`: the message that proves it; `file`: the import that says so."""

    at: datetime
    purpose: str
    state: str
    source: str
    wording: str
    message_id: UUID | None = None
    file: str = ""
    said: str = field(default="")


def content_of(
    name: str, locale: str | None, country: str, labels: Sequence[str], custom: dict[str, Any]
) -> dict[str, Any]:
    return {
        "name": name,
        "locale": locale or "",
        "country": country,
        "labels": sorted(labels),
        "custom": dict(sorted(custom.items())),
    }


async def list_contacts(
    principal: Principal,
    wanted: ContactFilter | None = None,
    *,
    country: str = "",
    sort: Sort = "seen",
    descending: bool = True,
    after: UUID | None = None,
    offset: int = 0,
    limit: int = 50,
) -> list[ContactRow]:
    """A page: `limit` rows behind contact `after` (keyset: what comes in meanwhile moves nothing), or behind `offset` rows.

    Args:
        country: of the organization; numbers in `find` are read by it.

    Raises:
        NotAllowed: without `contacts.view`.
    """
    principal.require("contacts.view")
    keys = await keyring().keys(current_organization())
    made = _where(wanted or ContactFilter(), keys, country)
    key, than, order = _KEYS[sort], "<" if descending else ">", "DESC" if descending else "ASC"
    if after is not None:
        place = made.put(after)
        made.conditions.append(
            f"({key}, c.id) {than} (SELECT {key.replace('c.', 'x.').replace('w.', 'y.')}, x.id FROM contacts x"  # noqa: S608
            f"{_SEEN.replace('c.', 'x.').replace(' w ON', ' y ON')} WHERE x.organization_id = $1 AND x.id = {place})"
        )
    sql = (
        f"SELECT {_COLUMNS} FROM contacts c{_SEEN}{_PHONE} WHERE {made.sql} ORDER BY {key} {order}, c.id {order}"  # noqa: S608
        f" OFFSET {made.put(max(0, offset))} LIMIT {made.put(min(max(1, limit), MAX_LIMIT))}"
    )
    return [_row(row, keys, sees=principal.may("contacts.phone")) for row in await fetch(sql, *made.values)]


async def count(wanted: ContactFilter | None = None, *, country: str = "") -> int:
    keys = await keyring().keys(current_organization())
    made = _where(wanted or ContactFilter(), keys, country)
    found: int = await fetchval(f"SELECT count(*) FROM contacts c WHERE {made.sql}", *made.values)  # noqa: S608
    return found


async def get(principal: Principal, contact_id: UUID) -> Whole:
    """
    Raises:
        NotAllowed: without `contacts.view`.
        NoSuchContact: not here; `resolve` follows merges.
    """
    principal.require("contacts.view")
    organization_id = current_organization()
    keys = await keyring().keys(organization_id)
    row = await fetchrow(
        f"SELECT {_COLUMNS}, c.import_id FROM contacts c{_SEEN}{_PHONE} WHERE c.organization_id = $1 AND c.id = $2",  # noqa: S608
        organization_id,
        contact_id,
    )
    if row is None:
        raise NoSuchContact
    sees = principal.may("contacts.phone")
    others = await fetch(
        "SELECT id FROM contacts WHERE organization_id = $1 AND merged_into = $2", organization_id, contact_id
    )
    identities = await fetch(
        "SELECT kind, value_sealed, value_masked, valid_from, valid_to FROM contact_identities"
        " WHERE organization_id = $1 AND contact_id = ANY($2) ORDER BY valid_to NULLS FIRST, kind DESC, valid_from",
        organization_id,
        [contact_id, *(each["id"] for each in others)],
    )
    return Whole(
        _row(row, keys, sees=sees),
        tuple(
            Identity(each["kind"], _shown(each, keys, sees=sees), each["valid_from"], each["valid_to"])
            for each in identities
        ),
        tuple(each["id"] for each in others),
        row["import_id"],
    )


async def resolve(contact_id: UUID) -> UUID | None:
    """Into whom this contact was merged, if it was."""
    found: UUID | None = await fetchval(
        "SELECT merged_into FROM contacts WHERE organization_id = $1 AND id = $2", current_organization(), contact_id
    )
    return found


async def consents(contact_ids: Sequence[UUID]) -> list[ConsentRow]:
    """The ledger, newest first, each with what it rests on."""
    rows = await fetch(
        "SELECT k.at, k.purpose, k.state, k.source, k.wording, k.message_id, COALESCE(i.filename, '') AS file FROM consents k"
        " LEFT JOIN contact_imports i ON i.organization_id = k.organization_id AND i.id = k.import_id"
        " WHERE k.organization_id = $1 AND k.contact_id = ANY($2) ORDER BY k.at DESC, k.id DESC",
        current_organization(),
        list(contact_ids),
    )
    return [ConsentRow(**dict(row)) for row in rows]


def _where(wanted: ContactFilter, keys: OrganizationKeys, country: str) -> Where:
    index = None
    if sum(each.isdigit() for each in wanted.find) >= 6:
        try:
            index = keys.blind_index(e164(wanted.find, country))
        except NotPossible:
            index = None
    return where(keys.organization_id, wanted, phone_index=index)


def _row(row: Any, keys: OrganizationKeys, *, sees: bool) -> ContactRow:
    return ContactRow(
        id=row["id"],
        name=row["name"],
        phone=_shown(row, keys, sees=sees) if row["value_sealed"] is not None else "",
        locale=row["locale"] or "",
        country=row["country"],
        labels=tuple(from_jsonb(row["labels"] or "[]")),
        custom=from_jsonb(row["custom"] or "{}"),
        opted_in_at=row["opted_in_at"],
        opted_out_at=row["opted_out_at"],
        created_at=row["created_at"],
        seen_at=row["seen"],
        profile_name=row["profile_name"],
        erasure_asked_at=row["erasure_asked_at"],
    )


def _shown(row: Any, keys: OrganizationKeys, *, sees: bool) -> str:
    if not sees and row["value_masked"]:
        return str(row["value_masked"])
    value = keys.open_text(row["value_sealed"], table="contact_identities", column="value_sealed")
    return value if sees else mask_phone(value)
