"""`chatnation test` on a project of another engine: what it finds, and that a wrong bot or a wrong case fails, and says where."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from bot.testing.formats import Format, shown
from bot.testing.run import run_tests

FOREIGN = Path(__file__).parents[2] / "support" / "foreign"

DOMAIN = """
slots:
  drink: {type: categorical, values: [tea, coffee], mappings: [{type: from_llm}]}
  name: {type: text, mappings: [{type: from_llm}]}
  told: {type: text, mappings: [{type: controlled}]}
actions: [action_brew]
responses:
  utter_ask_drink: [{text: "Tea or coffee?", buttons: [{title: Tea, payload: /SetSlots(drink=tea)}, {title: Coffee, payload: /SetSlots(drink=coffee)}]}]
  utter_ask_name: [{text: "For whom?"}]
  utter_served: [{text: "{drink} for {name}"}]
  utter_ready: [{text: "Come and get it"}]
"""
FLOWS = """
flows:
  order:
    description: order a drink
    name: ordering
    persisted_slots: [drink, name]
    steps:
      - collect: drink
      - collect: name
      - action: action_brew
      - action: utter_served
      - action: utter_ready
"""
ACTIONS = """
from rasa_sdk import Action
from rasa_sdk.events import SlotSet

class Brew(Action):
    def name(self):
        return "action_brew"

    def run(self, dispatcher, tracker, domain):
        return [SlotSet("told", tracker.latest_message["metadata"].get("table", "nowhere"))]
