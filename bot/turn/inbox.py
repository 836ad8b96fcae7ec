"""T0: what deliveries leave behind, committed in groups before anybody is answered 200.

While one transaction commits, deliveries that arrive are collected for the next: nothing waits for a timer, and a burst costs few commits. As
soon as enough have come the next one starts beside it, so that neither this process nor PostgreSQL waits for the other.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from bot.bodies import encode_inbound
from bot.errors import Retryable
from bot.messages import Inbound
from store.call import call
from store.crypto import OrganizationKeys, column_aad, keyring, mask_phone
from store.db import platform_transaction
from store.ids import uuid7
from store.jsonb import to_jsonb

__all__ = ["Arrival", "Delivered", "GroupCommit", "OtherArrival", "StatusArrival"]

log = logging.getLogger(__name__)

MAX_GROUP = 256  # deliveries in one transaction: enough for the commit to cost nothing, few enough to keep it short
MAX_COMMITS = 2  # side by side
ENOUGH = 16  # waiting deliveries that are worth a commit beside one under way
MAX_DEADLOCKS = 3

_RAW = (
    "INSERT INTO webhook_deliveries (id, received_at, meta_app_id, sealed_body, size_bytes, outcome, detail, attempts)"
    " SELECT i, clock_timestamp(), a, b, s, o, d, 0 FROM unnest($1::uuid[], $2::uuid[], $3::bytea[], $4::int[], $5::text[], $6::text[])"
    " AS u(i, a, b, s, o, d)"
)
_ACCEPT = "SELECT $1 AS organization_id, a.* FROM cn_accept($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18) a"
_STATUSES = "SELECT cn_accept_statuses($1, $2, $3, $4, $5, $6, $7, $8, $9::jsonb[])"
_EVENTS = "SELECT cn_accept_events($1, $2, $3, $4, $5, $6, $7)"
RAW_VALUES = 6
_NUMBER = re.compile(r"\$(\d+)")

_Statement = tuple[str, tuple[Any, ...]]
_Name = tuple[UUID, str]  # of an organization's person
_ONLY_PHONE, _ONLY_ID = "*phone", "*id"  # somebody who is named in one way only; neither is a phone number or an id


@dataclass(frozen=True, slots=True)
class Arrival:
    """One message of a person. `phone` is E.164; `user_id` is business-scoped; one of them is there."""

    organization_id: UUID
    account_id: UUID
    portfolio: str
    phone: str
    user_id: str
    name: str
    external_id: str
    part: Inbound
    reply_to: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class StatusArrival:
    organization_id: UUID
    account_id: UUID
    external_id: str
    status: str
    participant: str
    message_id: UUID | None
    at: datetime
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True)
class OtherArrival:
    """An event that is neither: kept, sealed. `applies`: it holds facts about a person that a job brings into effect."""

    organization_id: UUID
    account_id: UUID | None
    kind: str
    external_id: str
    payload: bytes
    at: datetime
    applies: bool = False


@dataclass(slots=True)
class Delivered:
    """One delivery, read. `sealed_raw` None: kept before already (a second reading by the sweep)."""

    meta_app_id: UUID | None
    sealed_raw: bytes | None
    size_bytes: int
    outcome: str = "accepted"
    detail: str = ""
    arrivals: list[Arrival] = field(default_factory=list)
    statuses: list[StatusArrival] = field(default_factory=list)
    others: list[OtherArrival] = field(default_factory=list)


Hint = Callable[[UUID, UUID, UUID], Awaitable[None]]  # organization, session, inbox row


class GroupCommit:
    """`accept` returns when the delivery is on disk. One per process."""

    def __init__(self, hint: Hint, *, sealed: bool) -> None:
        self._hint = hint
        self._sealed = sealed
        self._waiting: list[tuple[Delivered, asyncio.Future[None]]] = []
        self._committers: set[asyncio.Task[None]] = set()
        self._draining = 0  # of them those that will look again for what waits
        self._committing: list[frozenset[_Name]] = []  # whose messages
        self._hints: set[asyncio.Task[None]] = set()

    async def accept(self, delivered: Delivered) -> None:
        """
        Raises:
            Retryable: the database is away, nothing is kept: answer 503 and let the provider come again.
        """
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((delivered, future))
        if self._draining == 0 or (self._draining < MAX_COMMITS and len(self._waiting) >= ENOUGH):
            self._draining += 1
            committer = asyncio.create_task(self._drain())
            self._committers.add(committer)
            committer.add_done_callback(self._committers.discard)
        await future

    async def commit_or_raise(self, delivered: Delivered) -> None:
        """One delivery in a transaction of its own; whatever is wrong with it raises, after its other items were accepted."""
        try:
            await self._commit([delivered])
        except Retryable:
            raise
        except Exception:
            await self._commit_items(delivered)
            raise

    async def close(self) -> None:
        await asyncio.gather(*self._committers, return_exceptions=True)
        await asyncio.gather(*self._hints, return_exceptions=True)

    async def _drain(self) -> None:
        try:
            while group := self._following_group():
                people = _people(delivered for delivered, _ in group)
                self._committing.append(people)
                try:
                    await self._commit_group(group)
                finally:
                    self._committing.remove(people)
        finally:
            self._draining -= 1

    def _following_group(self) -> list[tuple[Delivered, asyncio.Future[None]]]:
        """What waits, in its order, but nothing of a person whose earlier message is being committed: it must not overtake."""
        if not self._committing:
            group, self._waiting = self._waiting[:MAX_GROUP], self._waiting[MAX_GROUP:]
            return group
        busy = set[_Name]().union(*self._committing)
        group, later = [], []
        for each in self._waiting:
            if len(group) == MAX_GROUP or not busy.isdisjoint(_perhaps(each[0])):
                busy |= _people((each[0],))
                later.append(each)
            else:
                group.append(each)
        self._waiting = later
        return group

    async def _commit_group(self, group: Sequence[tuple[Delivered, asyncio.Future[None]]]) -> None:
        try:
            await self._commit([delivered for delivered, _ in group])
        except Retryable as e:
            _fail([future for _, future in group], e)
        except Exception:
            log.exception("group commit failed, trying its deliveries one by one")
            for delivered, future in group:
                await self._commit_alone(delivered, future)
        else:
            for _, future in group:
                if not future.done():
                    future.set_result(None)

    async def _commit_alone(self, delivered: Delivered, future: asyncio.Future[None]) -> None:
        """One delivery that the database refuses must not take the others along: its raw bytes are kept for the sweep."""
        try:
            try:
                await self._commit([delivered])
            except Retryable:
                raise
            except Exception as e:
                log.exception("delivery kept raw")
                # The message of an error of PostgreSQL may quote what was written: the log has it, the table has the kind.
                raw = replace(
                    _without_items(delivered), outcome="unparsed", detail=f"not accepted as a whole: {type(e).__name__}"
                )
                await self._commit([raw])
                await self._commit_items(delivered)
        except Retryable as e:  # the database is away: the provider is told, and comes again
            _fail([future], e)
        except Exception as e:
            log.exception("delivery could not be kept")
            _fail([future], Retryable(f"keeping a delivery: {type(e).__name__}"))
        else:
            if not future.done():
                future.set_result(None)

    async def _commit_items(self, delivered: Delivered) -> None:
        """Each item by itself: a bad one among a thousand leaves the others alone. It is tried again with the raw delivery."""
        for item in _items(delivered):
            try:
                await self._commit([item])
            except Retryable:
                raise
            except Exception:
                log.exception("item of a delivery not accepted")

    async def _commit(self, group: Sequence[Delivered]) -> None:
        for _ in range(MAX_DEADLOCKS):
            try:
                await self._commit_once(group)
            except asyncpg.DeadlockDetectedError:  # with another process that accepts the same people's messages
                log.warning("group commit met a deadlock, trying again")
            else:
                return
        await self._commit_once(group)

    async def _commit_once(self, group: Sequence[Delivered]) -> None:
        by_organization: dict[UUID, list[Arrival]] = {}
        for delivered in group:
            for arrival in delivered.arrivals:
                by_organization.setdefault(arrival.organization_id, []).append(arrival)
        keys = {each: await keyring().keys(each) for each in _organizations(group)}
        statements = [
            *(
                (_ACCEPT, (each, *_columns(by_organization[each], keys[each], self._sealed)))
                for each in sorted(by_organization)
            ),
            *_statuses(group),
            *_others(group, keys),
        ]
        raw = [each for each in group if each.sealed_raw is not None]
        if raw:
            statements = _with_raw(raw, statements)
        hints = [
            (row["organization_id"], row["session_id"], row["inbox_id"])
            for row in await _run(statements)
            if row.get("inbox_id")
        ]
        if hints:
            # Not awaited: a lost hint costs seconds, a slow queue must not cost the provider's patience.
            task = asyncio.create_task(self._send_hints(hints))
            self._hints.add(task)
            task.add_done_callback(self._hints.discard)

    async def _send_hints(self, hints: Sequence[tuple[UUID, UUID, UUID]]) -> None:
        # One after the other: a hint is handed to a connection's buffer, which takes less than a task would.
        last_of_session = {session_id: (organization_id, inbox_id) for organization_id, session_id, inbox_id in hints}
        for session_id, (organization_id, inbox_id) in last_of_session.items():
            await self._hint(organization_id, session_id, inbox_id)


def _fail(futures: Sequence[asyncio.Future[None]], error: Exception) -> None:
    for future in futures:
        if not future.done():
            future.set_exception(error)


def _people(group: Iterable[Delivered]) -> frozenset[_Name]:
    """Every name by which they may be known; of who is named in one way only, that too."""
    return frozenset(
        (arrival.organization_id, name)
        for delivered in group
        for arrival in delivered.arrivals
        for name in (
            arrival.user_id,
            arrival.phone,
            "" if arrival.user_id else _ONLY_PHONE,
            "" if arrival.phone else _ONLY_ID,
        )
        if name
    )


def _perhaps(delivered: Delivered) -> set[_Name]:
    """Names of the people of `delivered`, and of whoever cannot be told from them: a phone alone may be anybody's with an id alone."""
    names = set()
    for arrival in delivered.arrivals:
        other = _ONLY_ID if not arrival.user_id else _ONLY_PHONE if not arrival.phone else ""
        names |= {(arrival.organization_id, name) for name in (arrival.user_id, arrival.phone, other) if name}
    return names


