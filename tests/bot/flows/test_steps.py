"""Routing, set_slots, link, call, collect properties, guards, budgets."""

from __future__ import annotations

import pytest

from bot.flows import ActionResult, Cancel, SetSlot, StartFlow, UserText
from tests.bot.flows.talk import Talk, compiled, done

DOMAIN = """
slots:
  a: {type: text}
  b: {type: text}
  n: {type: float, initial_value: 0}
  flag: {type: bool}
actions: [count]
responses:
  utter_ask_a: [{text: "A?"}]
  utter_ask_b: [{text: "B?"}]
  utter_ask_flag: [{text: "Flag?"}]
  utter_one: [{text: "one"}]
  utter_two: [{text: "two"}]
  utter_three: [{text: "three"}]
  utter_n: [{text: "n={n}"}]
"""


def talk(steps: str, *, more: str = "", **options: object) -> Talk:
    flows = (
        "flows:\n  main:\n    description: The flow under test\n    run_pattern_completed: false\n    steps:\n"
        + steps
        + more
    )
    return Talk(compiled(flows, DOMAIN), **options)  # type: ignore[arg-type]


def test_the_first_true_branch_wins_and_blocks_may_be_nested() -> None:
    made = talk("""
      - collect: a
        next:
          - if: slots.a = 'x'
            then:
              - noop: true
                next:
                  - if: slots.n = 0
                    then:
                      - action: utter_one
                        next: last
                  - else: END
          - if: slots.a matches 'x'
            then: END
          - else: last
      - id: last
        action: utter_two
    """)
    made.do(StartFlow("main"))
    assert made.write("x") == ["one", "two"]
    made.do(StartFlow("main"))
    assert made.write("xx") == []
    made.do(StartFlow("main"))
    assert made.write("y") == ["two"]


def test_no_branch_true_means_the_end() -> None:
    made = talk("""
      - collect: a
        next:
          - if: slots.a = 'x'
            then: last
      - id: last
        action: utter_two
    """)
    made.do(StartFlow("main"))
    assert made.write("y") == []
    assert made.state.stack == []


def test_a_nested_block_without_next_ends_the_flow() -> None:
    made = talk("""
      - noop: true
        next:
          - if: slots.n = 0
            then:
              - action: utter_one
          - else: END
      - action: utter_two
    """)
    assert made.do(StartFlow("main")) == ["one"]


def test_a_jump_back_asks_again_when_the_slot_is_cleared() -> None:
    made = talk("""
      - id: ask
        collect: a
      - collect: flag
        ask_before_filling: true
        next:
          - if: slots.flag
            then:
              - set_slots: [{a: null}]
                next: ask
          - else: END
    """)
    made.do(StartFlow("main"))
    assert made.write("x") == ["Flag?"]
    assert made.write("yes") == ["A?"]
    assert made.write("y") == ["Flag?"]
    assert made.write("no") == []


def test_ask_before_filling_clears_once_per_visit_and_not_every_turn() -> None:
    made = talk("""
      - set_slots: [{a: old}]
      - collect: a
        ask_before_filling: true
      - action: utter_one
    """)
    assert made.do(StartFlow("main")) == ["A?"]
    assert made.slot("a") is None
    assert made.write("new") == ["one"]


def test_the_same_slot_collected_twice_is_asked_once() -> None:
    made = talk("""
      - collect: a
      - collect: b
      - collect: a
      - action: utter_one
    """)
    made.do(StartFlow("main"))
    assert made.write("x") == ["B?"]
    assert made.write("y") == ["one"]


def test_force_slot_filling_takes_the_raw_message_whatever_else_it_could_mean() -> None:
    made = talk("""
      - collect: a
        force_slot_filling: true
      - action: utter_one
    """)
    made.do(StartFlow("main"))
    assert made.do(Cancel()) == ["A?"]
    assert made.logged("command_dropped")[0]["reason"] == "force_slot_filling"
    assert made.write("cancel") == ["one"]


OTHER = """
  other:
    description: Another one
    run_pattern_completed: false
    if: "false"
    steps:
      - collect: b
      - action: utter_two
"""


def test_link_ends_the_flow_and_starts_the_target_without_asking_its_guard() -> None:
    made = talk("\n      - collect: a\n      - link: other\n", more=OTHER)
    made.do(StartFlow("main"))
    assert made.write("x") == ["B?"]
    assert made.slot("a") is None
    assert made.open_flows == ["other"]


def test_a_guarded_flow_cannot_be_started_by_a_wish_but_by_force_and_by_call() -> None:
    made = talk("\n      - call: other\n      - action: utter_three\n", more=OTHER)
    made.do(StartFlow("other"))
    assert made.state.stack == []
    assert made.logged("command_dropped")[0]["reason"] == "guard"
    assert made.do(StartFlow("other", forced=True)) == ["B?"]
    made.do(Cancel())
    made.do(StartFlow("main"))
    assert made.write("y") == ["two", "three"]


def test_a_link_to_the_hand_off() -> None:
    made = talk("\n      - link: pattern_human_handoff\n")
    [said] = made.do(StartFlow("main"))
    assert said.startswith("I have noted that you would like to talk to a person")
    assert [type(effect).__name__ for effect in made.effects].count("HandOffRequested") == 1
    assert made.state.stack == []


