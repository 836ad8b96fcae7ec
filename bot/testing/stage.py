"""A stage for conversations: one organization, its number, people with phones, and everything between them for real.

Messages go in through `cn_accept`, turns run in `process_session`, jobs in the workers' own job runner; what comes out is on the phones.
Nothing runs by itself: after each message the stage runs what became due, until nothing is.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from bot.config import Configuration
from bot.delivery import deliver_due
from bot.flows import Command, Compiled, Effect, FlowState
from bot.messages import Choice, Inbound, Media, Text
from bot.ports import Knowledge, Lane
from bot.publishing.serve import compiled_for
from bot.registry import Registry
from bot.runtime import WORKER_ADAPTERS, Runtime
from bot.skill import SkillContext
from bot.testing.fakes import (
    AwayProvider,
    Letterbox,
    MemoryBlobs,
    NoDispatcher,
    OpenPacer,
    Received,
    RecordingChannel,
    SettableClock,
)
from bot.turn.inbox import Arrival, Delivered, GroupCommit
from bot.turn.runner import process_session
from bot.understand import Considered, Source, Understanding, interpret
from store import db
from store.crypto import Cipher, KeyRing, MasterKey, install_keyring, keyring, new_data_key
from store.directory import load_keys, tokens_aad
from store.ids import uuid7
from store.jsonb import from_jsonb, to_jsonb
from store.models import ChannelAccount, Contact, ContactIdentity, Organization, OrganizationKey, Session, SkillInstall
from store.tenancy import organization_scope

__all__ = ["Person", "Stage", "TurnLog", "found_organization"]

RUN_JOB = "scheduler.jobs:run_job"  # above this package, so by its name, as the adapters are (decision 1)
MODELS = {port: WORKER_ADAPTERS[port] for port in ("llm", "transcriber", "router")}
MAX_ROUNDS = 50  # jobs that make jobs for ever must not hang a test


@dataclass(slots=True)
class TurnLog:
    """What happened since somebody last did something: the engine's effects in order, jobs made, meters charged."""

    effects: list[Effect] = field(default_factory=list)
    jobs: list[str] = field(default_factory=list)
    charges: list[str] = field(default_factory=list)


