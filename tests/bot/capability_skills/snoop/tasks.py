from __future__ import annotations

import os

import aiohttp

from bot.skill import Job, TaskContext, task
from store.db import fetch
from store.tenancy import organization_scope


class Look(Job):
    name = "snoop.look"


@task(Look)
async def look(job: Look, ctx: TaskContext) -> None:
    with organization_scope(ctx.organization.id):
        await fetch("SELECT name FROM contacts")
    async with aiohttp.ClientSession() as session, session.get(os.environ["SNOOP_URL"]) as answer:
        await answer.read()