@pytest.mark.parametrize(
    "flows",
    [
        "flows:\n  main: {description: x, steps: [{noop: true, next: [{if: slots.a is null, then: [{link: other}]}, {else: END}]}]}\n"
        "  other: {description: y, steps: [{link: main}]}\n",
        "flows:\n  main: {description: x, steps: [{id: again, action: utter_one, next: [{if: slots.a, then: END}, {else: again}]}]}\n",
    ],
    ids=["links", "jumps"],
)
def test_going_in_circles_ends_with_an_apology(flows: str) -> None:
    made = Talk(compiled(flows, DOMAIN))
    assert made.do(StartFlow("main"))[-1] == "Sorry, something went wrong on our side. Please try again."
    assert made.state.stack == []
    assert made.write("hello") == [
        "Sorry, I did not understand that. Could you put it another way? *menu* shows what I can do."
    ]


def test_at_most_twenty_actions_run_in_one_turn() -> None:
    made = talk("\n      - id: again\n        action: count\n        next: again\n", actions={"count": done()})
    assert made.do(StartFlow("main"))[-1].startswith("Sorry, something went wrong")
    assert len(made.ran) == 20


def test_several_flows_run_in_the_order_said() -> None:
    made = talk("\n      - action: utter_one\n", more=OTHER.replace('    if: "false"\n', ""))
    assert made.do(StartFlow("main"), StartFlow("other")) == ["one", "B?"]
    made = Talk(made.flows)
    made.do(StartFlow("other"), StartFlow("main"))
    assert made.said == ["B?"]
    assert made.write("x") == ["two", "one"]


def test_cancel_beats_a_start_of_the_same_flow() -> None:
    made = talk("\n      - collect: a\n")
    made.do(StartFlow("main"))
    made.do(Cancel(), StartFlow("main"))
    assert made.state.stack == []


def test_commands_for_what_does_not_exist_are_dropped() -> None:
    made = talk("\n      - collect: a\n")
    made.do(StartFlow("main"))
    assert made.do(StartFlow("nowhere"), SetSlot("nothing", 1), SetSlot("b", "x")) == ["A?"]
    assert [entry["reason"] for entry in made.logged("command_dropped")] == [
        "unknown flow",
        "unknown slot",
        "no running flow asks for it",
    ]


def test_a_pattern_cannot_be_started_by_a_wish() -> None:
    made = talk("\n      - collect: a\n")
    made.do(StartFlow("core:pattern_human_handoff"))
    assert made.logged("command_dropped")[0]["reason"] == "unknown flow"


def test_an_explicit_listen_waits_for_any_message() -> None:
    made = talk("\n      - action: utter_one\n      - action: action_listen\n      - action: utter_two\n")
    assert made.do(StartFlow("main")) == ["one"]
    assert made.do(UserText("whatever")) == ["two"]


def test_unicode_flow_ids() -> None:
    made = Talk(compiled("flows:\n  تسجيل: {description: x, steps: [{action: utter_one}]}\n", DOMAIN))
    assert made.do(StartFlow("shop:تسجيل"))[0] == "one"


def test_clean_stack_ends_what_was_open() -> None:
    stop = """
  stop:
    description: Stop everything
    run_pattern_completed: false
    words: {en: [stop]}
    steps:
      - action: action_clean_stack
      - action: utter_three
"""
    made = talk("\n      - collect: a\n      - collect: b\n", more=stop)
    made.do(StartFlow("main"))
    made.write("x")
    assert made.write("STOP") == ["three"]
    assert made.state.stack == []
    assert made.slot("a") is None


def test_two_messages_at_once_are_two_turns() -> None:
    made = talk("\n      - collect: a\n      - collect: b\n      - action: utter_one\n")
    made.do(StartFlow("main"))
    made.do(UserText("x"))
    assert made.do(UserText("y")) == ["one"]


def test_an_action_result_that_nobody_asked_for_changes_nothing() -> None:
    made = talk("\n      - collect: a\n")
    made.do(StartFlow("main"))
    assert made.do(ActionResult(events=[{"event": "slot", "name": "a", "value": "x"}])) == []
    assert made.asked == "a"


def test_cancelling_one_flow_and_starting_another_in_one_message() -> None:
    made = talk("\n      - collect: a\n", more=OTHER.replace('    if: "false"\n', ""))
    made.do(StartFlow("main"))
    assert made.do(Cancel(), StartFlow("other")) == ["Okay, I have stopped: main.", "B?"]
    assert made.open_flows == ["other"]


def test_an_answer_and_another_flow_in_one_message() -> None:
    made = talk("\n      - collect: a\n      - action: utter_one\n", more=OTHER.replace('    if: "false"\n', ""))
    made.do(StartFlow("main"))
    assert made.do(SetSlot("a", "x"), StartFlow("other"), SetSlot("b", "y")) == [
        "two",
        "We have not finished this yet: *main*. Shall we go on with it?",
    ]
    assert made.write("yes") == ["one"]


def test_a_value_said_before_the_wish_belongs_to_it() -> None:
    made = talk("\n      - collect: a\n", more=OTHER.replace('    if: "false"\n', ""))
    assert made.do(SetSlot("b", "y"), StartFlow("other")) == ["two"]
