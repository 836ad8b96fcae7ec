"""What an organization writes beside its contacts: labels, fields of its own with their types, segments."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any
from uuid import UUID

from bot.contacts.errors import NotPossible
from bot.contacts.filter import ContactFilter
from bot.unit import Unit
from store.db import execute, fetchval
from store.models import ContactField, ContactLabel, Segment

__all__ = [
    "COLOURS",
    "FieldKind",
    "FieldRow",
    "LabelRow",
    "SegmentRow",
    "fields",
    "key_of",
    "labels",
    "put_field",
    "put_label",
    "read_value",
    "remove_field",
    "remove_label",
    "remove_segment",
    "save_segment",
    "segments",
    "shown_value",
]

COLOURS = ("plain", "accent", "info", "good", "warn", "bad")
MAX_FIELDS = 60
MAX_LABELS = 200
MAX_VALUE = 1_000

_EMAIL = re.compile(r"^[^@\s]+@[^@\s]+\.[^@\s]+$")
_URL = re.compile(r"^https?://[^\s]+\.[^\s]+$")
_YES = {"yes", "y", "true", "1", "ndiyo", "ndio", "x", "✓"}
_NO = {"no", "n", "false", "0", "hapana", "-"}
_DATES = ("%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%d-%m-%Y", "%d %b %Y", "%d %B %Y")


class FieldKind(StrEnum):
    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    BOOLEAN = "boolean"
    CHOICE = "choice"
    EMAIL = "email"
    URL = "url"


@dataclass(frozen=True, slots=True)
class LabelRow:
    key: str
    name: str
    colour: str
    contacts: int = 0


@dataclass(frozen=True, slots=True)
class FieldRow:
    key: str
    name: str
    kind: FieldKind
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SegmentRow:
    id: UUID
    name: str
    filter: ContactFilter
    created_at: datetime


def key_of(name: str) -> str:
    """`T-shirt size` -> `t_shirt_size`."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    found = re.sub(r"[^a-z0-9]+", "_", (plain or name).lower()).strip("_")[:60]
    return found or "field_" + format(sum(map(ord, name)), "x")


# -- values


def read_value(field: FieldRow, text: str) -> Any:
    """What was typed, as it is kept; None for nothing.

    Raises:
        NotPossible: it is no value of this field; the message says what to write.
    """
    given = " ".join(text.split()) if field.kind is not FieldKind.TEXT else text.strip()
    if not given:
        return None
    if len(given) > MAX_VALUE:
        raise NotPossible(f"at most {MAX_VALUE} characters", field=field.key)
    match field.kind:
        case FieldKind.NUMBER:
            return _number(field, given)
        case FieldKind.DATE:
            return _date(field, given)
        case FieldKind.BOOLEAN:
            if given.lower() in _YES | _NO:
                return given.lower() in _YES
            raise NotPossible("write yes or no", field=field.key)
        case FieldKind.CHOICE:
            found = next((each for each in field.options if each.lower() == given.lower()), None)
            if found is None:
                raise NotPossible(f"choose one of {', '.join(field.options)}", field=field.key)
            return found
        case FieldKind.EMAIL:
            if not _EMAIL.match(given):
                raise NotPossible("this is no e-mail address; write it like asha@example.org", field=field.key)
            return given
        case FieldKind.URL:
            if not _URL.match(given):
                raise NotPossible("this is no address of a page; write it like https://example.org", field=field.key)
            return given
        case _:
            return given


def _number(field: FieldRow, given: str) -> int | float:
    plain = given.replace(" ", "")
    plain = plain.replace(",", "") if re.fullmatch(r"-?\d{1,3}(,\d{3})+(\.\d+)?", plain) else plain.replace(",", ".")
    try:
        found = Decimal(plain)
    except InvalidOperation as e:
        raise NotPossible("write a number, such as 12 or 12.5", field=field.key) from e
    if not found.is_finite() or abs(found) > 10**15:
        raise NotPossible("write a number, such as 12 or 12.5", field=field.key)
    return int(found) if found == int(found) else float(found)


def _date(field: FieldRow, given: str) -> str:
    for form in _DATES:
        try:
            return datetime.strptime(given, form).date().isoformat()  # noqa: DTZ007
        except ValueError:
            continue
    raise NotPossible("write a date like 2026-11-25 or 25/11/2026", field=field.key)


def shown_value(field: FieldRow, value: Any) -> str:
    if value is None:
        return ""
    if field.kind is FieldKind.BOOLEAN:
        return "yes" if value else "no"
    if field.kind is FieldKind.DATE:
        try:
            return f"{date.fromisoformat(str(value)):%d %b %Y}"
        except ValueError:
            return str(value)
    return str(value)


# -- labels


async def labels(*, counted: bool = False) -> list[LabelRow]:
    """By name; `counted` says how many contacts have each."""
    rows = await ContactLabel.all().order_by("name")
    found = []
    for row in rows:
        number = (
            await fetchval(
                "SELECT count(*) FROM contacts WHERE labels @> $1::jsonb AND merged_into IS NULL", f'["{row.key}"]'
            )
            if counted
            else 0
        )
        found.append(LabelRow(row.key, row.name, row.colour, number))
    return found


