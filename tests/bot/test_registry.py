"""Skills are found, ordered and loaded; a broken one is off and says where, and the others run."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from bot.check import report
from bot.flows import FlowState, StartFlow
from bot.messages import Text
from bot.publishing import Overlay
from bot.registry import Registry, find_skills
from bot.skill import Event, SkillContext
from bot.understand import interpret

FLOW = """\
flows:
  {name}_hello:
    description: Says hello
    words: {{en: [{name}]}}
    steps:
      - action: utter_{name}_hello
"""
DOMAIN = """\
responses:
  utter_{name}_hello: [{{text: "Hello from {name}."}}]
"""
ACTION = """\
from typing import ClassVar
from bot.actions import SkillAction, Turn


class Act(SkillAction):
    name: ClassVar[str] = "{name}_act"

    async def perform(self, turn: Turn) -> None:
        turn.say_text("done")
"""
_packages = itertools.count(1)


class Shelf:
    """A package of skills in a folder of its own."""

    def __init__(self, root: Path) -> None:
        self.package = f"shelf{next(_packages)}"
        self.folder = root / self.package
        self.folder.mkdir()
        (self.folder / "__init__.py").touch()

    def add(self, name: str, manifest: str = "", **files: str) -> Path:
        """A skill that works, unless `files` ("actions_py", "flows_yml") or further manifest lines say otherwise."""
        folder = self.folder / name
        folder.mkdir()
        texts = {
            "__init___py": "",
            "skill_yml": f"name: {name}\ntitle: {{en: {name.title()}}}\nversion: 1.0.0\n{manifest}",
            "flows_yml": FLOW.format(name=name),
            "domain_yml": DOMAIN.format(name=name),
            **files,
        }
        for file, text in texts.items():
            stem, _, suffix = file.rpartition("_")
            (folder / f"{stem}.{suffix}").write_text(text)
        return folder

    def load(self, *, queue: str | None = "all") -> Registry:
        def context(skill: str) -> SkillContext:
            return SkillContext(skill=skill, clock=cast("Any", None), blobs=cast("Any", None), menu=cast("Any", None))

        return Registry.load(context=context, queue=queue, package=self.package)


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shelf]:
    monkeypatch.syspath_prepend(str(tmp_path))
    made = Shelf(tmp_path)
    yield made
    for name in [name for name in sys.modules if name.split(".")[0] == made.package]:
        del sys.modules[name]


def names(registry: Registry) -> list[str]:
    return [skill.name for skill in registry.usable if skill.package.startswith("shelf")]


def test_skills_are_loaded_with_flows_actions_and_menu(shelf: Shelf) -> None:
    shelf.add(
        "alpha", "menu: [{flow: alpha_hello, title: {en: Hello, sw: Habari}}]\n", actions_py=ACTION.format(name="alpha")
    )
    registry = shelf.load()
    assert names(registry) == ["alpha"]
    assert registry.skills["alpha"].problems == []
    assert registry.action("alpha:alpha_act") is not None
    assert registry.action("alpha:nothing") is None
    assert registry.action("nobody:alpha_act") is None
    assert "alpha:alpha_hello" in registry.compiled(["alpha", "unknown"]).flows
    assert [(e.flow, e.title) for e in registry.menu(["alpha"], "sw-KE")] == [("alpha:alpha_hello", "Habari")]
    assert registry.menu(["alpha"], "fr")[0].title == "Hello"
    assert registry.menu([], "en") == []


def test_actions_may_be_a_package_whose_front_imports_them(shelf: Shelf) -> None:
    folder = shelf.add("alpha") / "actions"
    folder.mkdir()
    (folder / "greet.py").write_text(ACTION.format(name="alpha"))
    (folder / "unused.py").write_text(ACTION.format(name="alpha_unused"))
    (folder / "__init__.py").write_text("from .greet import Act\n")
    registry = shelf.load()
    assert registry.skills["alpha"].problems == []
    assert set(registry.skills["alpha"].actions) == {"alpha_act"}


def test_a_broken_package_of_actions_names_its_file(shelf: Shelf) -> None:
    folder = shelf.add("alpha") / "actions"
    folder.mkdir()
    (folder / "greet.py").write_text("\n1 / 0\n")
    (folder / "__init__.py").write_text("from .greet import Act\n")
    [problem] = shelf.load().skills["alpha"].problems
    assert "actions/greet.py:2:1 does not import: ZeroDivisionError" in problem


BROKEN: dict[str, tuple[dict[str, str], str]] = {
    "flow with an error": (
        {"flows_yml": "flows:\n  alpha_hello:\n    steps:\n      - actoin: utter_x\n"},
        "flows.yml:4:",
    ),
    "flow that is no yaml": ({"flows_yml": "flows: [\n"}, "flows.yml:2:"),
    "flow that names nothing": (
        {"flows_yml": "flows:\n  alpha_hello:\n    description: x\n    steps:\n      - action: utter_gone\n"},
        "flows.yml:5:",
    ),
    "bad manifest": ({"manifest": "colour: red\n"}, "skill.yml:4:1"),
    "other engine": ({"manifest": 'engine: ">=9"\n'}, "skill.yml:4:1"),
    "import error": ({"actions_py": "import os\nimport no_such_module_at_all\n"}, "actions.py:2:1"),
    "syntax error": ({"actions_py": "x = 1\ndef broken(:\n"}, "actions.py:2:"),
    "exits when imported": ({"actions_py": "import sys\n\nsys.exit(3)\n"}, "actions.py:3:1"),
    "raises deeper": (
        {"actions_py": "from . import deep\n", "deep_py": "\n\nraise RuntimeError('deep')\n"},
        "deep.py:3:1",
    ),
    "action that cannot be made": (
        {
            "actions_py": ACTION.format(name="alpha")
            + "\n    def __init__(self, context):\n        raise ValueError('no')\n"
        },
        "actions.py:12:1",
    ),
    "two actions of one name": (
        {"actions_py": ACTION.format(name="alpha") + "\n\nclass Again(Act):\n    pass\n"},
        "actions.py:",
    ),
    "events that do not import": ({"events_py": "1 / 0\n"}, "events.py:1:1"),
    "tasks that do not import": ({"manifest": "tasks: {bulk: tasks}\n", "tasks_py": "\n1 / 0\n"}, "tasks.py:2:1"),
    "job of another's name": (
        {
            "manifest": "tasks: {bulk: tasks}\n",
            "tasks_py": "from bot.skill import Job, task\nclass J(Job):\n    name = 'other.j'\n@task(J)\nasync def j(job, ctx):\n    pass\n",
        },
        "tasks.py:",
    ),
    "flow promised and not there": ({"manifest": "provides:\n  flows: [alpha_hello, alpha_gone]\n"}, "skill.yml:5:24"),
    "slot promised and not there": ({"manifest": "slots: {exports: [alpha_gone]}\n"}, "skill.yml:4:19"),
    "trigger of no flow": ({"manifest": "triggers:\n  - {kind: webhook, flow: gone}\n"}, "skill.yml:5:21"),
    "trigger that speaks first": (
        {"manifest": "triggers:\n  - {kind: webhook, flow: alpha_hello}\n"},
        "skill.yml:5:21",
    ),
    "trigger of another skill's job": (
        {"manifest": "triggers:\n  - {kind: webhook, job: beta.do}\n"},
        "skill.yml:5:21",
    ),
    "trigger of a queue without tasks": (
        {"manifest": "triggers:\n  - {kind: webhook, job: alpha.do}\n"},
        "skill.yml:5:21",
    ),
    "meter of another": ({"manifest": "meters: [beta.thing]\n"}, "skill.yml:4:10"),
    "permission of another": ({"manifest": "permissions: {beta.view: viewer}\n"}, "skill.yml:4:15"),
    "missing requirement": ({"manifest": "requires: [nobody]\n"}, "skill.yml:4:12"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_skill_is_off_with_its_place_and_the_others_run(shelf: Shelf, what: str) -> None:
    files, place = BROKEN[what]
    shelf.add("alpha", **files)
    shelf.add("beta", actions_py=ACTION.format(name="beta"))
    registry = shelf.load()
    assert names(registry) == ["beta"]
    [problem] = registry.skills["alpha"].problems
    assert str(shelf.folder / "alpha") in problem
    assert place in problem
    assert set(registry.compiled(["alpha", "beta"]).flows) >= {"beta:beta_hello"}
    assert "alpha:alpha_hello" not in registry.compiled(["alpha", "beta"]).flows
    assert registry.action("beta:beta_act") is not None


def test_files_that_are_no_text_turn_only_their_skill_off(shelf: Shelf) -> None:
    (shelf.add("alpha") / "flows.yml").write_bytes(b"flows: \xff\xfe")
    (shelf.add("gamma") / "skill.yml").write_bytes(b"\xff\xfe\x00")
    shelf.add("beta")
    registry = shelf.load()
    assert names(registry) == ["beta"]
    for name in ("alpha", "gamma"):
        assert "UTF-8" in registry.skills[name].problems[0]


def test_what_is_required_comes_first(shelf: Shelf) -> None:
    shelf.add("alpha", "requires: [beta]\n")
    shelf.add("beta", "requires: [gamma]\n")
    shelf.add("gamma")
    assert names(shelf.load()) == ["gamma", "beta", "alpha"]


def test_skills_that_require_each_other_are_off_and_so_is_who_stands_on_them(shelf: Shelf) -> None:
    shelf.add("alpha", "requires: [beta]\n")
    shelf.add("beta", "requires: [gamma]\n")
    shelf.add("gamma", "requires: [beta]\n")
    shelf.add("delta", "requires: [delta]\n")
    shelf.add("omega")
    registry = shelf.load()
    assert names(registry) == ["omega"]
    assert any("circle" in problem for name in ("beta", "gamma") for problem in registry.skills[name].problems)
    assert "circle" in registry.skills["delta"].problems[0]
    assert any("requires the skill beta" in problem for problem in registry.skills["alpha"].problems)


@pytest.mark.parametrize("files", [{"flows_yml": "flows: [\n"}, {"actions_py": "1 / 0\n"}], ids=["flows", "actions"])
def test_who_requires_a_broken_skill_is_off_too(shelf: Shelf, files: dict[str, str]) -> None:
    shelf.add("alpha", "requires: [beta]\n")
    shelf.add("beta", **files)
    registry = shelf.load()
    assert names(registry) == []
    assert any("requires the skill beta" in problem for problem in registry.skills["alpha"].problems)


def test_a_process_imports_only_what_it_runs(shelf: Shelf) -> None:
    shelf.add(
        "alpha",
        "tasks: {bulk: tasks, render: heavy}\n",
        actions_py=ACTION.format(name="alpha"),
        tasks_py="",
        heavy_py="1 / 0\n",
    )
    light = Registry.load(package=shelf.package)
    assert names(light) == ["alpha"]
    assert f"{shelf.package}.alpha.actions" not in sys.modules
    assert names(shelf.load(queue="bulk")) == ["alpha"]
    assert f"{shelf.package}.alpha.heavy" not in sys.modules
    assert names(shelf.load(queue="render")) == [], "the control: that worker does import it"


def test_jobs_are_found_on_their_own_queue(shelf: Shelf) -> None:
    tasks = "from bot.skill import Job, task\nclass J(Job):\n    name = 'alpha.j'\n@task(J)\nasync def j(job, ctx):\n    pass\n"
    shelf.add("alpha", "tasks: {bulk: tasks}\n", tasks_py=tasks)
    registry = shelf.load(queue="bulk")
    found = registry.task("alpha.j")
    assert found is not None
    assert found[0].name == "alpha.j"
    assert registry.task("alpha.k") is None
    assert registry.task("beta.j") is None
    assert shelf.load(queue="render").task("alpha.j") is None


def test_events_reach_only_skills_that_the_organization_has_on(shelf: Shelf) -> None:
    code = (
        "from bot.skill import Event, on\nclass Told(Event):\n    name = '{name}.told'\n"
        "class Heard(Event):\n    name = 'shared.told'\n@on(Heard)\nasync def handle(event, work):\n    pass\n"
    )
    for name in ("alpha", "beta"):
        shelf.add(name, events_py=code.format(name=name))
    registry = shelf.load()

    class Shared(Event):
        name = "shared.told"

    def heard(*enabled: str) -> list[str]:
        return [
            cast("Callable[..., Any]", each).__module__.split(".")[1] for each in registry.handlers(Shared(), enabled)
        ]

    assert heard("beta", "alpha") == ["beta", "alpha"], "in the organization's order"
    assert heard("alpha") == ["alpha"]
    assert heard() == []


def test_the_products_own_skills_are_all_usable() -> None:
    registry = Registry.load()
    assert {name for name, package, _ in find_skills() if package.startswith("skills.")} <= {
        skill.name for skill in registry.usable
    }


TRIGGERS = """\
triggers:
  - {kind: words, flow: alpha_hello, words: {en: [Good day], sw: [siku njema]}}
