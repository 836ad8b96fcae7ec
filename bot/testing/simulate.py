"""A draft that one can talk with before it is published.

It runs in the organization itself, on its own events, tickets and texts, and leaves nothing behind: each turn plays the conversation
from its beginning in one transaction that is never committed. Actions read and write there as they would; what calls out of the
house (an `OnlineAction`, a job) is only named.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from bot.actions import OnlineAction
from bot.flows import Compiled
from bot.registry import Registry
from bot.skill import OrganizationInfo
from bot.testing.fakes import Received
from bot.testing.memory import MemoryPerson, MemoryStage, Scene
from bot.testing.stubs import stubs_of
from bot.unit import Unit, open_unit
from store.ids import uuid7
from store.models import ChannelAccount, Contact, Session

if TYPE_CHECKING:
    from bot.runtime import Runtime

__all__ = ["MAX_ACTS", "Line", "Seen", "Simulation"]

PERSON = "Amina"
MAX_ACTS = 60  # each turn plays them all again

Act = tuple[Literal["say", "tap", "wait"], str]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the thread: what the person wrote, a message to them, or what happened beside."""

    who: Literal["person", "bot", "beside"]
    text: str
    message: Received | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """`stack`: where the conversation stands, innermost first, as `flow, step`. `slots`: what it knows."""

    lines: tuple[Line, ...] = ()
    stack: tuple[str, ...] = ()
    slots: Mapping[str, Any] = field(default_factory=dict)


class _Over(Exception):
    """Takes back all that the conversation wrote."""


@dataclass(slots=True)
class Simulation:
    """
    talk = Simulation(runtime, organization, compiled, "events")
    seen = await talk.say("hi");  seen = await talk.tap("My tickets");  seen = await talk.wait(timedelta(hours=25))

    Inside the organization's scope, outside of any transaction.
    """

    runtime: Runtime
    organization: OrganizationInfo
    compiled: Compiled
    skill: str
    locale: str = "en"
    acts: list[Act] = field(default_factory=list)
    began: datetime | None = None

    async def say(self, text: str) -> Seen:
        return await self._do(("say", text))

    async def tap(self, title: str) -> Seen:
        return await self._do(("tap", title))

    async def wait(self, by: timedelta) -> Seen:
        """Lets time pass; what waits for longer than it may goes on."""
        return await self._do(("wait", str(by.total_seconds())))

    async def undo(self) -> Seen:
        """The conversation without what was done last."""
        if self.acts:
            self.acts.pop()
        return await self._play() if self.acts else Seen()

    async def _do(self, act: Act) -> Seen:
        if len(self.acts) >= MAX_ACTS:
            self.acts.clear()
        self.acts.append(act)
        return await self._play()

    async def _play(self) -> Seen:
        actions = await asyncio.to_thread(_registry_with_actions, self.runtime)
        self.began = self.began or self.runtime.clock.now()
        seen = Seen()
        try:
            async with open_unit(self.runtime, self.organization.id, actor="simulation") as work:
                seen = await self._conversation(work, _Actions(actions))
                raise _Over
        except _Over:
            return seen

    async def _conversation(self, work: Unit, actions: _Actions) -> Seen:
        assert self.began is not None
        scene = Scene(self.organization, *await _somebody(), work)
        stage = MemoryStage(
            self.compiled,
            self.skill,
            actions,
            now=self.began,
            locale=self.locale,
            scene=scene,
            expiry_min=self.runtime.turn.session_expiry_h * 60,
        )
        person = stage.person(PERSON)
        lines: list[Line] = []
        for kind, what in self.acts:
            lines.append(_act_line(kind, what))
            heard = await _perform(stage, person, kind, what)
            lines += [Line("beside", note) for note in (*actions.taken(), *stage.problems)]
            lines += [Line("beside", f"{job.job.name} would run now") for job in work.jobs]
            stage.problems.clear()
            work.jobs.clear()
            lines += [Line("bot", each.text, each) for each in heard]
        stack = [f"{each.flow}, {each.step}" if each.step else each.flow for each in reversed(person.state.stack)]
        slots = {name: value for name, value in person.state.slots.items() if value is not None}
        return Seen(tuple(lines), tuple(stack), slots)


class _Actions:
    """The skills' own, but nothing that calls out."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._named: list[str] = []

    def find(self, name: str) -> tuple[Any | None, str]:
        found = self._registry.action(name)
        if found is None:
            return None, f"there is no action {name}"
        if isinstance(found, OnlineAction):
            self._named.append(f"{name} would call out here")
            return stubs_of({name: {}}, "")[name], ""
        return found, ""

    def taken(self) -> list[str]:
        """What was only named since the last time."""
        named, self._named = self._named, []
        return named


async def _perform(stage: MemoryStage, person: MemoryPerson, kind: str, what: str) -> list[Received]:
    before = len(person.heard)
    if kind == "wait":
        await stage.move(timedelta(seconds=float(what)))
    elif kind == "tap":
        try:
            await person.tap(what)
        except AssertionError:  # a draft that was changed meanwhile may not offer it any more
            stage.problems.append(f"nothing to tap is called {what}")
    else:
        await person.say(what)
    return person.heard[before:]


def _act_line(kind: str, what: str) -> Line:
    return Line("beside", f"{float(what) / 3600:g} h later") if kind == "wait" else Line("person", what)


async def _somebody() -> tuple[UUID, UUID, UUID]:
    """Account, conversation and contact of somebody new, who is gone with the transaction."""
    account = await ChannelAccount.all().first()
    account_id = account.id if account is not None else uuid7()
    contact = await Contact.create(id=uuid7(), name=PERSON)
    if account is None:
        return account_id, uuid7(), contact.id
    session = await Session.create(id=uuid7(), account_id=account_id, contact_id=contact.id)
    return account_id, session.id, contact.id


@lru_cache(maxsize=1)
def _registry_with_actions(runtime: Runtime) -> Registry:
    """Only workers load them otherwise; here with the first conversation."""
    return Registry.load(context=runtime.skill_context)
