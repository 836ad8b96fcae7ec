"""What the clock that leads measures for `/metrics`: depths of the queues, connections of PostgreSQL, numbers and dead rows of all organizations."""

from __future__ import annotations

from bot.ports import Dispatcher
from scheduler.dispatch import NatsDispatcher
from scheduler.metrics import CONNECTIONS_ACTIVE, CONNECTIONS_MAX, DEAD_ROWS, NUMBERS, QUEUE_DEPTH, ROWS_WAITING
from store import queue_state
from store.tenancy import unscoped

__all__ = ["QUEUES", "STATES", "Gauges", "forget"]

STATES = ("connected", "paused", "disconnected", "stopped", "throttled", "bulk_throttled")
QUEUES = ("inbox", "outbox", "jobs")
COUNT_UP_TO = 10_000  # ten times what is alarming; a broadcast's backlog is not counted to its end


class Gauges:
    """Only of the leader: of two clocks that measured, one would show what it saw last."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher

    async def tick(self) -> int:
        if isinstance(self._dispatcher, NatsDispatcher):
            QUEUE_DEPTH.clear()  # NATS is away: no number is better than an old one
            for queue, depth in (await self._dispatcher.depths()).items():
                QUEUE_DEPTH.labels(queue).set(depth)
        with unscoped("gauges"):
            load = await queue_state.server_load(COUNT_UP_TO)
            numbers, dead = await queue_state.count_numbers(), await queue_state.count_dead()
        CONNECTIONS_ACTIVE.set(load.connections)
        CONNECTIONS_MAX.set(load.connections_max)
        for table, rows in load.waiting.items():
            ROWS_WAITING.labels(table).set(rows)
        for state in STATES:
            NUMBERS.labels(state).set(numbers.get(state, 0))
        for queue in QUEUES:
            DEAD_ROWS.labels(queue).set(dead.get(queue, 0))
        return 0


def forget() -> None:
    """This clock does not lead any more."""
    QUEUE_DEPTH.clear()
    ROWS_WAITING.clear()
    NUMBERS.clear()
    DEAD_ROWS.clear()
    CONNECTIONS_ACTIVE.set(0)
