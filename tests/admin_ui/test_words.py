"""Every text of a page has a Swahili form: read in the source of all pages and of what they are made of."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

from admin_ui import words
from tests.admin_ui.test_handlers import page_files

ROOT = Path(__file__).resolve().parents[2]
SHELL = sorted(ROOT.glob("admin_ui/kit/*.py"))
PAGES = [each for each in page_files() if each.name != "swahili.py"]
NAMES = frozenset(
    {"ChatNation", "Kiswahili", "English", "Ctrl K", "WhatsApp", "PDF", "Markdown"}
)  # the same in all languages
# NiceGUI's own elements and ours that take any string: what stands there has gone through `say`.
RAW = {
    "ui.label": (0, ""), "ui.tab": (0, ""), "ui.expansion": (0, ""), "ui.switch": (0, ""), "ui.checkbox": (0, ""),
    "ui.upload": (None, "label"), "ui.input": (None, "placeholder"), "ui.textarea": (None, "placeholder"),
    "tag": (1, "text"), "badge": (0, "text"),
}  # fmt: skip
SENTENCE = re.compile(r"^[A-Z“][a-z’]*,? (?!.*[<>=;]).*[a-z]")
TECHNICAL = ("Inter, ", "Value error, ")  # a font, a prefix of pydantic's
CODE = re.compile(r"\S*[_\d]\S*|\{[^}]*\}")  # examples of codes, and values
METHODS = frozenset({"tooltip", "set_text"})
ATTRIBUTES = frozenset({"aria-label", "title", "placeholder"})
NOT_SHOWN = frozenset(
    {"BROWSERS", "SYSTEMS", "COUNTRIES", "LANGUAGES", "DIAGRAM", "LOGO_TYPES", "PICTURES", "_LINKS", "_TEXT"}
)


def taking_words() -> dict[str, dict[str, int]]:
    """Functions of the kit and the pages with the place of each parameter that is `Words`, as they say themselves."""
    found: dict[str, dict[str, int]] = {}
    for path in (*SHELL, *PAGES):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                fields = [each for each in node.body if isinstance(each, ast.AnnAssign)]
                places = {
                    each.target.id: number
                    for number, each in enumerate(fields)
                    if isinstance(each.target, ast.Name) and _is_words(each.annotation)
                }
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                given = [*node.args.args, *node.args.kwonlyargs]
                start = 1 if given and given[0].arg == "self" else 0
                places = {
                    each.arg: number
                    for number, each in enumerate(given[start:])
                    if each.annotation is not None and _is_words(each.annotation)
                }
            else:
                continue
            if places:
                found.setdefault(node.name, {}).update(places)
    return found


def _is_words(annotation: ast.expr) -> bool:
    return "Words" in {each.id for each in ast.walk(annotation) if isinstance(each, ast.Name)}


def shown(source: str, taking: dict[str, dict[str, int]]) -> Iterator[tuple[int, str, bool]]:
    """(line, text, whether it is looked up) of what stands in the source to be read by people."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            last = name.rpartition(".")[2]
            if name in RAW:
                place, keyword = RAW[name]
                yield from _texts(_given(node, place, keyword), is_raw=True)
            elif isinstance(node.func, ast.Attribute) and last in METHODS:
                yield from _texts(node.args[:1], is_raw=True)
            elif last in taking:
                for parameter, place in taking[last].items():
                    yield from _texts(_given(node, place, parameter), is_raw=False)
            if last == "facts" and node.args:
                pairs = [each for each in ast.walk(node.args[0]) if isinstance(each, ast.Tuple) and len(each.elts) == 2]
                yield from _texts([each.elts[0] for each in pairs], is_raw=False)
                yield from _texts([each.elts[1] for each in pairs], is_raw=True)
            elif last == "Field":
                yield from _texts(
                    [each.value for each in node.keywords if each.arg in ("title", "description")], is_raw=False
                )
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                is_error = isinstance(target, ast.Attribute) and target.attr == "error"
                is_attribute = (
                    isinstance(target, ast.Subscript)
                    and isinstance(target.slice, ast.Constant)
                    and target.slice.value in ATTRIBUTES
                )
                if is_error or is_attribute:
                    yield from _texts([node.value], is_raw=True)
    yield from _tables(tree)
    yield from _sentences(tree)


def _given(call: ast.Call, place: int | None, keyword: str) -> list[ast.expr]:
    found = [each.value for each in call.keywords if each.arg == keyword]
    return found + (call.args[place : place + 1] if place is not None else [])