"""


@pytest.fixture
def bar(tmp_path: Path) -> Path:
    folder = tmp_path / "bar"
    (folder / "data").mkdir(parents=True)
    (folder / "e2e_tests").mkdir()
    (folder / "domain.yml").write_text(DOMAIN)
    (folder / "data" / "flows.yml").write_text(FLOWS)
    (folder / "actions.py").write_text(ACTIONS)
    return folder


def run(*arguments: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bot.cli", "test", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


async def played(folder: Path, text: str, *, update: bool = False) -> tuple[int, list[dict[str, Any]]]:
    """(the exit code that the command would have, the cases)."""
    (folder / "e2e_tests" / "cases.yml").write_text(text)
    results = await run_tests([folder], update=update)
    return int(results.has_failed), json.loads(shown(results, Format.JSON))["cases"]


def case(steps: str, head: str = "") -> str:
    return f"{head}\ntest_cases:\n  - test_case: one\n    steps:\n" + "\n".join(
        f"      {each}" for each in steps.split("\n")
    )


SERVED = "- user: /order\n- user: tea\n- user: Ann\n"


def test_the_projects_of_the_house_pass_as_a_whole() -> None:
    done = run(FOREIGN / "clinic", FOREIGN / "library", "--format", "json")
    assert done.returncode == 0, done.stdout
    told = json.loads(done.stdout)
    assert told["totals"]["cases"] == told["totals"]["passed"] >= 40
    assert set(told["cases"][0]) >= {"case", "file", "status", "reason"}


@pytest.mark.parametrize(
    ("file", "right", "wrong", "failing"),
    [
        ("domain/responses/loans.yml", "We do not have", "We have", "an unknown book"),
        (
            "data/flows/loans.yml",
            'slots.book_status = "lent"',
            'slots.book_status = "lost"',
            "the book is lent and reserved",
        ),
        ("data/flows/visits.yml", "slots.room_hours > 4", "slots.room_hours > 40", "a room, at the second try"),
    ],
)
def test_a_wrong_bot_fails(file: str, right: str, wrong: str, failing: str, tmp_path: Path) -> None:
    folder = tmp_path / "library"
    shutil.copytree(FOREIGN / "library", folder)
    text = (folder / file).read_text()
    assert right in text
    (folder / file).write_text(text.replace(right, wrong))
    done = run(folder, "--format", "json")
    assert done.returncode == 1
    [found] = [each for each in json.loads(done.stdout)["cases"] if each["case"] == failing]
    assert found["status"] == "failed"
    assert f"{found['file']}:" in found["reason"]


HOLD = [
    SERVED + "- utter: utter_served\n- bot: tea for Ann\n- slot_was_set: [{told: nowhere}, {name: Ann}]",
    "- user: /order\n- tap: Coffee\n- slot_was_set: [{drink: coffee}]\n- slot_was_not_set: [{drink: tea}, name]",
    SERVED
    + "  assertions: [{flow_completed: {flow_id: order, flow_step_id: 4_action_utter_ready}}, {action_executed: action_brew}]",
    SERVED
    + "  assertion_order_enabled: true\n  assertions: [{action_executed: action_brew}, {bot_uttered: {utter_name: utter_served}}, {bot_uttered: {utter_name: utter_ready}}]",
    "- user: /order\n  assertions: [{flow_started: {operator: any, flow_ids: [nothing, order]}}, {bot_uttered: {buttons: [{title: Tea, payload: /SetSlots(drink=tea)}]}}]",
    "- user: whatever\n  commands: [{start_flow: order}, {set_slot: {drink: tea}}]\n- utter: utter_ask_name",
    "- user: whatever\n  commands: ['StartFlow(order)', 'SetSlot(drink, tea)']\n- utter: utter_ask_name",
    "- user: /order\n- now: +59m\n- user: tea\n- utter: utter_ask_name",
    "- user: /order\n  assertions: [{bot_did_not_utter: {utter_name: utter_ready}}, {slot_was_not_set: [{name: drink}]}]\n- utter: nonsense_beside_assertions",
    # An action's event counts, also when it changes nothing.
    SERVED + "- user: /order\n- slot_was_set: [{told: nowhere}]\n- slot_was_not_set: [name, drink]",
    "- user: /order\n- user: cancel\n  assertions: [{flow_cancelled: {flow_id: order, flow_step_id: 0_collect_drink}}]",
]


@pytest.mark.parametrize("steps", HOLD)
async def test_what_is_true_passes(steps: str, bar: Path) -> None:
    code, [found] = await played(bar, case(steps))
    assert (code, found["status"]) == (0, "passed"), found["reason"]


FAIL = [
    (SERVED + "- utter: utter_ask_drink", "utter_ask_drink expected"),
    (SERVED + "- bot: tea for Bob", "tea for Bob"),
    (SERVED + "- slot_was_set: [{told: here}]", "told"),
    (SERVED + "- slot_was_set: [{name: Bob}]", "name"),
    (SERVED + "- slot_was_not_set: [{name: Ann}]", "name"),
    (
        "- user: /order\n- user: tea\n- user: Ann\n- slot_was_set: [{drink: tea}]",
        "in this turn, it was set to []; it holds 'tea'",
    ),
    (
        "- user: /order\n- user: tea\n- user: Ann\n  assertions: [{slot_was_set: [{name: drink, value: tea}]}]",
        "holds 'tea'",
    ),
    ("- user: /order\n- user: tea\n- slot_was_set: [{name: null}]", "name"),
    (SERVED + "  assertions: [{slot_was_set: [{name: name, value: Bob}]}]", "name"),
    ("- user: /order\n  assertions: [{flow_started: {operator: all, flow_ids: [nothing, order]}}]", "flow_started"),
    (
        "- user: /order\n  assertions: [{bot_uttered: {buttons: [{title: Tea, payload: /SetSlots(drink=milk)}]}}]",
        "payload",
    ),
    ("- user: /order\n  assertions: [{bot_uttered: {text_matches: '^Milk'}}]", "a message like"),
    ("- user: /order\n  assertions: [{bot_uttered: {text_matches: '('}}]", "cannot be read"),
    ("- user: /order\n  assertions: [{bot_uttered: {text: Tea}}]", "'text' is not known"),
    (SERVED + "  assertions: [{flow_completed: {flow_id: order, flow_step_id: 1_collect_name}}]", "at step"),
    (SERVED + "  assertions: [{flow_cancelled: order}]", "flow_cancelled"),
    (
        SERVED
        + "  assertion_order_enabled: true\n  assertions: [{bot_uttered: {utter_name: utter_ready}}, {action_executed: action_brew}]",
        "after the assertions before it",
    ),
    ("- user: /order\n- tap: Milk", "nothing to tap"),
    ("- usr: /order", "there is no step kind 'usr'; did you mean 'user'?"),
    ("- user: /order\n- now: +61m\n- user: tea\n- utter: utter_ask_name", "utter_ask_name expected"),
]


@pytest.mark.parametrize(("steps", "why"), FAIL)
async def test_what_is_false_fails_and_says_where(steps: str, why: str, bar: Path) -> None:
    code, [found] = await played(bar, case(steps))
    assert (code, found["status"]) == (1, "failed")
    assert why in found["reason"]
    assert f"{found['file']}:" in found["reason"]


async def test_kinds_that_nobody_knows_are_told_with_their_line(bar: Path) -> None:
    text = (
        case("- user: /order\n- uter: utter_ask_drink")
        + "\n"
        + """
  - test_case: two
    steps:
      - user: /order
        assertions:
          - flow_begun: order
  - test_case: three
    steps:
      - user: /order
        metdata: phone
  - test_case: four
    fixtures: [nowhere]
    steps: [{user: hi}]
  - test_case: five
    steps: []
