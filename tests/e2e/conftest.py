"""The whole product in processes of its own: started once for the tests that leave it as they found it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from channels.emulator.client import EmulatorClient
from tests.e2e.stack import Stack, running

# A retry must come soon after the server is back: what is compressed is Meta's week, not its patience.
RETRIES_S = [0.1, 0.2, 0.3, 0.5]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Real processes need a core for themselves: all these tests go to one xdist worker, one after the other."""
    for item in items:
        if item.path.is_relative_to(__file__.rpartition("/")[0]):
            item.add_marker(pytest.mark.slow)
            item.add_marker(pytest.mark.xdist_group("e2e"))


@pytest.fixture(scope="session")
def shared_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One `up` for all tests that kill nothing, with two interactive workers."""
    with running(tmp_path_factory.mktemp("stack"), WORKER__INTERACTIVE=2, TURN__UNKNOWN_GRACE_S=4) as stack:
        yield stack


@pytest.fixture
async def stack(shared_stack: Stack) -> AsyncIterator[Stack]:
    """The shared one, its emulator without faults and without anybody's messages."""
    async with shared_stack.emulator() as client:
        await fresh(client)
        yield shared_stack
        await client.clear_faults()
        await client.set_limits(enforce_pair=True)
        await client.wait_until_idle(timeout_s=30)


@pytest.fixture
async def whatsapp(stack: Stack) -> AsyncIterator[EmulatorClient]:
    async with stack.emulator() as client:
        yield client


async def fresh(client: EmulatorClient) -> None:
    """Without faults and messages, and with a provider that tries again soon."""
    await client.clear_faults()
    await client.reset(keep_users=False)
    await client.set_pace(retry_schedule_s=RETRIES_S)