def _without_items(delivered: Delivered) -> Delivered:
    return Delivered(
        delivered.meta_app_id, delivered.sealed_raw, delivered.size_bytes, delivered.outcome, delivered.detail
    )


def _items(delivered: Delivered) -> list[Delivered]:
    """A delivery for each item, in their order; the raw bytes are in none of them."""
    nothing = replace(_without_items(delivered), sealed_raw=None)
    return [
        *(replace(nothing, arrivals=[each]) for each in delivered.arrivals),
        *(replace(nothing, statuses=[each]) for each in delivered.statuses),
        *(replace(nothing, others=[each]) for each in delivered.others),
    ]


def _organizations(group: Sequence[Delivered]) -> set[UUID]:
    found = {arrival.organization_id for delivered in group for arrival in delivered.arrivals}
    return found | {other.organization_id for delivered in group for other in delivered.others}


async def _run(statements: Sequence[_Statement]) -> list[Any]:
    """All of them in one transaction: the rows they return. One alone is its own, in one round trip."""
    if len(statements) == 1:
        sql, values = statements[0]
        return await call(sql, *values)
    rows = []
    async with platform_transaction() as tx:
        for sql, values in statements:
            rows += await tx.fetch(sql, *values)
    return rows


def _with_raw(group: Sequence[Delivered], statements: Sequence[_Statement]) -> list[_Statement]:
    """The raw deliveries are kept by the first statement, or by one of their own when they bring nothing."""
    raw = (
        [uuid7() for _ in group],
        [each.meta_app_id for each in group],
        [each.sealed_raw for each in group],
        [each.size_bytes for each in group],
        [each.outcome for each in group],
        [each.detail for each in group],
    )
    if not statements:
        return [(_RAW, raw)]
    sql, values = statements[0]
    return [(_after_raw(sql), raw + values), *statements[1:]]


