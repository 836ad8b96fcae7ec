"""Which contacts: one model for lists, segments, exports and audiences, and the SQL it stands for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from store.jsonb import to_jsonb

__all__ = ["ContactFilter", "FieldTest", "Where", "where"]


class FieldTest(BaseModel):
    """One condition on a field of the organization's own. `more` and `less` compare numbers, and dates as ISO texts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    op: Literal["is", "not", "contains", "more", "less", "set", "unset"] = "is"
    value: str | int | float | bool = ""


class ContactFilter(BaseModel):
    """All conditions hold together. The default is everybody who was not merged into somebody else."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    find: str = Field("", max_length=200)  # a part of the name or of a value, a whole phone number, or its last digits
    labels: tuple[str, ...] = ()  # all of them
    without: tuple[str, ...] = ()  # none of them
    consent: Literal["", "in", "out", "none"] = ""
    country: str = ""
    locale: str = ""
    wrote_within_days: int | None = Field(None, ge=1)
    silent_for_days: int | None = Field(None, ge=1)
    import_id: UUID | None = None
    fields: tuple[FieldTest, ...] = ()


@dataclass(slots=True)
class Where:
    """Conditions on `contacts c`; `$1` is the organization."""

    values: list[Any]
    conditions: list[str] = field(default_factory=list)

    def put(self, value: Any) -> str:
        self.values.append(value)
        return f"${len(self.values)}"

    @property
    def sql(self) -> str:
        return " AND ".join(self.conditions)


def where(organization_id: UUID, wanted: ContactFilter, *, phone_index: bytes | None) -> Where:
    """`phone_index`: of `find`, when it is a whole phone number."""
    made = Where([organization_id], ["c.organization_id = $1", "c.merged_into IS NULL"])
    if wanted.find:
        made.conditions.append(_find(made, wanted.find, phone_index))
    for key in wanted.labels:
        made.conditions.append(f"c.labels @> {made.put(to_jsonb([key]))}::jsonb")
    for key in wanted.without:
        made.conditions.append(f"NOT COALESCE(c.labels @> {made.put(to_jsonb([key]))}::jsonb, false)")
    if wanted.consent:
        made.conditions.append(
            {
                "in": "c.opted_in_at IS NOT NULL AND c.opted_out_at IS NULL",
                "out": "c.opted_out_at IS NOT NULL",
                "none": "c.opted_in_at IS NULL AND c.opted_out_at IS NULL",
            }[wanted.consent]
        )
    if wanted.country:
        made.conditions.append(f"c.country = {made.put(wanted.country.upper())}")
    if wanted.locale:
        made.conditions.append(f"c.locale = {made.put(wanted.locale)}")
    if wanted.import_id is not None:
        made.conditions.append(
            "EXISTS (SELECT FROM contact_import_rows i WHERE i.organization_id = $1 AND i.contact_id = c.id"
            f" AND i.import_id = {made.put(wanted.import_id)} AND i.outcome IN ('created', 'updated'))"
        )
    for days, holds in ((wanted.wrote_within_days, ""), (wanted.silent_for_days, "NOT ")):
        if days is not None:
            made.conditions.append(
                f"{holds}EXISTS (SELECT FROM sessions s WHERE s.organization_id = $1 AND s.contact_id = c.id"
                f" AND s.last_user_at > now() - make_interval(days => {made.put(days)}))"
            )
    for test in wanted.fields:
        made.conditions.append(_field(made, test))
    return made


def _find(made: Where, text: str, phone_index: bytes | None) -> str:
    like = made.put(f"%{_literally(text)}%")
    ways = [
        f"c.name ILIKE {like}",
        f"EXISTS (SELECT FROM jsonb_each_text(COALESCE(c.custom, '{{}}')) v WHERE v.value ILIKE {like})",
    ]
    if phone_index is not None:
        ways.append(_identity(f"n.value_index = {made.put(phone_index)}"))
    elif text.isdigit() and len(text) <= 3:
        ways.append(_identity(f"n.value_masked LIKE {made.put('%' + text)}"))
    return f"({' OR '.join(ways)})"


def _identity(condition: str) -> str:
    return (
        "EXISTS (SELECT FROM contact_identities n WHERE n.organization_id = $1 AND n.contact_id = c.id AND n.kind = 'phone'"
        f" AND n.valid_to IS NULL AND {condition})"
    )


def _field(made: Where, test: FieldTest) -> str:
    if test.op in ("is", "not"):
        same = f"COALESCE(c.custom @> {made.put(to_jsonb({test.key: test.value}))}::jsonb, false)"
        return same if test.op == "is" else f"NOT {same}"
    key = f"{made.put(test.key)}::text"
    if test.op in ("set", "unset"):
        return f"{'NOT ' if test.op == 'unset' else ''}COALESCE(c.custom ? {key}, false)"
    if test.op == "contains":
        return f"c.custom ->> {key} ILIKE {made.put('%' + _literally(str(test.value)) + '%')}"
    than, value = (">" if test.op == "more" else "<"), f"{made.put(to_jsonb(test.value))}::jsonb"
    return f"(jsonb_typeof(c.custom -> {key}) = jsonb_typeof({value}) AND c.custom -> {key} {than} {value})"


def _literally(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
