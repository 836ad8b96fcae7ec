from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bot.config import Configuration
from bot.ports import Lane
from bot.registry import Registry
from bot.runtime import Runtime
from scheduler.embedded import EmbeddedNats
from tests.support.database import Cluster, Database, all_apps


@pytest.fixture
def nats_server(tmp_path: Path) -> Iterator[EmbeddedNats]:
    with EmbeddedNats(tmp_path / "nats") as server:
        yield server


@dataclass
class Recorded:
    """A dispatcher that only remembers. `attempts` are the ids of hints, which must all differ."""

    hints: list[uuid.UUID] = field(default_factory=list)
    kicks: list[uuid.UUID] = field(default_factory=list)
    deliveries: list[tuple[uuid.UUID, Lane]] = field(default_factory=list)
    attempts: list[str] = field(default_factory=list)

    async def hint(self, organization_id: uuid.UUID, session_id: uuid.UUID, *, attempt: str) -> None:
        self.hints.append(session_id)
        self.attempts.append(attempt)

    async def kick(self, organization_id: uuid.UUID, job_id: uuid.UUID, *, queue: str, attempt: int) -> None:
        self.kicks.append(job_id)
        self.attempts.append(f"{job_id}:{attempt}")

    async def deliver(self, organization_id: uuid.UUID, *, lane: Lane, attempt: str) -> None:
        self.deliveries.append((organization_id, lane))
        self.attempts.append(attempt)


@pytest.fixture
async def fresh(cluster: Cluster) -> AsyncIterator[Database]:
    """The whole schema; nothing is connected: that is the runtime's or the processes' business."""
    async with cluster.clone(all_apps()) as database:
        yield database


@pytest.fixture
def environment(fresh: Database, tmp_path: Path) -> dict[str, str]:
    """Settings of a process that works on `fresh`."""
    return {
        "CHATNATION__ENV": "test",
        "CHATNATION__DATA": str(tmp_path / "data"),
        "CHATNATION__STORE__DSN": fresh.dsn,
        "CHATNATION__STORE__SYSTEM_DSN": fresh.system_dsn,
        "CHATNATION__WHATSAPP__GRAPH_URL": "http://127.0.0.1:9",
    }


async def open_probe_runtime(environment: dict[str, str], **adapters: Any) -> Runtime:
    """A worker's runtime with the jobs of `tests/scheduler/skills`."""
    adapters = {"channel": None, "dispatcher": Recorded(), **adapters}
    runtime = await Runtime.open("test", configuration=Configuration.read(environment), adapters=adapters)
    runtime.registry = Registry.load(context=runtime.skill_context, queue="bulk", package="tests.scheduler.skills")
    return runtime


@pytest.fixture
async def runtime(environment: dict[str, str]) -> AsyncIterator[Runtime]:
    runtime = await open_probe_runtime(environment)
    yield runtime
    await runtime.close()