@functools.cache
def _after_raw(sql: str) -> str:
    """`sql` with the raw deliveries kept beside it, whose values come first."""
    moved = _NUMBER.sub(lambda number: f"${int(number[1]) + RAW_VALUES}", sql)
    return f"WITH raw AS ({_RAW}) {moved}"


def _columns(arrivals: Sequence[Arrival], keys: OrganizationKeys, sealed: bool) -> tuple[list[Any], ...]:
    def seal(value: str) -> bytes | None:
        return keys.seal_text(value, table="contact_identities", column="value_sealed") if value else None

    def index(value: str) -> bytes | None:
        return keys.blind_index(value) if value else None

    return (
        [each.account_id for each in arrivals],
        [each.portfolio for each in arrivals],
        [index(each.user_id) for each in arrivals],
        [seal(each.user_id) for each in arrivals],
        [f"{each.user_id[:3]}…{each.user_id[-4:]}" if each.user_id else "" for each in arrivals],
        [index(each.phone) for each in arrivals],
        [seal(each.phone) for each in arrivals],
        [mask_phone(each.phone) if each.phone else "" for each in arrivals],
        [each.name[:300] for each in arrivals],
        [each.user_id[:2] if each.user_id else "" for each in arrivals],
        [uuid7() for _ in arrivals],
        [uuid7() for _ in arrivals],
        [each.external_id for each in arrivals],
        [each.part.type for each in arrivals],
        [encode_inbound(each.part, keys, sealed=sealed) for each in arrivals],
        [each.reply_to for each in arrivals],
        [each.at for each in arrivals],
    )


