"""What a handler returned to `{data, meta}`, with its ETag and where to find it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, get_args
from uuid import UUID

import orjson
from pydantic import BaseModel, TypeAdapter

from bot.http import Bytes, Listed, Route
from channels.api.idempotency import Kept

__all__ = ["Writer"]

PLAIN = (str, int, bool, UUID, datetime, type(None))


class Writer:
    """Of one route."""

    def __init__(self, route: Route, prefix: str) -> None:
        self._route = route
        self._prefix = prefix
        model: Any = route.answer
        self._one = TypeAdapter(model) if _is_model(model) else None
        self._many = TypeAdapter(list[model]) if _is_model(model) and route.is_list else None
        self._is_plain = self._many is not None and _is_plain(model)
        self._volatile = set(getattr(model, "volatile", ())) if model is not None else set()

    def write(self, returned: Any, cursor: Callable[[UUID], str]) -> Kept:
        if returned is None or self._one is None:
            return Kept(self._route.status, b"", {})
        if self._many is not None:
            assert isinstance(returned, Listed)
            data = _plainly(returned.items) if self._is_plain else self._many.dump_json(list(returned.items))
            meta = {"cursor": cursor(returned.last) if returned.last is not None else None, "total": returned.total}
            return Kept(self._route.status, b'{"data":' + data + b',"meta":' + orjson.dumps(meta) + b"}", {})
        data = self._one.dump_json(returned)
        headers: dict[str, str] = {}
        if self._route.method == "GET" or self._route.of is not None:
            headers["ETag"] = self.etag(returned, data)
        if self._route.location:
            headers["Location"] = self._prefix + self._route.location.format_map(_Fields(returned))
        return Kept(self._route.status, b'{"data":' + data + b',"meta":{"cursor":null,"total":null}}', headers)

    def etag(self, returned: Any, data: bytes | None = None) -> str:
        """Of what a person would call a change."""
        assert self._one is not None
        if data is None or self._volatile:
            data = self._one.dump_json(returned, exclude=self._volatile)
        return f'"{hashlib.sha256(data).hexdigest()[:32]}"'


class _Fields(dict[str, Any]):
    def __init__(self, model: BaseModel) -> None:
        super().__init__()
        self._model = model

    def __missing__(self, name: str) -> Any:
        return getattr(self._model, name)


def _is_plain(model: Any) -> bool:
    """Whether its JSON is its fields' own, so that orjson writes what pydantic would, in a third of the time."""
    if (
        not issubclass(model, BaseModel)
        or model.model_computed_fields
        or model.__pydantic_decorators__.model_serializers
    ):
        return False
    return not model.__pydantic_decorators__.field_serializers and all(
        field.serialization_alias is None
        and not field.exclude
        and all(_is_plain_type(each) for each in get_args(field.annotation) or (field.annotation,))
        for field in model.model_fields.values()
    )


def _is_plain_type(kind: Any) -> bool:
    return kind in PLAIN or (isinstance(kind, type) and issubclass(kind, StrEnum))


def _plainly(items: Sequence[Any]) -> bytes:
    return orjson.dumps([each.__dict__ for each in items], default=_as_text, option=orjson.OPT_UTC_Z)


def _as_text(value: Any) -> str:
    """asyncpg's UUID is a subclass, which orjson does not know."""
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} is no plain value")


def _is_model(model: Any) -> bool:
    return model is not None and model is not Bytes
