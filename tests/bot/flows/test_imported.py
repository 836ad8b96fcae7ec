"""Classic forms, rules and nlu files: what becomes of them, and what is refused with a reason."""

from __future__ import annotations

from typing import Any

import pytest

from bot.flows import (
    Compiled,
    Diagnostic,
    FlowState,
    SetSlot,
    SkillSource,
    StartFlow,
    View,
    advance,
    compile_flows,
    load_skill,
)
from bot.flows.entities import find_entities
from bot.flows.mappings import map_slots
from tests.bot.flows.talk import NOW, Talk, done

DOMAIN = """
forms:
  order_form: {required_slots: [item, size]}
slots:
  item: {type: text, mappings: [{type: from_entity, entity: item}]}
  size: {type: categorical, values: [small, large], mappings: [{type: from_text, conditions: [{active_loop: order_form, requested_slot: size}]}]}
  vip: {type: bool}
actions: [action_order, validate_order_form]
responses:
  utter_ask_item: [{text: Item?}]
  utter_ask_order_form_size: [{text: "Size of {item}?"}]
  utter_ask_size: [{text: Size?}]
  utter_ordered: [{text: Ordered.}]
  utter_hi: [{text: Hi.}]
  utter_vip: [{text: Dear.}]
"""
RULES = """
rules:
- rule: Start
  steps: [{intent: order}, {action: order_form}, {active_loop: order_form}]
- rule: Done
  condition: [{active_loop: order_form}]
  steps: [{action: order_form}, {active_loop: null}, {slot_was_set: [{requested_slot: null}]}, {action: action_order}, {action: utter_ordered}]
- rule: Hello
  steps: [{intent: greet}, {action: utter_hi}]
- rule: Hello, dear
  condition: [{slot_was_set: [{vip: true}]}]
  steps: [{intent: greet_vip}, {action: utter_vip}]
- rule: Ask and order
  steps: [{intent: talk}, {action: utter_hi}, {action: order_form}]
"""
NLU = """
nlu:
- intent: order
  examples: |
    - order something
    - bring me a [flat bread](item)
    - one [teapot]{"entity": "item", "value": "tea"} please
- intent: greet
  examples: [hello, {text: good morning}]
- synonym: tea
  examples: |
    - chai
- lookup: city
  examples: |
    - Nairobi
    - Dar es Salaam
- regex: code
  examples: |
    - [A-Z]{3}-\\d{2}
"""


def load(**files: str) -> tuple[SkillSource, Compiled, list[Diagnostic]]:
    names = {"domain": "domain.yml", "rules": "data/rules.yml", "nlu": "data/nlu.yml", "flows": "data/flows.yml"}
    skill = load_skill("shop", {names[name]: text for name, text in files.items()}, by_content=True)
    made = compile_flows([skill])
    return skill, made, [*skill.diagnostics, *made.diagnostics]


@pytest.fixture(scope="module")
def compiled() -> Compiled:
    _, made, found = load(domain=DOMAIN, rules=RULES, nlu=NLU)
    assert [str(each) for each in found if each.severity != "note"] == []
    return made


def test_a_form_is_a_flow_of_its_questions_and_of_what_the_rules_say_follows(compiled: Compiled) -> None:
    talk = Talk(compiled, actions={"validate_order_form": done(), "action_order": done()})
    assert talk.write("order something") == ["Item?"]
    assert talk.write("flat bread") == ["Size of flat bread?"]
    assert talk.write("large")[0] == "Ordered."
    assert talk.ran == ["shop:validate_order_form", "shop:validate_order_form", "shop:action_order"]


def test_slots_of_a_form_stay_and_are_not_asked_again(compiled: Compiled) -> None:
    talk = Talk(compiled, actions={"validate_order_form": done(), "action_order": done()})
    talk.do(StartFlow("order_form"), SetSlot("item", "tea"), SetSlot("size", "small"))
    assert (talk.slot("item"), talk.slot("size")) == ("tea", "small")
    assert talk.do(StartFlow("order_form"))[0] == "Ordered."


def test_a_rule_is_a_flow_that_its_intent_starts(compiled: Compiled) -> None:
    talk = Talk(compiled)
    assert talk.write("hello") == ["Hi."]
    assert talk.write("/greet_vip") == ["Dear."], "an explicit intent does not ask the guard"
    assert talk.do(StartFlow("rule_hello_dear")) != ["Dear."]
    assert Talk(compiled).write("/talk") == ["Hi.", "Item?"]


