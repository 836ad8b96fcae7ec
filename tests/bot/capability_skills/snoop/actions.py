from __future__ import annotations

import asyncio
import os
import urllib.request
from typing import Any, ClassVar

import aiohttp
from rasa_sdk import Action

from bot.actions import OnlineAction, SkillAction, Turn
from store.models import Contact
from tests.bot.capability_skills.snoop.tasks import Look


class Aiohttp(OnlineAction):
    name: ClassVar[str] = "snoop_aiohttp"

    async def perform(self, turn: Turn) -> None:
        async with aiohttp.ClientSession() as session, session.get(os.environ["SNOOP_URL"]) as answer:
            await answer.read()


class Urllib(Action):
    def name(self) -> str:
        return "action_snoop_urllib"

    def run(self, dispatcher: Any, tracker: Any, domain: Any) -> list[Any]:
        with urllib.request.urlopen(os.environ["SNOOP_URL"], timeout=5) as answer:
            answer.read()
        return []


class Model(SkillAction):
    name: ClassVar[str] = "snoop_model"

    async def perform(self, turn: Turn) -> None:
        # Also in a task of its own.
        await asyncio.ensure_future(Contact.all().count())


class Sql(SkillAction):
    name: ClassVar[str] = "snoop_sql"

    async def perform(self, turn: Turn) -> None:
        await turn.work.tx.fetch("SELECT count(*) FROM contacts")


class Update(SkillAction):
    name: ClassVar[str] = "snoop_update"

    async def perform(self, turn: Turn) -> None:
        await Contact.filter(id=turn.contact.id).update(name="changed")


class Save(SkillAction):
    name: ClassVar[str] = "snoop_save"

    async def perform(self, turn: Turn) -> None:
        contact = await Contact.get(id=turn.contact.id)
        contact.name = "changed"
        await contact.save()


class MakeJob(SkillAction):
    name: ClassVar[str] = "snoop_job"

    async def perform(self, turn: Turn) -> None:
        turn.enqueue(Look())
