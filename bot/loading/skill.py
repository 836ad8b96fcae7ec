"""One skill of a process, as far as it could be loaded."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.flows import Diagnostic, SkillSource
from bot.manifest import Manifest
from bot.skill import Job, NamesFunction, TaskContext, UnitOfWork

__all__ = ["Handler", "Skill", "TaskFunction"]

TaskFunction = Callable[[Any, TaskContext], Awaitable[None]]
Handler = Callable[[Any, UnitOfWork], Awaitable[None]]


@dataclass(slots=True)
class Skill:
    """One skill as loaded. `problems` are lines for a person, each with its place; a skill with `off` set takes no part."""

    name: str
    package: str
    folder: Path
    manifest: Manifest | None = None
    source: SkillSource | None = None
    actions: dict[str, Any] = field(default_factory=dict)
    tasks: dict[str, tuple[type[Job], TaskFunction]] = field(default_factory=dict)
    handlers: dict[str, list[Handler]] = field(default_factory=dict)
    names: dict[str, NamesFunction] = field(default_factory=dict)  # entity -> what there is of it
    problems: list[str] = field(default_factory=list)
    found: Sequence[Diagnostic] = ()  # by the compiler, also what does not stop the skill
    off: bool = False

    def turn_off(self, problem: str) -> None:
        self.off = True
        self.problems.append(problem)
