"""The 24-hour proof: no path on which free text goes out after a wait that may outlast WhatsApp's window.

The window is open for 24 hours after a person's message. A flow that then waits for something else than the person (an action's
`turn.wait_for`) speaks on its own when that comes. Where the waits since the last message may add up to more than the window,
only a template may be said: a response whose variations for WhatsApp all have `custom: {type: template, ...}`.
"""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.flows import Compiled, Diagnostic, Flow, SkillSource
from bot.flows.diagnostics import Pos, Reporter
from bot.flows.model import END, Step

__all__ = ["WINDOW_S", "Waiting", "prove_window", "waiting_of"]

WINDOW_S = 24 * 3600
_SAYS = ("say", "offer", "show", "say_text")


@dataclass(frozen=True, slots=True)
class Waiting:
    """What is known of a skill's actions. `waits`: action -> the longest it may wait, in seconds; `speaks`: those that say something."""

    waits: Mapping[str, float] = field(default_factory=dict)
    speaks: frozenset[str] = frozenset()


def prove_window(skill: SkillSource, compiled: Compiled, waiting: Waiting) -> Iterator[Diagnostic]:
    report = Reporter()
    for name in skill.flows:
        flow = compiled.flows.get(f"{skill.name}:{name}")
        if flow is not None:
            _Walk(skill, compiled, waiting, report).start(flow)
    seen: set[tuple[str, int, str]] = set()
    for each in report.found:
        key = (each.file, each.line, each.message)
        if key not in seen:
            seen.add(key)
            yield each


class _Walk:
    """Every way through a flow, with the longest time since the person's last message; calls and links are followed."""

    def __init__(self, skill: SkillSource, compiled: Compiled, waiting: Waiting, report: Reporter) -> None:
        self._skill = skill
        self._compiled = compiled
        self._waiting = waiting
        self._report = report
        self._longest: dict[tuple[tuple[str, int], ...], float] = {}

    def start(self, flow: Flow) -> None:
        todo: list[tuple[tuple[tuple[str, int], ...], float]] = [(((flow.id, 0),), 0.0)]
        while todo:
            place, waited = todo.pop()
            if self._longest.get(place, -1.0) >= waited or len(place) > 20:
                continue
            self._longest[place] = waited
            todo += self._step(place, waited)

    def _step(
        self, place: tuple[tuple[str, int], ...], waited: float
    ) -> Iterator[tuple[tuple[tuple[str, int], ...], float]]:
        flow_id, n = place[-1]
        flow = self._compiled.flows[flow_id]
        step = flow.steps[n]
        if waited > WINDOW_S:
            self._judge(flow, step, n)
            if step.kind == "link" and self._compiled.flows[step.target].is_pattern:
                self._tell(flow, n, f"{step.target.partition(':')[2]} speaks")
                return
        if step.kind == "link":
            if step.target in self._compiled.flows:
                yield ((step.target, 0),), waited
            return
        if step.kind == "call" and step.target in self._compiled.flows:
            yield (*place, (step.target, 0)), waited
            return
        after = waited
        if step.kind in ("collect", "listen"):
            after = 0.0  # goes on with what the person writes
        elif step.kind == "action":
            after = min(waited + self._waiting.waits.get(step.target, 0.0), 10.0 * WINDOW_S)
        if step.kind == "collect":
            yield from self._go(place, step, waited)  # or the slot is filled and nobody is asked
        yield from self._go(place, step, after)

    def _go(
        self, place: tuple[tuple[str, int], ...], step: Step, waited: float
    ) -> Iterator[tuple[tuple[tuple[str, int], ...], float]]:
        for to in (step.next,) if isinstance(step.next, int) else [branch.to for branch in step.next]:
            if to != END:
                yield (*place[:-1], (place[-1][0], to)), waited
            elif len(place) > 1:
                parent, n = place[-2]
                yield from self._go(place[:-1], self._compiled.flows[parent].steps[n], waited)
            else:
                flow = self._compiled.flows[place[0][0]]
                if waited > WINDOW_S and flow.run_pattern_completed and not flow.is_pattern:
                    self._tell(
                        flow,
                        place[-1][1],
                        "pattern_completed speaks when the flow ends",
                        "run_pattern_completed: false",
                    )

    def _judge(self, flow: Flow, step: Step, n: int) -> None:
        if step.kind == "utter" and not self._is_template(step.target):
            self._tell(flow, n, f"{step.target.partition(':')[2]} is free text")
        elif step.kind == "collect":
            if step.ask_action is not None or (step.utter is not None and not self._is_template(step.utter)):
                self._tell(flow, n, f"the question for {step.target.partition(':')[2]} is free text")
        elif step.kind == "action" and step.target in self._waiting.speaks:
            self._tell(flow, n, f"action {step.target.partition(':')[2]} says free text")

    def _is_template(self, response: str) -> bool:
        found = [made[response] for made in self._compiled.responses.values() if response in made]
        sources = self._skill.responses.values()
        plain = response.partition(":")[2]
        variations = [
            variation
            for responses in sources
            if plain in responses
            for variation in responses[plain].variations
            if variation.channel in (None, "whatsapp")
        ]
        is_template = [
            isinstance(v.custom, Mapping) and v.custom.get("type") == "template" and not v.text for v in variations
        ]
        return bool(found) and bool(is_template) and all(is_template)

    def _tell(
        self, flow: Flow, n: int, what: str, hint: str = "attach a template: custom: {type: template, name, language}"
    ) -> None:
        owner, _, plain = flow.id.partition(":")
        source = self._skill.flows.get(plain) if owner == self._skill.name else None
        pos = (
            source.steps[n].target_pos or source.steps[n].pos
            if source is not None and n < len(source.steps)
            else Pos("flows.yml")
        )
        with self._report.about(flow=plain):
            self._report.error("CN-WA-010", f"after a wait that may outlast the 24-hour window {what}", pos, hint)


# -- what actions do ------------------------------------------------------------------------------


def waiting_of(skill: str, actions: Mapping[str, Any]) -> Waiting:
    """Reads the code of a skill's actions; a wait whose length cannot be seen counts as endless."""
    waits: dict[str, float] = {}
    speaks: set[str] = set()
    for name, action in actions.items():
        try:
            tree = ast.parse(textwrap.dedent(inspect.getsource(type(action))))
        except (OSError, TypeError, SyntaxError):
            continue
        module = vars(sys.modules[type(action).__module__])
        for call in [node for node in ast.walk(tree) if isinstance(node, ast.Call)]:
            method = call.func.attr if isinstance(call.func, ast.Attribute) else ""
            if method == "wait_for":
                seconds = next((each.value for each in call.keywords if each.arg == "seconds"), None)
                waits[f"{skill}:{name}"] = max(waits.get(f"{skill}:{name}", 0.0), _seconds(seconds, module))
            elif method in _SAYS:
                speaks.add(f"{skill}:{name}")
    return Waiting(waits, frozenset(speaks))


def _seconds(node: ast.expr | None, names: Mapping[str, Any]) -> float:
    match node:
        case ast.Constant(value=int() | float() as value):
            return float(value)
        case ast.Name(id=name) if isinstance(names.get(name), (int, float)):
            return float(names[name])
        case ast.BinOp(left=left, op=ast.Mult(), right=right):
            return _seconds(left, names) * _seconds(right, names)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _seconds(left, names) + _seconds(right, names)
    return float("inf")
