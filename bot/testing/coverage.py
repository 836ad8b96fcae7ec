"""Which steps and branches of the flows the cases went through."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.flows import Compiled, Effect, Log, SkillSource
from bot.flows.source import StepSource

__all__ = ["Coverage", "FlowCoverage"]


@dataclass(frozen=True, slots=True)
class Spot:
    """A step, or one branch after it."""

    step: str
    branch: int | None
    text: str
    line: int
    seen: bool


@dataclass(frozen=True, slots=True)
class FlowCoverage:
    flow: str
    file: str
    line: int
    steps: tuple[Spot, ...]
    branches: tuple[Spot, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "flow": self.flow,
            "file": self.file,
            "line": self.line,
            "steps": len(self.steps),
            "steps_seen": sum(each.seen for each in self.steps),
            "branches": len(self.branches),
            "branches_seen": sum(each.seen for each in self.branches),
            "missed": [
                {"line": each.line, "step": each.step, **({"branch": each.text} if each.branch is not None else {})}
                for each in (*self.steps, *self.branches)
                if not each.seen
            ],
        }


@dataclass(slots=True)
class Coverage:
    steps: set[tuple[str, str]] = field(default_factory=set)  # flow, step
    branches: set[tuple[str, str, int]] = field(default_factory=set)
    _known: dict[str, tuple[SkillSource, Compiled, str]] = field(default_factory=dict)

    def note(self, effects: Sequence[Effect]) -> None:
        for each in effects:
            if isinstance(each, Log) and each.kind == "step":
                self.steps.add((each.detail["flow"], each.detail["step"]))
            elif isinstance(each, Log) and each.kind == "branch":
                self.branches.add((each.detail["flow"], each.detail["step"], each.detail["branch"]))

    def know(self, source: SkillSource, compiled: Compiled, folder: str) -> None:
        """The flows that could have been gone through; `folder` stands before the names of files."""
        self._known[source.name] = (source, compiled, folder)

    def flows(self) -> list[FlowCoverage]:
        return [each for known in self._known.values() for each in self._of_skill(*known)]

    def totals(self, flows: Sequence[FlowCoverage]) -> Mapping[str, int]:
        told = [each.to_json() for each in flows]
        return {
            key: sum(each[key] for each in told) for key in ("steps", "steps_seen", "branches", "branches_seen")
        } | {"flows": len(told)}

    def _of_skill(self, source: SkillSource, compiled: Compiled, folder: str) -> Iterator[FlowCoverage]:
        for flow in source.flows.values():
            made = compiled.flows.get(f"{source.name}:{flow.id}")
            if made is None:
                continue
            written = {step.id: step for step in flow.steps}
            steps, branches = [], []
            for step in made.steps:
                source_step = written.get(step.id)
                line = source_step.pos.line if source_step is not None else flow.pos.line
                steps.append(Spot(step.id, None, step.id, line, (made.id, step.id) in self.steps))
                for n, branch in enumerate(step.next if isinstance(step.next, tuple) else ()):
                    text = "else" if branch.condition is None else _condition(source_step, n)
                    branches.append(Spot(step.id, n, text, line, (made.id, step.id, n) in self.branches))
            file = f"{folder}/{flow.pos.file}" if folder else flow.pos.file
            yield FlowCoverage(made.id, file, flow.pos.line, tuple(steps), tuple(branches))


def _condition(step: StepSource | None, n: int) -> str:
    """As it is written; the compiled one is a function."""
    written = step.next if step is not None and isinstance(step.next, tuple) else ()
    condition = written[n].condition if n < len(written) else None
    return condition.text if condition is not None else f"branch {n + 1}"
