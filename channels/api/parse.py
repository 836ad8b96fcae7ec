"""A request's parts to the types that its handler asks for; every fault is found, each with its place."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from aiohttp import web
from pydantic import BaseModel, TypeAdapter, ValidationError, create_model

from bot.http import Fault, Paging, Problem, Route, Upload
from channels.api.problems import INVALID, TOO_LARGE, UNSUPPORTED_TYPE, faults_of
from store.blobs import BlobSpool

__all__ = ["Reader", "query_model"]

CHUNK_BYTES = 64 * 1024


def query_model(route: Route) -> type[BaseModel] | None:
    """The route's own filter, with the parameters of paging where it has any."""
    if not route.is_paged:
        return route.query
    bases = (route.query, Paging) if route.query is not None else (Paging,)
    return create_model(f"{route.name}_query", __base__=bases)


class Reader:
    """Of one route."""

    def __init__(self, route: Route, *, body_limit: int, upload_limit: int) -> None:
        self._route = route
        self._parameters = {name: TypeAdapter(hint) for name, hint in route.parameters.items()}
        query = query_model(route)
        self._query = TypeAdapter(query) if query is not None else None
        self._body: TypeAdapter[Any] | None = None
        if route.body is not None and not issubclass(route.body, Upload):
            self._body = TypeAdapter(route.body)
        self._limit = upload_limit if route.body is Upload else body_limit

    def parameters(self, given: Mapping[str, str]) -> dict[str, Any]:
        """
        Raises:
            Problem: one is not what it must be.
        """
        faults: list[Fault] = []
        read = {
            name: _tried(adapter.validate_strings, given[name], "path", name, faults)
            for name, adapter in self._parameters.items()
        }
        _refuse(faults)
        return read

    def query(self, request: web.Request) -> Any:
        """
        Raises:
            Problem: a parameter is unknown, doubled, or not what it must be.
        """
        faults = [
            Fault("it is given more than once", (name,), "query")
            for name in dict.fromkeys(request.query)
            if len(request.query.getall(name)) > 1
        ]
        if self._query is None:
            faults += [Fault("there is no such parameter", (name,), "query") for name in dict.fromkeys(request.query)]
            _refuse(faults)
            return None
        _refuse(faults)
        return self._checked(lambda: self._query.validate_strings(dict(request.query), strict=True), "query")  # type: ignore[union-attr]

    async def body(self, request: web.Request) -> tuple[Any, bytes]:
        """The body as its handler wants it, and what tells it from others: its bytes, or their hash.

        Raises:
            Problem: it is too large, of another type, no JSON, or not what it must be.
        """
        route = self._route
        if route.body is None:
            return None, b""
        if (request.content_length or 0) > self._limit:
            raise Problem(TOO_LARGE, f"at most {self._limit} bytes")
        mime_type = request.content_type.lower()
        if mime_type not in route.accepts:
            raise Problem(
                UNSUPPORTED_TYPE, f"send {' or '.join(route.accepts)}", headers={"Accept": ", ".join(route.accepts)}
            )
        if self._body is None:
            spool = BlobSpool(self._limit)
            async for chunk in self._chunks(request):
                spool.write(chunk)
            return Upload(mime_type, spool), spool.sha256
        raw = b"".join([chunk async for chunk in self._chunks(request)])
        adapter = self._body
        return self._checked(lambda: adapter.validate_json(raw, strict=True), "body"), raw

    async def _chunks(self, request: web.Request) -> AsyncIterator[bytes]:
        left = self._limit
        async for chunk in request.content.iter_chunked(CHUNK_BYTES):
            left -= len(chunk)
            if left < 0:
                raise Problem(TOO_LARGE, f"at most {self._limit} bytes")
            yield chunk

    @staticmethod
    def _checked(read: Callable[[], Any], within: str) -> Any:
        try:
            return read()
        except ValidationError as e:
            raise Problem(INVALID, "see errors", faults=list(faults_of(e, within=within))) from e


def _tried(read: Callable[[str], Any], value: str, within: str, name: str, faults: list[Fault]) -> Any:
    try:
        return read(value)
    except ValidationError as e:
        faults += [Fault(each.detail, (name,), within) for each in faults_of(e)]
        return None


def _refuse(faults: list[Fault]) -> None:
    if faults:
        raise Problem(INVALID, "see errors", faults=faults)
