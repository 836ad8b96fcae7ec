"""Whatever is said in whatever order: nothing raises, nothing gets lost, and the state stays consistent."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.flows import (
    ActionResult,
    Back,
    Cancel,
    CannotHandle,
    ChitChat,
    Clarify,
    Command,
    HandOff,
    Knowledge,
    Repeat,
    Restart,
    Resume,
    Retry,
    RunAction,
    Say,
    SessionStart,
    SetSlot,
    SkipQuestion,
    StartFlow,
    TimedOut,
    Unusable,
    UserText,
    WaitFor,
)
from tests.bot.flows.registration import DOMAIN, FLOWS
from tests.bot.flows.talk import Talk, compiled

MORE = """
  parent:
    description: Calls and waits
    steps:
      - collect: full_name
      - call: child
      - action: shop_wait
      - collect: seats
      - link: newsletter
  child:
    description: Called
    steps:
      - collect: email
      - collect: tier
        ask_before_filling: true
"""
COMPILED = compiled(FLOWS + MORE, DOMAIN.replace("actions: [shop_register]", "actions: [shop_register, shop_wait]"))
USER_FLOWS = [flow for flow in COMPILED.flows if flow.startswith("shop:")]

values: st.SearchStrategy[Any] = st.sampled_from(
    ["Ann", "a@x.co", "Gold", "Silver", 3, 99, True, False, None, "x", "true"]
)
slots = st.sampled_from(["full_name", "email", "tier", "lounge", "seats", "ok", "nothing"])
commands: st.SearchStrategy[Command] = st.one_of(
    st.builds(StartFlow, st.sampled_from([*USER_FLOWS, "nowhere", "core:pattern_completed"])),
    st.builds(SetSlot, slots, values),
    st.builds(UserText, st.sampled_from(["Ann", "a@x.co", "Gold", "3", "true", "?"])),
    st.builds(Clarify, st.lists(st.sampled_from(USER_FLOWS), max_size=3).map(tuple)),
    st.builds(Resume, st.just("done"), st.sampled_from(["k", "other"])),
    st.builds(TimedOut, st.just("done"), st.just("k")),
    st.sampled_from(
        [
            Cancel(),
            Back(),
            Repeat(),
            HandOff(),
            Restart(),
            SkipQuestion(),
            ChitChat(),
            Knowledge("q"),
            CannotHandle(),
            Retry(),
            Unusable("image"),
            SessionStart(),
            ActionResult(),
        ]
    ),
)
outcomes = st.sampled_from(["fine", "fine", "fails", "waits"])


def _action(outcome: str) -> ActionResult:
    if outcome == "fails":
        return ActionResult(failed="boom")
    wait = WaitFor("done", "k", timeout_s=5) if outcome == "waits" else None
    return ActionResult(messages=[Say("working")], wait=wait)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.lists(commands, min_size=1, max_size=3), outcomes), max_size=12))
def test_any_conversation_keeps_its_state_consistent(turns: list[tuple[list[Command], str]]) -> None:
    talk = Talk(COMPILED)
    for said, outcome in turns:
        talk.actions = {name: (lambda seen, o=outcome: _action(o)) for name in ("shop_register", "shop_wait")}
        talk.do(*said)
        _check(talk)


def _check(talk: Talk) -> None:
    state, pending = talk.state, talk.state.pending
    assert not isinstance(talk.effects[-1] if talk.effects else None, RunAction)
    roots = [frame.flow for frame in state.stack if frame.kind not in ("call", "pattern")]
    assert len(roots) == len(set(roots)), "a flow is on the stack twice"
    assert all(frame.kind != "call" for frame in state.stack[:1])
    if pending is None:
        assert state.stack == [], "something is open and waits for nothing"
        assert state.slots == {}, "slots of an ended flow are left"
        return
    top = state.stack[-1]
    assert (pending.flow, pending.step) == (top.flow, top.step)
    assert top.step in COMPILED.flows[top.flow].index
    assert (pending.kind == "event") == (top.wait is not None)
    if pending.slot is not None:
        assert state.slots.get(pending.slot) is None, "it asks for what it has"


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(commands, min_size=1, max_size=2), max_size=6))
def test_a_question_is_always_left_by_cancelling(turns: list[list[Command]]) -> None:
    talk = Talk(COMPILED, actions={name: (lambda seen: ActionResult()) for name in ("shop_register", "shop_wait")})
    for said in turns:
        talk.do(*said)
    for _ in range(len(USER_FLOWS) + 1):
        talk.do(Cancel())
    assert talk.state.stack == []
    assert talk.state.pending is None