async def put_label(work: Unit, name: str, *, colour: str = "plain", key: str = "") -> LabelRow:
    """A new one, or with `key` another name or colour for one that is there.

    Raises:
        NotPossible: the name is empty, too long, or another label's.
    """
    name = " ".join(name.split())
    if not 1 <= len(name) <= 60:
        raise NotPossible("a label has 1 to 60 characters", field="name")
    if colour not in COLOURS:
        raise NotPossible(f"a colour is one of {', '.join(COLOURS)}", field="colour")
    same = await ContactLabel.filter(name__iexact=name).first()
    if same is not None and same.key != key:
        if key:
            raise NotPossible(f"there is a label “{name}” already", field="name")
        return LabelRow(same.key, same.name, same.colour)
    found = await ContactLabel.get_or_none(key=key) if key else None
    if found is None:
        if await ContactLabel.all().count() >= MAX_LABELS:
            raise NotPossible(f"at most {MAX_LABELS} labels; use a field for what differs from person to person")
        fresh = await _free_key(ContactLabel, key_of(name))
        found = await ContactLabel.create(key=fresh, name=name, colour=colour)
        work.audit("contact_label.created", subject=f"contact_label:{fresh}", after={"name": name})
    else:
        work.audit(
            "contact_label.changed",
            subject=f"contact_label:{key}",
            before={"name": found.name, "colour": found.colour},
            after={"name": name, "colour": colour},
        )
        found.name, found.colour = name, colour
        await found.save(update_fields=["name", "colour"])
    return LabelRow(found.key, found.name, found.colour)


async def remove_label(work: Unit, key: str) -> int:
    """From the list and from everybody who has it; how many had it."""
    found = await ContactLabel.get_or_none(key=key)
    if found is None:
        return 0
    tag = await execute("UPDATE contacts SET labels = labels - $1::text WHERE labels @> $2::jsonb", key, f'["{key}"]')
    await found.delete()
    work.audit("contact_label.removed", subject=f"contact_label:{key}", before={"name": found.name})
    return int(tag.rpartition(" ")[2])


# -- fields


async def fields() -> list[FieldRow]:
    rows = await ContactField.all().order_by("position", "created_at")
    return [FieldRow(row.key, row.name, FieldKind(row.kind), tuple(row.options or ())) for row in rows]


async def put_field(work: Unit, name: str, kind: FieldKind, *, options: Sequence[str] = (), key: str = "") -> FieldRow:
    """A new one, or with `key` another name or other options for one that is there; its type stays.

    Raises:
        NotPossible: the name is empty or another field's, or a choice has no options.
    """
    name = " ".join(name.split())
    if not 1 <= len(name) <= 80:
        raise NotPossible("a field's name has 1 to 80 characters", field="name")
    chosen = list(dict.fromkeys(" ".join(each.split()) for each in options if each.strip()))
    if kind is FieldKind.CHOICE and not chosen:
        raise NotPossible("write the options of the choice, one a line", field="options")
    same = await ContactField.filter(name__iexact=name).first()
    if same is not None and same.key != key:
        raise NotPossible(f"there is a field “{name}” already", field="name")
    found = await ContactField.get_or_none(key=key) if key else None
    if found is None:
        number = await ContactField.all().count()
        if number >= MAX_FIELDS:
            raise NotPossible(f"at most {MAX_FIELDS} fields")
        fresh = await _free_key(ContactField, key_of(name))
        found = await ContactField.create(
            key=fresh, name=name, kind=kind.value, options=chosen or None, position=number
        )
        work.audit("contact_field.created", subject=f"contact_field:{fresh}", after={"name": name, "kind": kind.value})
    else:
        found.name, found.options = name, chosen or found.options
        await found.save(update_fields=["name", "options"])
        work.audit("contact_field.changed", subject=f"contact_field:{key}", after={"name": name})
    return FieldRow(found.key, found.name, FieldKind(found.kind), tuple(found.options or ()))


async def remove_field(work: Unit, key: str) -> None:
    """The field and everybody's value in it."""
    found = await ContactField.get_or_none(key=key)
    if found is None:
        return
    await execute("UPDATE contacts SET custom = custom - $1::text WHERE custom ? $1::text", key)
    await found.delete()
    work.audit("contact_field.removed", subject=f"contact_field:{key}", before={"name": found.name})


# -- segments


async def segments() -> list[SegmentRow]:
    return [
        SegmentRow(row.id, row.name, ContactFilter.model_validate(row.conditions), row.created_at)
        for row in await Segment.all().order_by("name")
    ]


async def save_segment(work: Unit, name: str, wanted: ContactFilter) -> SegmentRow:
    """Under a name that may be new, or in place of what it stood for.

    Raises:
        NotPossible: no name, or a filter that lets everybody through.
    """
    name = " ".join(name.split())
    if not 1 <= len(name) <= 80:
        raise NotPossible("give the segment a name of at most 80 characters", field="name")
    if wanted == ContactFilter():
        raise NotPossible("choose a filter or search for something first: this segment would be everybody")
    row, _ = await Segment.update_or_create(
        name=name,
        defaults={"conditions": wanted.model_dump(mode="json", exclude_defaults=True), "created_by": work.actor},
    )
    work.audit("contact_segment.saved", subject=f"contact_segment:{row.id}", after={"name": name})
    return SegmentRow(row.id, row.name, wanted, row.created_at)


async def remove_segment(work: Unit, segment_id: UUID) -> SegmentRow | None:
    """What it was, to be saved again by who changes their mind."""
    row = await Segment.get_or_none(id=segment_id)
    if row is None:
        return None
    found = SegmentRow(row.id, row.name, ContactFilter.model_validate(row.conditions), row.created_at)
    await row.delete()
    work.audit("contact_segment.removed", subject=f"contact_segment:{segment_id}", before={"name": row.name})
    return found


async def _free_key(model: type[ContactLabel] | type[ContactField], wanted: str) -> str:
    key, number = wanted, 1
    while await model.filter(key=key).exists():
        number += 1
        key = f"{wanted[:56]}_{number}"
    return key
