"""Where a name or any text is asked: what is the answer, and what is a question or a wish in its place. Labelled cases."""

from __future__ import annotations

from pathlib import Path

import pytest
from ruamel.yaml import YAML

from bot.flows import Command, FlowState, SetSlot, StartFlow, UserText, View, advance, compile_flows, load_skill
from bot.messages import Text
from bot.registry import Registry
from bot.router.entry import is_unexplained
from bot.skill import Named
from bot.understand import interpret
from bot.understand.names import index_names
from tests.bot.flows.talk import NOW

CASES = YAML(typ="safe", pure=True).load((Path(__file__).parent / "free_text.yml").read_text("utf-8"))
NAMES = index_names({"events_event": [Named("1", "Jazz Night"), Named("2", "Nairobi Book Fair")]})
ASKING = load_skill(
    "form",
    {
        "flows.yml": "flows:\n"
        + "".join(
            f"  form_{each}: {{description: Asks, steps: [{{collect: form_{each}}}, {{action: utter_form_done}}]}}\n"
            for each in CASES
        ),
        "domain.yml": "slots:\n"
        + "".join(f"  form_{each}: {{type: text, accept: {'name' if each == 'name' else 'text'}}}\n" for each in CASES)
        + "responses:\n  utter_form_done: [{text: done}]\n"
        + "".join(f"  utter_ask_form_{each}: [{{text: q}}]\n" for each in CASES),
    },
)
COMPILED = compile_flows([*Registry.load().sources(["assistant", "events"]), ASKING])


def labelled(kind: str) -> list[tuple[str, str]]:
    return [(asked, text) for asked, kinds in CASES.items() for text in kinds[kind]]


def heard(asked: str, text: str) -> tuple[list[Command], FlowState]:
    state = advance(COMPILED, FlowState(), [StartFlow(f"form:form_{asked}")], View(now=NOW)).state
    assert state.pending is not None
    assert state.pending.slot == f"form:form_{asked}"
    return interpret(Text(text=text), state, COMPILED, locale="en", now=NOW, names=NAMES).commands, state


def is_answer(asked: str, text: str) -> bool:
    """It fills the slot, and nobody is asked what else it could mean."""
    commands, state = heard(asked, text)
    fills = all(
        isinstance(each, UserText) or (isinstance(each, SetSlot) and each.name.endswith(asked)) for each in commands
    )
    return fills and not is_unexplained(commands, COMPILED, state, text=text)


def test_there_are_cases_of_both_kinds() -> None:
    assert len(labelled("kept")) >= 40
    assert len(labelled("asked")) >= 40


@pytest.mark.parametrize(("asked", "text"), labelled("kept"))
def test_a_real_answer_is_never_lost(asked: str, text: str) -> None:
    assert is_answer(asked, text), heard(asked, text)[0]


@pytest.mark.parametrize(("asked", "text"), labelled("asked"))
def test_a_clear_question_or_wish_is_no_answer(asked: str, text: str) -> None:
    assert not is_answer(asked, text), heard(asked, text)[0]
