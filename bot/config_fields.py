"""What `bot/config.py` needs to know of a settings model: its fields by path, which of them are secrets, how a text becomes a value."""

from __future__ import annotations

import json
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import reduce
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, SecretBytes, SecretStr

__all__ = ["Field", "Kind", "Leaf", "field_at", "leaves", "parse"]


class Kind(Enum):
    SCALAR = "scalar"
    SEQUENCE = "sequence"
    MAPPING = "mapping"
    MODEL = "model"


@dataclass(frozen=True, slots=True)
class Field:
    kind: Kind
    is_secret: bool
    model: type[BaseModel] | None = None


@dataclass(frozen=True, slots=True)
class Leaf:
    """One setting; `path` is relative to its section."""

    path: tuple[str, ...]
    field: Field

    def of(self, settings: BaseModel) -> object:
        return reduce(getattr, self.path, settings)


def leaves(model: type[BaseModel], path: tuple[str, ...] = ()) -> Iterator[Leaf]:
    """Every setting of the model and of the models inside it, in the order of their declaration."""
    for name, info in model.model_fields.items():
        field = _described(info.annotation)
        if field.model is not None:
            yield from leaves(field.model, (*path, name))
        else:
            yield Leaf((*path, name), field)


def field_at(model: type[BaseModel], path: tuple[str, ...]) -> Field | None:
    """None when there is no such setting. Keys inside of a mapping are free."""
    info = model.model_fields.get(path[0]) if path else None
    if info is None:
        return None
    field = _described(info.annotation)
    if len(path) == 1:
        return field
    if field.kind is Kind.MAPPING and len(path) == 2:
        return Field(Kind.SCALAR, field.is_secret)
    return field_at(field.model, path[1:]) if field.model is not None else None


def parse(text: str, field: Field) -> Any:
    """Scalars stay text, which pydantic converts; lists are JSON or separated by commas, mappings are JSON.

    Raises:
        ValueError: It looks like JSON and is not.
    """
    if field.kind is Kind.SCALAR:
        return text
    if text.lstrip().startswith(("[", "{")):
        return json.loads(text)
    if field.kind is Kind.SEQUENCE:
        return [part.strip() for part in text.split(",") if part.strip()]
    raise ValueError(f"expected a JSON object, not {'a secret' if field.is_secret else text!r}")


def _described(annotation: Any) -> Field:
    origin = get_origin(annotation)
    if origin is Annotated:
        return _described(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        return _described(next(each for each in get_args(annotation) if each is not type(None)))
    if isinstance(origin, type):
        kind = Kind.MAPPING if issubclass(origin, Mapping) else Kind.SEQUENCE
        return Field(kind, any(_described(each).is_secret for each in get_args(annotation) if each is not Ellipsis))
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return Field(Kind.MODEL, is_secret=False, model=annotation)
    return Field(Kind.SCALAR, isinstance(annotation, type) and issubclass(annotation, SecretStr | SecretBytes))