class Stage:
    def __init__(self, runtime: Runtime, clock: SettableClock, organization_id: UUID, account_id: UUID) -> None:
        self.runtime = runtime
        self.clock = clock
        self.organization_id = organization_id
        self.account_id = account_id
        self.channel = RecordingChannel()
        self.log = TurnLog()
        self.hold_jobs = False
        self._people: dict[str, Person] = {}
        self._accept = GroupCommit(_no_hint, sealed=True)
        self._messages = 0
        self._scripted: list[list[Command]] = []
        self._charged: set[UUID] = set()
        runtime.channel = self.channel
        runtime.watch = self._watch
        runtime.understand = self._understand

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        *,
        skills: Sequence[str],
        name: str = "Savanna Events",
        locale: str = "en",
        now: datetime | None = None,
        package: str = "skills",
        replace: Callable[[Registry], Registry] | None = None,
        settings: Mapping[str, str] | None = None,
        knowledge: Knowledge | None = None,
    ) -> AsyncIterator[Stage]:
        """Needs `store.db` connected to an empty, migrated database; installs a key ring of its own for the time.

        `settings` are environment names: {"CHATNATION__LLM__BASE_URL": server.base_url} switches models on.
        `replace` may put other skills or actions in the place of those that were loaded: a mutant, a stub.
        """
        clock = SettableClock(now or datetime.now(UTC))
        master = os.urandom(32)
        install_keyring(KeyRing(MasterKey(master), load_keys))
        try:
            configuration = Configuration.read(settings or {})
            runtime = Runtime(configuration, blobs=MemoryBlobs(), master=Cipher(master), clock=clock)
            registry = load_registry(runtime.skill_context, package)
            runtime.registry = replace(registry) if replace else registry
            runtime.dispatcher, runtime.pacer, runtime.notifier = NoDispatcher(), OpenPacer(), Letterbox()
            runtime.provider = AwayProvider()
            organization_id, account_id = await found_organization(name, locale, skills)
            await runtime.bind({"knowledge": knowledge, **MODELS})
            try:
                yield cls(runtime, clock, organization_id, account_id)
            finally:
                if runtime.llm is not None:
                    await runtime.llm.close()
        finally:
            install_keyring(None)

    def person(self, name: str = "", *, key: str | None = None) -> Person:
        """The person of this key, by default the name: the same one each time."""
        found = self._people.get(key or name)
        if found is None:
            phone = f"+2547{len(self._people) + 10_000_001:08d}"
            found = self._people[key or name] = Person(self, name, phone)
            self.channel.phones[phone] = found.heard
        return found

    async def receive(self, person: Person, part: Inbound, *, commands: list[Command] | None = None) -> None:
        """One message of a person, and all that follows from it. With `commands` it is not understood but means them."""
        await self.accept(person, part)
        self.log = TurnLog()
        if commands is not None:
            self._scripted.append(commands)
        await self.settle()

    async def accept(self, person: Person, part: Inbound) -> None:
        """Only puts it into the inbox."""
        self._messages += 1
        arrival = Arrival(
            organization_id=self.organization_id,
            account_id=self.account_id,
            portfolio="",
            phone=person.phone,
            user_id="",
            name=person.name,
            external_id=f"wamid.in.{self._messages}",
            part=part,
            reply_to=None,
            at=self.clock.now(),
        )
        await self._accept.commit_or_raise(Delivered(None, None, 0, arrivals=[arrival]))
        if person.session_id is None:
            await person.find_session()

    async def seat(self, person: Person, slots: Mapping[str, Any]) -> None:
        """Gives a person a conversation that begins with these slots (by their loaded ids)."""
        account, contact, session = self.account_id, uuid7(), uuid7()
        keys = await keyring().keys(self.organization_id)
        profile = await self.runtime.directory.organization(self.organization_id)
        compiled = await compiled_for(self.runtime, profile)
        state = FlowState(slots=dict(slots), compiled_hash=compiled.content_hash)
        with organization_scope(self.organization_id):
            await Contact.create(id=contact, name=person.name)
            await ContactIdentity.create(
                contact_id=contact,
                kind="phone",
                value_index=keys.blind_index(person.phone),
                value_sealed=keys.seal_text(person.phone, table="contact_identities", column="value_sealed"),
            )
            await Session.create(
                id=session, account_id=account, contact_id=contact, state=state.to_json(), last_user_at=self.clock.now()
            )
        person.contact_id, person.session_id = contact, session

    async def move(self, by: timedelta) -> None:
        """Lets time pass: deadlines that are over come due, and jobs for later."""
        self.clock.move(by)
        self.log = TurnLog()
        await self.settle()

    async def settle(self) -> None:
        """Runs turns, jobs and deliveries until nothing is due."""
        for _ in range(MAX_ROUNDS):
            turned = await self._run_turns()
            ran = 0 if self.hold_jobs else await self._run_jobs()
            delivered = sum([await deliver_due(self.runtime, self.organization_id, lane) for lane in Lane])
            if not (turned or ran or delivered):
                await self._note_charges()
                return
        raise AssertionError(f"still busy after {MAX_ROUNDS} rounds")

    async def rows(self, sql: str, *values: Any) -> list[Any]:
        """Looks into the database, within the organization."""
        with organization_scope(self.organization_id):
            return await db.fetch(sql, *values)

    # -- what became due

    async def _run_turns(self) -> int:
        await self._expire_waits()
        due = await self.rows(
            "SELECT DISTINCT session_id FROM inbox WHERE state = 'ready' AND next_attempt_at <= now()"
        )
        for row in due:
            await process_session(self.runtime, self.organization_id, row["session_id"])
        return len(due)

    async def _expire_waits(self) -> None:
        """What the sweep does, by this clock."""
        late = await self.rows("SELECT id, state FROM sessions WHERE wait_until <= $1", self.clock.now())
        for row in late:
            pending = FlowState.from_json(_json(row["state"])).pending
            if pending is None or pending.kind != "event":
                continue
            payload = to_jsonb({"event": pending.event, "key": pending.key})
            await self.rows(
                "INSERT INTO inbox (id, organization_id, session_id, kind, payload, key, provider_at, state, attempts,"
                " next_attempt_at, last_error) VALUES ($1, $2, $3, 'timeout', $4::jsonb, $5, clock_timestamp(), 'ready', 0,"
                " clock_timestamp(), '') ON CONFLICT (organization_id, key) DO NOTHING",
                uuid7(),
                self.organization_id,
                row["id"],
                payload,
                f"timeout:{row['id']}:{pending.key}",
            )

    async def _run_jobs(self) -> int:
        # A job for later has a time of this clock; one for at once has that of its row, by the database's clock.
        due = await self.rows(
            "UPDATE jobs SET run_at = LEAST(run_at, clock_timestamp()) WHERE state = 'ready'"
            " AND (run_at <= $1 OR run_at BETWEEN created_at - interval '1 s' AND clock_timestamp()) RETURNING id, name",
            self.clock.now(),
        )
        run_job = _named(RUN_JOB)
        for row in due:
            with organization_scope(self.organization_id):
                await run_job(self.runtime, self.organization_id, row["id"])
            [after] = await self.rows("SELECT state, last_error FROM jobs WHERE id = $1", row["id"])
            if after["state"] != "done":
                raise AssertionError(f"job {row['name']} is {after['state']}: {after['last_error']}")
        self.log.jobs += [row["name"] for row in due]
        return len(due)

    async def _note_charges(self) -> None:
        known = self._charged
        rows = await self.rows("SELECT id, meter FROM charges ORDER BY at, id")
        self.log.charges += [row["meter"] for row in rows if row["id"] not in known]
        known.update(row["id"] for row in rows)

    # -- the engine's shoulder

    def _watch(self, session_id: UUID, effect: Effect) -> None:
        self.log.effects.append(effect)

    def _understand(self, message: Inbound, state: FlowState, compiled: Compiled, **how: Any) -> Understanding:
        if self._scripted:
            commands = self._scripted.pop(0)
            return Understanding(commands, tuple(Considered(each, Source.PAYLOAD, 1.0) for each in commands))
        return interpret(message, state, compiled, **how)


