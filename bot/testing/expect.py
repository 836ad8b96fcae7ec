"""What a conversation test expects of the bot: the step kinds and assertions of Rasa's e2e format."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.flows import Effect, Log, RunAction, Say
from bot.testing.fakes import Received

__all__ = ["Heard", "check"]


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

    def logged(self, kind: str, key: str = "flow") -> list[Any]:
        return [each.detail.get(key) for each in self.effects if isinstance(each, Log) and each.kind == kind]

    def loaded(self, name: str) -> str:
        return name if ":" in name else f"{self.skill}:{name}"

    def has(self, ids: Sequence[Any], name: str) -> bool:
        """A plain name is the skill's, or one of the engine's own."""
        return self.loaded(name) in ids or f"core:{name}" in ids or name in ids


def check(step: Mapping[str, Any], heard: Heard) -> None:
    """
    Raises:
        AssertionError: with what was expected and what happened.
    """
    for key, value in step.items():
        if key in ("from", "metadata", "assertion_order_enabled"):
            continue
        if key == "assertions":
            for assertion in value:
                check(assertion, heard)
            continue
        expectation = _KINDS.get(str(key))
        if expectation is None:
            raise AssertionError(f"there is no step kind {key!r}; one of {sorted(_KINDS)}")
        expectation(value, heard)


def _utter(value: Any, heard: Heard) -> None:
    assert heard.has(heard.uttered, str(value)), f"{value} expected, uttered: {heard.uttered}"


def _bot(value: Any, heard: Heard) -> None:
    wanted = str(value).strip()
    assert any(text.strip() == wanted for text in heard.texts), f"the text {wanted!r} expected"


def _slot_was_set(value: Any, heard: Heard) -> None:
    for name, wanted, any_value in _slots(value):
        slot = heard.loaded(name)
        values = [each.detail.get("value") for each in _slot_logs(heard) if each.detail.get("slot") == slot]
        if any_value:
            assert any(each is not None for each in values), f"slot {name} expected to be set, it was not"
        elif wanted is None:
            assert heard.slots.get(slot) is None, f"slot {name} expected to be empty, it is {heard.slots[slot]!r}"
        else:
            assert wanted in values, f"slot {name} expected to be set to {wanted!r}, it was set to {values}"


def _slot_was_not_set(value: Any, heard: Heard) -> None:
    for name, wanted, any_value in _slots(value):
        slot = heard.loaded(name)
        values = [each.detail.get("value") for each in _slot_logs(heard) if each.detail.get("slot") == slot]
        wrong = (
            [each for each in values if each is not None] if any_value else [each for each in values if each == wanted]
        )
        assert not wrong, f"slot {name} expected not to be set, it was set to {wrong}"


def _flow(kind: str) -> Callable[[Any, Heard], None]:
    def expect(value: Any, heard: Heard) -> None:
        seen = heard.logged(kind)
        found = [heard.has(seen, name) for name in _flows(value)]
        some = isinstance(value, Mapping) and value.get("operator") == "any"
        assert any(found) if some else all(found), f"{kind} {value} expected, seen: {seen}"

    return expect


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
    found = [each for each in heard.messages if _fits(value, each)]
    assert found or set(value) == {"utter_name"}, f"a message like {dict(value)} expected"
    if "utter_name" in value:
        _utter(value["utter_name"], heard)


def _bot_did_not_utter(value: Any, heard: Heard) -> None:
    if "utter_name" in value:
        name = str(value["utter_name"])
        assert not heard.has(heard.uttered, name), f"{name} not expected"
    if set(value) - {"utter_name"}:
        wrong = [each.text for each in heard.messages if _fits(value, each)]
        assert not wrong, f"no message like {dict(value)} expected, there is {wrong}"


def _fits(value: Mapping[str, Any], message: Received) -> bool:
    if "text_matches" in value and not re.search(str(value["text_matches"]), message.text):
        return False
    if "media" in value and (message.media is None or message.media.kind != value["media"]):
        return False
    wanted = [str(each["title"] if isinstance(each, Mapping) else each) for each in value.get("buttons") or ()]
    return all(title in message.titles for title in wanted)


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
    return [each for each in heard.effects if isinstance(each, Log) and each.kind == "slot_set"]


def _slots(value: Any) -> list[tuple[str, Any, bool]]:
    """(name, value, whether any value will do) of `[a, {b: 1}, {name: c, value: 2}]` or a mapping."""
    found: list[tuple[str, Any, bool]] = []
    for item in [value] if isinstance(value, Mapping | str) else value:
        if isinstance(item, str):
            found.append((item, None, True))
        elif "name" in item:
            found.append((str(item["name"]), item.get("value"), "value" not in item))
        else:
            found += [(str(name), wanted, False) for name, wanted in item.items()]
    return found


def _flows(value: Any) -> list[str]:
    """`flow`, `{flow_id: flow}` or `{operator: all, flow_ids: [..]}`."""
    if isinstance(value, str):
        return [value]
    return [str(each) for each in value.get("flow_ids") or [value["flow_id"]]]
