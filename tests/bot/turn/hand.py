"""What the probe's actions do besides their work, set by a test: hold, fail, count."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from store.access import by_platform

__all__ = ["HAND", "Hand"]

Deed = Callable[[], Awaitable[None]]


@dataclass
class Hand:
    calls: list[str] = field(default_factory=list)  # names of actions, each time one ran
    deeds: dict[str, list[Deed]] = field(default_factory=dict)  # name -> what its next runs do first, one each
    wait_s: float = 60.0
    options: int = 25

    def next(self, name: str, *deeds: Deed) -> None:
        self.deeds.setdefault(name, []).extend(deeds)

    async def met(self, name: str) -> None:
        self.calls.append(name)
        waiting = self.deeds.get(name)
        if waiting:
            with by_platform():  # what a test does meanwhile is no skill's doing
                await waiting.pop(0)()


HAND = Hand()