"""
DRAWS = """\
tasks: {bulk: tasks}
triggers:
  - {kind: schedule, job: alpha.draw, at: "0 9 * * mon-fri"}
  - {kind: webhook, job: alpha.%s}
"""
DRAW = """\
from bot.skill import Job, TaskContext, task


class Draw(Job):
    name = "alpha.draw"


@task(Draw)
async def draw(job: Draw, ctx: TaskContext) -> None: ...
"""


def test_words_of_the_manifest_start_a_flow_also_in_an_organizations_own_version(shelf: Shelf) -> None:
    shelf.add("alpha", TRIGGERS)
    registry = shelf.load()
    own = Overlay({"flows.yml": FLOW.format(name="alpha").replace("    words: {en: [alpha]}\n", "")})
    shipped, theirs = registry.compiled(["alpha"]), registry.compiled(["alpha"], {"alpha": own})
    assert "alpha" not in theirs.words, "the control: their flow has no words of its own"
    for compiled in (shipped, theirs):
        for text in ("good day", "Siku njema!"):
            found = interpret(Text(text=text), FlowState(), compiled, locale="sw", now=datetime.now(UTC))
            assert found.commands == [StartFlow("alpha:alpha_hello")]


def test_a_trigger_of_a_job_that_no_task_runs_is_told(shelf: Shelf) -> None:
    shelf.add("alpha", DRAWS % "drew", tasks_py=DRAW)
    told = [each for each in report(shelf.load()).diagnostics if each.code == "CN-SKILL-032"]
    assert [(each.severity, each.line, each.column) for each in told] == [("error", 7, 21)]
    assert "alpha.drew" in told[0].message


def test_a_trigger_of_the_skills_own_job_is_sound(shelf: Shelf) -> None:
    shelf.add("alpha", DRAWS % "draw", tasks_py=DRAW)
    assert not [each for each in report(shelf.load()).diagnostics if each.code == "CN-SKILL-032"]