"""
    )
    _, cases = await played(bar, text)
    reasons = [each["reason"] for each in cases]
    assert "cases.yml:6:9 " in reasons[0]
    assert "did you mean 'utter'" in reasons[0]
    assert "cases.yml:12:13 " in reasons[1]
    assert "'flow_begun'" in reasons[1]
    assert "'metdata'" in reasons[2]
    assert "no fixture 'nowhere'" in reasons[3]
    assert "steps" in reasons[4]


async def test_a_case_that_needs_a_judge_is_skipped(bar: Path) -> None:
    steps = "- user: /order\n  assertions: [{generative_response_is_relevant: {threshold: 0.9}}]"
    code, [found] = await played(bar, case(steps))
    assert (code, found["status"]) == (0, "skipped")
    assert "judge" in found["reason"]


async def test_fixtures_and_metadata_come_from_conftest_too(bar: Path) -> None:
    (bar / "e2e_tests" / "conftest.yml").write_text(
        "fixtures: [{thirsty: [{drink: tea}]}]\nmetadata: [{corner: {table: corner}}]"
    )
    text = "test_cases:\n  - test_case: one\n    fixtures: [thirsty]\n    metadata: corner\n    steps: [{user: /order}, {utter: utter_ask_name}, {user: Ann}, {slot_was_set: [{told: corner}]}]"
    code, [found] = await played(bar, text)
    assert code == 0, found["reason"]


async def test_a_stub_wins_over_the_projects_action(bar: Path) -> None:
    head = "stub_custom_actions: {action_brew: {events: [{event: slot, name: told, value: a stub}], responses: []}}"
    code, [found] = await played(bar, case(SERVED + "- slot_was_set: [{told: a stub}]", head))
    assert code == 0, found["reason"]


@pytest.mark.parametrize(
    ("code", "why"),
    [
        (None, "action_brew stands neither in stub_custom_actions nor in actions.py"),
        ("import nothing_like_that", "actions.py:1 does not import"),
        (ACTIONS.replace("return [Slot", "return 1 / 0, [Slot"), "ZeroDivisionError"),
    ],
)
async def test_an_action_that_is_not_there_is_named(code: str | None, why: str, bar: Path) -> None:
    if code is None:
        (bar / "actions.py").unlink()
    else:
        (bar / "actions.py").write_text(code)
    _, [found] = await played(bar, case(SERVED + "- utter: utter_served"))
    assert found["status"] == "failed"
    assert why in found["reason"]


@pytest.mark.parametrize(
    "text",
    [
        "test_cases: [",
        "test_cases: 5",
        "test_cases: [{steps: []}]",
        "- test_cases",
        "test_cases: [{test_case: a}, {test_case: a}]",
    ],
)
async def test_a_file_that_cannot_be_read_is_a_failure_with_its_place(text: str, bar: Path) -> None:
    (bar / "e2e_tests" / "good.yml").write_text(case("- user: /order\n- utter: utter_ask_drink"))
    code, cases = await played(bar, text)
    assert code == 1
    assert [each["status"] for each in cases] == ["failed", "passed"]
    assert f"{cases[0]['file']}:" in cases[0]["reason"]


async def test_update_writes_what_was_said(bar: Path) -> None:
    text = case(SERVED + "- bot: nothing of the kind  # kept")
    code, _ = await played(bar, text, update=True)
    assert code == 0
    text = (bar / "e2e_tests" / "cases.yml").read_text()
    assert "bot: tea for Ann" in text
    assert "# kept" in text


def test_junit_and_coverage_and_the_filter(bar: Path) -> None:
    (bar / "e2e_tests" / "cases.yml").write_text(case("- user: /order\n- utter: utter_served"))
    tree = ElementTree.fromstring(run(bar, "--format", "junit").stdout)
    assert (tree.get("tests"), tree.get("failures")) == ("1", "1")
    assert tree.find("testcase/failure") is not None
    told = json.loads(run(bar, "--format", "json", "--coverage").stdout)["coverage"]
    assert told["totals"]["steps_seen"] == 1
    assert {"line": 9, "step": "1_collect_name"} in told["flows"][0]["missed"]
    nothing = run(bar, "-k", "no such case")
    assert (nothing.returncode, "no case was found" in nothing.stderr) == (2, True)


def test_a_folder_that_is_no_project_is_refused_kindly(tmp_path: Path) -> None:
    done = run(tmp_path)
    assert done.returncode == 2
    assert "neither a skill nor a project" in done.stderr
