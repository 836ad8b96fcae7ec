"""Runs one job in a process of its own: `python -m tests.scheduler.probe_worker ORGANIZATION JOB`."""

from __future__ import annotations

import asyncio
import os
import sys
from uuid import UUID

from scheduler.jobs import run_job
from store.tenancy import organization_scope
from tests.scheduler.conftest import open_probe_runtime


async def main() -> None:
    organization_id, job_id = (UUID(each) for each in sys.argv[1:])
    runtime = await open_probe_runtime(dict(os.environ))
    with organization_scope(organization_id):
        await run_job(runtime, organization_id, job_id)
    await runtime.close()


asyncio.run(main())