@dataclass(slots=True)
class Person:
    """Somebody with a phone. `heard` is what is on it, oldest first."""

    stage: Stage
    name: str
    phone: str
    heard: list[Received] = field(default_factory=list)
    session_id: UUID | None = None
    contact_id: UUID | None = None

    async def say(self, text: str, *, commands: list[Command] | None = None) -> list[Received]:
        """Writes a message; returns what came back."""
        return await self.send(Text(text=text), commands=commands)

    async def tap(self, title: str, *, older: int = 0) -> list[Received]:
        """Taps a button or row of the newest message that has it; `older`: so many such messages before that one."""
        having = [message for message in self.heard if title in message.titles]
        for message in having[len(having) - 1 - older :: -1] if older < len(having) else ():
            for shown, option_id in message.options:
                if shown == title:
                    return await self.send(Choice(option_id=option_id, title=title))
        seen = sorted({each for message in self.heard for each in message.titles})
        raise AssertionError(f"nothing to tap is called {title!r}; there is {seen}")

    async def send_media(self, media: Media, data: bytes = b"") -> list[Received]:
        self.stage.channel.offer_file(media, data)
        return await self.send(media)

    async def send(self, part: Inbound, *, commands: list[Command] | None = None) -> list[Received]:
        before = len(self.heard)
        await self.stage.receive(self, part, commands=commands)
        return self.heard[before:]

    async def slots(self) -> dict[str, Any]:
        """By their loaded ids."""
        return (await self.state()).slots

    async def state(self) -> FlowState:
        if self.session_id is None:
            return FlowState()
        [row] = await self.stage.rows("SELECT state FROM sessions WHERE id = $1", self.session_id)
        return FlowState.from_json(_json(row["state"]))

    async def find_session(self) -> None:
        keys = await keyring().keys(self.stage.organization_id)
        [row] = await self.stage.rows(
            "SELECT s.id, s.contact_id FROM sessions s JOIN contact_identities i ON i.contact_id = s.contact_id"
            " WHERE i.kind = 'phone' AND i.value_index = $1",
            keys.blind_index(self.phone),
        )
        self.session_id, self.contact_id = row["id"], row["contact_id"]


def load_registry(context: Callable[[str], SkillContext], package: str = "skills") -> Registry:
    """All skills with their actions and the tasks of every queue, as no single process has them."""
    return Registry.load(context=context, queue="all", package=package)


async def found_organization(name: str, locale: str, skills: Sequence[str]) -> tuple[UUID, UUID]:
    """An organization with its key, number and skills: (organization, account). Needs a key ring."""
    organization_id = uuid7()
    with organization_scope(organization_id):
        await Organization.create(id=organization_id, name=name, slug=organization_id.hex, locale=locale)
        await OrganizationKey.create(version=1, wrapped=keyring().master.wrap(organization_id, new_data_key()))
        keys = await keyring().keys(organization_id)
        for position, skill in enumerate(skills):
            await SkillInstall.create(skill=skill, position=position)
        account = await ChannelAccount.create(
            external_id=f"1{organization_id.int % 10**14:014d}",
            name=name,
            sealed_token=keys.seal(b"token", tokens_aad(organization_id)),
        )
    return organization_id, account.id


async def _no_hint(organization_id: UUID, session_id: UUID, inbox_id: UUID) -> None:
    return None


def _json(text: Any) -> Any:
    return None if text is None else from_jsonb(text)


def _named(dotted: str) -> Any:
    module, _, name = dotted.partition(":")
    return getattr(importlib.import_module(module), name)
