"""What a message was taken to mean, and what else it could have meant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any

from bot.flows import Clarify, Command, SetSlot, StartFlow

__all__ = ["Considered", "Mood", "Source", "Understanding"]


class Source(StrEnum):
    PAYLOAD = "payload"  # of an option that we sent, or typed with a slash
    OPTION = "option"  # an offered option by title, place or nearly by title
    FORCED = "forced"  # the question takes whatever is said
    WORDS = "words"  # words that a flow claims
    GLOBAL = "global"  # words that mean the same everywhere
    EXAMPLE = "example"  # an example or a flow's name, exactly or nearly
    MEANING = "meaning"  # like the examples of a flow, by letters and, with an embedder, by sense
    SLOT = "slot"  # the acceptor of the open question
    ENTITY = "entity"  # a value found inside the sentence
    PART = "part"  # media, location, contact card, form, reaction
    MOOD = "mood"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Considered:
    """One reading. `span`: characters of the text it rests on; `lost`: why another was taken, empty for those taken."""

    command: Command
    source: Source
    confidence: float
    span: tuple[int, int] = (0, 0)
    lost: str = ""

    def to_json(self) -> dict[str, Any]:
        """For the trace. Names of flows and slots, no values: they are the person's own words."""
        found: dict[str, Any] = {
            "command": type(self.command).__name__,
            "source": self.source.value,
            "confidence": round(self.confidence, 3),
            "span": list(self.span),
        }
        if isinstance(self.command, (StartFlow, Clarify)):
            found["flow"] = self.command.flow if isinstance(self.command, StartFlow) else list(self.command.flows)
        if isinstance(self.command, SetSlot):
            found["slot"] = self.command.name
        if self.lost:
            found["lost"] = self.lost
        return found


@dataclass(frozen=True, slots=True)
class Mood:
    """`score`: -1 (furious) to 1 (delighted), 0 when no word says anything; `angry`: a person should be offered."""

    score: float = 0.0
    angry: bool = False


@dataclass(frozen=True, slots=True)
class Understanding:
    """`commands` in the order they count. `unsure`: the text itself explained little, its sense (a vector) could tell more."""

    commands: list[Command]
    considered: tuple[Considered, ...] = ()
    mood: Mood = field(default_factory=Mood)
    unsure: bool = False

    def to_json(self) -> dict[str, Any]:
        """What is kept with the message."""
        found: dict[str, Any] = {"considered": [each.to_json() for each in self.considered]}
        if self.mood.score or self.mood.angry:
            found["mood"] = {each.name: getattr(self.mood, each.name) for each in fields(self.mood)}
        return found

    def explained(self) -> Mapping[str, Any]:
        """The trace with the values, for the author of a skill who asks why."""
        return {**self.to_json(), "commands": [repr(command) for command in self.commands]}
