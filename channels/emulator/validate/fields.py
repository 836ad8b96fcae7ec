"""Reading one field of a request, with Meta's complaint when it is not as it should be."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from channels.emulator.errors import invalid, invalid_parameter, missing


def required(data: Mapping[str, Any], key: str, path: str) -> Any:
    value = data.get(key)
    if value is None or value == "":
        raise missing(f"{path}.{key}" if path else key)
    return value


def an_object(data: Mapping[str, Any], key: str, path: str) -> dict[str, Any]:
    value = required(data, key, path)
    if not isinstance(value, dict):
        raise invalid_parameter(f"Param {path}['{key}'] must be a JSON object.")
    return value


def a_list(data: Mapping[str, Any], key: str, path: str, *, most: int | None = None) -> list[Any]:
    value = required(data, key, path)
    if not isinstance(value, list):
        raise invalid_parameter(f"Param {path}['{key}'] must be an array.")
    if not value:
        raise missing(f"{path}.{key}")
    if most is not None and len(value) > most:
        raise invalid(f"{path}.{key} has {len(value)} items; the maximum is {most}.")
    return value


def a_text(data: Mapping[str, Any], key: str, path: str, *, most: int) -> str:
    """A required text of 1 to `most` characters; too long is 131009, as in interactive messages."""
    value = required(data, key, path)
    if not isinstance(value, str):
        raise invalid_parameter(f"Param {path}['{key}'] must be a string.")
    if len(value) > most:
        raise invalid(f"{path}.{key} length invalid. Min length: 1, Max length: {most}")
    if not value.strip():
        raise invalid(f"{path}.{key} must hold more than white space.")
    return value


def maybe_text(data: Mapping[str, Any], key: str, path: str, *, most: int) -> str | None:
    if data.get(key) is None:
        return None
    value = data[key]
    if not isinstance(value, str):
        raise invalid_parameter(f"Param {path}['{key}'] must be a string.")
    if len(value) > most:
        raise invalid_parameter(f"Param {path}['{key}'] must be at most {most} characters long.")
    return value


def a_url(data: Mapping[str, Any], key: str, path: str, *, most: int = 2000) -> str:
    value = a_text(data, key, path, most=most)
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise invalid(f"{path}.{key} is not a valid URL.")
    return value


def a_coordinate(data: Mapping[str, Any], key: str, path: str, *, most: float) -> float:
    value = required(data, key, path)
    try:
        degrees = float(value)
    except (TypeError, ValueError) as error:
        raise invalid_parameter(f"Param {path}['{key}'] must be a number.") from error
    if not -most <= degrees <= most:
        raise invalid(f"{path}.{key} must lie between -{most:g} and {most:g}.")
    return degrees
