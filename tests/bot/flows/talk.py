"""A conversation with compiled flows: what is written goes in, what is said comes out. Every state passes through JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.flows import (
    ActionResult,
    Command,
    Compiled,
    Effect,
    FlowState,
    Log,
    RunAction,
    Say,
    View,
    advance,
    compile_flows,
    load_skill,
)
from bot.messages import Inbound, Text
from bot.understand import understand

NOW = datetime(2026, 11, 1, 9, 0, tzinfo=UTC)

Action = Callable[[Mapping[str, Any]], ActionResult]


def compiled(flows: str, domain: str = "", *, name: str = "shop", **files: str) -> Compiled:
    """Compiles one skill and fails the test when a flow was refused."""
    skill = load_skill(name, {"flows.yml": flows, "domain.yml": domain, **files})
    made = compile_flows([skill])
    errors = [str(d) for d in (*skill.diagnostics, *made.diagnostics) if d.severity == "error"]
    assert not errors, errors
    return made


class Talk:
    """`actions`: name -> what it returns for the slots that its skill sees."""

    def __init__(self, flows: Compiled, *, locale: str = "en", actions: Mapping[str, Action] | None = None) -> None:
        self.flows = flows
        self.locale = locale
        self.actions = dict(actions or {})
        self.state = FlowState()
        self.effects: list[Effect] = []
        self.ran: list[str] = []
        self.seed = 0
        self.now = NOW

    def write(self, message: str | Inbound, **options: Any) -> list[str]:
        """Sends a message through understanding; returns the texts said."""
        part = Text(text=message) if isinstance(message, str) else message
        commands = understand(part, self.state, self.flows, locale=self.locale, now=self.now, **options)
        return self.do(*commands)

    def tap(self, title: str) -> list[str]:
        assert self.state.pending is not None
        payload = {option.title: option.payload for option in self.state.pending.options}[title]
        return self.write(title, option_payload=payload)

    def do(self, *commands: Command) -> list[str]:
        """Gives commands straight to the engine and runs the actions it asks for."""
        self.effects = []
        self._advance(*commands)
        while self.effects and isinstance(self.effects[-1], RunAction):
            asked = self.effects[-1]
            self.ran.append(asked.name)
            skill, _, name = asked.name.partition(":")
            self._advance(self.actions[name](self.flows.slots_for(skill, self.state.slots)))
        return self.said

    def _advance(self, *commands: Command) -> None:
        before = json.dumps(self.state.to_json())
        step = advance(self.flows, self.state, commands, self.view)
        assert json.dumps(self.state.to_json()) == before, "advance changed its input"
        self.state = FlowState.from_json(json.loads(json.dumps(step.state.to_json())))
        assert self.state == step.state
        self.effects += step.effects

    @property
    def view(self) -> View:
        return View(
            now=self.now, locale=self.locale, seed=self.seed, contact={"name": "Ann"}, organization={"name": "Acme"}
        )

    @property
    def said(self) -> list[str]:
        return [effect.text for effect in self.effects if isinstance(effect, Say)]

    @property
    def uttered(self) -> list[str]:
        """The responses said, without their skill; "" for what an action said in its own words."""
        return [(effect.utter or "").rpartition(":")[2] for effect in self.effects if isinstance(effect, Say)]

    @property
    def buttons(self) -> list[str]:
        return [button.title for effect in self.effects if isinstance(effect, Say) for button in effect.buttons]

    def logged(self, kind: str) -> list[Mapping[str, Any]]:
        return [effect.detail for effect in self.effects if isinstance(effect, Log) and effect.kind == kind]

    def slot(self, name: str, skill: str = "shop") -> Any:
        return self.state.slots.get(f"{skill}:{name}")

    @property
    def asked(self) -> str | None:
        """The slot of the open question, without its skill."""
        pending = self.state.pending
        return pending.slot.partition(":")[2] if pending is not None and pending.slot else None

    @property
    def open_flows(self) -> list[str]:
        return [frame.flow.partition(":")[2] for frame in self.state.stack]

    def later(self, **delta: float) -> None:
        self.now += timedelta(**delta)


def done(**slots: Any) -> Action:
    """An action that sets these slots."""
    events = [{"event": "slot", "name": name, "value": value} for name, value in slots.items()]
    return lambda seen: ActionResult(events=events)
