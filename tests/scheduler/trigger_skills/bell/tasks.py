from __future__ import annotations

from datetime import datetime
from uuid import UUID

from bot.skill import Job, TaskContext, task


class Ring(Job):
    name = "bell.ring"
    due_at: datetime


class Hear(Job):
    name = "bell.hear"
    delivery_id: UUID


@task(Ring)
async def ring(job: Ring, ctx: TaskContext) -> None:
    async with ctx.unit_of_work() as work:
        work.audit("bell.rang", subject=job.due_at.isoformat())


@task(Hear)
async def hear(job: Hear, ctx: TaskContext) -> None:
    heard = await ctx.delivery(job.delivery_id)
    async with ctx.unit_of_work() as work:
        work.audit("bell.heard", subject=heard.external_id, after={"body": heard.body.decode()})
