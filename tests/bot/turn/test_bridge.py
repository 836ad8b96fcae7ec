"""Plain rasa-sdk actions behind the bridge: what they see, what of theirs is applied, and what they cannot do to others.

The numbers are those of engine.md section 9, "Traps of rasa-sdk".
"""

from __future__ import annotations

import asyncio
import inspect
import json
import re
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar
from uuid import UUID

import pytest
from rasa_sdk import Action, FormValidationAction, Tracker, ValidationAction
from rasa_sdk import events as sdk_events
from rasa_sdk.interfaces import ActionExecutionRejection
from rasa_sdk.knowledge_base.actions import ActionQueryKnowledgeBase
from rasa_sdk.knowledge_base.storage import InMemoryKnowledgeBase

from bot.actions import Turn
from bot.errors import Permanent
from bot.flows import (
    ActionResult,
    Compiled,
    FlowState,
    Log,
    RunAction,
    Say,
    SetSlot,
    StartFlow,
    View,
    advance,
    compile_flows,
    load_skill,
)
from bot.flows.outside import APPLIED, RECORDED, REFUSED, why_refused
from bot.skill import ContactInfo, OrganizationInfo
from bot.turn import bridge
from bot.turn.threads import Threads, ThreadsBusy
from bot.turn.tracker import domain_of, tracker_of

NOW = datetime(2026, 11, 1, 9, 0, tzinfo=UTC)

FLOWS = """
flows:
  order:
    description: orders something
    steps:
      - collect: item
      - action: action_price
      - action: utter_done
"""
DOMAIN = """
entities: [item]
slots:
  item: {type: text, mappings: [{type: from_entity, entity: item}]}
  size: {type: text, mappings: [{type: from_entity, entity: size, conditions: [{active_loop: size_form}]}]}
  city: {type: text}
  price: {type: float, mappings: [{type: controlled}]}
  seen: {type: list, mappings: [{type: controlled}]}
actions: [action_price, validate_size_form]
forms:
  size_form: {required_slots: [size, city]}
responses:
  utter_ask_item: [{text: Which item?}]
  utter_ask_size: [{text: Which size?}]
  utter_ask_city: [{text: Which city?}]
  utter_done: [{text: "Done: {price}"}]
  utter_priced: [{text: "{item} costs {amount}", buttons: [{title: Buy, payload: buy}]}]
"""
NLU = """
nlu:
- intent: order_something
  examples: |
    - a [big cake]{"entity": "item", "value": "cake"} please
- lookup: item
  examples: |
    - bread
    - flat bread
- regex: phone
  examples: |
    - \\d{4}
"""


@pytest.fixture(scope="module")
def compiled() -> Compiled:
    skill = load_skill("shop", {"flows.yml": FLOWS, "domain.yml": DOMAIN, "nlu.yml": NLU})
    other = load_skill(
        "bank",
        {"domain.yml": "slots: {balance: {type: float}}\nactions: [action_price]\nresponses: {utter_b: [{text: b}]}"},
    )
    made = compile_flows([skill, other])
    assert [str(d) for d in (*skill.diagnostics, *made.diagnostics) if d.severity == "error"] == []
    return made


def turn(text: str = "flat bread") -> Turn:
    return Turn(
        organization=OrganizationInfo(UUID(int=1), "Acme", "KE", "en", "Africa/Nairobi"),
        contact=ContactInfo(UUID(int=2), "Ann", "en"),
        session_id=UUID(int=3),
        account_id=UUID(int=4),
        inbox_id=UUID(int=5),
        step="shop:order.1_action.1",
        now=NOW,
        locale="en",
        text=text,
        message=None,
        slots={},
        work=None,
    )


def at_action(compiled: Compiled, *commands: Any, flow: str = "shop:order") -> FlowState:
    step = advance(compiled, FlowState(), [StartFlow(flow), *commands], View(now=NOW))
    assert isinstance(step.effects[-1], RunAction), step.effects
    return step.state


async def run(compiled: Compiled, action: Any, state: FlowState | None = None, **options: Any) -> ActionResult:
    state = state or at_action(compiled, SetSlot("item", "bread"))
    text = options.pop("text", "flat bread")
    return await bridge.run_action(action, turn(text), state, compiled, skill="shop", **options)


def effects(compiled: Compiled, result: ActionResult) -> list[Any]:
    return advance(compiled, at_action(compiled, SetSlot("item", "bread")), [result], View(now=NOW)).effects


class Plain(Action):
    def __init__(self, deed: Any = None) -> None:
        self.deed = deed

    def name(self) -> str:
        return "action_price"

    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> Any:
        return self.deed(dispatcher, tracker, domain) if self.deed else []


