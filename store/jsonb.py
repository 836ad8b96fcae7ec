"""JSON as raw SQL passes it: text in, text out."""

from __future__ import annotations

from typing import Any

import orjson

__all__ = ["from_jsonb", "to_jsonb"]


def to_jsonb(value: Any) -> str:
    """JSON text for `$1::jsonb`. NUL characters are dropped: jsonb refuses them, and people's phones send them (the raw delivery keeps them)."""
    text = orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS)
    if b"\\u0000" in text:
        text = orjson.dumps(_without_nul(orjson.loads(text)))
    return text.decode()


def from_jsonb(text: str | bytes) -> Any:
    return orjson.loads(text)


def _without_nul(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\x00", "")
    if isinstance(value, dict):
        return {_without_nul(key): _without_nul(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_without_nul(inner) for inner in value]
    return value
