"""What must be true after a run, asked of the emulator's ledger and of the database."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from channels.emulator.client import EmulatorClient
from tests.e2e.stack import Stack

__all__ = ["assert_answered_once", "faults_of", "make_people", "settled"]

QUIET_S = 6.0  # longer than the grace (5 s at most) that the stacks set whose tests wait so long: a second copy would have come by then


async def make_people(client: EmulatorClient, count: int, *, prefix: str = "25479") -> list[str]:
    """So many, each in a conversation that waits for numbered messages."""
    begun = await client.bulk(count=count, prefix=prefix, text="numbers", messages_each=1, wait=True)
    for wa_id in begun["wa_ids"]:
        await client.wait_for_reply(wa_id, contains="numbered messages", timeout_s=60)
    return list(begun["wa_ids"])


async def settled(
    client: EmulatorClient, people: list[str], *, expected: int, timeout_s: float, quiet_s: float = QUIET_S
) -> dict[str, Any]:
    """Waits until every message has an answer, then a while longer for what should not come; the ledger's analysis."""
    until = time.monotonic() + timeout_s
    report = await client.analyse(wa_ids=people)
    while report["answered"] < expected and time.monotonic() < until:
        await asyncio.sleep(0.5)
        report = await client.analyse(wa_ids=people)
    await asyncio.sleep(quiet_s)
    return await client.analyse(wa_ids=people)


def faults_of(report: dict[str, Any]) -> dict[str, int]:
    return {name: report[name] for name in ("lost", "duplicated", "misordered", "unasked", "unacked")}


async def assert_answered_once(stack: Stack, client: EmulatorClient, people: list[str], *, each: int) -> None:
    """Each of `each` messages of each person: one answer seen, one row, one step of the state; nothing is left waiting."""
    report = await client.analyse(wa_ids=people)
    told = report["threads"][:3]
    faults = faults_of(report)
    assert faults == dict.fromkeys(faults, 0), told
    assert (report["asked"], report["answered"]) == (len(people) * each, len(people) * each), told
    async with stack.database() as connection:
        rows = await connection.fetch(
            "SELECT contact_id, count(*) AS rows, count(DISTINCT number) AS numbers, max(count) AS counted"
            " FROM numbered_answers GROUP BY 1"
        )
        assert [dict(r) for r in rows if (r["rows"], r["numbers"], r["counted"]) != (each, each, each)] == []
        assert len(rows) == len(people)
        left = await connection.fetchrow(
            "SELECT (SELECT count(*) FROM inbox) AS inbox, (SELECT count(*) FROM outbox) AS outbox,"
            " (SELECT count(*) FROM sessions WHERE lease_until > now()) AS leased"
        )
        assert dict(left) == {"inbox": 0, "outbox": 0, "leased": 0}
        sent = await connection.fetchval("SELECT count(*) FROM messages WHERE direction = 'out' AND status <> 'failed'")
        charged = await connection.fetchval("SELECT count(*) FROM charges WHERE meter = 'message.out'")
        assert charged == sent
