"""Skills of other people: installed by pip, found by their entry point, on per organization; broken ones stop nobody else."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.testing import Stage
from store.models import SkillInstall
from store.tenancy import organization_scope
from tests.support.database import Database
from tests.support.wheels import install, pack, packaged

LOOK = """
import json, logging
from typing import Any, cast
logging.disable(logging.CRITICAL)
from bot.registry import Registry
from bot.skill import SkillContext
from store.apps import discover_apps

def context(skill):
    return SkillContext(skill=skill, clock=cast(Any, None), blobs=cast(Any, None), menu=cast(Any, None))

discover_apps()
registry = Registry.load(context=context, queue="all")
print(json.dumps({key: [each.off, each.problems, sorted(each.actions)] for key, each in registry.skills.items()}))
"""


def looked(target: Path) -> dict[str, Any]:
    """Every skill that a fresh process finds: [off, problems, actions]."""
    path = os.pathsep.join([str(target), str(Path(__file__).parents[2])])
    made = subprocess.run(
        [sys.executable, "-c", LOOK],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    found: dict[str, Any] = json.loads(made.stdout)
    return found


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pip put the example skill and every broken one."""
    folder = tmp_path_factory.mktemp("wheels")
    wheels = [pack(folder, "chatnation-raffle", packaged(), {"raffle": "chatnation_raffle"})]
    for name, (files, value) in BROKEN.items():
        package = f"broken_{name}"
        texts = {"__init__.py": "", "skill.yml": manifest(name), "flows.yml": FLOW.format(name=name), **files}
        content = {f"{package}/{path}": text for path, text in texts.items()}
        wheels.append(pack(folder, f"broken-{name}", content, {name.removesuffix("_twin"): value or package}))
    target = folder / "installed"
    install(target, *wheels)
    return target


def manifest(name: str) -> str:
    return f"name: {name.removesuffix('_twin')}\ntitle: {{en: x}}\nversion: 1.0.0\n"


FLOW = "flows:\n  {name}_hello:\n    description: x\n    steps:\n      - action: utter_{name}\n"
EXIT = "raise SystemExit(3)\n"
# Name -> (files, entry point).
BROKEN: dict[str, tuple[dict[str, str], str]] = {
    "yaml": ({"flows.yml": "flows: [\n"}, ""),
    "manifest": ({"skill.yml": "name: [\n"}, ""),
    "unmanifested": ({"skill.yml": "title: {en: x}\n"}, ""),
    "importing": ({"actions.py": "import no_such_module\n", "flows.yml": "flows: {}\n"}, ""),
    "exiting": ({"actions.py": EXIT, "flows.yml": "flows: {}\n"}, ""),
    "models": ({"models.py": EXIT, "flows.yml": "flows: {}\n"}, ""),
    "parent": ({"__init__.py": EXIT, "inner/__init__.py": ""}, "broken_parent.inner"),
    "gone": ({}, "no_such_package_at_all"),
    "malformed": ({}, "not a module!"),
    "engine": ({"skill.yml": manifest("engine") + 'engine: ">=9"\n'}, ""),
    "core": ({"flows.yml": "flows: {}\n"}, ""),
    "events_twin": ({"flows.yml": "flows: {}\n"}, ""),  # says that it is `events`
    "raffle_twin": ({"flows.yml": "flows: {}\n"}, ""),
    "colliding": (
        {"skill.yml": manifest("colliding") + "meters: [events.ticket_issued]\n", "flows.yml": "flows: {}\n"},
        "",
    ),
}


def test_broken_packages_stop_nobody_else(shelf: Path) -> None:
    found = looked(shelf)
    usable = {key for key, (off, _, _) in found.items() if not off}
    assert {"assistant", "events", "raffle"} <= usable
    assert found["raffle"][2] == ["raffle_draw"]
    told = {
        key: problems[0].split(" ", 1) for key, (off, problems, _) in found.items() if off and "numbered" not in key
    }
    assert set(told) == {name for name in BROKEN if not name.endswith("_twin")}
    # A second skill of a name is none; the first runs, and says that there is another.
    for name in ("events", "raffle"):
        off, problems, _ = found[name]
        assert not off
        assert any(f"broken_{name}_twin" in each for each in problems), problems
    for key, (place, _) in told.items():
        file, line, column = place.rsplit(":", 2)
        assert file, key
        assert line.isdigit(), key
        assert column.isdigit(), key
    assert told["yaml"][0].endswith("broken_yaml/flows.yml:2:1")
    assert told["exiting"][0].endswith("broken_exiting/actions.py:1:1")
    assert "platform's own name" in told["core"][1]
    assert "SystemExit: 3" in told["parent"][1]


@pytest.fixture
def raffle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    wheel = pack(tmp_path, "chatnation-raffle", packaged(), {"raffle": "chatnation_raffle"})
    install(tmp_path / "installed", wheel)
    monkeypatch.syspath_prepend(str(tmp_path / "installed"))
    importlib.invalidate_caches()
    yield
    for name in [name for name in sys.modules if name.split(".")[0] == "chatnation_raffle"]:
        del sys.modules[name]


async def test_an_installed_skill_answers_where_it_is_switched_on(database: Database, raffle: None) -> None:
    async with Stage.open(skills=("assistant",)) as stage:
        ann = stage.person("Ann")
        await ann.say("hi")
        assert "ticket" not in (await ann.say("raffle"))[0].text, "installed is not enabled"
        with organization_scope(stage.organization_id):
            await SkillInstall.create(skill="raffle", position=1)
        stage.runtime.directory.forget()
        bob = stage.person("Bob")
        assert (await bob.say("raffle"))[-1].text == "Your name on the ticket?"
        assert (await bob.say("Bob Otieno"))[0].text == "Bob Otieno, you have number 7."
