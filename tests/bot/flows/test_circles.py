"""Flows that never wait are seen before they run; those that do wait are left alone."""

from __future__ import annotations

import pytest

from bot.flows import compile_flows, load_skill

DOMAIN = """
slots: {a: {type: text}, b: {type: bool}}
actions: [act]
responses: {utter_x: [{text: x}], utter_ask_a: [{text: A}], utter_ask_b: [{text: B}]}
"""


def found(flows: str) -> tuple[set[str], list[tuple[str, str, int]]]:
    """The flows that run, and what is said of circles: code, flow, line."""
    skill = load_skill("shop", {"flows.yml": "flows:\n" + flows, "domain.yml": DOMAIN})
    made = compile_flows([skill])
    diagnostics = [*skill.diagnostics, *made.diagnostics]
    assert [
        each
        for each in diagnostics
        if each.severity == "error" and not each.code.startswith(("CN-FLOW-04", "CN-NAME-003"))
    ] == []
    runs = {flow.partition(":")[2] for flow in made.flows if flow.startswith("shop:")}
    return runs, [(each.code, each.flow, each.line) for each in diagnostics if each.code.startswith("CN-FLOW-04")]


def test_a_call_that_leads_back_is_refused_with_all_that_are_in_it() -> None:
    runs, said = found(
        "  f: {description: x, steps: [{call: g}, {action: utter_x}]}\n"
        "  g: {description: x, steps: [{call: h}, {action: utter_x}]}\n"
        "  h: {description: x, steps: [{collect: a}, {call: f}]}\n"
        "  i: {description: x, steps: [{call: i}]}\n"
        "  uses: {description: x, steps: [{call: f}]}\n"
        "  fine: {description: x, steps: [{call: also}, {call: also}]}\n"
        "  also: {description: x, steps: [{collect: a}]}\n"
    )
    assert runs == {"fine", "also"}
    assert sorted(said) == [("CN-FLOW-045", name, line) for line, name in enumerate("fghi", 2)]


def test_links_in_a_circle_without_a_question_are_refused() -> None:
    runs, said = found(
        "  f: {description: x, steps: [{action: utter_x}, {link: g}]}\n  g: {description: x, steps: [{action: act}, {link: f}]}\n"
    )
    assert runs == set()
    assert [(code, flow) for code, flow, _ in said] == [("CN-FLOW-041", "f"), ("CN-FLOW-041", "g")]


def test_links_in_a_circle_that_can_be_left_are_a_warning() -> None:
    runs, said = found(
        "  f: {description: x, steps: [{noop: true, next: [{if: slots.b, then: [{link: g}]}, {else: END}]}]}\n"
        "  g: {description: x, steps: [{link: f}]}\n"
    )
    assert runs == {"f", "g"}
    assert [code for code, _, _ in said] == ["CN-FLOW-042", "CN-FLOW-042"]


def test_links_in_a_circle_with_a_question_are_how_menus_are_written() -> None:
    runs, said = found(
        "  f: {description: x, steps: [{collect: a}, {link: g}]}\n  g: {description: x, steps: [{action: utter_x}, {link: f}]}\n"
    )
    assert (runs, said) == ({"f", "g"}, [])


@pytest.mark.parametrize(
    ("steps", "code"),
    [
        ("{id: s, action: utter_x, next: s}", "CN-FLOW-043"),
        ("{id: s, action: utter_x}, {noop: true, next: s}", "CN-FLOW-043"),
        ("{id: s, collect: a, next: s}", "CN-FLOW-044"),
        ("{id: s, collect: a}, {action: utter_x, next: s}", "CN-FLOW-044"),
        ("{id: s, collect: a, ask_before_filling: true, next: s}", ""),
        ("{id: s, collect: a}, {set_slots: [{a: null}], next: s}", ""),
        ("{id: s, collect: a}, {action: act, next: s}", ""),
        ("{id: s, action: utter_x}, {action: action_listen, next: s}", ""),
        ("{id: s, action: utter_x, next: [{if: slots.b, then: END}, {else: s}]}", ""),
    ],
)
def test_jumps_back(steps: str, code: str) -> None:
    runs, said = found(f"  f: {{description: x, steps: [{steps}]}}\n")
    assert [each for each, _, _ in said] == ([code] if code else [])
    assert ("f" in runs) == (code != "CN-FLOW-043")


def test_long_chains_of_links_and_calls_are_read() -> None:
    flows = "".join(f"  l{n}: {{description: x, steps: [{{link: l{n + 1}}}]}}\n" for n in range(1_500))
    flows += "".join(f"  c{n}: {{description: x, steps: [{{call: c{n + 1}}}]}}\n" for n in range(40))
    flows += (
        "  l1500: {description: x, steps: [{action: utter_x}]}\n  c40: {description: x, steps: [{action: utter_x}]}\n"
    )
    runs, said = found(flows)
    assert (len(runs), said) == (1_542, [])
