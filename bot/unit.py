"""A unit of work: one transaction, and what follows from it. Segments of turns (T2) and tasks (T4) share it.

What is enqueued, charged, sent or resumed is written when the unit closes, in the same transaction; hints go out after the commit.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from bot import trace
from bot.bodies import OutBody, encode_outbound
from bot.errors import Refused
from bot.hooks.envelope import envelope
from bot.messages import Outbound
from bot.metering import Charge, charge
from bot.ports import Lane
from bot.skill import Event, Job
from store.access import by_platform
from store.crypto import OrganizationKeys, keyring
from store.db import Tx, transaction
from store.ids import uuid7
from store.jsonb import to_jsonb
from store.tenancy import organization_scope

if TYPE_CHECKING:
    from bot.runtime import Runtime

__all__ = ["PendingJob", "Unit", "open_unit"]


@dataclass(frozen=True, slots=True)
class PendingJob:
    job_id: UUID
    job: Job
    at: datetime | None
    trace_id: UUID | None

    def to_json(self) -> dict[str, Any]:
        return {
            "id": str(self.job_id),
            "name": self.job.name,
            "queue": self.job.queue,
            "payload": self.job.model_dump(mode="json"),
            "key": self.job.key(),
            "run_at": self.at.isoformat() if self.at else None,
            "trace_id": str(self.trace_id) if self.trace_id else None,
        }


@dataclass(slots=True)
class Unit:
    """Implements `bot.skill.UnitOfWork`."""

    runtime: Runtime
    organization_id: UUID
    keys: OrganizationKeys
    tx: Tx
    now: datetime
    actor: str
    skill: str = ""  # whose job it is
    jobs: list[PendingJob] = field(default_factory=list)
    charges: list[Charge] = field(default_factory=list)
    audits: list[tuple[Any, ...]] = field(default_factory=list)
    resumes: list[tuple[UUID, UUID, str, str]] = field(default_factory=list)
    sends: list[tuple[Any, ...]] = field(default_factory=list)
    lanes: set[Lane] = field(default_factory=set)
    told: list[tuple[str, UUID, bytes]] = field(default_factory=list)  # for who listens: type, id, sealed body

    def enqueue(self, job: Job, *, at: datetime | None = None) -> None:
        self.jobs.append(PendingJob(uuid7(), job, at, trace.current()))

    def charge(self, meter: str, quantity: int = 1, *, key: str) -> None:
        self.charges.append(charge(meter, quantity, key=key))

    def audit(self, action: str, *, subject: str = "", before: Any = None, after: Any = None) -> None:
        self.audits.append((uuid7(), self.actor, action, subject, _json(before), _json(after)))

    def resume(self, session_id: UUID, event: str, *, key: str, slots: dict[str, Any] | None = None) -> None:
        payload = to_jsonb({"event": event, "key": key, "slots": slots or {}})
        self.resumes.append((uuid7(), session_id, f"event:{event}:{key}", payload))

    def send(
        self, contact_id: UUID, account_id: UUID, part: Outbound, *, key: str, lane: Lane = Lane.BULK, origin: str = ""
    ) -> None:
        if not self.runtime.registry.may_send(self.skill):
            raise Refused(
                f"the skill {self.skill} sends a message, but its skill.yml does not say capabilities.send_proactive: true"
            )
        for index in range(self.runtime.channel.pieces(part)):
            message_id = uuid7()
            body = encode_outbound(
                OutBody(part, index, message_id.hex), self.keys, sealed=self.runtime.encrypt_messages
            )
            self.sends.append(
                (contact_id, account_id, message_id, uuid7(), part.type, body, f"{key}:{index}", int(lane), origin)
            )
        self.lanes.add(lane)

    async def publish(self, event: Event) -> None:
        profile = await self.runtime.directory.organization(self.organization_id)
        with by_platform():  # handlers are other skills', and do what those may
            for handler in self.runtime.registry.handlers(event, profile.skills):
                await handler(event, self)
        if event.webhook is not None:
            event_id = uuid7()
            body = envelope(event.name, event_id, self.now, event.model_dump(mode="json"))
            self.told.append((event.name, event_id, self.keys.seal_text(body, table="hook_deliveries", column="body")))

    async def write(self) -> None:
        """Everything but jobs and charges of a segment, which `cn_commit` writes itself. Also in the middle, to read what was queued."""
        if self.audits:
            await self.tx.executemany(
                "INSERT INTO audit_entries (id, organization_id, at, actor, action, subject, before, after)"
                " VALUES ($1, $2, clock_timestamp(), $3, $4, $5, $6::jsonb, $7::jsonb)",
                [(each[0], self.organization_id, *each[1:]) for each in self.audits],
            )
            self.audits.clear()
        if self.resumes:
            await self.tx.executemany(
                "INSERT INTO inbox (id, organization_id, session_id, kind, payload, key, provider_at, state, attempts, next_attempt_at, last_error, trace_id)"
                " VALUES ($1, $2, $3, 'event', $5::jsonb, $4, clock_timestamp(), 'ready', 0, clock_timestamp(), '', $6)"
                " ON CONFLICT (organization_id, key) DO NOTHING",
                [(each[0], self.organization_id, *each[1:], trace.current()) for each in self.resumes],
            )
        if self.sends:
            columns = [list(column) for column in zip(*self.sends, strict=True)]
            await self.tx.execute(
                "SELECT cn_put_sends($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
                self.organization_id,
                *columns,
                trace.current(),
            )
            self.sends.clear()
        for told, event_id, body in self.told:
            await self.tx.execute(
                "SELECT cn_tell_hooks($1, $2, $3, NULL, $4, $5)", self.organization_id, told, event_id, body, self.now
            )
        self.told.clear()

    async def write_jobs_and_charges(self) -> None:
        if self.jobs:
            await self.tx.execute("SELECT cn_put_jobs($1, $2::jsonb)", self.organization_id, self.jobs_json())
        if self.charges:
            await self.tx.execute("SELECT cn_put_charges($1, $2::jsonb)", self.organization_id, self.charges_json())

    def jobs_json(self) -> str | None:
        return to_jsonb([each.to_json() for each in self.jobs]) if self.jobs else None

    def charges_json(self) -> str | None:
        return to_jsonb([each.to_json() for each in self.charges]) if self.charges else None

    async def hint(self) -> None:
        """After the commit. What is lost here is found by the relay and the sweep."""
        dispatcher = self.runtime.dispatcher
        for pending in self.jobs:
            if pending.at is None:
                await dispatcher.kick(self.organization_id, pending.job_id, queue=pending.job.queue, attempt=0)
        for inbox_id, session_id, *_ in self.resumes:
            await dispatcher.hint(self.organization_id, session_id, attempt=f"{inbox_id}:0")
        for lane in self.lanes:
            await dispatcher.deliver(self.organization_id, lane=lane, attempt=uuid7().hex)


@asynccontextmanager
async def open_unit(runtime: Runtime, organization_id: UUID, *, actor: str, skill: str = "") -> AsyncIterator[Unit]:
    """T4: one transaction of a task, with its follow-ups; hints go out after it. `skill`: whose task, if it is one's."""
    keys = await keyring().keys(organization_id)
    with organization_scope(organization_id):
        async with transaction() as tx:
            unit = Unit(runtime, organization_id, keys, tx, runtime.clock.now(), actor, skill)
            yield unit
            await unit.write()
            await unit.write_jobs_and_charges()
        with by_platform():  # what a hint starts here is not the skill's any more
            await unit.hint()


def _json(value: Any) -> str | None:
    return None if value is None else to_jsonb(value)
