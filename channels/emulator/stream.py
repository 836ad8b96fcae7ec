"""What happens, told to whoever watches: the page's event stream and waiting test code."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

_BACKLOG = 2000  # events a slow watcher may be behind before it is told to start over


@dataclass(slots=True)
class WireEntry:
    """One HTTP exchange with the bot. `code` 0: no answer."""

    seq: int
    at: float
    direction: str  # webhook | api
    method: str
    url: str
    headers: dict[str, str]
    body: bytes
    code: int
    latency_ms: float
    answer: bytes = b""
    marks: tuple[str, ...] = ()
    attempt: int = 1
    phone_number_id: str = ""

    def summary(self) -> dict[str, Any]:
        return {
            "seq": self.seq,
            "at": self.at,
            "direction": self.direction,
            "method": self.method,
            "url": self.url,
            "headers": self.headers,
            "body": self.body[:65_536].decode("utf-8", "replace"),
            "size": len(self.body),
            "code": self.code,
            "latency_ms": round(self.latency_ms, 2),
            "answer": self.answer[:16_384].decode("utf-8", "replace"),
            "marks": list(self.marks),
            "attempt": self.attempt,
            "phone_number_id": self.phone_number_id,
        }


@dataclass(slots=True, eq=False)
class Watcher:
    """One listener's queue."""

    queue: deque[tuple[str, Mapping[str, Any]]] = field(default_factory=deque)
    ready: asyncio.Event = field(default_factory=asyncio.Event)


class Hub:
    """Publishes events; costs nothing while nobody watches."""

    def __init__(self, wire_log_size: int) -> None:
        self.wire: deque[WireEntry] = deque(maxlen=wire_log_size)
        self._wire_seq = 0
        self._watchers: set[Watcher] = set()
        self._changed: set[asyncio.Event] = set()

    def publish(self, kind: str, make: Callable[[], Mapping[str, Any]]) -> None:
        """Tells every watcher; `make` is called only when there is one."""
        self.nudge()
        if not self._watchers:
            return
        data = make()
        for watcher in self._watchers:
            if len(watcher.queue) >= _BACKLOG:
                watcher.queue.clear()
                watcher.queue.append(("resync", {}))
            watcher.queue.append((kind, data))
            watcher.ready.set()

    def nudge(self) -> None:
        """Lets waiting code look again."""
        for event in self._changed:
            event.set()

    def log_wire(self, entry: WireEntry) -> None:
        self._wire_seq += 1
        entry.seq = self._wire_seq
        self.wire.append(entry)
        if self._watchers:
            self.publish("wire", entry.summary)

    @contextmanager
    def watch(self) -> Iterator[Watcher]:
        watcher = Watcher()
        self._watchers.add(watcher)
        try:
            yield watcher
        finally:
            self._watchers.discard(watcher)

    async def wait_for(self, is_true: Callable[[], bool], timeout_s: float) -> bool:
        """Whether the predicate became true in time; it is asked again after every published event."""
        changed = asyncio.Event()
        self._changed.add(changed)
        try:
            async with asyncio.timeout(timeout_s):
                while not is_true():
                    await changed.wait()
                    changed.clear()
        except TimeoutError:
            return is_true()
        finally:
            self._changed.discard(changed)
        return True
