"""The condition language: `slots.seats > 2 and not slots.email matches '@'`.

`parse` reads a text to a tree, `compile_condition` turns the tree into closures over a `Scope`. Grammar and results agree
with pypred 0.4.0 but for what flows.md section 5 declares: `and` binds tighter than `or` (mixing them is a lint), and a
comparison of values that cannot be compared is false with a warning instead of an exception.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from bot.flows.patterns import SAFE_LENGTH, may_hang

__all__ = ["EMPTY", "UNDEFINED", "Condition", "ConditionError", "Parsed", "Scope", "compile_condition", "parse"]

MAX_LENGTH = 4_000  # the longest public condition has 212 characters
MAX_NESTING = 40


class ConditionError(ValueError):
    """The text is no condition. `at` is the offset of the offending word."""

    def __init__(self, message: str, at: int, suggestion: str = "") -> None:
        super().__init__(message)
        self.at = at
        self.suggestion = suggestion


class _Undefined:
    """An unknown path: falsy, equal to itself and to `empty` only."""

    def __bool__(self) -> bool:
        return False

    def __contains__(self, _: object) -> bool:
        return False

    def __eq__(self, other: object) -> bool:
        return isinstance(other, (_Undefined, _Empty))

    def __ne__(self, other: object) -> bool:
        return not isinstance(other, _Undefined)

    def __hash__(self) -> int:
        return hash(None)

    def __repr__(self) -> str:
        return "undefined"


class _Empty:
    """The word `empty`: equal to whatever has length zero."""

    def __bool__(self) -> bool:
        return False

    def __eq__(self, other: object) -> bool:
        if isinstance(other, (_Empty, _Undefined)):
            return True
        return hasattr(other, "__len__") and len(other) == 0

    def __hash__(self) -> int:
        return hash(None)

    def __repr__(self) -> str:
        return "empty"


UNDEFINED = _Undefined()
EMPTY = _Empty()


@dataclass(slots=True)
class Scope:
    """What a condition sees. `slots` by loaded id (null slots may be missing), `context` of the running frame."""

    slots: Mapping[str, Any]
    context: Mapping[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    now: datetime | None = None


Condition = Callable[[Scope], Any]
Lookup = Callable[[str], Condition]


class Lint(NamedTuple):
    code: str
    message: str
    at: int
    suggestion: str = ""


# -- the tree -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Path:
    name: str
    at: int


@dataclass(frozen=True, slots=True)
class Value:
    value: Any
    at: int
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class SetOf:
    items: tuple[Path | Value, ...]
    at: int


@dataclass(frozen=True, slots=True)
class Not:
    inner: Tree


@dataclass(frozen=True, slots=True)
class Both:
    op: str  # "and" | "or"
    left: Tree
    right: Tree


@dataclass(frozen=True, slots=True)
class Compare:
    op: str
    left: Tree
    right: Tree


Tree = Path | Value | SetOf | Not | Both | Compare


@dataclass(frozen=True, slots=True)
class Parsed:
    text: str
    tree: Tree
    lints: tuple[Lint, ...]

    @property
    def paths(self) -> tuple[Path, ...]:
        found: list[Path] = []
        _collect_paths(self.tree, found)
        return tuple(found)


def _collect_paths(tree: Tree, found: list[Path]) -> None:
    match tree:
        case Path():
            found.append(tree)
        case Not(inner):
            _collect_paths(inner, found)
        case Both(_, left, right) | Compare(_, left, right):
            _collect_paths(left, found)
            _collect_paths(right, found)
        case SetOf(items):
            found.extend(item for item in items if isinstance(item, Path))
        case Value():
            pass


# -- reading --------------------------------------------------------------------------------------

_TOKEN = re.compile(
    r"""(?P<space>[ \t\r\n]+|\#[^\n]*)
      | (?P<number>-?\d+(\.\d+)?)
      | (?P<word>[\w\-.:;]+)
      | (?P<quoted>"[^"]*"|'[^']*')
      | (?P<op>>=|<=|==|!=|[><=(){}])""",
    re.VERBOSE,
)
_RESERVED = frozenset(("is", "and", "or", "not", "contains", "matches", "true", "false", "undefined", "null", "empty"))
_CONSTANTS: dict[str, Any] = {"true": True, "false": False, "null": None, "undefined": UNDEFINED, "empty": EMPTY}
_COMPARISONS = frozenset((">", ">=", "<", "<=", "=", "==", "!="))


class _Token(NamedTuple):
    kind: str  # number, word, quoted, op, or the reserved word itself
    text: str
    at: int


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            hint = "write sets without commas: {'A' 'B'}" if text[at] == "," else ""
            raise ConditionError(f"unexpected {text[at]!r}", at, hint)
        kind = str(match.lastgroup)
        if kind != "space":
            word = match.group()
            lower = word.lower()
            found.append(_Token(lower if kind == "word" and lower in _RESERVED else kind, word, at))
        at = match.end()
    return found


def parse(text: str) -> Parsed:
    """Reads a condition.

    Raises:
        ConditionError: it is no condition; says what stands where it should not.
    """
    if len(text) > MAX_LENGTH:
        raise ConditionError(f"a condition longer than {MAX_LENGTH} characters", 0)
    reader = _Reader(text)
    tree = reader.read()
    return Parsed(text, tree, tuple(reader.lints))


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = _tokens(text)
        self._next = 0
        self._depth = 0
        self.lints: list[Lint] = []

    def read(self) -> Tree:
        tree = self._either()
        if self._next < len(self._tokens):
            token = self._tokens[self._next]
            raise ConditionError(f"unexpected {token.text!r}", token.at)
        return tree

    def _peek(self) -> str:
        return self._tokens[self._next].kind if self._next < len(self._tokens) else "end"

    def _is_op(self, text: str) -> bool:
        return self._peek() == "op" and self._tokens[self._next].text == text

    def _take(self) -> _Token:
        if self._next >= len(self._tokens):
            raise ConditionError("the condition ends too early", len(self._text))
        token = self._tokens[self._next]
        self._next += 1
        return token

    def _either(self) -> Tree:
        self._depth += 1
        if self._depth > MAX_NESTING:
            raise ConditionError(f"nested more than {MAX_NESTING} deep", 0)
        left, mixed = self._both()
        while self._peek() == "or":
            at = self._take().at
            right, right_mixed = self._both()
            if mixed or right_mixed:
                self.lints.append(
                    Lint("CN-COND-003", "`and` and `or` mixed without parentheses", at, "add parentheses")
                )
            left, mixed = Both("or", left, right), False
        self._depth -= 1
        return left

    def _both(self) -> tuple[Tree, bool]:
        left, seen = self._negated(), False
        while self._peek() == "and":
            self._take()
            left, seen = Both("and", left, self._negated()), True
        return left, seen

    def _negated(self) -> Tree:
        negations = 0
        while self._peek() == "not":
            self._take()
            negations += 1
        tree = self._comparison()
        for _ in range(negations):
            tree = Not(tree)
        return tree

    def _comparison(self) -> Tree:
        left = self._factor()
        kind = self._peek()
        if kind == "op" and self._tokens[self._next].text in _COMPARISONS:
            op = self._take().text
            return Compare("=" if op == "==" else op, left, self._operand())
        if kind == "is":
            self._take()
            if self._peek() == "not":
                self._take()
                return Compare("!=", left, self._operand())
            return Compare("=", left, self._operand())
        if kind == "contains":
            at = self._take().at
            right = self._factor()
            nothing = isinstance(right, Value) and (right.value is UNDEFINED or right.value is EMPTY)
            if not isinstance(right, (Path, Value)) or nothing:
                raise ConditionError("`contains` takes one value on its right side", at)
            return Compare("contains", left, right)
        if kind == "matches":
            self._take()
            return Compare("matches", left, self._pattern())
        return left

    def _operand(self) -> Tree:
        right = self._factor()
        if isinstance(right, Path) and "." not in right.name:
            self.lints.append(_bare_word(right))
        return right

    def _pattern(self) -> Value:
        token = self._take()
        if token.kind not in ("quoted", "word"):
            raise ConditionError("`matches` takes a quoted regular expression", token.at)
        pattern = token.text.strip("'\"")
        if len(pattern) > 2 and pattern[0] == "/" and pattern.rsplit("/", 1)[-1] in ("", "i"):
            self.lints.append(Lint("CN-COND-005", "the form /x/i is not a pattern here", token.at, "write '(?i)x'"))
        if may_hang(pattern):
            what = f"this pattern may take for ever, so it matches no text of more than {SAFE_LENGTH} characters"
            self.lints.append(Lint("CN-COND-009", what, token.at, "let no repetition stand in another: (a+)+"))
        try:
            return Value(re.compile(pattern), token.at, quoted=True)
        except re.error as e:
            raise ConditionError(f"not a regular expression: {e}", token.at) from e

    def _factor(self) -> Tree:
        token = self._take()
        if token.kind == "number":
            return Value(float(token.text), token.at)
        if token.kind == "quoted":
            return Value(token.text[1:-1], token.at, quoted=True)
        if token.kind == "word":
            return Path(token.text, token.at)
        if token.kind in _CONSTANTS:
            return Value(_CONSTANTS[token.kind], token.at)
        if token.text == "(":
            inner = self._either()
            self._expect(")", token.at)
            return inner
        if token.text == "{":
            return self._set(token.at)
        raise ConditionError(f"unexpected {token.text!r}", token.at)

    def _set(self, at: int) -> SetOf:
        items: list[Path | Value] = []
        while not self._is_op("}"):
            item = self._factor()
            if not isinstance(item, (Path, Value)):
                raise ConditionError("a set holds plain values", at)
            items.append(item)
        self._take()
        return SetOf(tuple(items), at)

    def _expect(self, text: str, at: int) -> None:
        if not self._is_op(text):
            raise ConditionError(f"missing {text!r} for the one opened here", at)
        self._take()


def _bare_word(path: Path) -> Lint:
    if path.name.lower() == "none":
        return Lint("CN-COND-004", f"{path.name} is a name without a value here", path.at, "write null")
    return Lint("CN-COND-004", f"{path.name} is a name without a value here", path.at, f"did you mean '{path.name}'?")


# -- running --------------------------------------------------------------------------------------


def compile_condition(tree: Tree, lookup: Lookup) -> Condition:
    """Closures over a Scope. `lookup` turns a dotted name into a function that finds its value."""
    match tree:
        case Value(value=value):
            return lambda scope: value
        case Path(name=name):
            return lookup(name)
        case SetOf(items):
            return _set_of([compile_condition(item, lookup) for item in items])
        case Not(inner):
            negated = compile_condition(inner, lookup)
            return lambda scope: not negated(scope)
        case Both(op, left_tree, right_tree):
            left, right = compile_condition(left_tree, lookup), compile_condition(right_tree, lookup)
            if op == "and":
                return lambda scope: bool(left(scope)) and bool(right(scope))
            return lambda scope: bool(left(scope)) or bool(right(scope))
        case Compare(op, left_tree, right_tree):
            return _comparison(op, compile_condition(left_tree, lookup), compile_condition(right_tree, lookup))


def _set_of(items: list[Condition]) -> Condition:
    def values(scope: Scope) -> Any:
        found = [item(scope) for item in items]
        return frozenset(value for value in found if value.__hash__ is not None)

    return values


def _comparison(op: str, left: Condition, right: Condition) -> Condition:
    if op == "=":
        return lambda scope: bool(left(scope) == right(scope))
    if op == "!=":
        return lambda scope: bool(left(scope) != right(scope))
    if op == "matches":
        return lambda scope: _matches(left(scope), right(scope), scope)
    if op == "contains":
        return lambda scope: _contains(left(scope), right(scope), scope)
    return _ordering(op, left, right)


def _matches(value: Any, pattern: re.Pattern[str], scope: Scope) -> bool:
    if not isinstance(value, str):
        return False
    if len(value) > SAFE_LENGTH and may_hang(pattern.pattern):
        scope.warnings.append(f"the pattern {pattern.pattern!r} may take for ever on a text that long")
        return False
    return pattern.search(value) is not None


def _contains(holder: Any, value: Any, scope: Scope) -> bool:
    if not hasattr(holder, "__contains__"):
        return False
    try:
        return value in holder
    except TypeError:
        scope.warnings.append(f"cannot look for {type(value).__name__} in {type(holder).__name__}")
        return False


_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
}


def _ordering(op: str, left: Condition, right: Condition) -> Condition:
    compare = _ORDER[op]

    def ordered(scope: Scope) -> bool:
        a, b = left(scope), right(scope)
        if isinstance(a, (_Undefined, _Empty)) or isinstance(b, (_Undefined, _Empty)):
            return False
        try:
            return bool(compare(a, b))
        except TypeError:
            scope.warnings.append(f"cannot compare {type(a).__name__} {op} {type(b).__name__}")
            return False

    return ordered