@pytest.mark.parametrize(
    ("rule", "what"),
    [
        ("steps: [{intent: a}, {action: utter_hi}, {intent: b}, {action: utter_hi}]", "over several messages"),
        ("steps: [{action: utter_hi}]", "only rules of the kind"),
        ("steps: [{intent: a}]", "does nothing"),
        ("steps: []", "has a list `steps:`"),
        ("steps: [{intent: a, entities: [x]}, {action: utter_hi}]", "asks for entities"),
        ("steps: [{intent: a}, {checkpoint: x}]", "checkpoint"),
        ("wait_for_user_input: false\n  steps: [{intent: a}, {action: utter_hi}]", "wait_for_user_input"),
        ("condition: [{mood: good}]\n  steps: [{intent: a}, {action: utter_hi}]", "a condition is"),
        ("steps: [{intent: a}, {action: utter_nothing}]", "there is no response"),
    ],
)
def test_other_rules_are_refused_with_a_reason_and_a_place(rule: str, what: str) -> None:
    _, made, found = load(domain=DOMAIN, rules=f"rules:\n- rule: Odd one\n  {rule}\n")
    errors = [each for each in found if each.severity == "error"]
    assert [(each.flow, each.file) for each in errors] == [("rule_odd_one", "data/rules.yml")]
    assert what in errors[0].message
    assert errors[0].line >= 2
    assert "shop:rule_odd_one" not in made.flows


def test_stories_are_refused_one_by_one() -> None:
    _, _, found = load(rules="stories:\n- story: happy path\n  steps: [{intent: a}]\n- story: sad path\n  steps: []\n")
    assert [(each.code, each.line) for each in found] == [("CN-RULE-001", 2), ("CN-RULE-001", 4)]
    assert 'story "happy path"' in found[0].message


@pytest.mark.parametrize(
    ("domain", "code"),
    [
        ("forms: [x]", "CN-FORM-001"),
        ("forms: {f: {}}", "CN-FORM-001"),
        ("forms: {f: {required_slots: a}}", "CN-FORM-001"),
        ("forms: {f: {required_slots: []}}", "CN-FORM-005"),
        ("forms: {f: {required_slots: [nothing]}}", "CN-NAME-002"),
        (
            "forms: {f: {required_slots: [a], extra: 1}}\nslots: {a: {type: text}}\nresponses: {utter_ask_a: [{text: x}]}",
            "CN-FORM-002",
        ),
        (
            "forms: {f: {required_slots: {a: [{type: from_text}]}}}\nslots: {a: {type: text}}\nresponses: {utter_ask_a: [{text: x}]}",
            "CN-FORM-004",
        ),
        ("slots: {a: {mappings: [{type: from_entity}]}}", "CN-SLOT-014"),
        ("slots: {a: {mappings: [{type: from_intent, intent: x}]}}", "CN-SLOT-014"),
        ("slots: {a: {mappings: [{type: from_space}]}}", "CN-SLOT-008"),
        ("slots: {a: {mappings: x}}", "CN-SLOT-008"),
        ("slots: {a: {mappings: [{type: from_text, conditions: [x]}]}}", "CN-SLOT-017"),
        ("slots: {a: {mappings: [{type: from_text, conditions: [{active_loop: nothing}]}]}}", "CN-SLOT-018"),
        ("slots: {a: {mappings: [{type: custom, action: act}]}}", "CN-SLOT-015"),
        ("slots: {'a b': {}}", "CN-NAME-008"),
        ("session_config: {session_expiration_time: soon}", "CN-SLOT-013"),
        ("responses: [x]", "CN-RESP-011"),
    ],
)
def test_mistakes_in_a_classic_domain(domain: str, code: str) -> None:
    _, _, found = load(domain=domain)
    assert code in [each.code for each in found]
    assert all(each.file == "domain.yml" and each.line >= 1 for each in found)


@pytest.mark.parametrize(
    ("nlu", "code"),
    [
        ("- intent: a", "CN-NLU-008"),
        ("- intnet: a\n  examples: |\n    - x", "CN-NLU-002"),
        ("- regex: a\n  examples: |\n    - (", "CN-NLU-009"),
        ("- intent: a\n  examples: |\n    - a [b]()", "CN-NLU-010"),
        ("- intent: a\n  examples: |\n    - a [b]{'entity'}", "CN-NLU-010"),
    ],
)
def test_mistakes_in_nlu_files(nlu: str, code: str) -> None:
    _, _, found = load(nlu=f"nlu:\n{nlu}\n")
    assert code in [each.code for each in found]


def test_entities_are_found_by_words_tables_and_patterns(compiled: Compiled) -> None:
    text = "Two flat breads and CHAI to dar-es-salaam, ABC-12"
    found = [(each.entity, each.value, text[each.start : each.end]) for each in find_entities(compiled, text)]
    assert found == [("item", "tea", "CHAI"), ("city", "Dar es Salaam", "dar-es-salaam"), ("code", "ABC-12", "ABC-12")]
    assert [each.value for each in find_entities(compiled, "a flat bread")] == ["flat bread"]
    assert find_entities(compiled, "") == []


