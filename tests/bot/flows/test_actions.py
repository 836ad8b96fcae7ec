"""Actions: suspending, setting slots, waiting for the outside, failing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from bot.flows import (
    ActionResult,
    Button,
    FlowState,
    Phase,
    Resume,
    RunAction,
    Say,
    SetSlot,
    StartFlow,
    TimedOut,
    UserText,
    WaitFor,
    advance,
)
from tests.bot.flows.talk import NOW, Talk, compiled, done

FLOWS = """
flows:
  ticket:
    description: Draws a ticket
    name: your ticket
    run_pattern_completed: false
    steps:
      - collect: who
      - id: draw
        action: draw
        next:
          - if: slots.drawn = 'yes'
            then:
              - action: utter_here
                next: END
          - if: slots.drawn = 'late'
            then:
              - action: utter_late
                next: END
          - else:
              - action: utter_failed
                next: END
  hours:
    description: Hours
    run_pattern_completed: false
    words: [hours]
    steps: [{action: utter_hours}]
  order:
    description: Orders
    run_pattern_completed: false
    words: [order]
    steps: [{collect: item}, {collect: size}, {action: utter_ordered}]
"""
DOMAIN = """
slots:
  who: {type: text}
  drawn: {type: text}
  points: {type: float}
  item: {type: text}
  size: {type: text, mappings: [{type: controlled}]}
actions: [draw, action_ask_size, validate_item]
responses:
  utter_ask_who: [{text: "Who?"}]
  utter_ask_item: [{text: "Item?"}]
  utter_here: [{text: "Here it is."}]
  utter_late: [{text: "It takes longer."}]
  utter_failed: [{text: "No ticket: {drawn}."}]
  utter_hours: [{text: "9 to 5."}]
  utter_ordered: [{text: "Ordered {item} {size}."}]
  utter_points: [{text: "You have {points} points, {rank}.", buttons: [{title: Spend, payload: /spend}]}]
