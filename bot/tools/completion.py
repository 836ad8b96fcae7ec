"""What may stand at a place of a flows, domain, nlu or locale file that is being written: keys and values by the schema, names by the skill.

The text may be half written, so it is not parsed: the place is told by indentation and open brackets, as a person tells it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal

from bot.check.schema import schema
from bot.flows import SkillSource

__all__ = ["Names", "Option", "complete", "names_of"]

ITEM = "-"  # of a list, in a path
MAX_OPTIONS = 200

Kind = Literal["key", "value", "slot", "response", "flow", "action", "step", "intent", "entity"]

# Which names stand after a key.
_AFTER: Mapping[str, tuple[Kind, ...]] = {
    "action": ("response", "action"),
    "collect": ("slot",),
    "utter": ("response",),
    "refill_utter": ("response",),
    "link": ("flow",),
    "call": ("flow",),
    "next": ("step",),
    "then": ("step",),
    "else": ("step",),
    "entity": ("entity",),
    "intent": ("intent",),
    "not_intent": ("intent",),
    "active_flow": ("flow",),
    "requested_slot": ("slot",),
    "required_slots": ("slot",),
    "run_action_every_turn": ("action",),
}
# Which names are keys below a key.
_BELOW: Mapping[str, Kind] = {"set_slots": "slot", "required_slots": "slot"}
_IN_LOCALES: Mapping[str, Kind] = {"responses": "response", "flows": "flow"}

_KEY = re.compile(r"""(["']?)([^\s"'{}\[\],#][^"'{}\[\]#]*?)\1:(?=\s|$)""")
_STEP_ID = re.compile(r"(?:^|[\s{,-])id:\s*([\w-]+)")


@dataclass(frozen=True, slots=True)
class Option:
    label: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Names:
    """By kind, what a skill calls its things."""

    of: Mapping[Kind, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Place:
    """`path`: keys and items from the file's top. `may_be_key`, `may_be_value`: what the word at the cursor may become."""

    path: tuple[str, ...]
    may_be_key: bool
    may_be_value: bool
    prefix: str


def names_of(sources: Sequence[SkillSource]) -> Names:
    """The first one's, and those of the skills that it requires."""
    found: dict[Kind, set[str]] = {
        "slot": {name for each in sources for name in each.slots},
        "response": {name for each in sources for texts in each.responses.values() for name in texts},
        "flow": {name for each in sources for name in each.flows},
        "action": {name for each in sources for name in each.actions},
        "intent": {name for each in sources for name in (*each.intents, *each.examples)},
        "entity": {name for each in sources for name in (*each.entities, *each.patterns)},
    }
    return Names({kind: tuple(sorted(names)) for kind, names in found.items()})


def complete(path: str, above: Sequence[str], head: str, names: Names, *, below: Sequence[str] = ()) -> list[Option]:
    """What may stand where `head`, the line up to the cursor, ends.

    Args:
        path: of the file in the skill, which says what kind it is.
        above: the lines before it; `below`: those after it, for the steps of the flow.
    """
    place = _place_of(above, head)
    nodes = _nodes(path, place.path)
    found: dict[str, Option] = {}
    for option in _options(path, place, nodes, names, [*above, *below]):
        if option.label.lower().startswith(place.prefix.lower()) and option.label != place.prefix:
            found.setdefault(option.label, option)
    return list(found.values())[:MAX_OPTIONS]


def _options(
    path: str, place: _Place, nodes: Sequence[Mapping[str, Any]], names: Names, lines: Sequence[str]
) -> Iterator[Option]:
    keys = [each for each in place.path if each != ITEM]
    last = keys[-1] if keys else ""
    if place.may_be_key:
        for node in nodes:
            yield from (Option(key, "key") for key in node.get("properties", ()))
        kind = _IN_LOCALES.get(last) if path.startswith("locales") and len(keys) == 1 else _BELOW.get(last)
        if kind is not None:
            yield from (Option(name, kind) for name in names.of.get(kind, ()))
    if place.may_be_value:
        for node in nodes:
            yield from (Option(str(each), "value") for each in _values(node))
        for kind in _AFTER.get(last, ()):
            known = _step_ids(lines) if kind == "step" else names.of.get(kind, ())
            yield from (Option(name, kind) for name in known)


def _step_ids(lines: Sequence[str]) -> list[str]:
    return ["END", *dict.fromkeys(found for line in lines for found in _STEP_ID.findall(line))]


# -- where the cursor is


def _place_of(above: Sequence[str], head: str) -> _Place:
    tokens, content, column = _split(head)
    parents = _parents(above, tokens[0][0] if tokens else column, bool(tokens))
    path = [*parents, *(name for _, name in tokens)]
    key = _KEY.match(content)
    if key is None:
        if content.startswith(("{", "[")):
            return _inline(content, path)
        return _Place(tuple(path), may_be_key=True, may_be_value=bool(tokens), prefix=content)
    path.append(key.group(2))
    rest = content[key.end() :].lstrip()
    if rest.startswith(("{", "[")):
        return _inline(rest, path)
    return _Place(tuple(path), may_be_key=False, may_be_value=True, prefix=rest)


def _split(line: str) -> tuple[list[tuple[int, str]], str, int]:
    """Its dashes with their columns, what stands after them, and where that begins."""
    tokens: list[tuple[int, str]] = []
    column = len(line) - len(line.lstrip(" "))
    while line[column : column + 2] == "- " or line[column:] == "-":
        tokens.append((column, ITEM))
        rest = line[column + 1 :]
        column += 1 + len(rest) - len(rest.lstrip(" "))
    return tokens, line[column:], column


def _parents(above: Sequence[str], column: int, is_item: bool) -> list[str]:
    """Keys and items that what begins at this column stands in."""
    found: list[str] = []
    for line in reversed(above):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        tokens, content, at = _split(line)
        if key := _KEY.match(content):
            tokens.append((at, key.group(2)))
        for begins, name in reversed(tokens):
            # A list may stand in the column of its key.
            if begins < column or (is_item and begins == column and name != ITEM):
                found.append(name)
                column, is_item = begins, name == ITEM
        if column == 0 and not is_item:
            break
    return found[::-1]


def _inline(text: str, path: Sequence[str]) -> _Place:
    """Within `{...}` and `[...]`."""
    open_at: list[tuple[str, list[str]]] = []  # bracket, path in it
    here, word, quote = list(path), "", ""
    for n, letter in enumerate(text):
        if quote:
            quote = "" if letter == quote else quote
            word += letter
        elif letter in "\"'" and not word.strip():
            quote, word = letter, word + letter
        elif letter in "{[":
            here = [*here, ITEM] if letter == "[" else here
            open_at.append((letter, here))
            word = ""
        elif letter in "}]" and open_at:
            open_at.pop()
            here, word = (list(open_at[-1][1]) if open_at else list(path)), ""
        elif letter == "," and open_at:
            here, word = list(open_at[-1][1]), ""
        elif letter == ":" and open_at and open_at[-1][0] == "{" and text[n + 1 : n + 2] in (" ", ""):
            here, word = [*here, word.strip().strip("\"'")], ""
        else:
            word += letter
    if not open_at:
        return _Place(tuple(path), may_be_key=False, may_be_value=False, prefix=word.strip())
    bracket, outer = open_at[-1]
    is_key = bracket == "{" and here == outer
    return _Place(tuple(here), may_be_key=is_key, may_be_value=not is_key, prefix=word.lstrip())


# -- what the schema says of it


@lru_cache(maxsize=4)
def _schema(name: str) -> dict[str, Any]:
    return schema(name)


def _nodes(path: str, place: Sequence[str]) -> list[Mapping[str, Any]]:
    """The schemas that count at this path; none for files that have no schema."""
    name = "flows" if re.match(r"flows\b", path) else "domain" if re.match(r"(domain|locales)\b", path) else ""
    if not name:
        return []
    root = _schema(name)
    nodes = list(_expanded(root, root))
    for part in place:
        inner = [each for node in nodes for each in _inside(node, part)]
        nodes = [each for node in inner for each in _expanded(node, root)]
    return nodes


def _inside(node: Mapping[str, Any], part: str) -> Iterator[Mapping[str, Any]]:
    if part == ITEM:
        items = node.get("items")
        yield from [items] if isinstance(items, Mapping) else ()
        return
    known = node.get("properties", {})
    other = node.get("additionalProperties")
    if part in known:
        yield known[part]
    elif isinstance(other, Mapping):
        yield other


def _expanded(node: Mapping[str, Any], root: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Its alternatives, references followed."""
    if "$ref" in node:
        yield from _expanded(root["$defs"][node["$ref"].rpartition("/")[2]], root)
        return
    others = [each for key in ("anyOf", "oneOf", "allOf") for each in node.get(key, ())]
    if not others:
        yield node
    for each in others:
        yield from _expanded(each, root)


def _values(node: Mapping[str, Any]) -> Iterator[object]:
    yield from (each for each in node.get("enum", ()) if each not in ("", None))
    if node.get("const"):
        yield node["const"]
    if node.get("type") == "boolean":
        yield from ("true", "false")