def _texts(nodes: list[ast.expr], *, is_raw: bool) -> Iterator[tuple[int, str, bool]]:
    for node in nodes:
        match node:
            case ast.Constant(value=str() as text) if _is_read(text):
                yield node.lineno, text, not is_raw
            case ast.JoinedStr(values=parts):
                text = "".join(str(each.value) for each in parts if isinstance(each, ast.Constant))
                if _is_read(text):
                    yield node.lineno, ast.unparse(node), False  # made before it could be looked up
            case ast.IfExp(body=body, orelse=orelse):
                yield from _texts([body, orelse], is_raw=is_raw)
            case ast.BoolOp(values=values):
                yield from _texts(values, is_raw=is_raw)
            case ast.BinOp(left=left, right=right):
                yield from _texts([left, right], is_raw=True)


def _tables(tree: ast.Module) -> Iterator[tuple[int, str, bool]]:
    """Texts kept in a dict of the module, to be looked up where they are shown."""
    for node in tree.body:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        value = getattr(node, "value", None)
        if not isinstance(target, ast.Name) or target.id in NOT_SHOWN or not isinstance(value, ast.Dict):
            continue
        if _languages(value):
            continue
        for each in value.values:
            told = each.elts[:1] if isinstance(each, ast.Tuple) and not any(map(_languages, each.elts)) else [each]
            yield from _texts(told, is_raw=False)


def _languages(node: ast.expr | None) -> set[str]:
    keys = node.keys if isinstance(node, ast.Dict) else []
    found = {each.value for each in keys if isinstance(each, ast.Constant) and isinstance(each.value, str)}
    return found if "en" in found and found <= {"en", "sw", "", "fr"} else set()


def _sentences(tree: ast.Module) -> Iterator[tuple[int, str, bool]]:
    """Whatever reads like one, wherever it stands: in a variable on its way to the screen, or returned by a helper."""
    nodes = list(ast.walk(tree))
    in_two = {id(each) for node in nodes if _languages(node) for each in ast.walk(node)}  # type: ignore[arg-type]
    told = {
        id(node.body[0].value)
        for node in nodes
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    hidden = in_two | told
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in hidden:
            is_sentence = SENTENCE.match(node.value) and not node.value.startswith(TECHNICAL)
            if is_sentence:
                yield node.lineno, node.value, True


def _is_read(text: str) -> bool:
    return re.search(r"[A-Za-z]{2}", CODE.sub("", text)) is not None and text not in NAMES


def _pairs(source: str) -> Iterator[tuple[int, set[str]]]:
    """Languages of each `{"en": ...}`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Dict) and (keys := _languages(node)):
            yield node.lineno, keys


@pytest.fixture(scope="module")
def catalogue() -> dict[str, str]:
    for package in ("admin_ui.pages", "skills.events.admin"):
        importlib.import_module(package)
    for found in pkgutil.iter_modules(importlib.import_module("admin_ui.pages").__path__, "admin_ui.pages."):
        importlib.import_module(found.name)
    return dict(words.known_in_swahili())


@pytest.fixture(scope="module")
def taking() -> dict[str, dict[str, int]]:
    return taking_words()


@pytest.mark.parametrize("path", [*SHELL, *PAGES], ids=lambda path: str(path.relative_to(ROOT)))
def test_every_text_is_known_in_swahili(
    path: Path, catalogue: dict[str, str], taking: dict[str, dict[str, int]]
) -> None:
    source = path.read_text()
    without = [
        f"{path.relative_to(ROOT)}:{line}: {text!r} {'is not in the catalogue' if is_looked_up else 'does not go through say()'}"
        for line, text, is_looked_up in shown(source, taking)
        if not is_looked_up or text not in catalogue
    ]
    without += [f"{path.relative_to(ROOT)}:{line}: has no sw" for line, keys in _pairs(source) if "sw" not in keys]
    assert without == []


def test_a_swahili_text_has_the_values_of_the_english(catalogue: dict[str, str]) -> None:
    assert {key: text for key, text in catalogue.items() if _fields(key) != _fields(text)} == {}


def _fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("ui.label('Nobody yet')", False),
        ("badge('you')", False),
        ("field.error = 'Too long'", False),
        ("toast(f'{n} kept')", False),
        ("button('Go there', go)", True),
        ("panel('Roles', text='What each may do')", True),
        ("say('Hello {name}', name=name)", True),
        ("KINDS = {'a': 'Of paper'}", True),
    ],
)
def test_a_text_is_found(source: str, found: bool, taking: dict[str, dict[str, int]]) -> None:
    assert [is_looked_up for _, _, is_looked_up in shown(source, taking)][:1] == [found]


@pytest.mark.parametrize(
    "source", ["ui.label(say('Hello'))", "ui.label(each.name)", "ui.label('·')", "x.on('click', go)"]
)
def test_what_is_no_text_is_left_alone(source: str, taking: dict[str, dict[str, int]]) -> None:
    assert [each for each in shown(source, taking) if not each[2]] == []