"""
WAITING = "Still working on it. I will write as soon as it is done."


def made(**actions: Any) -> Talk:
    return Talk(compiled(FLOWS, DOMAIN), actions=actions)


def waits(seen: Mapping[str, Any]) -> ActionResult:
    wait = WaitFor("drawn", "job-1", timeout_s=60, slot="drawn", on_timeout="late")
    return ActionResult(messages=[Say("Drawing it.")], wait=wait)


def draw(talk: Talk) -> list[str]:
    talk.do(StartFlow("ticket"))
    return talk.write("Ann")


def test_an_action_that_speaks_and_sets_the_slot_the_next_branch_reads() -> None:
    both = ActionResult(messages=[Say("One moment.")], events=[{"event": "slot", "name": "drawn", "value": "yes"}])
    assert draw(made(draw=lambda seen: both)) == ["One moment.", "Here it is."]


def test_an_action_sees_its_slots_by_plain_names_null_included() -> None:
    seen_by_action: dict[str, Any] = {}
    talk = made(draw=lambda seen: (seen_by_action.update(seen), ActionResult())[1])
    draw(talk)
    assert seen_by_action["who"] == "Ann"
    assert seen_by_action["drawn"] is None


def test_a_slot_that_an_action_sets_outlives_the_flow_and_a_collected_one_does_not() -> None:
    talk = made(draw=done(drawn="yes", points=5))
    draw(talk)
    assert talk.state.slots == {"shop:drawn": "yes", "shop:points": 5.0}


def test_a_response_said_by_an_action_takes_slots_and_its_own_values_and_buttons() -> None:
    said = Say(utter="utter_points", values={"rank": "first"}, buttons=(Button("More", "/more"),))
    events = [{"event": "slot", "name": "points", "value": 3}]
    talk = made(draw=lambda seen: ActionResult(messages=[said], events=events))
    assert draw(talk)[0] == "You have 3 points, first."
    assert talk.buttons == ["Spend", "More"]


def test_the_key_of_an_action_is_the_same_when_the_turn_is_run_again() -> None:
    talk = made()
    start = advance(talk.flows, FlowState(), [StartFlow("ticket")], talk.view).state
    first = advance(talk.flows, start, [UserText("Ann")], talk.view)
    again = advance(talk.flows, start, [UserText("Ann")], talk.view)
    assert isinstance(first.effects[-1], RunAction)
    assert first.effects[-1] == again.effects[-1]
    assert first.effects[-1].name == "shop:draw"
    assert first.effects[-1].key == "shop:ticket.draw.1"


def test_while_an_action_runs_only_its_result_goes_on() -> None:
    talk = made()
    start = advance(talk.flows, FlowState(), [StartFlow("ticket")], talk.view).state
    running = advance(talk.flows, start, [UserText("Ann")], talk.view)
    other = advance(talk.flows, running.state, [UserText("hello?")], talk.view)
    assert isinstance(other.effects[-1], RunAction)
    assert other.effects[-1] == running.effects[-1]


def test_a_followup_action_runs_before_the_flow_goes_on() -> None:
    follow = ActionResult(events=[{"event": "followup", "name": "validate_item"}])
    talk = made(draw=lambda seen: follow, validate_item=done(drawn="yes"))
    assert draw(talk) == ["Here it is."]
    assert talk.ran == ["shop:draw", "shop:validate_item"]


def test_events_that_are_not_applied_are_refused_aloud() -> None:
    talk = made(
        draw=lambda seen: ActionResult(events=[{"event": "reminder"}, {"event": "slot", "name": "zzz", "value": 1}])
    )
    draw(talk)
    refused = talk.logged("event_refused")
    assert [each["event"] for each in refused] == ["reminder"]
    assert "turn.enqueue" in refused[0]["why"]
    assert talk.logged("unknown_slot")[0]["name"] == "zzz"


# -- failing --------------------------------------------------------------------------------------


def failing_once() -> Any:
    tries: list[int] = []

    def run(seen: Mapping[str, Any]) -> ActionResult:
        tries.append(1)
        if len(tries) == 1:
            return ActionResult(messages=[Say("half")], failed="boom")
        return ActionResult(events=[{"event": "slot", "name": "drawn", "value": "yes"}])

    return run


def test_a_failed_action_can_be_tried_again_where_it_stood() -> None:
    talk = made(draw=failing_once())
    assert draw(talk) == ["Sorry, something went wrong on our side. Shall I try again?"]
    assert talk.open_flows == ["ticket"]
    assert talk.tap("Try again") == ["Here it is."]


def test_after_a_failed_action_other_words_ask_whether_to_try_again() -> None:
    talk = made(draw=failing_once())
    draw(talk)
    assert talk.write("what now") == ["Sorry, something went wrong on our side. Shall I try again?"]
    assert talk.write("hours")[0] == "9 to 5."


def test_after_a_failed_action_the_flow_can_be_cancelled() -> None:
    talk = made(draw=failing_once())
    draw(talk)
    talk.tap("Cancel")
    assert talk.state.stack == []
    assert talk.slot("who") is None


# -- asking and validating by action --------------------------------------------------------------


def ordering(validate: Any) -> Talk:
    asks = ActionResult(
        messages=[Say("Which size?", (Button("Large", "/SetSlots(size=L)"), Button("Small", "/SetSlots(size=S)")))]
    )
    return made(action_ask_size=lambda seen: asks, validate_item=validate)


def test_an_action_may_ask_and_its_buttons_are_the_options() -> None:
    talk = ordering(done())
    talk.write("order")
    assert talk.write("bread") == ["Which size?"]
    assert talk.asked == "size"
    assert talk.write("2") == ["Ordered bread S."]


def test_a_controlled_slot_takes_buttons_and_no_free_words() -> None:
    talk = ordering(done())
    talk.write("order")
    talk.write("bread")
    assert talk.do(SetSlot("size", "XXL"))[-1] == "Which size?"
    assert talk.write("/SetSlots(size=XXL)")[-1] == "Which size?", "typed by hand it is no button"
    assert talk.tap("Large") == ["Ordered bread L."]


def test_a_validating_action_runs_once_per_value_and_may_refuse_it() -> None:
    def validate(seen: Mapping[str, Any]) -> ActionResult:
        if seen["item"] == "air":
            return ActionResult(
                messages=[Say("Not for sale.")], events=[{"event": "slot", "name": "item", "value": None}]
            )
        return ActionResult(events=[{"event": "slot", "name": "item", "value": str(seen["item"]).upper()}])

    talk = ordering(validate)
    talk.write("order")
    assert talk.write("air") == ["Not for sale.", "Item?"]
    talk.write("bread")
    assert talk.slot("item") == "BREAD"
    assert talk.ran == ["shop:validate_item", "shop:validate_item", "shop:action_ask_size"]


# -- waiting for the outside ----------------------------------------------------------------------


@pytest.fixture
def waiting() -> Talk:
    talk = made(draw=waits)
    assert draw(talk) == ["Drawing it."]
    return talk


def test_waiting_has_a_deadline_and_a_place(waiting: Talk) -> None:
    assert waiting.state.phase == Phase.WAITING
    pending = waiting.state.pending
    assert pending is not None
    assert (pending.event, pending.key, pending.until) == ("drawn", "job-1", NOW + timedelta(seconds=60))
    told = next(effect for effect in waiting.effects if isinstance(effect, WaitFor))
    assert told.until == NOW + timedelta(seconds=60)


def test_the_event_resumes_the_flow_with_its_slots(waiting: Talk) -> None:
    assert waiting.do(Resume("drawn", "job-1", {"drawn": "yes"})) == ["Here it is."]
    assert waiting.state.phase == Phase.IDLE


def test_a_timeout_is_seen_by_a_branch(waiting: Talk) -> None:
    assert waiting.do(TimedOut("drawn", "job-1")) == ["It takes longer."]


@pytest.mark.parametrize("command", [Resume("drawn", "job-2"), Resume("paid", "job-1"), TimedOut("drawn", "")])
def test_a_wrong_key_is_ignored(waiting: Talk, command: Resume | TimedOut) -> None:
    before = json.dumps(waiting.state.to_json()["stack"])
    assert waiting.do(command) == []
    assert waiting.logged("resume_ignored")
    assert json.dumps(waiting.state.to_json()["stack"]) == before
    assert waiting.state.phase == Phase.WAITING


def test_the_second_of_two_events_is_ignored(waiting: Talk) -> None:
    waiting.do(Resume("drawn", "job-1", {"drawn": "yes"}))
    assert waiting.do(Resume("drawn", "job-1", {"drawn": "yes"})) == []


def test_words_meanwhile_are_answered_with_patience(waiting: Talk) -> None:
    assert waiting.write("well?") == [WAITING]
    assert waiting.state.phase == Phase.WAITING


def test_a_flow_in_between_does_not_ask_whether_to_go_on_waiting(waiting: Talk) -> None:
    assert waiting.write("hours") == ["9 to 5."]
    assert waiting.state.phase == Phase.WAITING


def test_the_event_finds_its_flow_below_another_whose_question_comes_again(waiting: Talk) -> None:
    assert waiting.write("order") == ["Item?"]
    assert waiting.state.phase == Phase.LOCKED
    assert waiting.do(Resume("drawn", "job-1", {"drawn": "yes"})) == ["Here it is.", "Item?"]
    assert waiting.open_flows == ["order"]


def test_waiting_can_be_cancelled(waiting: Talk) -> None:
    assert waiting.write("cancel")[0] == "Okay, I have stopped: your ticket."
    assert waiting.do(Resume("drawn", "job-1", {"drawn": "yes"})) == []
