"""Jobs, each run through `run_job` against real rows."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

from bot.runtime import Runtime
from scheduler.jobs import run_job
from store import db
from store.tenancy import organization_scope, unscoped
from tests.scheduler import world
from tests.support.processes import wait_for


async def put_note(file: Path, then: str = "") -> tuple[UUID, UUID]:
    organization_id = await world.new_organization()
    payload = json.dumps({"file": str(file), "then": then})
    return organization_id, await world.put_job(organization_id, "probe.note", payload)


async def run(runtime: Runtime, organization_id: UUID, job_id: UUID) -> Any:
    with organization_scope(organization_id):
        await run_job(runtime, organization_id, job_id)
    return await world.row("jobs", job_id)


async def make_due(job_id: UUID) -> None:
    with unscoped("test"):
        await db.execute("UPDATE jobs SET run_at = now(), lease_until = now() - interval '1 s' WHERE id = $1", job_id)


async def test_a_job_runs_once_however_often_it_is_hinted(runtime: Runtime, tmp_path: Path) -> None:
    organization_id, job_id = await put_note(tmp_path / "ran")

    await asyncio.gather(*(run(runtime, organization_id, job_id) for _ in range(5)))

    assert (tmp_path / "ran").read_text() == "1\n"
    assert (await world.row("jobs", job_id))["state"] == "done"


async def test_a_job_that_raises_waits_and_is_dead_after_five_attempts(runtime: Runtime, tmp_path: Path) -> None:
    organization_id, job_id = await put_note(tmp_path / "ran", "raise")

    first = await run(runtime, organization_id, job_id)
    for _ in range(7):
        await make_due(job_id)
        last = await run(runtime, organization_id, job_id)

    assert first["state"] == "ready"
    assert first["run_at"] > first["created_at"]
    assert (tmp_path / "ran").read_text().split() == ["1", "2", "3", "4", "5"]
    assert (last["state"], last["last_error"]) == ("dead", "RuntimeError")


async def test_a_job_that_may_be_retried_keeps_its_place_for_as_long_as_it_says(
    runtime: Runtime, tmp_path: Path
) -> None:
    organization_id, job_id = await put_note(tmp_path / "ran", "retry")
    row = await run(runtime, organization_id, job_id)
    again = await run(runtime, organization_id, job_id)
    assert (row["state"], row["last_error"]) == ("ready", "the outside world")
    assert again["attempts"] == 1  # not due yet


async def test_a_job_that_can_never_succeed_is_dead_at_once(runtime: Runtime, tmp_path: Path) -> None:
    organization_id, job_id = await put_note(tmp_path / "ran", "refuse")
    row = await run(runtime, organization_id, job_id)
    assert (row["state"], row["attempts"], row["last_error"]) == ("dead", 1, "never")


async def test_a_job_whose_payload_does_not_fit_is_dead_with_the_reason(runtime: Runtime) -> None:
    organization_id = await world.new_organization()
    job_id = await world.put_job(organization_id, "probe.note", '{"wrong": 1}')
    row = await run(runtime, organization_id, job_id)
    assert row["state"] == "dead"
    assert "payload" in row["last_error"]


async def test_a_job_that_outlasts_its_lease_keeps_it(runtime: Runtime, tmp_path: Path) -> None:
    organization_id, job_id = await put_note(tmp_path / "ran", "slow")  # 2.5 s with a lease of 1 s
    task = asyncio.create_task(run(runtime, organization_id, job_id))
    await asyncio.sleep(0.3)
    with unscoped("test"):
        await db.execute("UPDATE jobs SET lease_until = now() + interval '0.4 s' WHERE id = $1", job_id)
    await asyncio.sleep(1.5)
    await run(runtime, organization_id, job_id)  # a second worker

    assert (await task)["state"] == "done"
    assert (tmp_path / "ran").read_text() == "1\n"


async def test_a_job_that_is_cut_off_by_a_stop_loses_no_attempt(runtime: Runtime, tmp_path: Path) -> None:
    organization_id, job_id = await put_note(tmp_path / "ran", "hang")
    task = asyncio.create_task(run(runtime, organization_id, job_id))
    await asyncio.to_thread(wait_for, (tmp_path / "ran").exists)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    row = await world.row("jobs", job_id)
    assert (row["state"], row["attempts"], row["lease_token"]) == ("ready", 0, None)


async def test_a_job_that_kills_its_process_is_tried_five_times_and_then_dead(
    runtime: Runtime, environment: dict[str, str], tmp_path: Path
) -> None:
    organization_id, job_id = await put_note(tmp_path / "ran", "kill")
    codes = []
    for _ in range(6):
        process = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-m", "tests.scheduler.probe_worker", str(organization_id), str(job_id)],
            env={**os.environ, **environment},
            check=False,
            timeout=60,
        )
        codes.append(process.returncode)
        await make_due(job_id)

    row = await world.row("jobs", job_id)
    assert codes == [-9] * 5 + [0]
    assert (tmp_path / "ran").read_text().split() == ["1", "2", "3", "4", "5"]
    assert (row["state"], row["last_error"]) == ("dead", "the process ended each time it was run")


async def test_the_job_of_another_organization_is_not_touched(runtime: Runtime, tmp_path: Path) -> None:
    _, job_id = await put_note(tmp_path / "ran")
    row = await run(runtime, await world.new_organization(), job_id)
    assert (row["state"], row["attempts"]) == ("ready", 0)