class Blocking(Plain):
    def run(self, dispatcher: Any, tracker: Any, domain: Any) -> Any:  # type: ignore[override]
        return self.deed(dispatcher, tracker, domain)


@pytest.fixture
def threads() -> Threads:
    return Threads(2)


# -- the tracker ----------------------------------------------------------------------------------


def test_the_tracker_goes_through_the_real_class_and_back(compiled: Compiled) -> None:
    made = tracker_of(turn(), at_action(compiled, SetSlot("item", "bread")), compiled, "shop")
    assert json.loads(json.dumps(made)) == made
    real = Tracker.from_dict(json.loads(json.dumps(made)))
    back = real.current_state()
    for key in (
        "sender_id",
        "slots",
        "latest_message",
        "paused",
        "events",
        "latest_action_name",
        "active_loop",
    ):
        assert back[key] == made[key], key
    assert back["stack"] == made["stack"]
    again = Tracker.from_dict(back)
    assert again.current_state() == back


def test_all_slots_of_the_domain_are_sent_null_included(compiled: Compiled) -> None:
    """Trap 12."""
    slots = tracker_of(turn(), at_action(compiled, SetSlot("item", "bread")), compiled, "shop")["slots"]
    assert slots["item"] == "bread"
    assert {"size", "city", "price", "seen"} <= {name for name, value in slots.items() if value is None}
    assert "balance" not in slots


def test_the_latest_message_has_every_field_that_actions_read(compiled: Compiled) -> None:
    """Trap 10."""
    tracker = Tracker.from_dict(tracker_of(turn("a big cake, 2000"), FlowState(), compiled, "shop"))
    assert tracker.get_intent_of_latest_message() is None
    assert tracker.get_latest_input_channel() == "whatsapp"
    message = tracker.latest_message
    assert (message["text"], message["intent"]["name"], message["metadata"]["idempotency_key"][:8]) == (
        "a big cake, 2000",
        None,
        "00000000",
    )
    assert [(each["entity"], each["value"]) for each in message["entities"]] == [("item", "cake"), ("phone", "2000")]
    assert list(tracker.get_latest_entity_values("item")) == ["cake"]


def test_a_slash_message_is_its_intent(compiled: Compiled) -> None:
    tracker = Tracker.from_dict(tracker_of(turn('/buy{"item": "tea"}'), FlowState(), compiled, "shop"))
    assert tracker.get_intent_of_latest_message() == "buy"
    assert list(tracker.get_latest_entity_values("item")) == ["tea"]


# -- the traps ------------------------------------------------------------------------------------


async def test_an_action_sees_its_own_skills_domain_and_keeps_nothing_of_it(compiled: Compiled) -> None:
    """Trap 1: rasa-sdk's executor gives the domain of the previous call to a call without one."""
    seen: list[dict[str, Any]] = []

    def look(dispatcher: Any, tracker: Any, domain: Any) -> Any:
        seen.append(json.loads(json.dumps(domain)))
        domain["slots"]["stolen"] = domain.pop("responses")
        return []

    await run(compiled, Plain(look))
    await run(compiled, Plain(look))
    assert seen[0] == seen[1]
    assert "utter_priced" in seen[0]["responses"]
    assert "balance" not in seen[0]["slots"]
    assert set(domain_of(compiled, "bank")["slots"]) >= {"balance"}
    assert "item" not in domain_of(compiled, "bank")["slots"]
    assert domain_of(compiled, "nobody")["slots"] == {}


async def test_what_one_call_leaves_on_self_is_not_seen_by_the_next(compiled: Compiled) -> None:
    """Trap 4."""

    class Remembers(Action):
        def __init__(self) -> None:
            self.people: list[str] = []

        def name(self) -> str:
            return "action_price"

        async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> Any:
            self.people.append(tracker.sender_id)
            return [sdk_events.SlotSet("seen", list(self.people))]

    class HoldsALock(Remembers):
        def __init__(self) -> None:
            super().__init__()
            self.lock = threading.Lock()  # cannot be copied

    for kind in (Remembers, HoldsALock):
        action = kind()
        for _ in range(2):
            result = await run(compiled, action)
            assert len(result.events[0]["value"]) == 1


async def test_a_class_that_says_it_keeps_nothing_is_used_as_it_is(compiled: Compiled) -> None:
    class Stateless(Plain):
        stateless: ClassVar[bool] = True

    seen: list[int] = []
    action = Stateless(lambda dispatcher, tracker, domain: seen.append(1) or [])
    await run(compiled, action)
    assert seen == [1]