def _statuses(group: Sequence[Delivered]) -> Iterator[_Statement]:
    by_organization: dict[UUID, list[StatusArrival]] = {}
    for delivered in group:
        for status in delivered.statuses:
            by_organization.setdefault(status.organization_id, []).append(status)
    for organization_id in sorted(by_organization):
        rows = by_organization[organization_id]
        yield (
            _STATUSES,
            (
                organization_id,
                [uuid7() for _ in rows],
                [each.account_id for each in rows],
                [each.external_id for each in rows],
                [each.status for each in rows],
                [each.participant for each in rows],
                [each.message_id for each in rows],
                [each.at for each in rows],
                [to_jsonb(each.detail) for each in rows],
            ),
        )


def _others(group: Sequence[Delivered], keys: dict[UUID, OrganizationKeys]) -> Iterator[_Statement]:
    by_organization: dict[UUID, list[OtherArrival]] = {}
    for delivered in group:
        for other in delivered.others:
            by_organization.setdefault(other.organization_id, []).append(other)
    for organization_id in sorted(by_organization):
        rows = by_organization[organization_id]
        aad = column_aad(organization_id, "channel_events", "sealed_payload")
        yield (
            _EVENTS,
            (
                organization_id,
                [uuid7() for _ in rows],
                [each.account_id for each in rows],
                [each.kind for each in rows],
                [each.external_id for each in rows],
                [keys[organization_id].seal(each.payload, aad) for each in rows],
                [each.at for each in rows],
            ),
        )
        jobs = [_application(each) for each in rows if each.applies]
        if jobs:
            yield "SELECT cn_put_jobs($1, $2::jsonb)", (organization_id, to_jsonb(jobs))


def _application(other: OtherArrival) -> dict[str, Any]:
    return {
        "id": str(uuid7()),
        "name": "core.apply_channel_event",
        "queue": "interactive",
        "payload": {"external_id": other.external_id},
        "key": f"channel_event:{other.external_id}"[:200],
        "run_at": None,
    }
