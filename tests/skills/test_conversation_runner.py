"""The runner itself: a wrong bot must fail, and say where."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import pytest

import skills
from bot.actions import SkillAction, Turn
from bot.registry import Registry
from bot.testing.cases import Case, CaseFailed, find_cases, read_cases, run_case, update_file
from tests.support.database import Database

ROOT = Path(skills.__path__[0])


def case_named(name: str) -> Case:
    return next(case for case in find_cases(ROOT) if case.name == name)


class Forgetful(SkillAction):
    """Says that all is well and does nothing."""

    name: ClassVar[str] = "events_register"

    async def perform(self, turn: Turn) -> None:
        turn.set("events_result", "issued")
        turn.say("utter_events_registered", name="nobody")


class Mute(SkillAction):
    name: ClassVar[str] = "assistant_greet"

    async def perform(self, turn: Turn) -> None:
        return None


class Generous(SkillAction):
    """Always another ticket, whatever is left."""

    name: ClassVar[str] = "events_check_type"

    async def perform(self, turn: Turn) -> None:
        turn.set("events_found", "open")


def with_action(skill: str, mutant: type[SkillAction]) -> Callable[[Registry], Registry]:
    def replaced(registry: Registry) -> Registry:
        actions = registry.skills[skill].actions
        actions[mutant.name] = mutant(actions[mutant.name].context)
        return registry

    return replaced


@pytest.mark.parametrize(
    ("name", "skill", "mutant"),
    [
        ("from the list to the ticket by tapping", "events", Forgetful),
        ("the first contact is greeted by name and sees what there is", "assistant", Mute),
        ("choosing a kind that one has already shows that ticket", "events", Generous),
    ],
)
async def test_a_wrong_bot_fails(name: str, skill: str, mutant: type[SkillAction], database: Database) -> None:
    with pytest.raises(CaseFailed, match=r"\.yml:\d+:\d+ "):
        await run_case(case_named(name), replace=with_action(skill, mutant))


PAGE = """
skills: [assistant, events]
people: {ann: Ann}
test_cases:
  - test_case: one
    steps:
%s
"""


def write(folder: Path, steps: str) -> Case:
    path = folder / "assistant" / "tests" / "one.yml"
    path.parent.mkdir(parents=True)
    path.write_text(PAGE % steps)
    return read_cases(path)[0]


@pytest.mark.parametrize(
    "steps",
    [
        "      - user: hi\n      - utter: utter_assistant_help",
        "      - user: hi\n      - bot: Hello you",
        "      - user: hi\n      - slot_was_set: [assistant_language]",
        "      - user: English\n      - slot_was_not_set: [assistant_language: en]",
        "      - user: English\n      - slot_was_set: [{assistant_language: sw}]",
        "      - user: hi\n        jobs: [events.render_ticket]",
        "      - user: hi\n        charges: [events.ticket_issued]",
        "      - user: hi\n        assertions: [{flow_started: assistant_help}]",
        "      - user: hi\n        assertions: [{flow_cancelled: assistant_greeting}]",
        "      - user: hi\n        assertions: [{action_executed: assistant_explain}]",
        "      - user: hi\n        assertions: [{bot_did_not_utter: {utter_name: utter_assistant_greeting}}]",
        "      - user: hi\n        assertions: [{bot_did_not_utter: {text_matches: Hello}}]",
        "      - user: hi\n        assertions: [{bot_uttered: {buttons: [Nonsense]}}]",
        "      - user: hi\n        assertions: [{pattern_clarification_contains: [assistant_menu]}]",
        "      - user: hi\n      - tap: Nonsense",
        "      - user: hi\n        from: bob",
        "      - user: hi\n      - uter: utter_assistant_greeting",
    ],
)
async def test_each_kind_of_expectation_can_fail(steps: str, tmp_path: Path, database: Database) -> None:
    with pytest.raises(CaseFailed):
        await run_case(write(tmp_path, steps))


async def test_annotated_commands_replace_understanding(tmp_path: Path, database: Database) -> None:
    steps = (
        "      - user: qwertz\n        commands: [{start_flow: assistant_help}]\n      - utter: utter_assistant_help"
    )
    await run_case(write(tmp_path, steps))


async def test_a_stub_stands_in_for_an_action(tmp_path: Path, database: Database) -> None:
    case = write(tmp_path, "      - user: hi\n      - bot: A stub speaks.")
    stubs = {"stub_custom_actions": {"one::assistant_greet": {"responses": [{"text": "A stub speaks."}]}}}
    await run_case(Case(case.file, case.skill, case.name, case.data, {**case.shared, **stubs}))


async def test_update_writes_what_was_said(tmp_path: Path, database: Database) -> None:
    case = write(tmp_path, "      - user: hi\n      - bot: Old words # kept")
    run = await run_case(case, update=True)
    assert update_file(case.file, {case.name: run.texts})
    assert "What would you like to do?" in case.file.read_text()
    assert not update_file(case.file, {case.name: run.texts})
