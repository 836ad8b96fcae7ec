"""WhatsApp's limits, kept by two pacers that share nothing but the database, as two processes do."""

from __future__ import annotations

import asyncio
import time
from itertools import pairwise
from uuid import uuid4

import pytest

from bot.ports import DeliveryAccount, Lane
from scheduler.limits import PostgresPacer
from scheduler.settings import LimitSettings
from store.errors import Retryable
from tests.scheduler.world import new_account, new_conversation, new_organization
from tests.support.database import Cluster, Database


def busiest_second(moments: list[float]) -> int:
    """The most of them that any half-open second holds."""
    first = 0
    most = 0
    for last, moment in enumerate(moments):
        while moment - moments[first] >= 1.0:
            first += 1
        most = max(most, last - first + 1)
    return most


async def send(pacer: PostgresPacer, account: DeliveryAccount, lane: Lane, until: float, at_once: int) -> list[float]:
    moments: list[float] = []

    async def one() -> None:
        while time.monotonic() < until:
            await pacer.number(account, lane)
            moments.append(time.monotonic())
            await asyncio.sleep(0.01)  # the provider's answer

    await asyncio.gather(*(one() for _ in range(at_once)))
    return moments


async def test_two_processes_together_keep_the_limit_of_a_number_and_use_it_up(database: Database) -> None:
    account = await new_account(await new_organization(), number_per_s=80)
    pacers = [PostgresPacer(LimitSettings()), PostgresPacer(LimitSettings())]
    until = time.monotonic() + 5

    sent = await asyncio.gather(*(send(pacer, account, Lane.REPLY, until, 8) for pacer in pacers))

    moments = sorted(sent[0] + sent[1])
    rate = (len(moments) - 1) / (moments[-1] - moments[0])
    assert busiest_second(moments) <= 81
    assert rate == pytest.approx(80, rel=0.02)  # the benchmark asks for 1 %, on a machine that does nothing else
    assert min(len(each) for each in sent) > 0.2 * len(moments)


async def test_a_fast_number_is_paced_as_well(database: Database) -> None:
    account = await new_account(await new_organization(), number_per_s=400)
    pacer = PostgresPacer(LimitSettings())

    moments = await send(pacer, account, Lane.REPLY, time.monotonic() + 2, 32)

    assert busiest_second(moments) <= 401


async def test_a_reply_passes_bulk_that_is_running_at_full_speed(database: Database) -> None:
    account = await new_account(await new_organization(), number_per_s=80)
    bulk, replies = PostgresPacer(LimitSettings()), PostgresPacer(LimitSettings())
    until = time.monotonic() + 3
    broadcast = asyncio.create_task(send(bulk, account, Lane.BULK, until, 50))
    waits = []
    await asyncio.sleep(0.5)
    while time.monotonic() < until - 0.3:
        asked = time.monotonic()
        await replies.number(account, Lane.REPLY)
        waits.append(time.monotonic() - asked)
        await asyncio.sleep(0.1)

    moments = await broadcast
    assert sorted(waits)[len(waits) // 2] < 0.1
    assert busiest_second(moments) <= 65
    assert (len(moments) - 1) / (moments[-1] - moments[0]) > 0.9 * 64


async def test_replies_go_before_bulk_in_the_same_process(database: Database) -> None:
    account = await new_account(await new_organization(), number_per_s=20)
    pacer = PostgresPacer(LimitSettings(bulk_share=1))
    order: list[str] = []

    async def take(lane: Lane) -> None:
        await pacer.number(account, lane)
        order.append(lane.name)

    waiting = [asyncio.create_task(take(Lane.BULK)) for _ in range(6)]
    await asyncio.sleep(0.01)
    waiting += [asyncio.create_task(take(Lane.REPLY)) for _ in range(3)]
    await asyncio.gather(*waiting)

    assert order.index("REPLY") <= 1
    assert order[-3:] == ["BULK"] * 3


async def test_slots_that_nobody_took_are_not_used_later(database: Database) -> None:
    account = await new_account(await new_organization(), number_per_s=50)
    pacer = PostgresPacer(LimitSettings())
    await send(pacer, account, Lane.REPLY, time.monotonic() + 0.5, 10)
    await asyncio.sleep(0.5)

    moments = []
    for _ in range(6):
        await pacer.number(account, Lane.REPLY)
        moments.append(time.monotonic())

    assert min(later - earlier for earlier, later in pairwise(moments)) > 0.5 / 50


async def test_a_pair_may_burst_and_is_then_slowed_down(database: Database) -> None:
    talk = await new_conversation()
    account = DeliveryAccount(talk.account_id, talk.organization_id, "whatsapp", "1", "token", "connected", None)
    first, second = (PostgresPacer(LimitSettings(pair_burst=5, pair_interval_s=6)) for _ in range(2))

    waits = [await pacer.pair(account, talk.session_id) for pacer in (first, second) * 4]

    assert waits[:5] == [0] * 5
    assert all(5 < wait <= 6 for wait in waits[5:])


async def test_a_clock_that_leapt_back_stops_a_number_for_a_second_only(database: Database) -> None:
    account = await new_account(await new_organization(), number_per_s=80)
    pacer = PostgresPacer(LimitSettings())
    await pacer.number(account, Lane.REPLY)
    import asyncpg

    connection = await asyncpg.connect(database.superuser_dsn)
    await connection.execute("UPDATE pacing SET tat = tat + interval '1 hour'")
    await connection.close()

    asked = time.monotonic()
    await pacer.number(account, Lane.REPLY)

    assert 0.8 < time.monotonic() - asked < 3


async def test_with_the_database_away_nothing_may_be_sent(cluster: Cluster) -> None:
    account = DeliveryAccount(uuid4(), uuid4(), "whatsapp", "1", "token", "connected", 80)
    from store import db

    unreachable = "postgresql://chatnation_app@127.0.0.1:1/none"
    with pytest.raises(Retryable):
        await db.connect(unreachable, pool_min=0, pool_max=1)
        try:
            await PostgresPacer(LimitSettings()).number(account, Lane.REPLY)
        finally:
            await db.close()
