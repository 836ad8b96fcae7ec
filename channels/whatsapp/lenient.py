"""Reading JSON whose shape nobody guarantees: every accessor answers with something usable and raises nothing.

Meta adds fields, types and spellings without a version, so a value may be missing, of another type, or hold characters
that PostgreSQL cannot keep (NUL, half a surrogate pair).
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import orjson

__all__ = [
    "MAX_DEPTH",
    "MalformedBody",
    "as_dict",
    "as_list",
    "clean",
    "clean_deep",
    "decode",
    "dump",
    "moment",
    "text",
]

MAX_DEPTH = 200  # real deliveries nest about 12 deep; orjson cannot write more than 254 levels back
_MAX_NUMBER_CHARS = 400  # no float has more digits before its exponent; Python refuses to read integers of 4300
# orjson reads integers beyond 64 bits as floats and loses digits. Looking for 19 digits in a row this way takes a
# twentieth of what a regular expression takes.
_DIGIT_OR_BLANK = bytes(ord("0") if chr(byte).isdecimal() and byte < 128 else ord(" ") for byte in range(256))
_LONG_INTEGER = b"0" * 19
_SURROGATE = re.compile("[\ud800-\udfff]")
_MILLISECONDS_FROM = 100_000_000_000  # as seconds this would be the year 5138
_LATEST_S = 4_102_444_800  # 2100-01-01; later is a placeholder or a fault


class MalformedBody(ValueError):
    """The delivery is not a JSON object: kept and counted, never answered with an error."""


def decode(body: bytes | str, *, max_depth: int = MAX_DEPTH) -> Any:
    """The JSON value, with integers exact and nesting bounded.

    Raises:
        MalformedBody: not UTF-8, not JSON (NaN is not), or nested deeper than `max_depth`.
    """
    raw = body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body
    value = _decode_exactly(raw) if _LONG_INTEGER in raw.translate(_DIGIT_OR_BLANK) else _decode_fast(raw)
    if raw.count(b"{") + raw.count(b"[") > max_depth and _is_deeper(value, max_depth):
        raise MalformedBody(f"nested deeper than {max_depth} levels")
    return value


def _decode_fast(raw: bytes) -> Any:
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        # orjson refuses half a surrogate pair ("\ud83d"), which truncated emoji produce; the standard library reads it.
        return _decode_exactly(raw)


def _decode_exactly(raw: bytes) -> Any:
    try:
        text_ = raw.decode("utf-8-sig")
        return json.loads(text_, parse_int=_integer, parse_float=_float, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as e:
        raise MalformedBody(f"not JSON: {type(e).__name__}") from e


def _integer(digits: str) -> int | str:
    return int(digits) if len(digits) <= _MAX_NUMBER_CHARS else digits


def _float(digits: str) -> float | str:
    number = float(digits)
    return number if math.isfinite(number) else digits


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _is_deeper(value: Any, limit: int) -> bool:
    level = [value]
    for _ in range(limit):
        level = [child for node in level for child in _containers(node)]
        if not level:
            return False
    return True


def _containers(node: Any) -> Iterator[Any]:
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    return (child for child in children if isinstance(child, dict | list))


def clean(value: str) -> str:
    """`value` as PostgreSQL can keep it: NUL removed, half surrogate pairs replaced by U+FFFD."""
    if "\x00" in value:
        value = value.replace("\x00", "")
    if value.isascii():
        return value
    return _SURROGATE.sub("\ufffd", value)


def clean_deep(value: Any) -> Any:
    """The same for every string and key within `value`."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [clean_deep(item) for item in value]
    if isinstance(value, dict):
        return {clean(key): clean_deep(item) for key, item in value.items()}
    return value


def dump(value: Any, *, sort_keys: bool = False) -> bytes:
    """JSON bytes that `jsonb` accepts, whatever was read by `decode`. May hold integers of any length."""
    option = orjson.OPT_SORT_KEYS if sort_keys else 0
    try:
        written = orjson.dumps(value, option=option)
        if b"\\u0000" not in written:
            return written
        return orjson.dumps(clean_deep(value), option=option)
    except orjson.JSONEncodeError:
        # Half surrogate pairs and integers beyond 64 bits.
        return json.dumps(clean_deep(value), ensure_ascii=False, separators=(",", ":"), sort_keys=sort_keys).encode()


def text(value: Any) -> str:
    """A clean string; numbers as digits; "" for anything else."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, bool):
        return ""
    if isinstance(value, int):
        # Python refuses to print integers of more than 4300 digits; `_integer` keeps those as strings.
        return str(value)
    return repr(value) if isinstance(value, float) else ""


def as_dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def moment(value: Any) -> datetime | None:
    """Seconds (or milliseconds) since 1970 as number or string; None for a placeholder or an impossible date."""
    try:
        seconds = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else 0.0
    except (ValueError, OverflowError):
        return None
    if seconds >= _MILLISECONDS_FROM:
        seconds /= 1000
    if not 0 < seconds < _LATEST_S:
        return None
    return datetime.fromtimestamp(seconds, UTC)
