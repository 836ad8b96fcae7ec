"""Changing what is known of a contact, one or many at once. Whoever wrote first is not overwritten unseen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import phonenumbers

from bot.contacts.book import FieldRow, fields, read_value
from bot.contacts.errors import NoSuchContact, NotPossible
from bot.contacts.filter import ContactFilter
from bot.contacts.listing import _where, content_of
from bot.contacts.phone import e164
from bot.unit import Unit
from store.crypto import mask_phone
from store.ids import uuid7
from store.jsonb import from_jsonb, to_jsonb
from store.models import ContactLabel

__all__ = [
    "LOCALES",
    "add_labels",
    "create_contact",
    "put_content",
    "read_content",
    "remove_label_from",
    "update_contact",
]

LOCALES = ("en", "sw")
MAX_NAME = 300


async def create_contact(work: Unit, *, name: str, phone: str, country: str, **content: Any) -> UUID:
    """Somebody who has not written yet. No consent comes with it.

    Raises:
        NotPossible: the number is none, or somebody has it.
    """
    number = e164(phone, country)
    index = work.keys.blind_index(number)
    taken = await work.tx.fetchval(
        "SELECT contact_id FROM contact_identities WHERE organization_id = $1 AND portfolio = '' AND kind = 'phone'"
        " AND value_index = $2 AND valid_to IS NULL",
        work.organization_id,
        index,
    )
    if taken is not None:
        raise NotPossible("a contact with this number is here already", field="phone")
    contact_id = uuid7()
    region = phonenumbers.region_code_for_number(phonenumbers.parse(number)) or country
    await work.tx.execute(
        "INSERT INTO contacts (id, organization_id, name, country, created_at) VALUES ($1, $2, $3, $4, clock_timestamp())",
        contact_id,
        work.organization_id,
        "",
        region[:2],
    )
    await work.tx.execute(
        "INSERT INTO contact_identities (id, organization_id, contact_id, portfolio, kind, value_index, value_sealed, value_masked, valid_from)"
        " VALUES ($1, $2, $3, '', 'phone', $4, $5, $6, clock_timestamp())",
        uuid7(),
        work.organization_id,
        contact_id,
        index,
        work.keys.seal_text(number, table="contact_identities", column="value_sealed"),
        mask_phone(number),
    )
    work.audit("contact.created", subject=f"contact:{contact_id}")
    await update_contact(work, contact_id, name=name, **content)
    return contact_id


async def read_content(work: Unit, contact_id: UUID, *, lock: bool = False) -> dict[str, Any]:
    """
    Raises:
        NoSuchContact: not in this organization.
    """
    row = await work.tx.fetchrow(
        "SELECT name, locale, country, labels, custom FROM contacts WHERE organization_id = $1 AND id = $2"  # noqa: S608
        f"{' FOR UPDATE' if lock else ''}",
        work.organization_id,
        contact_id,
    )
    if row is None:
        raise NoSuchContact
    return content_of(
        row["name"], row["locale"], row["country"], from_jsonb(row["labels"] or "[]"), from_jsonb(row["custom"] or "{}")
    )


async def put_content(work: Unit, contact_id: UUID, content: Mapping[str, Any]) -> None:
    """As it is, without looking: for undo."""
    await work.tx.execute(
        "UPDATE contacts SET name = $3, locale = nullif($4, ''), country = $5, labels = $6::jsonb, custom = $7::jsonb"
        " WHERE organization_id = $1 AND id = $2",
        work.organization_id,
        contact_id,
        content["name"],
        content["locale"],
        content["country"],
        to_jsonb(content["labels"]),
        to_jsonb(content["custom"]),
    )


async def update_contact(
    work: Unit,
    contact_id: UUID,
    *,
    name: str | None = None,
    locale: str | None = None,
    labels: Sequence[str] | None = None,
    custom: Mapping[str, str] | None = None,
    seen: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """What is given is changed, the rest stays; returns what was there before, for `put_content`.

    Args:
        custom: values of fields as they are typed; "" empties one.
        seen: the content that the caller saw; what somebody else changed since is not overwritten.

    Raises:
        NoSuchContact: not in this organization.
        NotPossible: a value does not fit (`field` names it), or somebody else was quicker.
    """
    before = await read_content(work, contact_id, lock=True)
    wanted = {
        "name": before["name"] if name is None else _name(name),
        "locale": before["locale"] if locale in (None, before["locale"]) else _locale(locale or ""),
        "labels": before["labels"] if labels is None else await _labels(labels),
    }
    after = {**before, **wanted, "custom": {**before["custom"], **read_custom(await fields(), custom or {})}}
    after["custom"] = {key: value for key, value in after["custom"].items() if value is not None}
    changed = {key for key in after if after[key] != before[key]}
    if not changed:
        return before
    if seen is not None and any(seen.get(key) != before[key] for key in changed):
        raise NotPossible("somebody else changed this contact meanwhile; look at it again and repeat your change")
    await put_content(work, contact_id, after)
    work.audit(
        "contact.changed",
        subject=f"contact:{contact_id}",
        before={key: before[key] for key in sorted(changed)},
        after={key: after[key] for key in sorted(changed)},
    )
    return before


async def add_labels(
    work: Unit, wanted: ContactFilter, keys: Iterable[str], *, country: str = "", only: Sequence[UUID] | None = None
) -> list[UUID]:
    """Everybody whom the filter lets through gets these labels; returns who did not have them all, for `remove_label_from`."""
    added = await _labels(list(keys))
    made = _where(wanted, work.keys, country)
    made.conditions.append(f"NOT COALESCE(c.labels @> {made.put(to_jsonb(added))}::jsonb, false)")
    if only is not None:
        made.conditions.append(f"c.id = ANY({made.put(list(only))})")
    plus = made.put(to_jsonb(added))
    rows = await work.tx.fetch(
        "UPDATE contacts c SET labels = (SELECT COALESCE(jsonb_agg(DISTINCT e ORDER BY e), '[]')"  # noqa: S608
        f" FROM jsonb_array_elements(COALESCE(c.labels, '[]') || {plus}::jsonb) e) WHERE {made.sql} RETURNING c.id",
        *made.values,
    )
    work.audit("contacts.labelled", after={"labels": added, "contacts": len(rows)})
    return [row["id"] for row in rows]


async def remove_label_from(work: Unit, keys: Iterable[str], contact_ids: Sequence[UUID]) -> None:
    await work.tx.execute(
        "UPDATE contacts SET labels = labels - $3::text[] WHERE organization_id = $1 AND id = ANY($2)",
        work.organization_id,
        list(contact_ids),
        list(keys),
    )
    work.audit("contacts.unlabelled", after={"labels": list(keys), "contacts": len(contact_ids)})


def read_custom(known: Sequence[FieldRow], given: Mapping[str, str]) -> dict[str, Any]:
    """
    Raises:
        NotPossible: an unknown field, or a value that is none of it.
    """
    by_key = {each.key: each for each in known}
    for key in given:
        if key not in by_key:
            raise NotPossible(f"there is no field {key}; make it in the settings of contacts", field=key)
    return {key: read_value(by_key[key], text) for key, text in given.items()}


def _name(name: str) -> str:
    plain = " ".join(name.replace("\x00", "").split())
    if len(plain) > MAX_NAME:
        raise NotPossible(f"a name has at most {MAX_NAME} characters", field="name")
    return plain


def _locale(locale: str) -> str:
    if locale not in ("", *LOCALES):
        raise NotPossible(f"a language is one of {', '.join(LOCALES)}", field="locale")
    return locale


async def _labels(keys: Sequence[str]) -> list[str]:
    known = {row.key for row in await ContactLabel.filter(key__in=list(keys))}
    unknown = [key for key in keys if key not in known]
    if unknown:
        raise NotPossible(f"there is no label {unknown[0]}", field="labels")
    return sorted(known)
