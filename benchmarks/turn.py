"""A whole turn in a worker, without model and without network: claim, understanding, flow, one local action, commit, outbox, mark."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import uvloop

from benchmarks.floors.turn import TABLES, Turns
from benchmarks.stand import Stand
from benchmarks.table import Line, median
from bot.config import Configuration
from bot.messages import Text
from bot.ports import SendResult, Sent
from bot.registry import Registry
from bot.runtime import Runtime
from bot.testing.fakes import NoDispatcher, OpenPacer, RecordingChannel
from bot.turn.inbox import Arrival, Delivered, GroupCommit
from bot.turn.runner import process_session
from store import db
from store.ids import uuid7
from store.models import SkillInstall
from store.tenancy import organization_scope

__all__ = ["run"]

ROUNDS = 12
CONVERSATIONS = 128  # each has one turn a round
AT_ONCE = 32
CONNECTIONS = 8
STATE = b'{"sum": 0, "stack": [{"flow": "tally:tally_count", "step": "ask"}], "slots": {"tally:tally_number": 3, "tally:tally_sum": 12}}'


def run(stand: Stand) -> Sequence[Line]:
    asyncio.run(stand.make_floor_tables(TABLES))
    taken = uvloop.run(_measure(stand))
    project, floor = (median([CONVERSATIONS / seconds for seconds in taken[name]]) for name in ("project", "floor"))
    return [Line("whole turn, no model, no network", project, floor, "1/s", ">= 0.5", project >= 0.5 * floor)]


async def _measure(stand: Stand) -> dict[str, list[float]]:
    project = await Project.open(stand)
    floor = await Turns.open(stand.floor_dsn(), project.organization_id, connections=CONNECTIONS)
    try:
        conversations = [uuid4() for _ in range(CONVERSATIONS)]
        await floor.fill(conversations, STATE)
        taken: dict[str, list[float]] = {"project": [], "floor": []}
        for _ in range(ROUNDS + 1):
            await project.hear("3")
            taken["project"].append(await _timed(project.turn, project.sessions))
            await floor.put(conversations, b"3")
            taken["floor"].append(await _timed(floor.turn, conversations))
        await project.check(ROUNDS + 1)
        return {name: seconds[1:] for name, seconds in taken.items()}  # the first warmed connections and plans
    finally:
        await floor.close()
        await project.close()


async def _timed(turn: Callable[[UUID], Awaitable[None]], conversations: Sequence[UUID]) -> float:
    left = iter(conversations)

    async def work() -> None:
        for each in left:
            await turn(each)

    started = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    return time.perf_counter() - started


class Project:
    """A worker's runtime with the skill `tally`, and people who are in the middle of its flow."""

    def __init__(self, runtime: Runtime, stand: Stand) -> None:
        self._runtime = runtime
        self._number = stand.organizations[1]
        self._accept = GroupCommit(_no_hint, sealed=True)
        self._channel = _Phones()
        runtime.channel = self._channel
        runtime.registry = Registry.load(context=runtime.skill_context, package="benchmarks.skills")
        self.organization_id = self._number.id
        self.sessions: list[UUID] = []

    @classmethod
    async def open(cls, stand: Stand) -> Project:
        configuration = Configuration.read(stand.environment(STORE__POOL_MAX=str(CONNECTIONS)))
        adapters: dict[str, Any] = {"channel": None, "dispatcher": NoDispatcher(), "pacer": OpenPacer()}
        opened = cls(await Runtime.open("bench", configuration=configuration, adapters=adapters), stand)
        with organization_scope(opened.organization_id):
            await SkillInstall.filter(skill__not="tally").update(enabled=False)
            await SkillInstall.get_or_create(skill="tally", defaults={"id": uuid7()})
        await opened.hear("count")
        with organization_scope(opened.organization_id):
            opened.sessions = [row["id"] for row in await db.fetch("SELECT DISTINCT session_id AS id FROM inbox")]
        await _timed(opened.turn, opened.sessions)
        return opened

    async def close(self) -> None:
        await self._accept.close()
        await self._runtime.close()

    async def hear(self, text: str) -> None:
        """Everybody writes this."""
        arrivals = [
            Arrival(
                organization_id=self.organization_id,
                account_id=UUID(self._number.account_id),
                portfolio="",
                phone=f"+2547{20_000_000 + n}",
                user_id="",
                name="Amina Otieno",
                external_id=f"wamid.{uuid4()}",
                part=Text(text=text),
                reply_to=None,
                at=datetime.now(UTC),
            )
            for n in range(CONVERSATIONS)
        ]
        await self._accept.commit_or_raise(Delivered(None, None, 0, arrivals=arrivals))

    async def turn(self, session_id: UUID) -> None:
        await process_session(self._runtime, self.organization_id, session_id)

    async def check(self, turns: int) -> None:
        """What was measured was the work: everybody has the right sum."""
        sums = {heard[-1].text for heard in self._channel.phones.values()}
        if sums != {f"{turns * 3} so far. What comes next?"}:
            raise RuntimeError(f"the turns went wrong: {sorted(sums)[:5]}")


class _Phones(RecordingChannel):
    """Where replies end: rendered as for WhatsApp, under ids that no other message has."""

    async def send(self, *given: Any, **named: Any) -> SendResult:
        await RecordingChannel.send(self, *given, **named)
        return Sent(f"wamid.out.{uuid4()}")


async def _no_hint(organization_id: UUID, session_id: UUID, inbox_id: UUID) -> None:
    return None
