from __future__ import annotations

import asyncio
import os
from pathlib import Path

from bot.errors import Permanent, Retryable
from bot.skill import TaskContext, task
from tests.scheduler.skills.probe.jobs import Note


@task(Note)
async def note(job: Note, ctx: TaskContext) -> None:
    _write(Path(job.file), f"{ctx.attempt}\n")
    match job.then:
        case "kill":
            os.kill(os.getpid(), 9)
        case "raise":
            raise RuntimeError("a bug")
        case "retry":
            raise Retryable("the outside world", after_s=0.2)
        case "refuse":
            raise Permanent("never")
        case "hang":
            await asyncio.sleep(3600)
        case "slow":
            await asyncio.sleep(2.5)


def _write(path: Path, line: str) -> None:
    with path.open("a") as file:
        file.write(line)
