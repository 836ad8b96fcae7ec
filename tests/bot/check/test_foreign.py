"""Two projects laid out as Rasa's are: every flow runs, and their own cases pass when they are played on the engine.

The player here knows just enough of the format for that; the product's runner is another matter.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from bot.check.project import check_project, read_project
from bot.flows import ActionResult, Say
from tests.bot.flows.talk import Talk

FOREIGN = Path(__file__).parents[2] / "support" / "foreign"
PROJECTS = ("clinic", "library")


def _cases(project: str) -> list[tuple[str, str, Mapping[str, Any]]]:
    found = []
    for path in sorted((FOREIGN / project / "e2e_tests").glob("*.yml")):
        data = YAML(typ="safe", pure=True).load(path.read_text())
        found += [(project, case["test_case"], {"case": case, "file": data}) for case in data["test_cases"]]
    return found


CASES = [case for project in PROJECTS for case in _cases(project)]


@pytest.mark.parametrize("project", PROJECTS)
def test_every_flow_of_the_projects_runs(project: str) -> None:
    report = check_project(FOREIGN / project)
    totals = report.totals()
    assert totals["flows"] == totals["run"] >= 15, [str(each) for each in report.diagnostics]
    assert not report.has_errors
    assert len(_cases(project)) >= 20


def _stubs(data: Mapping[str, Any], case: str) -> dict[str, ActionResult]:
    made = {}
    for key, value in sorted((data.get("stub_custom_actions") or {}).items(), key=lambda item: "::" in item[0]):
        of_case, _, name = key.rpartition("::")
        if not of_case or of_case == case:
            said = [
                Say(
                    each.get("text") or "",
                    tuple(_button(button) for button in each.get("buttons") or ()),
                    utter=each.get("response"),
                )
                for each in value.get("responses") or ()
            ]
            made[name] = ActionResult(events=list(value.get("events") or ()), messages=said)
    return made


def _button(data: Mapping[str, Any]) -> Any:
    from bot.flows import Button

    return Button(data["title"], data["payload"])


@pytest.mark.parametrize(("project", "name", "data"), CASES, ids=[f"{p}: {n}" for p, n, _ in CASES])
def test_their_cases_pass(project: str, name: str, data: Mapping[str, Any]) -> None:
    compiled = read_project(FOREIGN / project).compiled
    stubs = _stubs(data["file"], name)
    talk = Talk(compiled, actions={key: lambda seen, key=key: stubs[key] for key in stubs})
    player = _Player(talk, project)
    for fixture in data["case"].get("fixtures") or ():
        for entry in data["file"]["fixtures"]:
            for slot in entry.get(fixture) or ():
                talk.state.slots |= {f"{project}:{key}": value for key, value in slot.items()}
    for step in data["case"]["steps"]:
        player.step(step)


class _Player:
    def __init__(self, talk: Talk, project: str) -> None:
        self._talk = talk
        self._project = project
        self._said: list[Say] = []

    def step(self, step: Mapping[str, Any]) -> None:
        if "user" in step:
            self._talk.ran.clear()
            self._talk.write(str(step["user"]))
            self._said = [effect for effect in self._talk.effects if isinstance(effect, Say)]
            for assertion in step.get("assertions") or ():
                self._assert(assertion)
        elif "utter" in step:
            assert step["utter"] in self._utters(), self._shown()
        elif "bot" in step:
            assert step["bot"] in [said.text for said in self._said], self._shown()
        elif "slot_was_set" in step:
            for each in step["slot_was_set"]:
                for slot, value in each.items() if isinstance(each, dict) else [(each, ...)]:
                    assert self._slot(slot) == value or (value is ... and self._slot(slot) is not None)
        else:
            for each in step["slot_was_not_set"]:
                for slot, value in each.items() if isinstance(each, dict) else [(each, ...)]:
                    assert self._slot(slot) != value
                    assert value is not ... or self._slot(slot) is None

    def _assert(self, assertion: Mapping[str, Any]) -> None:
        (kind, want), *_ = assertion.items()
        if kind in ("flow_started", "flow_completed", "flow_cancelled"):
            flow = want if isinstance(want, str) else want["flow_id"]
            assert f"{self._project}:{flow}" in [each["flow"] for each in self._talk.logged(kind)], kind
        elif kind == "action_executed":
            assert f"{self._project}:{want}" in self._talk.ran
        elif kind == "bot_uttered":
            fitting = [
                said
                for said in self._said
                if want.get("utter_name") in (None, self._name(said))
                and re.search(str(want.get("text_matches", "")), said.text)
            ]
            assert fitting, self._shown()
        elif kind == "bot_did_not_utter":
            assert want["utter_name"] not in self._utters()
        elif kind == "slot_was_set":
            assert all(
                {"slot": f"{self._project}:{each['name']}", "value": each["value"]}.items() <= {**log}.items()
                for each in want
                for log in [self._last_set(each["name"])]
            )
        else:
            assert kind == "slot_was_not_set"
            assert all(self._slot(each["name"]) != each.get("value") for each in want)

    def _last_set(self, slot: str) -> Mapping[str, Any]:
        found = [each for each in self._talk.logged("slot_set") if each["slot"] == f"{self._project}:{slot}"]
        return found[0] if found else {}

    def _slot(self, name: str) -> Any:
        return self._talk.slot(name, self._project)

    def _name(self, said: Say) -> str:
        return (said.utter or "").partition(":")[2]

    def _utters(self) -> list[str]:
        return [self._name(said) for said in self._said]

    def _shown(self) -> list[tuple[str, str]]:
        return [(self._name(said), said.text) for said in self._said]
