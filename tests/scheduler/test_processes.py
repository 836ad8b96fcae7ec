"""The real processes: `python -m scheduler ...`, with their servers killed and they themselves stopped and killed."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from aiohttp import web

from scheduler.embedded import EmbeddedNats
from store import db
from store.db import AppModels
from store.tenancy import unscoped
from tests.scheduler import world
from tests.scheduler.office import opened_office, put_picture
from tests.support.database import Cluster, Database, all_apps, connected

pytestmark = pytest.mark.slow

START_S = 20.0


class Fleet:
    """Processes of the scheduler on one database and one NATS; all of them end with the test."""

    def __init__(self, environment: dict[str, str], folder: Path) -> None:
        self._environment = environment
        self._folder = folder
        self._processes: list[subprocess.Popen[bytes]] = []

    async def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        number = len(self._processes)
        ready = self._folder / f"{number}.ready"
        process = self._spawn(arguments, self._folder / f"{number}.log", ready)
        deadline = time.monotonic() + START_S
        while not ready.exists():
            assert process.poll() is None, self.log(number)
            assert time.monotonic() < deadline, self.log(number)
            await asyncio.sleep(0.05)
        return process

    def _spawn(self, arguments: tuple[str, ...], log_path: Path, ready: Path) -> subprocess.Popen[bytes]:
        with log_path.open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "scheduler", *arguments],
                env={**os.environ, **self._environment, "CHATNATION_READY_FILE": str(ready)},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._processes.append(process)
        return process

    def log(self, number: int) -> str:
        return (self._folder / f"{number}.log").read_text()

    def end(self) -> None:
        for process in self._processes:
            process.kill()
            process.wait()


@pytest.fixture
def fleet(environment: dict[str, str], nats_server: EmbeddedNats, tmp_path: Path) -> Iterator[Fleet]:
    environment |= {"CHATNATION__NATS__URL": nats_server.url, "CHATNATION__CLOCK__REKICK_S": "1"}
    fleet = Fleet(environment, tmp_path)
    yield fleet
    fleet.end()


@pytest.fixture
async def rows(fresh: Database) -> AsyncIterator[Database]:
    """The test's own look at the rows."""
    apps: list[AppModels] = all_apps()
    async with connected(fresh, apps) as database:
        yield database


async def put_job() -> UUID:
    """A job whose fate is certain: there is no such message, so it is dead with that reason as soon as a worker has run it."""
    payload = '{"message_id": "00000000-0000-7000-8000-000000000000"}'
    return await world.put_job(await world.new_organization(), "core.fetch_media", payload)


async def ran(job_id: UUID, *, timeout_s: float = 15.0) -> float:
    """How many seconds it took."""
    started = time.monotonic()
    while True:
        row: Any = await world.row("jobs", job_id)
        if row["state"] == "dead":
            assert "there is no incoming message" in row["last_error"]
            return time.monotonic() - started
        assert time.monotonic() - started < timeout_s, dict(row)
        await asyncio.sleep(0.02)


async def stop(process: subprocess.Popen[bytes]) -> float:
    started = time.monotonic()
    process.send_signal(signal.SIGTERM)
    await asyncio.to_thread(process.wait, 15)
    assert process.returncode == 0
    return time.monotonic() - started


async def test_a_job_goes_from_its_row_to_a_worker_and_both_processes_stop_when_asked(
    rows: Database, fleet: Fleet
) -> None:
    worker, clock = await fleet.start("worker", "bulk"), await fleet.start("clock")

    assert await ran(await put_job()) < 3

    assert await stop(worker) < 10
    assert await stop(clock) < 10


async def test_another_clock_takes_over_within_two_seconds_when_the_leader_is_killed(
    rows: Database, fleet: Fleet
) -> None:
    await fleet.start("worker", "bulk")
    leader = await fleet.start("clock")
    await ran(await put_job())
    await fleet.start("clock")

    leader.kill()
    job_id = await put_job()
    assert await ran(job_id) < 3  # 2 s to lead, the rest to run


