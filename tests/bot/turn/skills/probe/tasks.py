from __future__ import annotations

from bot.skill import TaskContext, task
from tests.bot.turn.hand import HAND
from tests.bot.turn.skills.probe.jobs import Note


@task(Note)
async def note(job: Note, ctx: TaskContext) -> None:
    await HAND.met("note")
    async with ctx.unit_of_work() as work:
        work.resume(job.session_id, "probe.noted", key="1", slots={"probe_result": "noted"})
