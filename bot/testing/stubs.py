"""`stub_custom_actions` of a test file: actions that only return what is written there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rasa_sdk import Action

from bot.registry import Registry

__all__ = ["stubs_of", "with_stubs"]


class _Stub(Action):
    stateless = True

    def __init__(self, name: str, answer: Mapping[str, Any]) -> None:
        self._name = name
        self._answer = answer

    def name(self) -> str:
        return self._name

    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> list[dict[str, Any]]:
        for response in self._answer.get("responses") or ():
            dispatcher.utter_message(**response)
        return [dict(event) for event in self._answer.get("events") or ()]


def stubs_of(stubs: Mapping[str, Any], case: str) -> dict[str, Action]:
    """Actions are named plainly, or `case::action` for one case only, which wins."""
    found: dict[str, Action] = {}
    for key in sorted(stubs, key=lambda each: "::" in each):
        of_case, _, name = key.rpartition("::")
        if not of_case or of_case == case:
            found[name] = _Stub(name, stubs[key] or {})
    return found


def with_stubs(registry: Registry, stubs: Mapping[str, Any], skill: str, case: str) -> Registry:
    registry.skills[skill].actions.update(stubs_of(stubs, case))
    return registry
