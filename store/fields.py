"""Columns that Tortoise does not bring: closed sets, JSON without NUL, vectors, sealed text, blind indexes."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from pypika_tortoise.context import SqlContext
from pypika_tortoise.functions import Cast
from pypika_tortoise.terms import Term, ValueWrapper
from tortoise.expressions import Expression, F, ResolveContext, ResolveResult
from tortoise.fields import BinaryField, CharField, Field, JSONField
from tortoise.models import Model

from store.crypto import column_aad, keyring
from store.jsonb import from_jsonb, to_jsonb
from store.scope import current_organization

__all__ = [
    "BlindIndexField",
    "CosineDistance",
    "EncryptedField",
    "JsonField",
    "Sealed",
    "StrEnumField",
    "VectorField",
    "reveal",
]

ENUM_LENGTH = 40  # the column stays as it is when a longer member comes

Member = TypeVar("Member", bound=StrEnum)

if TYPE_CHECKING:

    def StrEnumField(enum_type: type[Member], max_length: int = ENUM_LENGTH, **kwargs: Any) -> Field[Member]: ...
    def JsonField(**kwargs: Any) -> Field[Any]: ...

else:

    class StrEnumField(CharField):
        """A member of a StrEnum, kept as its text. Migrations keep the length only: a new member needs none."""

        def __init__(
            self, enum_type: type[StrEnum] | None = None, max_length: int = ENUM_LENGTH, **kwargs: Any
        ) -> None:
            super().__init__(max_length=max_length, **kwargs)
            self._enum_type = enum_type

        def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
            path, args, kwargs = super().deconstruct()
            if isinstance(kwargs.get("default"), StrEnum):
                kwargs["default"] = str(kwargs["default"])
            return path, args, kwargs

        def to_python_value(self, value: Any) -> Any:
            return value if value is None or self._enum_type is None else self._enum_type(value)

        def to_db_value(self, value: Any, instance: type[Model] | Model) -> str | None:
            self.validate(value)
            if value is None:
                return None
            return str(value if self._enum_type is None else self._enum_type(value).value)

    class JsonField(JSONField):
        """jsonb by `to_jsonb` and `from_jsonb`. A top-level string must be passed as JSON text, as Tortoise has it."""

        def __init__(
            self,
            encoder: Callable[[Any], str] = to_jsonb,
            decoder: Callable[[str | bytes], Any] = from_jsonb,
            **kwargs: Any,
        ) -> None:
            super().__init__(encoder=encoder, decoder=decoder, **kwargs)

        def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
            path, args, kwargs = super().deconstruct()
            kwargs.pop("encoder", None)
            kwargs.pop("decoder", None)
            return path, args, kwargs


class VectorField(Field[list[float]], list):  # type: ignore[type-arg, misc]
    """pgvector's `vector(dimension)`; asyncpg carries it as text, so it needs no codec."""

    indexable = False

    def __init__(self, dimension: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dimension = dimension

    @property
    def SQL_TYPE(self) -> str:  # type: ignore[override]
        return f"vector({self.dimension})"

    def to_db_value(self, value: Any, instance: type[Model] | Model) -> str | None:
        if value is None or isinstance(value, str):
            return value
        if len(value) != self.dimension:
            raise ValueError(f"{self.model_field_name} has {self.dimension} dimensions, got {len(value)}")
        return vector_text(value)

    def to_python_value(self, value: Any) -> Any:
        return json.loads(value) if isinstance(value, str) else value


def vector_text(vector: Sequence[float]) -> str:
    """pgvector's text form; also takes numpy's floats."""
    return "[" + ",".join(repr(float(component)) for component in vector) + "]"


class CosineDistance(Expression):
    """`annotate(distance=CosineDistance("embedding", vector)).order_by("distance")`."""

    def __init__(self, field: str, vector: Sequence[float]) -> None:
        self.field = field
        self.vector = vector_text(vector)

    def resolve(self, resolve_context: ResolveContext) -> ResolveResult:
        column = F(self.field).resolve(resolve_context)
        distance = _Operator(column.term, "<=>", Cast(ValueWrapper(self.vector), "vector"))
        return ResolveResult(term=distance, joins=column.joins, output_field=None)


class _Operator(Term):
    """`(left op right)`, an operator that the query builder does not know."""

    def __init__(self, left: Term, op: str, right: Term) -> None:
        super().__init__()
        self.left, self.op, self.right = left, op, right

    def nodes_(self) -> Any:
        yield self

    def get_sql(self, ctx: SqlContext) -> str:
        sql = f"({self.left.get_sql(ctx)} {self.op} {self.right.get_sql(ctx)})"
        return f'{sql} "{self.alias}"' if ctx.with_alias and self.alias else sql


class Sealed:
    """What an encrypted column holds when it is read: nothing to print by accident. `reveal(row, column)` opens it."""

    __slots__ = ("ciphertext",)

    def __init__(self, ciphertext: bytes) -> None:
        self.ciphertext = ciphertext

    def __repr__(self) -> str:
        return "<sealed>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sealed) and other.ciphertext == self.ciphertext

    def __hash__(self) -> int:
        return hash(self.ciphertext)


class EncryptedField(BinaryField[Any]):
    """Text sealed with the data key of the row's organization; the additional data is `organization:table:column`.

    Assign a str, read a `Sealed`. The keys must be loaded (`await keyring().keys(organization_id)`) before a row is saved or revealed.
    """

    def to_python_value(self, value: Any) -> str | Sealed | None:
        if isinstance(value, bytes | bytearray | memoryview):
            return Sealed(bytes(value))
        if value is None or isinstance(value, str | Sealed):
            return value
        raise TypeError(f"{self.model_field_name} takes str, not {type(value).__name__}")

    def to_db_value(self, value: Any, instance: type[Model] | Model) -> bytes | None:
        self.validate(value)
        if value is None:
            return None
        if isinstance(value, Sealed):
            return value.ciphertext
        # A queryset's update passes no row (Tortoise gives None): the bound organization's rows are the ones it changes.
        organization_id: UUID = getattr(instance, "organization_id", None) or current_organization()
        table = (instance or self.model)._meta.db_table
        aad = column_aad(organization_id, table, self.source_field or self.model_field_name)
        return keyring().loaded(organization_id).seal(str(value).encode(), aad)


class BlindIndexField(BinaryField[Any]):
    """`OrganizationKeys.blind_index(value)` of a sealed column: found by equality, says nothing else. Index it with the organization."""

    indexable = True


def reveal(row: Model, column: str) -> str | None:
    """The text of an `EncryptedField`.

    Raises:
        Unreadable: sealed with other keys or for another place.
        Refused: the organization's keys are not loaded.
    """
    value = getattr(row, column)
    if value is None or isinstance(value, str):
        return value
    organization_id: UUID = row.organization_id  # type: ignore[attr-defined]
    source = row._meta.fields_map[column].source_field or column
    return keyring().loaded(organization_id).open_text(value.ciphertext, table=row._meta.db_table, column=source)