# -- slot mappings --------------------------------------------------------------------------------

MAPPED = """
slots:
  by_entity: {type: text, mappings: [{type: from_entity, entity: e, role: to}]}
  all: {type: list, mappings: [{type: from_entity, entity: e}]}
  by_intent: {type: bool, mappings: [{type: from_intent, intent: [yes_, yeah], value: true}, {type: from_intent, intent: no_, value: false}]}
  by_trigger: {type: text, mappings: [{type: from_trigger_intent, intent: start, value: begun}]}
  by_text: {type: text, mappings: [{type: from_text, not_intent: chat}]}
  in_flow: {type: text, mappings: [{type: from_text, conditions: [{active_flow: f, requested_slot: by_text}]}]}
  in_other: {type: text, mappings: [{type: from_text, conditions: [{active_flow: g}]}]}
  by_llm: {type: text, mappings: [{type: from_llm}]}
  locked: {type: text, mappings: [{type: controlled}, {type: custom}]}
responses: {%s}
"""
SLOTS = ("by_text", "by_entity", "all", "by_intent", "by_trigger", "in_flow", "in_other", "by_llm", "locked")


@pytest.fixture(scope="module")
def mapped() -> Compiled:
    domain = MAPPED % ", ".join(f"utter_ask_{slot}: [{{text: {slot}}}]" for slot in SLOTS)
    steps = ", ".join(f"{{collect: {slot}}}" for slot in SLOTS)
    flows = (
        f"flows:\n  f: {{description: x, steps: [{steps}]}}\n  g: {{description: y, steps: [{{collect: by_llm}}]}}\n"
    )
    _, made, found = load(domain=domain, flows=flows)
    assert [str(each) for each in found if each.severity == "error"] == []
    return made


def values(compiled: Compiled, *, started: bool = True, starts: tuple[str, ...] = (), **given: Any) -> dict[str, Any]:
    state = FlowState()
    if started:
        state = advance(compiled, state, [StartFlow("f")], View(now=NOW)).state
    entities = [_entity(*each) for each in given.pop("entities", ())]
    made = map_slots(compiled, state, entities=entities, starts=starts, **given)
    assert all(each.source == "nlu" for each in made)
    return {each.name.partition(":")[2]: each.value for each in made}


def _entity(name: str, value: str, role: str = "") -> Any:
    from bot.flows.entities import Entity

    return Entity(name, value, 0, 1, role)


def test_each_mapping_fills_its_slot_and_no_other(mapped: Compiled) -> None:
    assert values(mapped, text="hi") == {"by_text": "hi", "in_flow": "hi"}
    assert values(mapped, text="hi", intent="chat") == {"in_flow": "hi"}
    assert values(mapped, intent="yeah") == {"by_intent": True}
    assert values(mapped, intent="no_") == {"by_intent": False}
    assert values(mapped, entities=[("e", "a"), ("e", "b", "to"), ("x", "c")]) == {"by_entity": "b", "all": ["a", "b"]}
    assert values(mapped, intent="start") == {}
    assert values(mapped, intent="start", started=False, starts=("shop:f",)) == {"by_trigger": "begun"}
    assert values(mapped, text="hi", started=False) == {}


def test_controlled_means_that_no_other_way_is_left(mapped: Compiled) -> None:
    assert {name for name, slot in mapped.slots.items() if slot.controlled and slot.skill == "shop"} == {"shop:locked"}


def test_the_entities_of_an_intent_fill_the_slots_that_are_mapped_to_them() -> None:
    domain = (
        "slots: {wanted: {type: text, mappings: [{type: from_entity, entity: item}]}, plain: {type: text},"
        " how: {type: text, mappings: [{type: from_trigger_intent, intent: buy, value: by button}]}}\n"
        "responses: {utter_ask_wanted: [{text: W}], utter_ask_plain: [{text: P}], utter_ask_how: [{text: H}], utter_x: [{text: '{wanted} {plain} {how}'}]}\n"
    )
    flows = "flows: {buy: {description: x, run_pattern_completed: false, nlu_trigger: [{intent: buy}], steps: [{collect: wanted}, {collect: plain}, {collect: how}, {action: utter_x}]}}"
    _, made, _ = load(domain=domain, flows=flows)
    assert Talk(made).write('/buy{"item": "tea", "plain": "milk"}') == ["tea milk by button"]
    assert Talk(made).write('/buy{"wanted": "rice", "item": "tea"}') == ["P"]
