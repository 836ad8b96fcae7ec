"""Answers that are a table's columns: one statement, one round trip, and no model object in between.

    EVENTS = Columns(Event, EventOut)

    return await EVENTS.page(page, status=query.status, id=ask.principal.events)
    return found(await EVENTS.one(id=event_id), "event")

A list of 50 by Tortoise's objects costs three times the processor time (benchmarks/api.py), so the API's lists and readings that are plain columns go this
way. What is sealed, JSON or computed needs its object, and is refused here when it is declared.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, TypeAdapter
from tortoise.fields import BinaryField, JSONField

from bot.http import MAX_TOTAL, Listed, Page
from store.db import read
from store.tenancy import OrgModel, current_organization

__all__ = ["Columns"]

A = TypeVar("A", bound=BaseModel)


class Columns(Generic[A]):
    """`answer`'s fields are columns of `model` with the same names.

    Conditions are by column: a value, a set of them, or None for none of that condition.
    """

    def __init__(self, model: type[OrgModel], answer: type[A]) -> None:
        columns = model._meta.fields_map
        wrong = [
            name
            for name in answer.model_fields
            if name not in model._meta.fields_db_projection or isinstance(columns[name], BinaryField | JSONField)
        ]
        if wrong or "id" not in answer.model_fields:
            raise TypeError(f"{answer.__name__}: {wrong or 'id'} cannot be read as a plain column of {model.__name__}")
        self._model = model
        self._shown = ", ".join(f'"{name}"' for name in answer.model_fields)
        self._one = TypeAdapter(answer)
        self._many = TypeAdapter(list[answer])  # type: ignore[valid-type]
        self._where = functools.lru_cache(256)(self._written)

    async def one(self, **conditions: Any) -> A | None:
        """The one row that fits; with several, any."""
        where, values = self._asked(conditions)
        rows = await read(f"SELECT {self._shown} FROM {where} LIMIT 1", *values)  # noqa: S608 - names of our own columns
        return self._one.validate_python(dict(rows[0])) if rows else None

    async def page(self, page: Page, **conditions: Any) -> Listed[A]:
        """Newest first, as `bot.http.Page` has it."""
        where, values = self._asked(conditions)
        total = None
        if page.with_total:
            counted = await read(f"SELECT count(*) FROM (SELECT FROM {where} LIMIT {MAX_TOTAL}) t", *values)  # noqa: S608
            total = counted[0][0]
        if page.after is not None:
            values = (*values, page.after)
            where = f'{where} AND "id" < ${len(values)}'
        rows = await read(
            f'SELECT {self._shown} FROM {where} ORDER BY "id" DESC LIMIT {page.limit + 1}',  # noqa: S608
            *values,
        )
        items: list[A] = self._many.validate_python([dict(row) for row in rows[: page.limit]])
        return Listed(items, rows[page.limit - 1]["id"] if len(rows) > page.limit else None, total)

    def _asked(self, conditions: dict[str, Any]) -> tuple[str, Sequence[Any]]:
        asked = {name: value for name, value in conditions.items() if value is not None}
        where = self._where(tuple((name, isinstance(value, frozenset | list)) for name, value in asked.items()))
        values = (list(value) if isinstance(value, frozenset) else value for value in asked.values())
        return where, (current_organization(), *values)

    def _written(self, conditions: Sequence[tuple[str, bool]]) -> str:
        """The organization stands in the query although row level security would do, for the planner."""
        meta = self._model._meta
        unknown = [name for name, _ in conditions if name not in meta.fields_db_projection]
        if unknown:
            raise TypeError(f"{self._model.__name__} has no column {unknown}")
        narrowed = "".join(
            f' AND "{name}" = {f"ANY(${number})" if is_many else f"${number}"}'
            for number, (name, is_many) in enumerate(conditions, start=2)
        )
        return f'"{meta.db_table}" WHERE "organization_id" = $1{narrowed}'
