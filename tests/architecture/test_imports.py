"""Imports point down, and nobody goes around `store.db`; and the checks can fail."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.architecture.sources import project_sources, violations

ROOT = Path(__file__).parents[2]
LINT = "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())"

PLANTED = {
    "in_transaction": ("bot/turn/x.py", "from tortoise.transactions import in_transaction"),
    "module": ("store/x.py", "import tortoise.transactions"),
    "unscoped": ("skills/events/service.py", "from store.tenancy import unscoped\nwith unscoped('x'):\n    pass"),
    "unscoped by module": ("channels/x.py", "from store import tenancy\nwith tenancy.unscoped('x'):\n    pass"),
    "admin page": ("admin_ui/pages/inbox.py", "with unscoped('x'):\n    pass"),
    "connection": ("skills/events/service.py", "import asyncpg\nasync def f(): await asyncpg.connect('x')"),
    "session": ("store/x.py", "SQL = \"SET app.current_org = 'x'\""),
    "session function": ("store/x.sql", "SELECT set_config('app.current_org', $1, false)"),
}
ALLOWED = {
    "relay": ("scheduler/relay.py", "with unscoped('relay'):\n    pass"),
    "platform page": ("admin_ui/pages/platform/health.py", "with unscoped('health'):\n    pass"),
    "local": ("store/x.py", "SQL = \"SET LOCAL app.current_org = 'x'\""),
    "local function": ("store/x.sql", "SELECT set_config('app.current_org', $1, true)"),
    "error class": ("skills/x/service.py", "import asyncpg\ntry: pass\nexcept asyncpg.UniqueViolationError: pass"),
}


def _lint(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", LINT], cwd=folder, capture_output=True, text=True, check=False, timeout=120
    )


def test_import_contracts_hold() -> None:
    run = _lint(ROOT)
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("store/planted.py", "import bot.planted"),
        ("bot/planted.py", "import skills.planted"),
        ("bot/flows/planted.py", "import asyncio, store"),
        ("channels/emulator/planted.py", "import bot"),
        ("skills/planted.py", "import nicegui"),
        ("bot/planted.py", "import store.ledger"),
        ("store/planted.py", "from store.ledger import operations"),
    ],
)
def test_import_contracts_catch_what_is_planted(tmp_path: Path, path: str, line: str) -> None:
    """The project's own contracts, on empty packages of the same names."""
    contracts = (ROOT / "pyproject.toml").read_text().split("[tool.importlinter]", 1)[1]
    (tmp_path / "pyproject.toml").write_text("[tool.importlinter]" + contracts)
    for module in _modules_that_contracts_name(contracts):
        folder = tmp_path.joinpath(*module.split("."))
        folder.mkdir(parents=True, exist_ok=True)
    for folder in [each for each in tmp_path.rglob("*") if each.is_dir()]:
        (folder / "__init__.py").touch()
    for package in ("bot", "skills"):
        (tmp_path / package / "planted.py").touch()
    assert _lint(tmp_path).returncode == 0, _lint(tmp_path).stdout
    (tmp_path / path).write_text(line + "\n")
    run = _lint(tmp_path)
    assert run.returncode == 1, run.stdout + run.stderr
    assert "BROKEN" in run.stdout


def _modules_that_contracts_name(contracts: str) -> set[str]:
    settings = tomllib.loads("[tool.importlinter]" + contracts)["tool"]["importlinter"]
    named = set(settings["root_packages"])
    for contract in settings["contracts"]:
        for key in ("source_modules", "forbidden_modules", "protected_modules", "allowed_importers"):
            named |= {module for module in contract.get(key, []) if "*" not in module}
    return {module for module in named if module.split(".")[0] in settings["root_packages"]}


def test_nobody_goes_around_the_store() -> None:
    assert violations(project_sources(ROOT)) == []


@pytest.mark.parametrize("planted", PLANTED.values(), ids=PLANTED.keys())
def test_going_around_the_store_is_caught(planted: tuple[str, str]) -> None:
    assert len(violations([planted])) == 1


@pytest.mark.parametrize("allowed", ALLOWED.values(), ids=ALLOWED.keys())
def test_what_is_allowed_is_not_complained_about(allowed: tuple[str, str]) -> None:
    assert violations([allowed]) == []
