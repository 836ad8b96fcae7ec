"""What a conversation test expects of the bot: the step kinds and assertions of Rasa's e2e format."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.flows import Button, Effect, Log, RunAction, Say
from bot.messages import Text
from bot.testing.fakes import Received

__all__ = ["JUDGED", "STEPS", "Heard", "assertion_kinds", "check", "kind_problem"]


STEPS = (
    "utter",
    "bot",
    "slot_was_set",
    "slot_was_not_set",
)  # steps of their own; everything else stands under `assertions`
JUDGED = ("generative_response_is_relevant", "generative_response_is_grounded")  # by a model, which no test here asks


@dataclass(frozen=True, slots=True)
class Heard:
    """What happened since somebody last did something: on one person's phone, in the engine, and the slots as they are now."""

    skill: str
    messages: Sequence[Received]
    effects: Sequence[Effect]
    slots: Mapping[str, Any]

    @property
    def texts(self) -> list[str]:
        return [each.text for each in self.messages]

    @property
    def uttered(self) -> list[str]:
        return [each.utter for each in self.effects if isinstance(each, Say) and each.utter]

    def logs(self, kind: str) -> list[Mapping[str, Any]]:
        return [each.detail for each in self.effects if isinstance(each, Log) and each.kind == kind]

    def loaded(self, name: str) -> str:
        return name if ":" in name else f"{self.skill}:{name}"

    def has(self, ids: Sequence[Any], name: str) -> bool:
        """A plain name is the skill's, or one of the engine's own."""
        return self.loaded(name) in ids or f"core:{name}" in ids or name in ids

    def until(self, first: int, end: int) -> Heard:
        """Only what happened in this part of the turn; texts as the engine said them."""
        effects = self.effects[first:end]
        said = [
            Received(Text(text=each.text), each.text, tuple((b.title, b.payload) for b in each.buttons))
            for each in effects
            if isinstance(each, Say)
        ]
        return Heard(self.skill, said, effects, self.slots)


def check(step: Mapping[str, Any], heard: Heard, *, is_assertion: bool = False) -> None:
    """
    Raises:
        AssertionError: with what was expected and what happened.
    """
    for key, value in step.items():
        if key == "assertions":
            (_check_in_order if step.get("assertion_order_enabled") else _check_each)(value or (), heard)
        elif key not in ("from", "metadata", "assertion_order_enabled"):
            _KINDS[str(key)](_as_assertion(value) if is_assertion else value, heard)


def assertion_kinds() -> list[str]:
    """What may stand under `assertions`, judged ones aside."""
    return [each for each in _KINDS if each not in ("utter", "bot")]


def kind_problem(key: str, *, is_assertion: bool, acts: Sequence[str] = ()) -> str:
    """What is wrong with a key of a step or an assertion; empty: nothing. `acts`: what else a step may be."""
    known = sorted({*_KINDS, *JUDGED}) if is_assertion else sorted(_KINDS)
    if key in known:
        return ""
    known = sorted({*known, *acts})
    near = difflib.get_close_matches(key, known, 1)
    what = "assertion" if is_assertion else "step kind"
    return f"there is no {what} {key!r}" + (f"; did you mean {near[0]!r}?" if near else f"; one of {known}")


def _check_each(assertions: Sequence[Mapping[str, Any]], heard: Heard) -> None:
    for assertion in assertions:
        check(assertion, heard, is_assertion=True)


def _check_in_order(assertions: Sequence[Mapping[str, Any]], heard: Heard) -> None:
    """Each must come true no earlier than the one before it."""
    first = 0
    for assertion in assertions:
        check(assertion, heard, is_assertion=True)
        if any(str(key) in _ABSENT for key in assertion):
            continue
        end = next((end for end in range(first + 1, len(heard.effects) + 1) if _holds(assertion, heard, first, end)), 0)
        assert end, f"{_plain(assertion)} expected after the assertions before it, it came earlier"
        first = end - 1


def _holds(assertion: Mapping[str, Any], heard: Heard, first: int, end: int) -> bool:
    try:
        check(assertion, heard.until(first, end), is_assertion=True)
    except AssertionError:
        return False
    return True


class _Assertion(list[Any]):
    """Slots of an assertion: `{name: x, value: 1}` there, `{x: 1}` in a step."""


def _as_assertion(value: Any) -> Any:
    return _Assertion(value) if isinstance(value, list) else value


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list) else value


def _utter(value: Any, heard: Heard) -> None:
    assert heard.has(heard.uttered, str(value)), f"{value} expected, uttered: {heard.uttered}"


def _bot(value: Any, heard: Heard) -> None:
    wanted = str(value).strip()
    assert any(text.strip() == wanted for text in heard.texts), f"the text {wanted!r} expected"


def _slot_was_set(value: Any, heard: Heard) -> None:
    """In this turn: a value held from before is none that was set. Emptied (`x: null`) is set to nothing."""
    for name, wanted, any_value in _slots(value):
        slot = heard.loaded(name)
        values = [each.detail.get("value") for each in _slot_logs(heard) if each.detail.get("slot") == slot]
        if any_value:
            assert any(each is not None for each in values), f"slot {name} expected to be set, it was not"
            continue
        held = f"; it holds {heard.slots[slot]!r} from before" if not values and slot in heard.slots else ""
        assert any(_same(each, wanted) for each in values), (
            f"slot {name} expected to be set to {_plain(wanted)!r} in this turn, it was set to {values}{held}"
        )


def _slot_was_not_set(value: Any, heard: Heard) -> None:
    for name, wanted, any_value in _slots(value):
        slot = heard.loaded(name)
        values = [each.detail.get("value") for each in _slot_logs(heard) if each.detail.get("slot") == slot]
        wrong = (
            [each for each in values if each is not None]
            if any_value
            else [each for each in values if _same(each, wanted)]
        )
        assert not wrong, f"slot {name} expected not to be set, it was set to {wrong}"


