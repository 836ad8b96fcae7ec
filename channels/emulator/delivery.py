"""One POST on its way: what it carries, how it was spoiled, and the bytes."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

from channels.emulator.payload import Update


@dataclass(slots=True, eq=False)
class Delivery:
    """One POST and its tries. The bytes are made once: a retry is the same body."""

    updates: tuple[Update, ...]
    url: str
    secret: bytes
    spread: str = "value"
    body: bytes | None = None
    marks: list[str] = field(default_factory=list)
    edits: list[Callable[[dict[str, Any]], None]] = field(default_factory=list)
    attempts: int = 0
    drop_acks: int = 0
    bad_signature: str | None = None  # for the first try: wrong | missing | non_ascii | upper
    slow: tuple[int, float] | None = None
    answered: asyncio.Event | None = None

    @property
    def is_signed_wrongly(self) -> bool:
        """The try under way; digits in upper case are no fault."""
        return self.attempts == 1 and self.bad_signature not in (None, "upper")

    @property
    def is_plain(self) -> bool:
        return not self.attempts and not self.marks and self.body is None and self.answered is None


@dataclass(slots=True, eq=False)
class Held:
    """An update that lets `behind` later ones pass."""

    update: Update
    behind: int
    timer: asyncio.TimerHandle | None = None


async def trickle(body: bytes, chunks: int, pause_s: float) -> AsyncIterator[bytes]:
    step = max(1, -(-len(body) // chunks))
    for start in range(0, len(body), step):
        yield body[start : start + step]
        await asyncio.sleep(pause_s)


def reserialised(value: Any) -> bytes:
    """The same JSON in other bytes: sorted keys and spaces."""
    return json.dumps(value, sort_keys=True, ensure_ascii=True).encode()
