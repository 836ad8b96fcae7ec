"""A message template: what it asks for, what is sent, and what the phone then shows. Drawn from what is sent, so that both are one. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["TemplateText", "Variable", "filled", "problem_of", "shown", "unsendable", "variables"]

Components = Sequence[Mapping[str, Any]]

_PLACE = re.compile(r"\{\{\s*([A-Za-z0-9_]+)\s*\}\}")
_MEDIA = {"IMAGE": "image", "VIDEO": "video", "DOCUMENT": "document"}
_KNOWN = frozenset({"HEADER", "BODY", "FOOTER", "BUTTONS"})
_BUTTONS = frozenset({"QUICK_REPLY", "URL", "PHONE_NUMBER", "COPY_CODE"})
MOST_CHARACTERS = 1024
COUPON = 15


@dataclass(frozen=True, slots=True)
class Variable:
    """Something to fill in. `key` is unique in its template."""

    key: str
    name: str  # as the template has it: 1, customer_name
    part: Literal["header", "body", "button"]
    kind: Literal["text", "link", "code"] = "text"
    example: str = ""
    index: int = 0  # of the button
    media: str = ""  # of a header: image, video, document


@dataclass(frozen=True, slots=True)
class TemplateText:
    """As it stands on the phone."""

    header: str = ""
    media: str = ""
    body: str = ""
    footer: str = ""
    buttons: tuple[str, ...] = ()


def unsendable(components: Components, category: str = "") -> str:
    """Why people cannot send it by hand: the part that we do not fill in, else ""."""
    if category.upper() == "AUTHENTICATION":
        return "one-time code"
    for each in components:
        kind = str(each.get("type", "")).upper()
        if kind not in _KNOWN:
            return kind.lower().replace("_", " ")
        if kind == "HEADER" and str(each.get("format", "TEXT")).upper() not in ("TEXT", *_MEDIA):
            return f"{str(each['format']).lower()} header"
        for button in each.get("buttons") or ():
            if str(button.get("type", "")).upper() not in _BUTTONS:
                return f"{str(button.get('type', '')).lower().replace('_', ' ')} button"
    return ""


def variables(components: Components) -> list[Variable]:
    """In the order in which one reads."""
    return list(_variables(components))


def _variables(components: Components) -> Iterator[Variable]:
    for each in components:
        match str(each.get("type", "")).upper():
            case "HEADER":
                yield from _of_header(each)
            case "BODY":
                examples = _examples(each, "body_text")
                for at, name in enumerate(_names(each.get("text"))):
                    yield Variable(f"body:{name}", name, "body", example=_example(examples, name, at))
            case "BUTTONS":
                yield from _of_buttons(each.get("buttons") or ())


def _of_header(each: Mapping[str, Any]) -> Iterator[Variable]:
    kind = str(each.get("format", "TEXT")).upper()
    if kind in _MEDIA:
        yield Variable("header", kind.lower(), "header", "link", media=_MEDIA[kind])
    examples = _examples(each, "header_text")
    for at, name in enumerate(_names(each.get("text"))):
        yield Variable(f"header:{name}", name, "header", example=_example(examples, name, at))


def _of_buttons(buttons: Sequence[Mapping[str, Any]]) -> Iterator[Variable]:
    for index, button in enumerate(buttons):
        kind = str(button.get("type", "")).upper()
        text = str(button.get("text", ""))
        if kind == "URL" and _names(button.get("url")):
            yield Variable(f"button:{index}", text, "button", index=index)
        elif kind == "COPY_CODE":
            yield Variable(f"button:{index}", text, "button", "code", index=index)


def problem_of(variable: Variable, value: str) -> str:
    """Why WhatsApp would refuse this value (contract section 6), else ""."""
    if not value.strip():
        return "empty"
    if variable.kind == "link" and not value.strip().startswith("https://"):
        return "link"
    if variable.kind == "code" and len(value.strip()) > COUPON:
        return "long"
    if any(sign in value for sign in "\n\r\t") or "     " in value:
        return "spaces"
    return "long" if len(value) > MOST_CHARACTERS else ""


def filled(components: Components, values: Mapping[str, str], *, named: bool = False) -> tuple[dict[str, Any], ...]:
    """The components of the send; `values` by key of `variables`, `named`: the template's parameters have names."""
    sent: list[dict[str, Any]] = []
    for part in ("header", "body"):
        parameters = [
            _parameter(each, values.get(each.key, "").strip(), named=named)
            for each in _variables(components)
            if each.part == part
        ]
        if parameters:
            sent.append({"type": part, "parameters": parameters})
    buttons = (each for each in _variables(components) if each.part == "button")
    return (*sent, *(_button(each, values.get(each.key, "").strip()) for each in buttons))


def _parameter(each: Variable, value: str, *, named: bool) -> dict[str, Any]:
    if each.kind == "link":
        return {"type": each.media, each.media: {"link": value}}
    found = {"type": "text", "text": value}
    return found | {"parameter_name": each.name} if named else found


def _button(each: Variable, value: str) -> dict[str, Any]:
    parameter = (
        {"type": "coupon_code", "coupon_code": value} if each.kind == "code" else {"type": "text", "text": value}
    )
    kind = "copy_code" if each.kind == "code" else "url"
    return {"type": "button", "sub_type": kind, "index": str(each.index), "parameters": [parameter]}


def shown(components: Components, sent: Components = ()) -> TemplateText:
    """With what was sent in its places; a place without a value keeps its braces."""
    header = media = body = footer = ""
    buttons: list[str] = []
    for each in components:
        text = str(each.get("text") or "")
        match str(each.get("type", "")).upper():
            case "HEADER":
                media = _MEDIA.get(str(each.get("format", "TEXT")).upper(), "")
                header = _put(text, _values(sent, "header"))
            case "BODY":
                body = _put(text, _values(sent, "body"))
            case "FOOTER":
                footer = text
            case "BUTTONS":
                buttons = [str(button.get("text") or "") for button in each.get("buttons") or ()]
    return TemplateText(header, media, body, footer, tuple(buttons))


def _values(sent: Components, part: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for component in sent:
        if str(component.get("type", "")).lower() == part:
            for at, each in enumerate(component.get("parameters") or (), 1):
                if each.get("type") == "text":
                    found[str(each.get("parameter_name") or at)] = str(each.get("text") or "")
    return found


def _put(text: str, values: Mapping[str, str]) -> str:
    return _PLACE.sub(lambda place: values.get(place[1]) or place[0], text)


def _names(text: Any) -> list[str]:
    """Each once; numbers in their order, names as they come."""
    found = list(dict.fromkeys(_PLACE.findall(str(text or ""))))
    return sorted(found, key=int) if all(name.isdigit() for name in found) else found


def _examples(each: Mapping[str, Any], key: str) -> Mapping[str, str] | Sequence[str]:
    """Meta keeps them as a list, as a list of lists, or by name."""
    given = each.get("example")
    if not isinstance(given, Mapping):
        return ()
    if isinstance(named := given.get(f"{key}_named_params"), Sequence):
        return {str(one.get("param_name")): str(one.get("example")) for one in named if isinstance(one, Mapping)}
    listed = given.get(key)
    if isinstance(listed, Sequence) and not isinstance(listed, str) and listed:
        inner = listed[0]
        return [str(one) for one in (inner if isinstance(inner, Sequence) and not isinstance(inner, str) else listed)]
    return ()


def _example(examples: Mapping[str, str] | Sequence[str], name: str, at: int) -> str:
    if isinstance(examples, Mapping):
        return examples.get(name, "")
    return examples[at] if at < len(examples) else ""