async def test_work_goes_on_after_nats_was_killed_with_its_disk(
    rows: Database, fleet: Fleet, nats_server: EmbeddedNats
) -> None:
    await fleet.start("worker", "bulk")
    await fleet.start("clock")
    await ran(await put_job())

    nats_server.stop(immediately=True)
    job_id = await put_job()
    await asyncio.sleep(1)
    shutil.rmtree(nats_server.data_dir / "nats" / "jetstream")
    nats_server.start()

    await ran(job_id)


async def test_work_goes_on_after_every_connection_to_the_database_was_cut(
    rows: Database, fleet: Fleet, cluster: Cluster
) -> None:
    worker, clock = await fleet.start("worker", "bulk"), await fleet.start("clock")
    await ran(await put_job())
    superuser = await asyncpg.connect(rows.superuser_dsn)
    for pause_s in (0.3, 0.05, 0.1, 0.5, 0.2, 0.45, 0.6, 0.15, 0.4, 0.3):  # each cut finds the loops elsewhere
        await superuser.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND application_name LIKE 'chatnation%'"
        )
        await asyncio.sleep(pause_s)
    await superuser.close()

    await db.close()
    async with connected(rows, all_apps()):
        await ran(await put_job())
        assert worker.poll() is None
        assert clock.poll() is None


JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00"


class Graph:
    """A Graph API whose media are slow: `delay_s` until it answers."""

    def __init__(self, delay_s: float) -> None:
        self.delay_s = delay_s
        self.asked = asyncio.Event()
        self.url = ""

    async def info(self, request: web.Request) -> web.Response:
        self.asked.set()
        await asyncio.sleep(self.delay_s)
        return web.json_response(
            {
                "url": f"{self.url}/bytes",
                "mime_type": "image/jpeg",
                "file_size": len(JPEG),
                "sha256": sha256(JPEG).hexdigest(),
            }
        )

    async def content(self, request: web.Request) -> web.Response:
        return web.Response(body=JPEG, content_type="image/jpeg")


@asynccontextmanager
async def serving(graph: Graph) -> AsyncIterator[None]:
    app = web.Application()
    app.router.add_get("/bytes", graph.content)
    app.router.add_get("/{path:.*}", graph.info)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    graph.url = "http://{}:{}".format(*runner.addresses[0][:2])
    try:
        yield
    finally:
        await runner.cleanup()


async def stopped_while_fetching(environment: dict[str, str], fleet: Fleet, delay_s: float) -> tuple[Any, Any, float]:
    """The rows of the job and of the file, and how long the worker took to stop, having been asked in the middle of a job."""
    graph = Graph(delay_s)
    async with serving(graph), opened_office(environment) as person:
        environment["CHATNATION__WHATSAPP__GRAPH_URL"] = graph.url
        environment |= {"CHATNATION__WHATSAPP__TIMEOUT_S": "25", "CHATNATION__TURN__UNKNOWN_GRACE_S": "60"}
        worker, clock = await fleet.start("worker", "bulk"), await fleet.start("clock")
        message_id, job_id = await put_picture(person)
        await asyncio.wait_for(graph.asked.wait(), 10)
        await stop(clock)
        took_s = await stop(worker)
        with unscoped("test"):
            file = await db.fetchrow("SELECT state FROM media_files WHERE message_id = $1", message_id)
        return await world.row("jobs", job_id), file, took_s


async def test_a_worker_that_is_asked_to_stop_ends_what_it_is_doing(environment: dict[str, str], fleet: Fleet) -> None:
    job, file, took_s = await stopped_while_fetching(environment, fleet, 2.0)
    assert (job["state"], file["state"], job["last_error"]) == ("done", "stored", "")
    assert took_s < 10


async def test_a_task_that_does_not_end_is_cut_off_by_the_stop_and_left_to_the_next_worker(
    environment: dict[str, str], fleet: Fleet
) -> None:
    job, file, took_s = await stopped_while_fetching(environment, fleet, 60.0)
    assert (job["state"], job["attempts"], job["lease_token"]) == ("ready", 0, None)
    assert file["state"] == "pending"
    assert 5 < took_s < 10


@pytest.mark.parametrize("queue", ["interactive", "render"])
async def test_each_worker_starts_and_stops(rows: Database, fleet: Fleet, queue: str) -> None:
    assert await stop(await fleet.start("worker", queue)) < 5