async def test_what_an_action_writes_into_the_tracker_is_not_applied(compiled: Compiled) -> None:
    """Trap 5."""

    def scribble(dispatcher: Any, tracker: Any, domain: Any) -> Any:
        tracker.slots["item"] = "stolen"
        tracker.events.append({"event": "slot", "name": "price", "value": 1})
        tracker.latest_message.clear()
        return [sdk_events.SlotSet("price", 5)]

    state = at_action(compiled, SetSlot("item", "bread"))
    before = json.dumps(state.to_json())
    result = await run(compiled, Plain(scribble), state)
    assert json.dumps(state.to_json()) == before
    assert [event["name"] for event in result.events] == ["price"]


async def test_a_blocking_action_does_not_stop_the_others(compiled: Compiled, threads: Threads) -> None:
    """Trap 6."""
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.005)
            ticks += 1

    ticking = asyncio.create_task(tick())
    slow = Blocking(lambda *_: time.sleep(0.3) or [sdk_events.SlotSet("price", 3)])
    result = await run(compiled, slow, threads=threads)
    ticking.cancel()
    assert result.events[0]["value"] == 3
    assert ticks > 20


async def test_an_action_that_takes_too_long_fails_and_its_thread_is_counted(
    compiled: Compiled, threads: Threads
) -> None:
    release = threading.Event()
    stuck = Blocking(lambda *_: release.wait(10) and [])
    for _ in range(2):
        with pytest.raises(Permanent, match="took longer"):
            await run(compiled, stuck, timeout_s=0.2, threads=threads)
    assert threads.lost == 2
    with pytest.raises(Permanent, match="busy, 2 of them for nobody"):
        await run(compiled, Blocking(lambda *_: []), timeout_s=0.2, threads=threads)
    release.set()
    for _ in range(100):
        if threads.lost == 0:
            break
        await asyncio.sleep(0.02)
    assert (await run(compiled, Blocking(lambda *_: []), threads=threads)).events == []


async def test_a_coroutine_that_takes_too_long_fails_too(compiled: Compiled) -> None:
    class Slow(Plain):
        async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> Any:
            await asyncio.sleep(5)

    with pytest.raises(Permanent, match=r"took longer than 0\.1 s"):
        await run(compiled, Slow(), timeout_s=0.1)


@pytest.mark.parametrize("kind", [Plain, Blocking])
async def test_an_exception_reaches_the_caller_and_nothing_is_said(compiled: Compiled, kind: type[Plain]) -> None:
    """Trap 7: what was said before the exception is lost on purpose, the step is offered again as a whole."""

    def break_off(dispatcher: Any, tracker: Any, domain: Any) -> Any:
        dispatcher.utter_message(text="half")
        raise KeyError("x")

    with pytest.raises(KeyError):
        await run(compiled, kind(break_off))


@pytest.mark.parametrize("kind", [Plain, Blocking])
async def test_an_action_cannot_end_the_process(compiled: Compiled, kind: type[Plain]) -> None:
    """Trap 3, at run time; at load time it is the registry's (tests/bot/test_registry.py)."""

    def leave(*_: Any) -> Any:
        raise SystemExit(1)

    with pytest.raises((Permanent, RuntimeError), match=r"end the process|SystemExit"):
        await run(compiled, kind(leave))


async def test_a_rejection_is_no_error_and_the_flow_goes_on(compiled: Compiled) -> None:
    """Trap 8."""

    def reject(*_: Any) -> Any:
        raise ActionExecutionRejection("action_price")

    result = await run(compiled, Plain(reject))
    made = effects(compiled, result)
    assert [effect.text for effect in made if isinstance(effect, Say)][:1] == ["Done: "]
    assert [effect.detail["name"] for effect in made if isinstance(effect, Log) and effect.kind == "action_rejected"]


def _every_event() -> list[dict[str, Any]]:
    """All event functions of rasa-sdk, called."""
    made = [
        sdk_events.UserUttered("x"),
        sdk_events.BotUttered("x"),
        sdk_events.SlotSet("price", 5),
        sdk_events.Restarted(),
        sdk_events.SessionStarted(),
        sdk_events.SessionEnded(),
        sdk_events.UserUtteranceReverted(),
        sdk_events.AllSlotsReset(),
        sdk_events.ReminderScheduled("x", NOW),
        sdk_events.ReminderCancelled(),
        sdk_events.ActionReverted(),
        sdk_events.StoryExported(),
        sdk_events.FollowupAction("utter_done"),
        sdk_events.ConversationPaused(),
        sdk_events.ConversationResumed(),
        sdk_events.ActionExecuted("x"),
        sdk_events.AgentUttered("x"),
        sdk_events.ActiveLoop("size_form"),
        sdk_events.LoopInterrupted(True),
        sdk_events.ActionExecutionRejected("x"),
    ]
    return made


