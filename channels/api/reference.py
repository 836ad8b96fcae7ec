"""The reference page: the OpenAPI document as HTML of our own. No script, no font, nothing from a network."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2
import orjson

__all__ = ["page"]

DEEPEST = 6  # examples of models that hold themselves end here


def page(described: Mapping[str, Any], prefix: str) -> str:
    components = described["components"]["schemas"]
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(Path(__file__).with_name("reference.html").read_text("utf-8"))
    operations = [
        {"method": method.upper(), "path": prefix + path, **operation}
        for path, methods in described["paths"].items()
        for method, operation in methods.items()
    ]
    operations += [
        {"method": "POST", "path": f"to you: {name}", **operation["post"]}
        for name, operation in described["webhooks"].items()
    ]
    groups = [
        {**tag, "operations": [each for each in operations if tag["name"] in each["tags"]]} for tag in described["tags"]
    ]

    def resolved(schema: Mapping[str, Any]) -> Mapping[str, Any]:
        return components[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema

    def fields(schema: Mapping[str, Any]) -> list[dict[str, Any]]:
        found = resolved(schema)
        required = found.get("required", ())
        return [
            {"name": name, "type": _type(each, components), "is_required": name in required, **_described(each)}
            for name, each in found.get("properties", {}).items()
        ]

    def example(schema: Mapping[str, Any]) -> str:
        return orjson.dumps(_example(schema, components), option=orjson.OPT_INDENT_2).decode()

    return template.render(
        info=described["info"],
        groups=groups,
        prefix=prefix,
        fields=fields,
        example=example,
        resolved=resolved,
        type=lambda schema: _type(schema, components),
    )


def _described(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"description": schema.get("description", ""), "default": schema.get("default")}


def _type(schema: Mapping[str, Any], components: Mapping[str, Any]) -> str:
    """As a person reads it: "text, at most 80"."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        target = components[name]
        return " | ".join(target["enum"]) if "enum" in target else name
    if "anyOf" in schema:
        return " or ".join(_type(each, components) for each in schema["anyOf"])
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    if "const" in schema:
        return str(schema["const"])
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}), components)}"
    words = [
        str(
            schema.get("format")
            or {"string": "text", "integer": "whole number"}.get(schema.get("type", ""), schema.get("type", "anything"))
        )
    ]
    for key, said in (("minimum", "from"), ("maximum", "to"), ("minLength", "at least"), ("maxLength", "at most")):
        if key in schema:
            words.append(f"{said} {schema[key]}")
    return ", ".join(words)


def _example(schema: Mapping[str, Any], components: Mapping[str, Any], depth: int = 0) -> Any:
    if "$ref" in schema:
        return _example(components[schema["$ref"].rpartition("/")[2]], components, depth)
    for given in ("examples", "enum"):
        if schema.get(given):
            return schema[given][0]
    if "default" in schema:
        return schema["default"]
    if depth > DEEPEST:
        return None
    if "anyOf" in schema or "oneOf" in schema:
        return _example((schema.get("anyOf") or schema["oneOf"])[0], components, depth + 1)
    match schema.get("type"):
        case "object":
            return {name: _example(each, components, depth + 1) for name, each in schema.get("properties", {}).items()}
        case "array":
            return [_example(schema.get("items", {}), components, depth + 1)]
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return True
        case "string":
            return _TEXTS.get(schema.get("format", ""), schema.get("const", "text"))
    return schema.get("const")


_TEXTS = {
    "uuid": "0199a3f2-7c1e-7d40-9b0e-2f6a1c8d4e55",
    "date-time": "2026-03-14T09:00:00Z",
    "date": "2026-03-14",
    "email": "jane@example.org",
    "uri": "https://example.org",
}
