"""OpenAPI 3.1, generated from the models that validate."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, Field, TypeAdapter

from bot.hooks.told import ToldType
from bot.http import NOT_FOUND, Access, Bytes, Kind, Route, Routes, Upload
from channels.api import problems
from channels.api.idempotency import KEPT_H, KEY
from channels.api.parse import query_model
from channels.api.told import TAG, told_operation

__all__ = ["document"]

REF = "#/components/schemas/{model}"
PROBLEM_TYPE = "application/problem+json"
ABOUT = """Every answer is `{data, meta}`, every error a problem (RFC 9457) whose `type` never changes. Sign in with an API key or a
token: `Authorization: Bearer ...`. Times are UTC, money is in the smallest unit of its currency."""

Mode = Literal["validation", "serialization"]


class FieldError(BaseModel):
    detail: str
    pointer: str | None = Field(None, description="JSON pointer into the body.")
    parameter: str | None = None
    location: str | None = Field(None, alias="in", description="Where the parameter stands: path, query or header.")


class ProblemDetails(BaseModel):
    """RFC 9457. `type` never changes; `detail` says what to do."""

    type: str = Field(json_schema_extra={"format": "uri"})
    title: str
    status: int
    detail: str
    instance: str
    request_id: str
    errors: list[FieldError] | None = None


class Meta(BaseModel):
    cursor: str | None = Field(description="Of the next page; null at the end.")
    total: int | None = Field(description="When asked for by `total=true`; counting ends at 10,000.")


@dataclass(frozen=True, slots=True)
class _Schemas:
    """One look-up for all models, so that components have one name each."""

    of: dict[tuple[Any, Mode], Any]
    components: dict[str, Any]

    @classmethod
    def collect(cls, routes: Sequence[Route], told: Sequence[ToldType]) -> _Schemas:
        wanted: dict[tuple[str, str], tuple[Any, Mode, TypeAdapter[Any]]] = {}
        sent: list[tuple[Any, Mode]] = [(each.model, "serialization") for each in told]
        for model, mode in (*_models(routes), *sent, (ProblemDetails, "serialization"), (Meta, "serialization")):
            wanted[str(model), mode] = (model, mode, TypeAdapter(model))
        inputs: list[Any] = [(key, mode, adapter) for key, (_, mode, adapter) in wanted.items()]
        found, definitions = TypeAdapter.json_schemas(inputs, ref_template=REF)
        return cls(
            {(str(wanted[key][0]), mode): schema for (key, mode), schema in found.items()},
            definitions.get("$defs", {}),
        )

    def schema(self, model: Any, mode: Mode) -> Any:
        return self.of[str(model), mode]

    def properties(self, model: Any) -> Iterator[tuple[str, Any, bool]]:
        schema = self.schema(model, "validation")
        if "$ref" in schema:
            schema = self.components[schema["$ref"].rpartition("/")[2]]
        for name, found in schema.get("properties", {}).items():
            yield name, found, name in schema.get("required", ())


def document(found: Sequence[tuple[str, Routes]], told: Sequence[ToldType] = ()) -> dict[str, Any]:
    """All of it but `servers`. `told`: what webhooks out are sent."""
    routes = [(skill, route) for skill, group in found for route in group.routes]
    schemas = _Schemas.collect([route for _, route in routes], told)
    paths: dict[str, dict[str, Any]] = {}
    for skill, route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, skill, schemas)
    queries = {query.__name__ for _, route in routes if (query := query_model(route)) is not None}
    return {
        "openapi": "3.1.0",
        "info": {"title": "ChatNation", "version": "1", "description": ABOUT},
        "tags": [{"name": group.title, "description": group.about} for _, group in found] + [TAG],
        "paths": paths,
        "webhooks": {
            each.name: told_operation(each, lambda model: schemas.schema(model, "serialization")) for each in told
        },
        "components": {
            "schemas": {name: each for name, each in schemas.components.items() if name not in queries},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "description": "An access token or an API key."}
            },
        },
    }


def _models(routes: Sequence[Route]) -> Iterator[tuple[Any, Mode]]:
    for route in routes:
        for hint in route.parameters.values():
            yield hint, "validation"
        if (query := query_model(route)) is not None:
            yield query, "validation"
        if route.body is not None and route.body is not Upload:
            yield route.body, "validation"
        if route.answer is not None and route.answer is not Bytes:
            yield route.answer, "serialization"


def _operation(route: Route, skill: str, schemas: _Schemas) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.name,
        "tags": [route.group],
        "summary": route.summary,
        "parameters": list(_parameters(route, schemas)),
        "responses": {str(route.status): _success(route, schemas), **_failures(route, skill, schemas)},
        "security": [] if route.permission is Access.ANYONE else [{"bearer": []}],
    }
    if route.description:
        operation["description"] = route.description
    if isinstance(route.permission, str):
        operation["x-permission"] = route.permission
    if route.body is not None:
        operation["requestBody"] = {"required": True, "content": _body(route, schemas)}
    return operation


def _parameters(route: Route, schemas: _Schemas) -> Iterator[dict[str, Any]]:
    for name, hint in route.parameters.items():
        yield {"name": name, "in": "path", "required": True, "schema": schemas.schema(hint, "validation")}
    if (query := query_model(route)) is not None:
        for name, schema, is_required in schemas.properties(query):
            described = {"description": schema["description"]} if "description" in schema else {}
            yield {"name": name, "in": "query", "required": is_required, "schema": _given(schema), **described}
    if route.takes_key:
        yield {
            "name": "Idempotency-Key",
            "in": "header",
            "required": False,
            "schema": {"type": "string", "pattern": KEY, "maxLength": 200},
            "description": f"The same key and request within {KEPT_H} hours give the same answer, and nothing happens twice.",
        }
    if route.is_update:
        yield {
            "name": "If-Match",
            "in": "header",
            "required": True,
            "schema": {"type": "string", "minLength": 1},
            "description": "The ETag that you got, or * to overwrite whatever is there.",
        }


def _given(schema: dict[str, Any]) -> dict[str, Any]:
    """A query cannot say null; leaving the parameter out does."""
    options = [each for each in schema.get("anyOf", ()) if each != {"type": "null"}]
    rest = {name: value for name, value in schema.items() if name not in ("anyOf", "default", "description", "title")}
    if "default" in schema and schema["default"] is not None:
        rest["default"] = schema["default"]
    return rest | (options[0] if len(options) == 1 else {"anyOf": options} if options else {})


def _body(route: Route, schemas: _Schemas) -> dict[str, Any]:
    if route.body is Upload:
        return {each: {"schema": {"type": "string", "format": "binary"}} for each in route.accepts}
    return {"application/json": {"schema": schemas.schema(route.body, "validation")}}


def _success(route: Route, schemas: _Schemas) -> dict[str, Any]:
    if route.answer is None:
        return {"description": "Done"}
    if route.answer is Bytes:
        return {"description": "The file", "content": {each: {} for each in route.gives}}
    data = schemas.schema(route.answer, "serialization")
    envelope = {
        "type": "object",
        "required": ["data", "meta"],
        "properties": {
            "data": {"type": "array", "items": data} if route.is_list else data,
            "meta": schemas.schema(Meta, "serialization"),
        },
    }
    headers = {}
    if not route.is_list and (route.method == "GET" or route.of is not None):
        headers["ETag"] = {"schema": {"type": "string"}}
    if route.location:
        headers["Location"] = {"schema": {"type": "string"}}
    return {
        "description": "Made" if route.status == 201 else "OK",
        "content": {"application/json": {"schema": envelope}},
        **({"headers": headers} if headers else {}),
    }


def _failures(route: Route, skill: str, schemas: _Schemas) -> dict[str, Any]:
    by_status: dict[int, list[Kind]] = {}
    for kind in _kinds(route, skill):
        by_status.setdefault(kind.status, []).append(kind)
    problem = schemas.schema(ProblemDetails, "serialization")
    return {
        str(status): {
            "description": "; ".join(f"{kind.title} ({problems.type_uri(kind)})" for kind in dict.fromkeys(kinds)),
            "content": {PROBLEM_TYPE: {"schema": problem}},
        }
        for status, kinds in sorted(by_status.items())
    }


def _kinds(route: Route, skill: str) -> Iterator[Kind]:
    """What a route may answer, read off what it takes."""
    yield problems.TOO_MANY
    yield problems.INVALID  # unknown parameters are refused everywhere
    yield problems.UNAVAILABLE
    yield problems.NOT_SIGNED_IN
    yield problems.FORBIDDEN
    if route.parameters:
        yield NOT_FOUND
    if skill:
        yield problems.SKILL_OFF
    if route.is_paged:
        yield problems.BAD_CURSOR
    if route.body is not None:
        yield problems.TOO_LARGE
        yield problems.UNSUPPORTED_TYPE
    if route.takes_key:
        yield problems.KEY_REUSED
        yield problems.IN_PROGRESS
    if route.of is not None and route.method != "POST":
        yield problems.NO_MATCH
    if route.is_update:
        yield problems.NO_PRECONDITION
    if route.method != "GET":
        yield problems.CONFLICT
    yield from route.raises.values()
    yield from route.kinds
