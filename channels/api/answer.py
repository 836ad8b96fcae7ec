"""What a handler returned to `{data, meta}`, with its ETag and where to find it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any
from uuid import UUID

import orjson
from pydantic import BaseModel, TypeAdapter

from bot.http import Bytes, Listed, Route
from channels.api.idempotency import Kept

__all__ = ["Writer"]


class Writer:
    """Of one route."""

    def __init__(self, route: Route, prefix: str) -> None:
        self._route = route
        self._prefix = prefix
        model: Any = route.answer
        self._one = TypeAdapter(model) if _is_model(model) else None
        self._many = TypeAdapter(list[model]) if _is_model(model) and route.is_list else None
        self._volatile = set(getattr(model, "volatile", ())) if model is not None else set()

    def write(self, returned: Any, cursor: Callable[[UUID], str]) -> Kept:
        if returned is None or self._one is None:
            return Kept(self._route.status, b"", {})
        if self._many is not None:
            assert isinstance(returned, Listed)
            data = self._many.dump_json(list(returned.items))
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


def _is_model(model: Any) -> bool:
    return model is not None and model is not Bytes
