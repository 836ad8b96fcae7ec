"""Turns what was given for a slot into a value of its type."""

from __future__ import annotations

import math
from typing import Any

from bot.flows.model import Slot
from bot.flows.words import normalise

__all__ = ["Unfit", "coerce"]

MAX_TEXT = 4_096  # WhatsApp's longest text


class Unfit(ValueError):
    """The value does not fit the slot's type."""


_TRUE = frozenset(("true", "yes", "1", "y"))
_FALSE = frozenset(("false", "no", "0", "n"))


def coerce(slot: Slot, value: Any) -> Any:
    """The value in the slot's type; None stays None.

    Raises:
        Unfit: it cannot be one.
    """
    if value is None:
        return None
    return _BY_TYPE[slot.type](slot, value)


def _text(slot: Slot, value: Any) -> Any:
    if slot.accept in ("image", "document", "media", "location", "contact") and isinstance(value, dict):
        return value
    if isinstance(value, (dict, list)):
        raise Unfit("not a text")
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip()[:MAX_TEXT] or None


def _bool(slot: Slot, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise Unfit("not yes or no")


def _float(slot: Slot, value: Any) -> float:
    if isinstance(value, bool):
        raise Unfit("not a number")
    try:
        number = float(value)
    except (TypeError, ValueError) as e:
        raise Unfit("not a number") from e
    if not math.isfinite(number):
        raise Unfit("not a number")
    if (slot.min_value is not None and number < slot.min_value) or (
        slot.max_value is not None and number > slot.max_value
    ):
        raise Unfit("out of range")
    return number


def _categorical(slot: Slot, value: Any) -> str:
    """In the casing that the slot declares."""
    word = normalise(str(value))
    for declared in slot.values:
        if declared == value or normalise(declared) == word:
            return declared
    raise Unfit("not one of the values")


def _list(slot: Slot, value: Any) -> list[Any]:
    if isinstance(value, (list, tuple)):
        return list(value)
    raise Unfit("not a list")


def _any(slot: Slot, value: Any) -> Any:
    return value


_BY_TYPE = {"text": _text, "bool": _bool, "float": _float, "categorical": _categorical, "list": _list, "any": _any}