@pytest.mark.parametrize("event", _every_event(), ids=lambda event: event["event"])
def test_every_event_is_applied_recorded_or_refused_with_a_reason(compiled: Compiled, event: dict[str, Any]) -> None:
    """Trap 9."""
    kind = event["event"]
    assert (kind in APPLIED) + (kind in RECORDED) + (kind in REFUSED) == 1
    made = effects(compiled, ActionResult(events=[json.loads(json.dumps(event, default=str))]))
    refused = [effect for effect in made if isinstance(effect, Log) and effect.kind == "event_refused"]
    assert bool(refused) == (kind in REFUSED)
    assert all(effect.detail["why"] for effect in refused)


def test_no_event_of_the_sdk_is_forgotten() -> None:
    functions = {
        name: function
        for name, function in vars(sdk_events).items()
        if inspect.isfunction(function) and name[0].isupper() and function.__module__ == sdk_events.__name__
    }
    source = "".join(inspect.getsource(function) for function in functions.values())
    kinds = set(re.findall(r'"event": "(\w+)"', source))
    assert kinds == {event["event"] for event in _every_event()}


def test_an_event_that_nobody_knows_is_refused_too() -> None:
    assert why_refused({"event": "dance"})
    assert why_refused({})


async def test_what_is_refused_is_logged_for_whoever_runs_the_system(
    compiled: Compiled, caplog: pytest.LogCaptureFixture
) -> None:
    await run(compiled, Plain(lambda *_: [sdk_events.ReminderScheduled("x", NOW), "no event"]))
    assert [record.message for record in caplog.records] == ["event of an action refused", "no event"]


def test_events_change_slots_and_stack(compiled: Compiled) -> None:
    state = at_action(compiled, SetSlot("item", "bread"))
    reset = advance(compiled, state, [ActionResult(events=[sdk_events.AllSlotsReset()])], View(now=NOW)).state
    assert reset.slots.get("shop:item") is None
    restarted = advance(compiled, state, [ActionResult(events=[sdk_events.Restarted()])], View(now=NOW)).state
    assert restarted.stack == []
    followed = advance(
        compiled, state, [ActionResult(events=[sdk_events.FollowupAction("utter_ask_city")])], View(now=NOW)
    )
    assert [effect.text for effect in followed.effects if isinstance(effect, Say)][:2] == ["Which city?", "Done: "]


async def test_a_response_said_by_an_action_is_filled_and_its_buttons_extended(compiled: Compiled) -> None:
    """Trap 11."""

    def say(dispatcher: Any, tracker: Any, domain: Any) -> Any:
        dispatcher.utter_message(response="utter_priced", amount=5, buttons=[{"title": "No", "payload": "no"}])
        dispatcher.utter_message(text="plain", image="https://x/y.png", elements=[{"a": 1}])
        return [sdk_events.SlotSet("price", 5)]

    said = [effect for effect in effects(compiled, await run(compiled, Plain(say))) if isinstance(effect, Say)]
    assert said[0].text == "bread costs 5"
    assert [button.title for button in said[0].buttons] == ["Buy", "No"]
    assert (said[1].text, said[1].image, said[1].custom) == ("plain", "https://x/y.png", {"elements": [{"a": 1}]})
    assert said[2].text == "Done: 5"


async def test_an_action_that_says_too_much_or_nonsense_fails(compiled: Compiled) -> None:
    def talk(dispatcher: Any, *_: Any) -> Any:
        for _ in range(100):
            dispatcher.utter_message(text="x")

    def nonsense(dispatcher: Any, *_: Any) -> Any:
        dispatcher.utter_message(json_message={"type": "nonsense"})

    for deed in (talk, nonsense):
        with pytest.raises(Permanent):
            await run(compiled, Plain(deed))


# -- the other classes of rasa-sdk ----------------------------------------------------------------


class ValidateSize(FormValidationAction):
    def name(self) -> str:
        return "validate_size_form"

    async def required_slots(self, domain_slots: list[str], dispatcher: Any, tracker: Any, domain: Any) -> list[str]:
        return [slot for slot in domain_slots if slot != "city" or tracker.get_slot("size") != "small"]

    def validate_size(self, value: Any, dispatcher: Any, tracker: Any, domain: Any) -> dict[str, Any]:
        if value not in ("small", "large"):
            dispatcher.utter_message(text="small or large")
            return {"size": None}
        return {"size": value}


