"""Reading a skill's files: YAML 1.2, places, suggestions, and refusing no more than what is wrong."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.flows import Compiled, Diagnostic, SkillSource, StartFlow, compile_flows, load_skill
from tests.bot.flows.registration import DOMAIN, FILES, FLOWS
from tests.bot.flows.talk import Talk

GOOD = "  good: {description: works, run_pattern_completed: false, steps: [{action: utter_x}]}\n"
RESPONSES = (
    "slots: {a: {type: text}, amount: {type: float}}\nresponses: {utter_x: [{text: x}], utter_ask_a: [{text: A}]}\n"
)


def load(flows: str, domain: str = RESPONSES, **files: str) -> tuple[SkillSource, Compiled, list[Diagnostic]]:
    skill = load_skill("shop", {"flows.yml": flows, "domain.yml": domain, **files})
    made = compile_flows([skill])
    return skill, made, [*skill.diagnostics, *made.diagnostics]


def one(found: list[Diagnostic], code: str) -> Diagnostic:
    matching = [diagnostic for diagnostic in found if diagnostic.code == code]
    assert len(matching) == 1, [str(diagnostic) for diagnostic in found]
    return matching[0]


def test_our_own_example_loads_clean() -> None:
    skill = load_skill("shop", {"flows.yml": FLOWS, "domain.yml": DOMAIN, **FILES})
    assert skill.usable
    assert [*skill.diagnostics, *compile_flows([skill]).diagnostics] == []


def test_the_built_in_patterns_load_clean() -> None:
    made = compile_flows([])
    assert made.diagnostics == ()
    assert "core:pattern_cancel_flow" in made.flows


def test_every_core_text_exists_in_swahili() -> None:
    made = compile_flows([])
    english = set(made.responses[""])
    assert english - set(made.responses["sw"]) == set()


def test_yes_no_and_on_are_words_and_not_booleans() -> None:
    domain = (
        "slots: {on: {type: categorical, values: [yes, no, Off]}}\n"
        "responses: {utter_ask_on: [{text: q, buttons: [{title: Yes, payload: yes}, {title: no}]}]}\n"
    )
    made = compile_flows(
        [
            load_skill(
                "shop", {"domain.yml": domain, "flows.yml": "flows: {f: {description: x, steps: [{collect: on}]}}"}
            )
        ]
    )
    talk = Talk(made)
    talk.do(StartFlow("f"))
    assert talk.buttons == ["Yes", "no"]
    assert made.slots["shop:on"].values == ("yes", "no", "Off")


def test_a_text_that_is_no_yaml_makes_the_skill_unusable_and_says_where() -> None:
    skill, made, found = load("flows:\n  good: [\n")
    assert not skill.usable
    assert "shop:good" not in made.flows
    assert one(found, "CN-YAML-001").line == 3
    assert str(found[0]).startswith("flows.yml:3:1 CN-YAML-001 ")


def test_a_refused_flow_does_not_stop_the_others() -> None:
    _, made, found = load("flows:\n" + GOOD + "  bad:\n    description: x\n    steps:\n      - action: utter_y\n")
    assert set(made.flows) >= {"shop:good"}
    assert "shop:bad" not in made.flows
    diagnostic = one(found, "CN-RESP-007")
    assert (diagnostic.line, diagnostic.column, diagnostic.flow) == (6, 17, "bad")
    assert diagnostic.suggestion == 'did you mean "utter_x"?'


def test_flows_that_need_a_refused_flow_are_refused_too() -> None:
    flows = (
        "flows:\n"
        + GOOD
        + (
            "  calls: {description: x, steps: [{call: links}]}\n"
            "  links: {description: x, steps: [{link: bad}]}\n"
            "  bad: {description: x, steps: [{action: utter_y}]}\n"
        )
    )
    _, made, _ = load(flows)
    assert {flow for flow in made.flows if flow.startswith("shop:")} == {"shop:good"}


def test_duplicate_ids_name_both_places() -> None:
    _, made, found = load("flows:\n" + GOOD + GOOD.replace("works", "again"))
    assert "first at flows.yml:2:3" in one(found, "CN-YAML-005").message
    assert made.flows["shop:good"].description == "works"
    _, _, found = load("flows:\n" + GOOD, **{"flows/more.yml": "flows:\n" + GOOD})
    assert "first at flows.yml:2:3" in one(found, "CN-NAME-001").message


FLOW_ERRORS = [
    (
        "{description: x, stepz: [{action: utter_x}], steps: [{action: utter_x}]}",
        "CN-FLOW-003",
        'did you mean "steps"?',
    ),
    ("{description: x}", "CN-FLOW-005", "add a list `steps:`"),
    ("{description: x, steps: [{acton: utter_x}]}", "CN-FLOW-009", 'did you mean "action"?'),
    ("{description: x, steps: [{action: utter_x, collect: a}]}", "CN-FLOW-009", ""),
    (
        "{description: x, steps: [{collect: a, ask_before_filing: true}]}",
        "CN-FLOW-003",
        'did you mean "ask_before_filling"?',
    ),
    ("{description: x, steps: [{collect: a, ask_before_filling: yes}]}", "CN-FLOW-030", "YAML 1.2: write true"),
    ("{description: x, steps: [{collect: b}]}", "CN-NAME-002", ""),
    ("{description: x, steps: [{collect: amount}]}", "CN-RESP-009", "add utter_ask_amount"),
    (
        "{description: x, steps: [{action: utter_x, next: stepp}, {id: step, noop: true, next: END}]}",
        "CN-FLOW-025",
        'did you mean "step"?',
    ),
    ("{description: x, steps: [{noop: [{if: slots.a, then: END}]}]}", "CN-FLOW-013", "noop: true"),
    ("{description: x, steps: [{noop: true}]}", "CN-FLOW-013", ""),
    ("{description: x, steps: [{noop: true, next: [{if: slots.a, then: END}]}]}", "CN-FLOW-021", "add `- else: END`"),
    ("{description: x, steps: [{link: good}, {action: utter_x}]}", "CN-FLOW-012", ""),
    ("{description: x, steps: [{link: f}]}", "CN-FLOW-026", ""),
    ("{description: x, steps: [{link: goood}]}", "CN-NAME-006", 'did you mean "good"?'),
    ("{description: x, steps: [{call: agent_x}]}", "CN-NAME-006", ""),
    ("{description: x, steps: [{call: good, mcp_server: m}]}", "CN-FLOW-011", "call a flow"),
    ("{description: x, steps: [{set_slots: {a: v}}]}", "CN-FLOW-018", ""),
    ("{description: x, steps: [{set_slots: [{amount: many}]}]}", "CN-FLOW-037", ""),
    ("{description: x, persisted_slots: [amount], steps: [{collect: a}]}", "CN-FLOW-028", ""),
    ("{description: x, persisted_slots: [a], steps: [{collect: a, reset_after_flow_ends: false}]}", "CN-FLOW-027", ""),
    ("{description: x, if: 'slots.a >', steps: [{action: utter_x}]}", "CN-COND-002", ""),
    ("{description: x, if: 'slots.b = 1', steps: [{action: utter_x}]}", "CN-COND-006", ""),
    ("{description: x, if: 'a = 1', steps: [{action: utter_x}]}", "CN-COND-007", "slots.a?"),
    ("{description: x, if: 'slots.a = Gold', steps: [{action: utter_x}]}", "CN-COND-004", "did you mean 'Gold'?"),
    ("{description: x, steps: [{action: count}]}", "CN-NAME-005", "list it under `actions:`"),
    ("{steps: [{action: utter_x}]}", "CN-FLOW-004", ""),
    ("{description: x, steps: [{id: s, action: utter_x}, {id: s, action: utter_x}]}", "CN-FLOW-024", ""),
    (
        "{description: x, steps: [{action: utter_x, next: [{action: utter_x}]}, {action: utter_x}]}",
        "CN-FLOW-007",
        "write next: END",
    ),
]


@pytest.mark.parametrize(
    ("flow", "code", "suggestion"), FLOW_ERRORS, ids=[code + str(n) for n, (_, code, _) in enumerate(FLOW_ERRORS)]
)
def test_mistakes_are_named_with_place_and_suggestion(flow: str, code: str, suggestion: str) -> None:
    _, made, found = load(f"flows:\n{GOOD}  f: {flow}\n")
    diagnostic = one(found, code)
    assert (diagnostic.file, diagnostic.line) == ("flows.yml", 3)
    assert diagnostic.column > 3 or code in ("CN-FLOW-004", "CN-FLOW-005")
    assert suggestion in diagnostic.suggestion
    assert ("shop:f" in made.flows) == (diagnostic.severity != "error")
    assert "shop:good" in made.flows


def test_both_ways_to_ask_are_an_error() -> None:
    _, _, found = load("flows: {f: {description: x, steps: [{collect: a}]}}", RESPONSES + "actions: [action_ask_a]\n")
    assert one(found, "CN-FLOW-035").severity == "error"


def test_plain_names_resolve_to_own_then_required_then_core() -> None:
    auth = load_skill(
        "auth",
        {
            "flows.yml": "flows: {login: {description: x, steps: [{collect: pin}]}}",
            "domain.yml": "slots: {pin: {type: text}}\nresponses: {utter_ask_pin: [{text: PIN}]}",
        },
    )
    shop = load_skill(
        "shop", {"flows.yml": "flows: {buy: {description: x, steps: [{call: login}, {action: utter_cannot_handle}]}}"}
    )
    assert "shop:buy" not in compile_flows([auth, shop]).flows
    shop.requires = ("auth",)
    made = compile_flows([auth, shop])
    assert Talk(made).do(StartFlow("buy")) == ["PIN"]


def test_two_skills_may_use_the_same_names() -> None:
    files = {"flows.yml": "flows:\n" + GOOD, "domain.yml": RESPONSES}
    made = compile_flows(
        [load_skill("a", files), load_skill("b", {**files, "domain.yml": RESPONSES.replace("text: x", "text: y")})]
    )
    assert Talk(made).do(StartFlow("b:good")) == ["y"]
    assert Talk(made).do(StartFlow("a:good")) == ["x"]


def test_a_skill_may_word_a_pattern_for_its_own_flows() -> None:
    own = "  pattern_cancel_flow: {steps: [{action: action_cancel_flow}, {action: utter_x}]}\n  ask: {description: x, run_pattern_completed: false, steps: [{collect: a}]}\n"
    _, made, _ = load("flows:\n" + own)
    talk = Talk(made)
    talk.do(StartFlow("ask"))
    assert talk.write("cancel") == ["x"]


def test_the_hash_changes_with_any_text_and_not_with_order() -> None:
    a, b = (load_skill(name, {"flows.yml": "flows:\n" + GOOD, "domain.yml": RESPONSES}) for name in "ab")
    changed = load_skill("a", {"flows.yml": "flows:\n" + GOOD, "domain.yml": RESPONSES + "\n"})
    assert compile_flows([a, b]).content_hash == compile_flows([b, a]).content_hash
    assert compile_flows([a, b]).content_hash != compile_flows([changed, b]).content_hash


@pytest.mark.parametrize(
    "text",
    [
        "a: &x [*x]",
        "&a [" * 200,
        "a: !!python/object:os.system x",
        "\x00",
        "- 1\n- 2",
        "flows: []",
        "flows: {f: [1]}",
        "flows: {1: {steps: {}}}",
        "%YAML 9.9\n---\na: b",
        "? [a]\n: b",
    ],
)
def test_strange_texts_are_reported_and_never_raise(text: str) -> None:
    skill = load_skill("shop", {"flows.yml": text, "domain.yml": text, "nlu.yml": text, "locales/sw.yml": text})
    compile_flows([skill])
    assert skill.diagnostics


def test_shared_anchors_stay_small() -> None:
    lines = ["flows: &l0 {a: 1}"] + [f"x{n}: &l{n} [*l{n - 1}, *l{n - 1}, *l{n - 1}, *l{n - 1}]" for n in range(1, 30)]
    load_skill("shop", {"flows.yml": "\n".join(lines)})


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="flows:{}[]-\n #&*!|>'\"abcifthenndscollectaction,?%", max_size=120))
def test_any_text_loads_or_is_refused(text: str) -> None:
    compile_flows([load_skill("shop", {"flows.yml": "flows:\n  f:\n    steps:\n" + text, "domain.yml": text})])


def test_a_condition_with_jinja_is_rendered_first() -> None:
    flows = (
        "flows:\n"
        "  ask: {description: x, name: asking, run_pattern_completed: false, steps: [{collect: a}]}\n"
        "  pattern_cancel_flow:\n"
        "    steps:\n"
        "      - noop: true\n"
        "        next:\n"
        "          - if: \"'{{context.canceled_name}}' = 'asking' and slots.{{'amount'}} is null\"\n"
        "            then: [{action: action_cancel_flow}, {action: utter_x, next: END}]\n"
        "          - else: END\n"
    )
    _, made, found = load(flows)
    assert [str(each) for each in found if each.severity == "error"] == []
    talk = Talk(made)
    talk.do(StartFlow("ask"))
    assert talk.write("cancel") == ["x"]
