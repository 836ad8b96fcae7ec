"""Row by row: what it says of whom, or what is wrong with it, where, and how to mend it. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import phonenumbers

from bot.contacts.book import FieldRow, read_value
from bot.contacts.errors import NotPossible
from bot.contacts.importing.plan import Plan, field_target
from bot.contacts.importing.table import Table
from bot.contacts.phone import e164

__all__ = ["BadRow", "Checked", "GoodRow", "Problem", "check", "label_names"]

MAX_NAME = 300
_LOCALES = {"en": "en", "english": "en", "kiingereza": "en", "sw": "sw", "swahili": "sw", "kiswahili": "sw"}
_SPLIT = re.compile(r"[,;|]")


@dataclass(frozen=True, slots=True)
class Problem:
    """`value` is shown to who brought the file; it is not kept."""

    column: str
    text: str
    value: str = ""


@dataclass(frozen=True, slots=True)
class GoodRow:
    number: int
    phone: str
    name: str = ""
    locale: str = ""
    country: str = ""
    labels: tuple[str, ...] = ()  # names
    custom: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BadRow:
    number: int
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Checked:
    rows: tuple[GoodRow | BadRow, ...]

    @property
    def good(self) -> list[GoodRow]:
        return [row for row in self.rows if isinstance(row, GoodRow)]

    @property
    def bad(self) -> list[BadRow]:
        return [row for row in self.rows if isinstance(row, BadRow)]


def check(table: Table, plan: Plan, known: Sequence[FieldRow], country: str) -> Checked:
    """Of two rows with one number the first counts; the second names it."""
    fields = {field_target(each.key): each for each in known}
    first: dict[str, int] = {}
    rows: list[GoodRow | BadRow] = []
    for number, cells in table.rows:
        row = _row(number, cells, table.header, plan, fields, country)
        if isinstance(row, GoodRow):
            earlier = first.setdefault(row.phone, number)
            if earlier != number:
                place = plan.columns.index("phone")
                text = f"row {earlier} has the same number; keep one of the two"
                row = BadRow(number, (Problem(table.header[place], text, cells[place].strip()),))
        rows.append(row)
    return Checked(tuple(rows))


def label_names(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for each in _SPLIT.split(text) if (name := " ".join(each.split())[:60])))


def _row(
    number: int, cells: Sequence[str], header: Sequence[str], plan: Plan, fields: dict[str, FieldRow], country: str
) -> GoodRow | BadRow:
    problems: list[Problem] = []
    if len(cells) > len(header) and any(each.strip() for each in cells[len(header) :]):
        text = f"it has {len(cells)} cells, the header {len(header)}; put values with a separator in them in quotation marks"
        return BadRow(number, (Problem("", text),))
    found: dict[str, Any] = {}
    custom: dict[str, Any] = {}
    own = country
    if "country" in plan.columns:
        place = plan.columns.index("country")
        try:
            own = _country(cells[place] if place < len(cells) else "") or country
        except NotPossible as e:
            problems.append(Problem(header[place], str(e), cells[place].strip()))
    for place, target in enumerate(plan.columns):
        text = cells[place].replace("\x00", "").strip() if place < len(cells) else ""
        try:
            if target == "phone":
                if not text:
                    raise NotPossible("the phone number is missing; add it, or delete the row")
                found["phone"] = e164(text, own)
            elif target in ("name", "first_name", "last_name"):
                found[target] = _name(text)
            elif target == "locale":
                found["locale"] = _locale(text)
            elif target == "labels":
                found["labels"] = label_names(text)
            elif target in fields and (value := read_value(fields[target], text)) is not None:
                custom[fields[target].key] = value
        except NotPossible as e:
            problems.append(Problem(header[place], str(e), text[:60]))
    if problems:
        return BadRow(number, tuple(problems))
    parts = (found.get("first_name", ""), found.get("last_name", ""))
    phone = found["phone"]
    return GoodRow(
        number,
        phone,
        found.get("name") or " ".join(filter(None, parts)),
        found.get("locale", ""),
        phonenumbers.region_code_for_number(phonenumbers.parse(phone)) or own,
        found.get("labels", ()),
        custom,
    )


def _name(text: str) -> str:
    name = " ".join(text.split())
    if len(name) > MAX_NAME:
        raise NotPossible(f"a name has at most {MAX_NAME} characters; shorten it")
    return name


def _locale(text: str) -> str:
    if not text:
        return ""
    found = _LOCALES.get(text.lower()) or _LOCALES.get(re.split(r"[-_]", text.lower())[0])
    if found is None:
        raise NotPossible("write en or sw, or leave it empty")
    return found


def _country(text: str) -> str:
    code = text.strip().upper()
    if code and code not in phonenumbers.SUPPORTED_REGIONS:
        raise NotPossible("write a country's two letters, such as KE, or leave it empty")
    return code
