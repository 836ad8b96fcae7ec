"""What a file's columns mean: guessed, then confirmed by who brought it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from bot.contacts.book import FieldKind, FieldRow, key_of, read_value
from bot.contacts.errors import NotPossible
from bot.contacts.importing.table import Table
from bot.contacts.phone import looks_like_phone

__all__ = ["CORE_TARGETS", "Claim", "Plan", "field_target", "guess", "new_target", "sound"]

# Where a column may go, beside `field:<key>` (a field that is there) and `new:<kind>` (one that is made).
CORE_TARGETS = {
    "": "Leave out",
    "phone": "Phone number",
    "name": "Name",
    "first_name": "First name",
    "last_name": "Last name",
    "locale": "Language",
    "country": "Country",
    "labels": "Labels",
}
_WORDS = {
    "phone": "phone mobile cell msisdn whatsapp number telephone tel simu nambari namba rununu phone_number mobile_number"
    " phone_no mobile_no whatsapp_number cell_phone contact_number namba_ya_simu telefon",
    "name": "name full_name fullname contact contact_name jina jina_kamili participant guest attendee",
    "first_name": "first_name firstname given_name jina_la_kwanza forename",
    "last_name": "last_name lastname surname family_name jina_la_mwisho jina_la_ukoo",
    "locale": "language locale lang lugha",
    "country": "country nchi country_code",
    "labels": "labels label tags tag group groups lebo kundi",
}
_TARGETS = {word: target for target, words in _WORDS.items() for word in words.split()}
ENOUGH = 0.7  # of a column's values


class Claim(BaseModel):
    """Who imports says that all these people agreed to messages: where and when. Without both there is no opt-in."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str = Field(min_length=5, max_length=300)  # such as "paper form at the Night Market"
    given_on: date


class Plan(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    columns: tuple[str, ...] = ()  # a target for each column of the file
    existing: Literal["fill", "overwrite", "skip"] = "fill"  # of people who are known already
    labels: tuple[str, ...] = ()  # names of labels that everybody of this file gets
    consent: Claim | None = None
    made_fields: tuple[str, ...] = ()  # keys of what the import itself made, for the undo
    made_labels: tuple[str, ...] = ()


def field_target(key: str) -> str:
    return f"field:{key}"


def new_target(kind: FieldKind) -> str:
    return f"new:{kind.value}"


def guess(table: Table, known: Sequence[FieldRow], country: str) -> Plan:
    """By the header's words, then by what stands below."""
    columns = [""] * len(table.header)
    taken: set[str] = set()

    def take(place: int, target: str) -> None:
        if columns[place] == "" and target not in taken:
            columns[place] = target
            taken.add(target)

    fields = {key_of(each.name): each.key for each in known} | {each.key: each.key for each in known}
    for place, title in enumerate(table.header):
        word = key_of(title)
        if word in fields:
            take(place, field_target(fields[word]))
        elif word in _TARGETS:
            take(place, _TARGETS[word])
    if "phone" not in taken:
        for place in range(len(columns)):
            values = table.column(place, 60)
            if columns[place] == "" and _share(values, lambda text: looks_like_phone(text, country)):
                take(place, "phone")
                break
    for place in range(len(columns)):
        if columns[place] == "" and (values := table.column(place)):
            columns[place] = new_target(_kind_of(values))
    return Plan(columns=tuple(columns))


def _kind_of(values: Sequence[str]) -> FieldKind:
    for kind in (FieldKind.EMAIL, FieldKind.URL, FieldKind.DATE, FieldKind.NUMBER):
        probe = FieldRow("x", "x", kind)
        if _share(values, lambda text, probe=probe: _fits(probe, text)):  # type: ignore[misc]
            return kind
    lowered = {each.lower() for each in values}
    if len(lowered) <= 2 and lowered <= {"yes", "no", "true", "false", "ndiyo", "hapana", "y", "n"}:
        return FieldKind.BOOLEAN
    return FieldKind.TEXT


def _fits(field: FieldRow, text: str) -> bool:
    try:
        read_value(field, text)
    except NotPossible:
        return False
    return True


def _share(values: Sequence[str], holds: Callable[[str], bool]) -> bool:
    return bool(values) and sum(map(holds, values)) >= ENOUGH * len(values)


def sound(plan: Plan, table: Table, known: Sequence[FieldRow], today: date) -> None:
    """
    Raises:
        NotPossible: the plan cannot be followed; `field` names the column or part of it that is to be mended.
    """
    if len(plan.columns) != len(table.header):
        raise NotPossible("say of every column what it is", field="columns")
    keys = {field_target(each.key) for each in known}
    targets = [each for each in plan.columns if each and not each.startswith("new:")]
    for target in targets:
        if target not in CORE_TARGETS and target not in keys:
            raise NotPossible(f"there is no field {target.partition(':')[2]} any more; choose another", field="columns")
        if targets.count(target) > 1:
            raise NotPossible(
                f"two columns cannot both be “{_title(target, known)}”; leave one of them out", field="columns"
            )
    if "phone" not in targets:
        raise NotPossible("say which column has the phone numbers: people are known by them", field="columns")
    if plan.consent is not None and plan.consent.given_on > today:
        raise NotPossible("the day of the consent lies in the future", field="given_on")


def _title(target: str, known: Sequence[FieldRow]) -> str:
    return CORE_TARGETS.get(target) or next((each.name for each in known if field_target(each.key) == target), target)
