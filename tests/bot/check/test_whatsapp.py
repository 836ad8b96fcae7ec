"""What WhatsApp would cut or refuse, buttons that lead nowhere, and the proof of the 24-hour window."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from bot.actions import SkillAction, Turn
from bot.check.language import LANGUAGE_RULES
from bot.check.window import WINDOW_S, Waiting, prove_window, waiting_of
from bot.flows import compile_flows, load_skill

FLOWS = "flows:\n  f: {description: x, nlu_trigger: [{intent: go}], steps: [{collect: a}, {action: utter_x}]}\n"
SLOTS = "slots: {a: {type: text}, many: {type: list, mappings: [{type: controlled}]}}\n"


def told(response: str) -> list[str]:
    domain = SLOTS + "responses:\n  utter_ask_a: [{text: A}]\n  utter_x:\n    - " + response + "\n"
    skill = load_skill("shop", {"flows.yml": FLOWS, "domain.yml": domain})
    made = compile_flows([skill])
    assert [str(each) for each in (*skill.diagnostics, *made.diagnostics)] == []
    found = [each for rule in LANGUAGE_RULES for each in rule(skill, made)]
    assert all(each.subject == "response:utter_x" and each.line == 5 for each in found)
    return [each.code for each in found]


def buttons(*pairs: tuple[str, str]) -> str:
    return "{text: x, buttons: [" + ", ".join(f'{{title: "{t}", payload: "{p}"}}' for t, p in pairs) + "]}"


@pytest.mark.parametrize(
    ("response", "codes"),
    [
        ("{text: fine}", []),
        ("{text: " + "x" * 4_097 + "}", ["CN-WA-001"]),
        ("{text: " + "x" * 5_000 + ", channel: sms}", []),
        (buttons(("a title that is far too long for a row", "x"), ("b", "y")), ["CN-WA-002"]),
        (buttons(*((f"n{n}", "x") for n in range(11))), ["CN-WA-003"]),
        (buttons(*((f"n{n}", "x") for n in range(10))), []),
        (buttons(("a", "/SetSlots(a=1)"), ("b", "/go"), ("c", "/f"), ("d", "free text"), ("e", "/cancel")), []),
        (buttons(("a", "/setslots(a=1)")), ["CN-RESP-021"]),
        (buttons(("a", "/SetSlots(a)")), ["CN-RESP-021"]),
        (buttons(("a", "/SetSlots(" + ", ".join(["a=1"] * 11) + ")")), ["CN-RESP-021"]),
        (buttons(("a", "/SetSlots(zz=1)")), ["CN-RESP-023"]),
        (buttons(("a", "/SetSlots(many=1)")), ["CN-RESP-023"]),
        (buttons(("a", "/nowhere")), ["CN-RESP-022"]),
        ('{text: "{a} {contact.name} {{literal}}"}', []),
        ('{text: "{zz}"}', ["CN-RESP-024"]),
    ],
)
def test_each_rule_tells_and_stays_silent(response: str, codes: list[str]) -> None:
    assert told(response) == codes


# -- the 24-hour proof ----------------------------------------------------------------------------

LONG = Waiting(
    {"shop:wait": WINDOW_S + 1.0, "shop:nap": WINDOW_S / 2 + 1, "shop:ever": float("inf")}, frozenset({"shop:speak"})
)
TEMPLATE = "custom: {type: template, name: reminder, language: en}"


def proof(steps: str, *, more: str = "", quiet: bool = True) -> list[tuple[str, str]]:
    end = "run_pattern_completed: false, " if quiet else ""
    flows = f"flows:\n  f: {{description: x, {end}steps: [{steps}]}}\n{more}"
    domain = (
        "slots: {a: {type: text}, b: {type: bool}}\nactions: [wait, nap, ever, speak, silent, action_ask_c]\n"
        f"responses: {{utter_x: [{{text: x}}], utter_ask_a: [{{text: A}}], utter_t: [{{{TEMPLATE}}}], utter_ask_b: [{{{TEMPLATE}}}],"
        f" utter_mixed: [{{{TEMPLATE}}}, {{text: x}}], utter_sms: [{{{TEMPLATE}}}, {{text: x, channel: sms}}]}}\n"
    )
    skill = load_skill("shop", {"flows.yml": flows, "domain.yml": domain})
    made = compile_flows([skill])
    assert [str(e) for e in (*skill.diagnostics, *made.diagnostics) if e.severity == "error"] == []
    found = list(prove_window(skill, made, LONG))
    assert all(each.code == "CN-WA-010" and each.severity == "error" for each in found)
    return [(each.flow, each.message.partition("window ")[2]) for each in found]


@pytest.mark.parametrize(
    ("steps", "messages"),
    [
        ("{action: wait}, {action: utter_x}", ["utter_x is free text"]),
        ("{action: ever}, {action: utter_x}", ["utter_x is free text"]),
        ("{action: nap}, {action: utter_x}", []),
        ("{action: nap}, {action: silent}, {action: nap}, {action: utter_x}", ["utter_x is free text"]),
        ("{action: nap}, {collect: a}, {action: nap}, {action: utter_t}", []),
        (
            "{action: nap}, {collect: a}, {action: nap}, {action: utter_x}",
            ["utter_x is free text"],
        ),  # `a` may be filled: nobody wrote
        ("{action: nap}, {action: action_listen}, {action: nap}, {action: utter_x}", []),
        ("{action: wait}, {action: utter_t}", []),
        ("{action: wait}, {action: utter_sms}", []),
        ("{action: wait}, {action: utter_mixed}", ["utter_mixed is free text"]),
        ("{action: wait}, {collect: a}", ["the question for a is free text"]),
        ("{action: wait}, {collect: b}", []),
        ("{action: wait}, {action: speak}", ["action speak says free text"]),
        ("{action: wait}, {action: silent}", []),
        ("{action: utter_x}, {action: wait}", []),
        (
            "{action: wait, next: [{if: slots.b, then: [{action: utter_x, next: END}]}, {else: END}]}",
            ["utter_x is free text"],
        ),
        ("{action: wait}, {link: pattern_human_handoff}", ["pattern_human_handoff speaks"]),
        (
            "{id: s, action: utter_x}, {action: nap}, {action: silent, next: [{if: slots.b, then: s}, {else: END}]}",
            ["utter_x is free text"],
        ),
    ],
)
def test_free_text_after_a_wait_that_may_outlast_the_window(steps: str, messages: list[str]) -> None:
    assert [message for _, message in proof(steps)] == messages


def test_calls_and_links_are_followed() -> None:
    child = "  child: {description: x, run_pattern_completed: false, steps: [{action: wait}]}\n"
    assert proof("{call: child}, {action: utter_x}", more=child) == [("f", "utter_x is free text")]
    said = "  said: {description: x, run_pattern_completed: false, steps: [{action: utter_x}]}\n"
    assert proof("{action: wait}, {link: said}", more=said) == [("said", "utter_x is free text")]
    assert proof("{action: wait}, {call: said}", more=said) == [("said", "utter_x is free text")]


def test_the_pattern_at_the_end_speaks_too() -> None:
    assert proof("{action: wait}", quiet=False) == [("f", "pattern_completed speaks when the flow ends")]


HOUR_S = 3_600


class WaitsAnHour(SkillAction):
    name: ClassVar[str] = "hour"

    async def perform(self, turn: Turn) -> None:
        turn.say("utter_x")
        turn.wait_for("e", key="1", seconds=2 * HOUR_S, slot="a", on_timeout="late")


class WaitsAsTold(SkillAction):
    name: ClassVar[str] = "told"

    async def perform(self, turn: Turn) -> None:
        turn.wait_for("e", key="1", seconds=turn.slot("a", float), slot="a", on_timeout="late")


def test_waits_are_read_from_the_code() -> None:
    context: Any = None
    read = waiting_of("shop", {"hour": WaitsAnHour(context), "told": WaitsAsTold(context)})
    assert read.waits == {"shop:hour": 7_200.0, "shop:told": float("inf")}
    assert read.speaks == {"shop:hour"}
