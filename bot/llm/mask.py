"""Personal data out of a prompt, and back into the answer.

mask = Mask(["Amina Otieno"])
mask.hide("I am Amina, 0722 000 000")      # "I am [NAME_1], [PHONE_1]"
mask.show({"value": "[PHONE_1]"})          # {"value": "0722 000 000"}

Numbered in the order in which they first stand in the prompt, so the same prompt looks the same each time and can be remembered.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

__all__ = ["PLACEHOLDER", "Mask"]

PLACEHOLDER = re.compile(r"\[(?:EMAIL|PHONE|ID|NAME)_\d+\]")
MIN_NAME = 3  # "Al" or "Jo" would blot out half of what is said

_EMAIL = re.compile(r"[\w.+\-']{1,64}@[\w\-]{1,63}(?:\.[\w\-]{1,63}){1,8}")
_UUID = re.compile(r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b")
_PHONE = re.compile(
    r"(?<![\w.])(?:\+\d(?:[\s().-]?\d){7,14}|00\d(?:[\s-]?\d){8,13}|\(?0\d{2,3}\)?[\s-]?\d{3}[\s-]?\d{3,4}|[1-9]\d{9,14})(?![\w])"
)
# Passports, national ids, cards, booking codes: long numbers (also in groups of four), and capitals mixed with digits.
_ID = re.compile(
    r"\b(?:\d{4}(?:[ -]\d{4}){2,4}|\d{6,}|(?=[A-Z0-9-]*\d)(?=[A-Z0-9-]*[A-Z])[A-Z0-9]+(?:-[A-Z0-9]+)*(?<=[A-Z0-9-]{6}))\b"
)
_WORD = r"[^\W\d_][\w'’-]*"
_SAID_NAME = re.compile(
    rf"\b(?:my names? (?:is|are)|my name's|call me|jina langu ni|(?:ni)?naitwa)\s+({_WORD}(?:\s+{_WORD}){{0,2}})",
    re.IGNORECASE,
)
# After these only a word with a capital is a name: "I am interested".
_IS_NAME = re.compile(r"\b(?:[Ii] am|[Ii]['’]?m|[Tt]his is|[Mm]imi ni)\s+([A-Z][\w'’-]+(?:\s+[A-Z][\w'’-]+){0,2})")


class Mask:
    """Of one prompt. `private`: names and other words that are known to belong to a person."""

    def __init__(self, private: Iterable[str] = ()) -> None:
        self._known = _names(private)
        self._shown: dict[str, str] = {}  # what was hidden -> its placeholder
        self._hidden: dict[str, str] = {}
        self._counts: dict[str, int] = {}

    def hide(self, value: Any) -> Any:
        """The same value with placeholders; in lists and mappings too, but for their keys."""
        if isinstance(value, str):
            return self._hide(value)
        if isinstance(value, dict):
            return {key: self.hide(inner) for key, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self.hide(inner) for inner in value]
        return value

    def _hide(self, text: str) -> str:
        # One that somebody typed means nothing: it must not come back as another person's number.
        text = PLACEHOLDER.sub("[…]", text)
        for kind, pattern in (("EMAIL", _EMAIL), ("ID", _UUID), ("PHONE", _PHONE), ("ID", _ID)):
            text = pattern.sub(self._hider(kind), text)
        for pattern in (_SAID_NAME, _IS_NAME):
            text = pattern.sub(self._name_within, text)
        if self._known is not None:
            text = self._known.sub(self._hider("NAME"), text)
        return text

    def show(self, value: Any) -> Any:
        """The same value with everything in its place again."""
        if isinstance(value, str):
            return PLACEHOLDER.sub(lambda found: self._hidden.get(found.group(), found.group()), value)
        if isinstance(value, dict):
            return {key: self.show(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self.show(inner) for inner in value]
        return value

    def _hider(self, kind: str) -> Callable[[re.Match[str]], str]:
        return lambda found: self._placeholder(kind, found.group())

    def _name_within(self, found: re.Match[str]) -> str:
        if PLACEHOLDER.search(found.group()):
            return found.group()
        whole, name = found.group(), found.group(1)
        return whole[: len(whole) - len(name)] + self._placeholder("NAME", name)

    def _placeholder(self, kind: str, value: str) -> str:
        known = self._shown.get(value)
        if known is None:
            self._counts[kind] = self._counts.get(kind, 0) + 1
            known = self._shown[value] = f"[{kind}_{self._counts[kind]}]"
            self._hidden[known] = value
        return known


def _names(private: Iterable[str]) -> re.Pattern[str] | None:
    """Whole names, and each of their words: people are called by either."""
    words: set[str] = set()
    for name in private:
        parts = [part for part in re.split(r"\s+", name.strip()) if len(part) >= MIN_NAME]
        words.update(parts)
        if len(parts) > 1:
            words.add(" ".join(name.split()))
    if not words:
        return None
    ordered = sorted(words, key=len, reverse=True)
    return re.compile(r"(?<!\w)(?:" + "|".join(re.escape(word) for word in ordered) + r")(?!\w)", re.IGNORECASE)