def _flow(kind: str) -> Callable[[Any, Heard], None]:
    def expect(value: Any, heard: Heard) -> None:
        seen = heard.logs(kind)
        found = [heard.has([each.get("flow") for each in seen], name) for name in _flows(value)]
        some = isinstance(value, Mapping) and value.get("operator") == "any"
        assert any(found) if some else all(found), (
            f"{kind} {_plain(value)} expected, seen: {[each.get('flow') for each in seen]}"
        )
        step = value.get("flow_step_id") if isinstance(value, Mapping) else None
        if step is not None:
            last = _last_steps(heard, kind, str(value["flow_id"]))
            assert str(step) in last, f"{kind} at step {step} expected, it was at {last}"

    return expect


def _last_steps(heard: Heard, kind: str, flow: str) -> list[str]:
    """The steps at which the flow stood when it ended."""
    found: list[str] = []
    at = ""
    for each in heard.effects:
        if not isinstance(each, Log) or not heard.has([each.detail.get("flow")], flow):
            continue
        if each.kind == "step":
            at = each.detail["step"]
        elif each.kind == kind:
            found.append(str(each.detail.get("step") or at))
    return found


def _action_executed(value: Any, heard: Heard) -> None:
    run = [each.name for each in heard.effects if isinstance(each, RunAction)] + heard.uttered
    assert heard.has(run, str(value)), f"action {value} expected, ran: {run}"


def _clarification(value: Any, heard: Heard) -> None:
    offered = {
        button.payload.removeprefix("/start ")
        for each in heard.effects
        if isinstance(each, Say)
        for button in each.buttons
    }
    missing = [name for name in value if not heard.has(list(offered), str(name))]
    assert not missing, f"a choice with {missing} expected, offered: {sorted(offered)}"


def _bot_uttered(value: Any, heard: Heard) -> None:
    _check_message(value)
    found = [each for each in heard.messages if _fits(value, each)]
    assert found or set(value) == {"utter_name"}, f"a message like {_plain(value)} expected"
    if "utter_name" in value:
        _utter(value["utter_name"], heard)
    for wanted in value.get("buttons") or ():
        if isinstance(wanted, Mapping) and "payload" in wanted:
            there = {b.payload for b in _buttons(heard) if b.title == str(wanted["title"])}
            assert str(wanted["payload"]) in there, f"the button {_plain(wanted)} expected, its payload is {there}"


def _bot_did_not_utter(value: Any, heard: Heard) -> None:
    _check_message(value)
    if "utter_name" in value:
        name = str(value["utter_name"])
        assert not heard.has(heard.uttered, name), f"{name} not expected"
    if set(value) - {"utter_name"}:
        wrong = [each.text for each in heard.messages if _fits(value, each)]
        assert not wrong, f"no message like {_plain(value)} expected, there is {wrong}"


def _check_message(value: Any) -> None:
    known = ("utter_name", "text_matches", "buttons", "media")
    assert isinstance(value, Mapping), f"a mapping with some of {known} expected"
    unknown = sorted(str(key) for key in value if key not in known)
    assert not unknown, f"{unknown[0]!r} is not known here; there are {known}"


def _buttons(heard: Heard) -> list[Button]:
    return [button for each in heard.effects if isinstance(each, Say) for button in each.buttons]


def _fits(value: Mapping[str, Any], message: Received) -> bool:
    if "text_matches" in value and not re.search(str(value["text_matches"]), message.text):
        return False
    if "media" in value and (message.media is None or message.media.kind != value["media"]):
        return False
    wanted = [str(each["title"] if isinstance(each, Mapping) else each) for each in value.get("buttons") or ()]
    return all(title in message.titles for title in wanted)


_ABSENT = ("bot_did_not_utter", "slot_was_not_set")
_KINDS: dict[str, Callable[[Any, Heard], None]] = {
    "utter": _utter,
    "bot": _bot,
    "slot_was_set": _slot_was_set,
    "slot_was_not_set": _slot_was_not_set,
    "flow_started": _flow("flow_started"),
    "flow_completed": _flow("flow_completed"),
    "flow_cancelled": _flow("flow_cancelled"),
    "action_executed": _action_executed,
    "pattern_clarification_contains": _clarification,
    "bot_uttered": _bot_uttered,
    "bot_did_not_utter": _bot_did_not_utter,
}


def _slot_logs(heard: Heard) -> list[Log]:
    kinds = ("slot_set", "slot_set_again", "slot_reset")
    return [each for each in heard.effects if isinstance(each, Log) and each.kind in kinds]


def _same(value: Any, wanted: Any) -> bool:
    """`5` is `5.0`, and neither is `true`."""
    return bool(value == wanted) and isinstance(value, bool) == isinstance(wanted, bool)


def _slots(value: Any) -> list[tuple[str, Any, bool]]:
    """(name, value, whether any value will do) of `[a, {b: 1}, {name: c, value: 2}]` or a mapping."""
    found: list[tuple[str, Any, bool]] = []
    for item in [value] if isinstance(value, Mapping | str) else value:
        if isinstance(item, str):
            found.append((item, None, True))
        elif set(item) == {"name", "value"} or ("name" in item and isinstance(value, _Assertion)):
            found.append((str(item["name"]), item.get("value"), "value" not in item))
        else:
            found += [(str(name), wanted, False) for name, wanted in item.items()]
    return found


def _flows(value: Any) -> list[str]:
    """`flow`, `{flow_id: flow}` or `{operator: all, flow_ids: [..]}`."""
    if isinstance(value, str):
        return [value]
    return [str(each) for each in value.get("flow_ids") or [value["flow_id"]]]
