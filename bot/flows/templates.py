"""Texts with `{slot}` in them, and Jinja where a response asks for it.

A template is compiled once and filled many times. A value that is missing becomes an empty string and is noted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from jinja2 import TemplateError

from bot.flows.sandbox import compile_template, environment

__all__ = ["Filling", "Resolve", "Template", "compile_deep", "compile_jinja", "compile_text", "show"]

MAX_JINJA = 4_000  # characters of a template; the longest public one has 900
MAX_SHOWN = 1_000  # items of a list
MAX_RENDERED = 20_000  # characters; WhatsApp takes 4,096 a message

Resolve = Callable[[str], str | None]  # a plain slot name to its loaded id


@dataclass(slots=True)
class Filling:
    """What a template may use. `slots` by loaded id; `values` come from an action and win."""

    slots: Mapping[str, Any]
    context: Mapping[str, Any]
    values: Mapping[str, Any]
    contact: Mapping[str, Any]
    organization: Mapping[str, Any]
    now: datetime | None
    missing: list[str] = field(default_factory=list)


Template = Callable[[Filling], str]

_PART = re.compile(r"\{\{|\}\}|\{([\w.\-]+)\}")


def compile_text(text: str, resolve: Resolve) -> Template:
    """`{name}` is a slot, a value of the action, or `contact.x`, `organization.x`, `context.x`; `{{` and `}}` are braces."""
    if "{" not in text and "}" not in text:
        return lambda filling: text
    parts = list(_parts(text, resolve))
    if len(parts) == 1:
        return parts[0]
    return lambda filling: "".join([part(filling) for part in parts])


def _parts(text: str, resolve: Resolve) -> Iterator[Template]:
    at = 0
    for match in _PART.finditer(text):
        if match.start() > at:
            yield _literal(text[at : match.start()])
        token = match.group()
        yield _literal(token[0]) if token in ("{{", "}}") else _value(match.group(1), resolve)
        at = match.end()
    if at < len(text):
        yield _literal(text[at:])


def _literal(text: str) -> Template:
    return lambda filling: text


_NAMESPACES = ("contact", "organization", "context", "values")


def _value(name: str, resolve: Resolve) -> Template:
    root, _, rest = name.partition(".")
    if rest and root in _NAMESPACES:
        return lambda filling: _shown(getattr(filling, root).get(rest), name, filling)
    slot = resolve(name.removeprefix("slots."))

    def found(filling: Filling) -> str:
        value = filling.values.get(name)
        if value is None and slot is not None:
            value = filling.slots.get(slot)
        return _shown(value, name, filling)

    return found


def _shown(value: Any, name: str, filling: Filling) -> str:
    if value is None:
        filling.missing.append(name)
        return ""
    return value if isinstance(value, str) else show(value)


def show(value: Any) -> str:
    """A value as people read it: 3 instead of 3.0, lists with commas."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, (list, tuple)):
        return ", ".join(show(item) for item in value[:MAX_SHOWN])
    return str(value)


# -- Jinja ----------------------------------------------------------------------------------------


environment.filters["show"] = show


class _Slots(Mapping[str, Any]):
    """The slots by their plain names, as the skill's own files write them."""

    def __init__(self, slots: Mapping[str, Any], resolve: Resolve) -> None:
        self._slots = slots
        self._resolve = resolve

    def __getitem__(self, name: str) -> Any:
        slot = self._resolve(name)
        if slot is None:
            raise KeyError(name)
        return self._slots.get(slot)

    def __iter__(self) -> Iterator[str]:
        return iter(self._slots)

    def __len__(self) -> int:
        return len(self._slots)


def compile_jinja(text: str, resolve: Resolve) -> Template:
    """Jinja over `slots`, `context`, `contact`, `organization`, `now` and the action's values, in a sandbox.

    Raises:
        ValueError: it is too long or not Jinja.
    """
    if len(text) > MAX_JINJA:
        raise ValueError(f"a template longer than {MAX_JINJA} characters")
    template = compile_template(text)

    def render(filling: Filling) -> str:
        names = {
            **filling.values,
            "slots": _Slots(filling.slots, resolve),
            "context": filling.context,
            "contact": filling.contact,
            "organization": filling.organization,
            "now": filling.now,
        }
        try:
            return _bounded(template(names))
        except (
            TemplateError,
            ArithmeticError,
            TypeError,
            ValueError,
            LookupError,
            AttributeError,
            RecursionError,
            MemoryError,
        ) as e:
            filling.missing.append(f"jinja: {e}")
            return ""

    return render


def _bounded(pieces: Iterator[str]) -> str:
    made: list[str] = []
    size = 0
    for piece in pieces:
        made.append(piece)
        size += len(piece)
        if size > MAX_RENDERED:
            raise ValueError(f"more than {MAX_RENDERED} characters rendered")
    return "".join(made)


def compile_deep(value: Any, compile_one: Callable[[str], Template]) -> Callable[[Filling], Any]:
    """The same for every text inside lists and mappings (`custom`, `attachment`)."""
    if isinstance(value, str):
        return compile_one(value)
    if isinstance(value, Mapping):
        fields = {key: compile_deep(item, compile_one) for key, item in value.items()}
        return lambda filling: {key: item(filling) for key, item in fields.items()}
    if isinstance(value, list):
        items = [compile_deep(item, compile_one) for item in value]
        return lambda filling: [item(filling) for item in items]
    return lambda filling: value
