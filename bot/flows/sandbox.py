"""Jinja for texts that people edit: a part of the language in which every template ends, soon and small.

Three fences. What could call itself or load something (macros, includes, recursive loops) is refused when a template is read.
Filters, globals and methods are those on a list. And while it runs, the rounds of all loops together and the size of every value
that is kept are bounded: neither a loop in a loop nor a text that doubles itself gets anywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, time
from typing import Any

from jinja2 import ChainableUndefined, TemplateError, Undefined, nodes, pass_context
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment

__all__ = ["MAX_ROUNDS", "MAX_SIZE", "TooMuch", "compile_template"]

MAX_ROUNDS = 2_000  # of all loops of one rendering; a list on WhatsApp has 10 rows
MAX_SIZE = 20_000  # characters, items and digits of one value; WhatsApp takes 4,096 characters a message
MAX_RANGE = 1_000
MAX_DIGITS = 100  # of a whole number

_ROUNDS = "_rounds_left"  # in the context of a rendering: a list of one number

_REFUSED: tuple[type[nodes.Node], ...] = (
    nodes.Macro,
    nodes.CallBlock,
    nodes.Include,
    nodes.Import,
    nodes.FromImport,
    nodes.Extends,
    nodes.Block,
    nodes.AssignBlock,
    nodes.FilterBlock,
)
_FILTERS = [
    "abs",
    "capitalize",
    "count",
    "d",
    "default",
    "dictsort",
    "e",
    "escape",
    "first",
    "float",
    "int",
    "join",
    "last",
    "length",
    "list",
    "lower",
    "map",
    "max",
    "min",
    "reject",
    "rejectattr",
    "reverse",
    "round",
    "select",
    "selectattr",
    "sort",
    "string",
    "striptags",
    "sum",
    "title",
    "trim",
    "truncate",
    "unique",
    "upper",
    "replace",
    "safe",
]
_METHODS: dict[type, frozenset[str]] = {
    str: frozenset(
        [
            "lower",
            "upper",
            "title",
            "capitalize",
            "strip",
            "lstrip",
            "rstrip",
            "split",
            "startswith",
            "endswith",
            "find",
            "count",
            "isdigit",
            "isalpha",
            "isnumeric",
        ]
    ),
    dict: frozenset(("get", "items", "keys", "values")),
    list: frozenset(("count", "index")),
    tuple: frozenset(("count", "index")),
    datetime: frozenset(("strftime", "isoformat", "date", "time", "weekday", "isoweekday")),
    date: frozenset(("strftime", "isoformat", "weekday", "isoweekday")),
    time: frozenset(("strftime", "isoformat")),
    LoopContext: frozenset(("cycle", "changed")),
}


class TooMuch(SecurityError):
    """The template would run too long, or make something too large."""


class Missing(ChainableUndefined):
    def __str__(self) -> str:
        return ""


def _refused_parts(tree: nodes.Template) -> Iterator[str]:
    """Why a template is not taken."""
    for node in tree.find_all(_REFUSED):
        yield f"{{% {type(node).__name__.lower()} %}} is not possible here"
    for loop in tree.find_all(nodes.For):
        if loop.recursive:
            yield "a recursive loop is not possible here"


class _Environment(ImmutableSandboxedEnvironment):
    intercepted_binops = frozenset(("+", "*", "**", "%", "//", "/", "-"))

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        _guard(tree)
        return tree

    def is_safe_callable(self, obj: Any) -> bool:
        owner, name = getattr(obj, "__self__", None), getattr(obj, "__name__", "")
        for kind, allowed in _METHODS.items():
            if isinstance(owner, kind) and name in allowed:
                return True
        return obj in (_range, _namespace) or (isinstance(owner, Mapping) and name in _METHODS[dict])

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        return not attr.startswith("_") and super().is_safe_attribute(obj, attr, value)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        if operator == "**" and not (_is_small(left, 1e6) and _is_small(right, 20)):
            raise TooMuch("a power that large")
        if operator == "*":
            for text, times in ((left, right), (right, left)):
                if isinstance(text, (str, list, tuple)) and isinstance(times, int) and len(text) * times > MAX_SIZE:
                    raise TooMuch("a text repeated that often")
        if operator == "%" and isinstance(left, str):
            raise TooMuch("formatting with % is not possible here")
        return _sized(super().call_binop(context, operator, left, right))


def _guard(tree: nodes.Template) -> None:
    """Loops count their rounds; what is assigned or joined is measured."""
    for loop in tree.find_all(nodes.For):
        loop.iter = _through("_rounds", loop.iter)
    for assign in tree.find_all(nodes.Assign):
        assign.node = _through("_sized", assign.node)
    for joined in list(tree.find_all(nodes.Concat)):
        joined.nodes = [_through("_sized", each) for each in joined.nodes]
    for made in list(tree.find_all(nodes.Filter)):
        if made.name not in ("_rounds", "_sized") and made.node is not None:
            made.node = _through("_sized", made.node)


def _through(name: str, node: Any) -> nodes.Filter:
    return nodes.Filter(node, name, [], [], None, None, lineno=node.lineno)


@pass_context
def _rounds(context: Context, value: Any) -> Iterator[Any]:
    left: list[int] = context.get(_ROUNDS) or [MAX_ROUNDS]
    for item in value if not isinstance(value, Undefined) else ():
        left[0] -= 1
        if left[0] < 0:
            raise TooMuch(f"more than {MAX_ROUNDS} rounds of its loops")
        yield item


def _sized(value: Any) -> Any:
    """The value, unless it is too large. Looks no further than the limit."""
    left, todo = MAX_SIZE, [value]
    while todo:
        each = todo.pop()
        if isinstance(each, str):
            left -= len(each)
        elif isinstance(each, int) and not isinstance(each, bool):
            left -= MAX_SIZE + 1 if each.bit_length() > MAX_DIGITS * 4 else 1
        elif isinstance(each, dict):
            left -= len(each)
            todo += [*each.keys(), *each.values()] if left >= 0 else []
        elif isinstance(each, (list, tuple, set, frozenset)):
            left -= len(each)
            todo += each if left >= 0 else ()
        else:
            left -= 1
        if left < 0:
            raise TooMuch(f"a value larger than {MAX_SIZE:,}")
    return value


def _is_small(value: Any, limit: float) -> bool:
    return isinstance(value, (int, float)) and abs(value) <= limit


def _range(*bounds: int) -> range:
    made = range(*bounds)
    if len(made) > MAX_RANGE:
        raise TooMuch(f"a range of more than {MAX_RANGE}")
    return made


def _namespace(**values: Any) -> Any:
    return _kept_namespace(**values)


def _round(value: Any, precision: int = 0, method: str = "common") -> Any:
    if not 0 <= precision <= 10:
        raise TooMuch("rounding to that many places")
    return _kept_round(value, precision, method)


def _replace(value: Any, old: str, new: str, count: int | None = None) -> str:
    text = str(value)
    if len(text) + text.count(str(old)) * len(str(new)) > MAX_SIZE:
        raise TooMuch("a text that grows that much")
    return text.replace(str(old), str(new), -1 if count is None else count)


def _join(value: Any, d: str = "", attribute: str | None = None) -> str:
    items = [item if attribute is None else _field(item, attribute) for item in value]
    return str(_sized(str(d).join(str(_sized(item)) for item in items)))


def _field(item: Any, name: str) -> Any:
    return item.get(name, "") if isinstance(item, Mapping) else ""


def _string(value: Any) -> str:
    return str(_sized(value))


environment: ImmutableSandboxedEnvironment = _Environment(
    undefined=Missing, autoescape=False, optimized=False, finalize=_sized
)
_kept_namespace: Callable[..., Any] = environment.globals["namespace"]  # type: ignore[assignment]
_kept_round: Callable[..., Any] = environment.filters["round"]
environment.filters = {name: environment.filters[name] for name in _FILTERS}
environment.filters |= {
    "_rounds": _rounds,
    "_sized": _sized,
    "round": _round,
    "replace": _replace,
    "join": _join,
    "string": _string,
}
environment.globals = {"range": _range, "namespace": _namespace}


def compile_template(source: str) -> Callable[[Mapping[str, Any]], Iterator[str]]:
    """The template; called with values it yields its pieces.

    Raises:
        ValueError: it is not Jinja, or of a kind that is not taken.
    """
    try:
        tree = environment.parse(source)
        if why := next(_refused_parts(tree), ""):
            raise ValueError(why)
        template = environment.from_string(source)
    except (TemplateError, SyntaxError, RecursionError, MemoryError, OverflowError) as e:
        raise ValueError(f"not readable as Jinja: {str(e) or type(e).__name__}") from e

    def run(values: Mapping[str, Any]) -> Iterator[str]:
        return template.generate({**values, _ROUNDS: [MAX_ROUNDS]})

    return run
