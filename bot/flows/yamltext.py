"""YAML 1.2 text to plain values that remember where they stood.

Scalars follow the core schema of YAML 1.2: `yes`, `no`, `on` and dates are strings. Duplicate keys are reported with both
places; the first one counts.
"""

from __future__ import annotations

import re
import warnings
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, ReusedAnchorWarning, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from bot.flows.diagnostics import Pos, Reporter

__all__ = ["List", "Map", "parse_yaml"]

MAX_CHARS = 1_000_000  # far above any real file (the largest public one has 190 kB)
MAX_DEPTH = 60  # deepest nesting seen in public flows is 7 blocks, three YAML levels each

_INT = re.compile(r"[-+]?[0-9]+\Z")
_RADIX = re.compile(r"0(o[0-7]+|x[0-9a-fA-F]+)\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")  # PostgreSQL and JSON refuse some of these
_WORDS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", "+.inf", ".Inf", ".INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}


class Map(dict[str, Any]):
    """A mapping with places: `pos` of itself, `keys_at` of each key, `values_at` of each value."""

    __slots__ = ("keys_at", "pos", "values_at")

    def __init__(self, pos: Pos) -> None:
        super().__init__()
        self.pos = pos
        self.keys_at: dict[str, Pos] = {}
        self.values_at: dict[str, Pos] = {}


class List(list[Any]):
    """A sequence with places: `pos` of itself, `items_at` of each item."""

    __slots__ = ("items_at", "pos")

    def __init__(self, pos: Pos) -> None:
        super().__init__()
        self.pos = pos
        self.items_at: list[Pos] = []


def parse_yaml(file: str, text: str, report: Reporter) -> Any:
    """The document as Map, List and scalars; None (and a diagnostic) when the text cannot be read."""
    if len(text) > MAX_CHARS:
        report.error("CN-YAML-003", f"the file is larger than {MAX_CHARS:,} characters", Pos(file), "split it")
        return None
    text = text.removeprefix("\ufeff")
    try:
        yaml = YAML(typ="safe", pure=True)  # a third faster than "rt"; its nodes carry the same places
        yaml.allow_duplicate_keys = True
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ReusedAnchorWarning)  # legal in YAML: the later anchor counts
            node = yaml.compose(text)
    except MarkedYAMLError as e:
        mark = e.problem_mark or e.context_mark
        pos = Pos(file, mark.line + 1, mark.column + 1) if mark else Pos(file)
        report.error("CN-YAML-001", f"not readable as YAML: {e.problem or e.context}", pos)
        return None
    except ReaderError as e:
        report.error("CN-YAML-001", f"not readable as YAML: {_first_line(e)}", _at(file, text, e.position))
        return None
    except (
        YAMLError,
        RecursionError,
        ValueError,
        AttributeError,
        TypeError,
        KeyError,
        IndexError,
        AssertionError,
    ) as e:
        # ruamel raises what it likes for some broken texts; whatever it is, this text cannot be read.
        report.error("CN-YAML-001", f"not readable as YAML: {_first_line(e)}", Pos(file))
        return None
    if node is None:
        return None
    return _Builder(file, report).value(node, 0, "")


def _at(file: str, text: str, offset: int) -> Pos:
    before = text[:offset]
    return Pos(file, before.count("\n") + 1, offset - before.rfind("\n"))


def _first_line(error: Exception) -> str:
    lines = str(error).splitlines()
    return lines[0] if lines else type(error).__name__


class _Builder:
    def __init__(self, file: str, report: Reporter) -> None:
        self._file = file
        self._report = report
        self._open: set[int] = set()
        self._done: dict[int, Any] = {}  # aliases are shared, so a "billion laughs" text stays small

    def value(self, node: Node, depth: int, pointer: str) -> Any:
        if isinstance(node, ScalarNode):
            return self._clean(_scalar(node), node, pointer)
        key = id(node)
        if key in self._done:
            return self._done[key]
        if key in self._open or depth > MAX_DEPTH:
            self._report.error(
                "CN-YAML-002", "nested too deeply, or an alias that contains itself", self._pos(node, pointer)
            )
            return None
        self._open.add(key)
        made: Map | List
        if isinstance(node, MappingNode):
            made = self._mapping(node, depth, pointer)
        else:
            assert isinstance(node, SequenceNode)
            made = self._sequence(node, depth, pointer)
        self._open.discard(key)
        self._done[key] = made
        return made

    def _sequence(self, node: SequenceNode, depth: int, pointer: str) -> List:
        made = List(self._pos(node, pointer))
        for n, item in enumerate(node.value):
            here = f"{pointer}/{n}"
            made.append(self.value(item, depth + 1, here))
            made.items_at.append(self._pos(item, here))
        return made

    def _mapping(self, node: MappingNode, depth: int, pointer: str) -> Map:
        made = Map(self._pos(node, pointer))
        merged: list[tuple[Any, Pos]] = []
        for key_node, value_node in node.value:
            if not isinstance(key_node, ScalarNode):
                at = self._pos(key_node, pointer)
                self._report.error("CN-YAML-004", "a key must be a word, not a list or a mapping", at)
                continue
            key = str(self._clean(str(key_node.value), key_node, pointer))
            here = f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}"
            pos = self._pos(key_node, here)
            if key == "<<" and not key_node.style:
                merged.append((self.value(value_node, depth + 1, here), pos))
                continue
            if key in made:
                first = made.keys_at[key]
                self._report.error("CN-YAML-005", f'"{key}" is written twice, first at {first}', pos)
                continue
            made[key] = self.value(value_node, depth + 1, here)
            made.keys_at[key] = pos
            made.values_at[key] = self._pos(value_node, here)
        for value, pos in merged:
            self._merge(made, value, pos)
        return made

    def _merge(self, made: Map, value: Any, pos: Pos) -> None:
        """`<<: *other`: what the mapping does not say itself. Not part of YAML 1.2, but files use it."""
        for other in value if isinstance(value, List) else [value]:
            if not isinstance(other, Map):
                self._report.error("CN-YAML-007", "`<<` takes a mapping, or a list of them", pos)
                continue
            for key in other:
                if key not in made:
                    made[key], made.keys_at[key], made.values_at[key] = (
                        other[key],
                        other.keys_at[key],
                        other.values_at[key],
                    )

    def _clean(self, value: Any, node: ScalarNode, pointer: str) -> Any:
        if isinstance(value, str) and _UNWRITABLE.search(value):
            what = "a control character, or half of a surrogate pair"
            self._report.error("CN-YAML-006", f"a text with {what}", self._pos(node, pointer), "remove it")
            return _UNWRITABLE.sub("", value)
        return value

    def _pos(self, node: Node, pointer: str) -> Pos:
        return Pos(self._file, node.start_mark.line + 1, node.start_mark.column + 1, pointer)


def _scalar(node: ScalarNode) -> Any:
    text = str(node.value)
    if node.style in ("'", '"', "|", ">") or (node.tag and str(node.tag).endswith(":str") and node.style):
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INT.match(text):
        return int(text) if len(text) < 400 else text
    if _RADIX.match(text):
        return int(text, 0)
    if _FLOAT.match(text):
        return float(text)
    return text
