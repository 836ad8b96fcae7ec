"""Every handler of a page goes through `bound`: read in the source of all pages there are."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CHANGING_THE_SCREEN = frozenset({"open", "close", "delete"})  # methods of a dialog or menu, which ask no database
# Before anybody is signed in there is nothing to bind: there `guarded` and `door_button` stand for `bound`.
DOORS = frozenset({"admin_ui/pages/sign_in.py", "admin_ui/pages/accounts.py"})
SUBSCRIBING = frozenset({"on", "on_click", "on_value_change", "on_change", "every", "soon", "on_upload", "on_select"})


def page_files() -> list[Path]:
    found = [
        *ROOT.glob("admin_ui/pages/**/*.py"),
        *ROOT.glob("skills/*/admin.py"),
        *ROOT.glob("skills/*/admin/**/*.py"),
    ]
    return sorted(found)


def unbound(source: str, made_by: str = "bound") -> Iterator[int]:
    """Lines on which a handler is given that `bound` has not made."""
    tree = ast.parse(source)
    made = {
        target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and _is_bound(node.value, made_by)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    returning = {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        and any(
            isinstance(each, ast.Return) and each.value and _is_bound(each.value, made_by) for each in ast.walk(node)
        )
    }
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        for handler in _handlers(call):
            is_made = isinstance(handler, ast.Name) and handler.id in made
            is_from = (
                isinstance(handler, ast.Call) and isinstance(handler.func, ast.Name) and handler.func.id in returning
            )
            if not (is_made or is_from or _is_bound(handler, made_by) or _is_harmless(handler)):
                yield handler.lineno


def _handlers(call: ast.Call) -> Iterator[ast.expr]:
    name = (
        call.func.attr
        if isinstance(call.func, ast.Attribute)
        else call.func.id
        if isinstance(call.func, ast.Name)
        else ""
    )
    yield from (each.value for each in call.keywords if each.arg and each.arg.startswith("on_"))
    if name in SUBSCRIBING and len(call.args) > (0 if name.startswith("on_") else 1):
        yield call.args[0 if name.startswith("on_") else 1]
    if name in ("button", "icon_button") and isinstance(call.func, ast.Name):
        position = 1 if name == "button" else 2
        yield from call.args[position : position + 1]


def _is_bound(node: ast.expr, made_by: str) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == made_by


def _is_harmless(node: ast.expr) -> bool:
    nothing = isinstance(node, ast.Constant) and node.value is None
    passed_on = isinstance(node, ast.Name) and node.id.startswith("on_")
    return nothing or passed_on or (isinstance(node, ast.Attribute) and node.attr in CHANGING_THE_SCREEN)


@pytest.mark.parametrize("path", page_files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_handler_is_bound(path: Path) -> None:
    name = str(path.relative_to(ROOT))
    made_by = "guarded" if name in DOORS else "bound"
    assert [f"{name}:{line}" for line in unbound(path.read_text(), made_by)] == []


@pytest.mark.parametrize(
    "source",
    [
        "button('Go', go)",
        "ui.button('Go', on_click=go)",
        "ui.button('Go', on_click=lambda: go())",
        "field.on('keydown.enter', go)",
        "every(3, go)",
        "soon(3, go)",
        "field.on_value_change(go)",
        "icon_button('x', 'Close', go)",
    ],
)
def test_an_unbound_handler_is_found(source: str) -> None:
    assert list(unbound(source)) == [1]


@pytest.mark.parametrize(
    "source",
    [
        "button('Go', bound(go))",
        "go = bound(x)\nbutton('Go', go)",
        "button('No', box.close)",
        "button('Look')",
        "x.on('click', js_handler='() => 1')",
    ],
)
def test_a_bound_handler_is_left_alone(source: str) -> None:
    assert list(unbound(source)) == []


def test_timers_begin_when_the_page_is_whole() -> None:
    """`every` and `soon`, whose module says why; NiceGUI's own is used there alone."""
    files = [*ROOT.glob("admin_ui/**/*.py"), *ROOT.glob("skills/*/admin/**/*.py"), *ROOT.glob("skills/*/admin.py")]
    assert {each.name for each in files if "ui.timer(" in each.read_text()} == {"ticking.py"}
