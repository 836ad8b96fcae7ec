"""R2: the power goes. What stood on the disk at that instant is copied from a loop-mounted image while people write: whatever was answered
200 before is in it. Control: with fsync off the same cut loses acknowledged messages.

Mounting needs root on Linux; an ordinary user's run says so instead of the test.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import asyncpg
import pytest

from store.embedded import EmbeddedPostgres, Role
from tests.channels.posts import delivery, item, post
from tests.support.database import Cluster
from tests.support.world import World, open_world

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("e2e"),
    pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="mounting an image needs root on Linux"),
]

IMAGE_BYTES = 512 * 1024 * 1024
PEOPLE = 20


@pytest.fixture
def folder() -> Iterator[Path]:
    """Open to PostgreSQL's own user, unlike pytest's folders."""
    made = Path(tempfile.mkdtemp(prefix="chatnation-power-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made, ignore_errors=True)


@contextmanager
def mounted(image: Path, at: Path) -> Iterator[Path]:
    at.mkdir()
    subprocess.run(["mount", "-o", "loop", str(image), str(at)], check=True, timeout=30)
    try:
        at.chmod(0o755)
        yield at
    finally:
        subprocess.run(["umount", str(at)], check=True, timeout=30)


def make_image(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(IMAGE_BYTES)
    subprocess.run(["mkfs.ext4", "-q", "-F", str(path)], check=True, timeout=60)


def flush(disk: Path) -> None:
    subprocess.run(["sync", "-f", str(disk)], check=True, timeout=60)


async def acknowledged_and_kept(folder: Path, *, fsync: bool) -> tuple[set[str], set[str]]:
    """Ids of messages answered 200 before the cut, and ids in the database that comes up from the cut's disk."""
    image, cut = folder / "disk.img", folder / "cut.img"
    make_image(image)
    with ExitStack() as stack:
        disk = stack.enter_context(mounted(image, folder / "disk"))
        server = EmbeddedPostgres(disk / "data", tests=not fsync).start()
        stack.callback(server.stop)
        async with open_world(Cluster(server), folder / "world") as world:
            name = world.database.name
            flush(disk)  # the schema is old news
            acked: set[str] = set()
            enough = asyncio.Event()
            writing = [asyncio.ensure_future(write(world, f"2547110{i:05d}", acked, enough)) for i in range(PEOPLE)]
            async with asyncio.timeout(30):
                await enough.wait()
            before = set(acked)
            # Nothing of ours runs while the image is copied: only what the disk has been given by now is in it.
            shutil.copyfile(image, cut)
            for each in writing:
                each.cancel()
            await asyncio.gather(*writing, return_exceptions=True)
    with ExitStack() as stack:
        disk = stack.enter_context(mounted(cut, folder / "after"))
        server = EmbeddedPostgres(disk / "data").start()
        stack.callback(server.stop)
        connection = await asyncpg.connect(server.dsn(Role.SUPERUSER, name))
        try:
            rows = await connection.fetch("SELECT external_id FROM messages WHERE direction = 'in'")
        finally:
            await connection.close()
    return before, {row["external_id"] for row in rows}


async def write(world: World, phone: str, acked: set[str], enough: asyncio.Event) -> None:
    """One person who writes as fast as answers of the webhook come."""
    for _ in range(1000):
        message = item("menu", phone=phone)
        if await post(world, delivery((world.people[0], {"messages": [message]}))) == 200:
            acked.add(message["id"])
        if len(acked) >= 5 * PEOPLE:
            enough.set()


async def test_what_was_answered_200_is_on_the_disk_when_the_power_goes(folder: Path) -> None:
    acked, kept = await acknowledged_and_kept(folder, fsync=True)
    assert acked
    assert acked - kept == set()


async def test_without_fsync_the_same_cut_loses_acknowledged_messages(folder: Path) -> None:
    acked, kept = await acknowledged_and_kept(folder, fsync=False)
    assert acked - kept