async def test_a_form_is_validated_by_its_action(compiled: Compiled) -> None:
    state = advance(compiled, FlowState(), [StartFlow("shop:size_form")], View(now=NOW)).state
    step = advance(compiled, state, [SetSlot("size", "huge")], View(now=NOW))
    assert isinstance(step.effects[-1], RunAction)
    assert step.effects[-1].name == "shop:validate_size_form"
    tracker = tracker_of(turn(), step.state, compiled, "shop")
    assert tracker["active_loop"] == {"name": "size_form"}
    result = await run(compiled, ValidateSize(), step.state)
    step = advance(compiled, step.state, [result], View(now=NOW))
    assert [effect.text for effect in step.effects if isinstance(effect, Say)] == ["small or large", "Which size?"]
    step = advance(compiled, step.state, [SetSlot("size", "large")], View(now=NOW))
    step = advance(compiled, step.state, [await run(compiled, ValidateSize(), step.state)], View(now=NOW))
    assert [effect.text for effect in step.effects if isinstance(effect, Say)] == ["Which city?"]


async def test_a_form_may_want_fewer_slots_after_an_answer(compiled: Compiled) -> None:
    state = advance(compiled, FlowState(), [StartFlow("shop:size_form")], View(now=NOW)).state
    step = advance(compiled, state, [SetSlot("size", "small")], View(now=NOW))
    step = advance(compiled, step.state, [await run(compiled, ValidateSize(), step.state)], View(now=NOW))
    assert "Which city?" not in [effect.text for effect in step.effects if isinstance(effect, Say)]
    assert [frame.flow for frame in step.state.stack if frame.kind != "pattern"] == []
    assert step.state.slots["shop:size"] == "small"


async def test_slot_mappings_may_be_validated_by_one_action() -> None:
    domain = (
        "slots: {age: {type: float}}\nactions: [action_validate_slot_mappings]\n"
        "responses: {utter_ask_age: [{text: Age?}], utter_ok: [{text: ok}]}"
    )
    flows = "flows: {ask: {description: x, steps: [{collect: age}, {action: utter_ok}]}}"
    compiled = compile_flows([load_skill("shop", {"flows.yml": flows, "domain.yml": domain})])

    class Validate(ValidationAction):
        def validate_age(self, value: Any, dispatcher: Any, tracker: Any, domain: Any) -> dict[str, Any]:
            return {"age": value if value >= 18 else None}

    state = advance(compiled, FlowState(), [StartFlow("ask"), SetSlot("age", 12)], View(now=NOW)).state
    result = await run(compiled, Validate(), state)
    step = advance(compiled, state, [result], View(now=NOW))
    assert [effect.text for effect in step.effects if isinstance(effect, Say)] == ["Age?"]
    state = advance(compiled, step.state, [SetSlot("age", 20)], View(now=NOW)).state
    step = advance(compiled, state, [await run(compiled, Validate(), state)], View(now=NOW))
    assert next(effect.text for effect in step.effects if isinstance(effect, Say)) == "ok"


async def test_the_knowledge_base_class_answers(tmp_path: Path) -> None:
    file = tmp_path / "hotels.json"
    file.write_text(json.dumps({"hotel": [{"id": 0, "name": "Hilton"}, {"id": 1, "name": "Serena"}]}))
    domain = (
        "entities: [object_type]\nslots: {object_type: {type: text}, attribute: {type: text}, mention: {type: text},"
        " knowledge_base_last_object: {}, knowledge_base_last_object_type: {}, knowledge_base_listed_objects: {},"
        " knowledge_base_objects: {}}\nactions: [action_query_knowledge_base]"
    )
    nlu = "nlu:\n- lookup: object_type\n  examples: |\n    - hotel\n"
    flows = "flows: {find: {description: x, steps: [{action: action_query_knowledge_base}]}}"
    compiled = compile_flows([load_skill("shop", {"flows.yml": flows, "domain.yml": domain, "nlu.yml": nlu})])

    class Base(ActionQueryKnowledgeBase):
        def __init__(self) -> None:
            super().__init__(InMemoryKnowledgeBase(str(file)))

    state = advance(compiled, FlowState(), [StartFlow("find")], View(now=NOW)).state
    state.slots["shop:object_type"] = "hotel"
    result = await run(compiled, Base(), state, text="hotel")
    texts = [message.text for message in result.messages]
    assert any("Hilton" in text for text in texts), texts


async def test_threads_do_not_wait_for_ever() -> None:
    threads = Threads(1)
    release = threading.Event()
    with pytest.raises(TimeoutError):
        await threads.run(lambda: release.wait(5), timeout_s=0.05)
    with pytest.raises(ThreadsBusy):
        await threads.run(lambda: None, timeout_s=0.05)
    release.set()
