"""R4: one delivery that reaches two web processes at once, again and again, is one turn."""

from __future__ import annotations

import asyncio
import itertools
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import orjson
import pytest

from channels.emulator.client import EmulatorClient
from channels.whatsapp.signature import HEADER, sign
from tests.e2e import stack as stacks
from tests.e2e.stack import Stack
from tests.e2e.truth import make_people
from tests.support.guards import without
from tests.support.processes import wait_for

DELIVERIES = 40  # as many answers as one person may be sent at once
DEDUPE = " ON CONFLICT (organization_id, account_id, external_id) DO NOTHING RETURNING id"
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def own_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The control takes a key out of its database for good."""
    with stacks.running(tmp_path_factory.mktemp("stack"), WORKER__INTERACTIVE=2) as own:
        yield own


@pytest.fixture(scope="module")
def webs(own_stack: Stack) -> Iterator[list[str]]:
    """The stack's own, and a second one beside it."""
    [port] = stacks.free_ports(1)
    state = own_stack.state
    environment = own_stack.environment | {
        "CHATNATION__WEB__PORT": str(port),
        "CHATNATION__STORE__DSN": str(state.dsn),
        "CHATNATION__STORE__SYSTEM_DSN": str(state.system_dsn),
        "CHATNATION__NATS__URL": str(state.nats),
        "CHATNATION__WHATSAPP__GRAPH_URL": own_stack.emulator_url,
    }
    second = subprocess.Popen([sys.executable, "-m", "channels"], cwd=stacks.PROJECT, env=environment)
    try:
        wait_for(lambda: stacks.answers(port), timeout_s=30)
        yield [own_stack.web_url, f"http://127.0.0.1:{port}"]
    finally:
        second.terminate()
        second.wait(15)


@pytest.mark.parametrize("keyed", [True, False], ids=["with the key", "without it"])
async def test_one_delivery_three_times_at_once_at_two_web_processes_is_one_turn(
    own_stack: Stack, webs: list[str], keyed: bool
) -> None:
    async with own_stack.emulator() as client, AsyncExitStack() as off:
        [person] = await make_people(client, 1, prefix=f"25465{int(keyed)}")
        if not keyed:
            await off.enter_async_context(
                without(str(own_stack.state.owner_dsn), "cn_accept", (DEDUPE, " RETURNING id"))
            )
            await _drop_the_key(own_stack)
        # Each may be answered four times without the key.
        numbers = [next(_numbers) for _ in range(DELIVERIES if keyed else DELIVERIES // 4)]
        for number in numbers:
            assert await _post(own_stack, webs, person, number) == [200] * 4
        times = await _answers(own_stack, client, person, numbers)
    if keyed:
        assert times == [1] * len(numbers)
    else:
        assert max(times) > 1


async def _post(stack: Stack, webs: list[str], person: str, number: int) -> list[int]:
    """The codes of three at once, spread over both processes, and of a late one."""
    organization = stack.organizations()[0]
    message = {
        "from": person,
        "id": f"wamid.twice.{number}",
        "timestamp": str(int(time.time())),
        "type": "text",
        "text": {"body": f"n-{number}"},
    }
    value = {
        "messaging_product": "whatsapp",
        "metadata": {
            "display_phone_number": organization.display_phone_number,
            "phone_number_id": organization.phone_number_id,
        },
        "messages": [message],
    }
    entry = {"id": organization.waba_id, "changes": [{"field": "messages", "value": value}]}
    body = orjson.dumps({"object": "whatsapp_business_account", "entry": [entry]})
    headers = {"Content-Type": "application/json", HEADER: sign(body, organization.app_secret.encode())}
    async with aiohttp.ClientSession(headers=headers) as session:

        async def once(web: str) -> int:
            async with session.post(f"{web}/webhooks/whatsapp", data=body) as answer:
                return answer.status

        first = webs[number % 2]
        return [*await asyncio.gather(once(webs[0]), once(webs[1]), once(first)), await once(webs[0])]


async def _answers(stack: Stack, client: EmulatorClient, person: str, numbers: list[int]) -> list[int]:
    """How often the person saw the answer to each number, when nothing waits any more."""
    async with asyncio.timeout(60):
        while await stack.count(  # noqa: ASYNC110  # other processes do it
            "SELECT (SELECT count(*) FROM inbox) + (SELECT count(*) FROM outbox WHERE state <> 'dead')"
        ):
            await asyncio.sleep(0.2)
    await client.wait_until_idle(timeout_s=30)
    seen: list[dict[str, Any]] = await client.messages(person, direction="out", limit=1000)
    return [sum(m["text"].startswith(f"n-{number} ") for m in seen) for number in numbers]


async def _drop_the_key(stack: Stack) -> None:
    async with stack.database("owner") as connection:
        name = await connection.fetchval(
            "SELECT conname::text FROM pg_constraint WHERE conrelid = 'messages'::regclass AND contype = 'u'"
            " AND pg_get_constraintdef(oid) = 'UNIQUE (organization_id, account_id, external_id)'"
        )
        await connection.execute(f'ALTER TABLE messages DROP CONSTRAINT "{name}"')
