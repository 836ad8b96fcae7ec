"""The embedded NATS: real servers, started, stopped and killed."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import nats
import nats.errors
import pytest

from scheduler.embedded import EmbeddedNats
from store.errors import EmbeddedServerError
from tests.support.processes import is_alive, kill_hard, wait_for, wait_until_gone

PARENT = """
import sys, time
from scheduler.embedded import EmbeddedNats
print(EmbeddedNats(sys.argv[1]).start().pid, flush=True)
time.sleep(60)
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedNats]:
    with EmbeddedNats(tmp_path) as server:
        yield server


async def test_a_stream_survives_kill_9_on_the_same_address(server: EmbeddedNats) -> None:
    client = await nats.connect(server.url)
    await client.jetstream().add_stream(name="kept", subjects=["kept"])
    await client.jetstream().publish("kept", b"hint")
    await client.close()
    url, pid = server.url, server.pid
    assert pid is not None
    kill_hard(pid)
    wait_for(lambda: server.pid is None)

    server.start()

    assert server.url == url
    client = await nats.connect(server.url)
    assert (await client.jetstream().stream_info("kept")).state.messages == 1
    await client.close()


async def test_a_stranger_without_the_token_is_refused(server: EmbeddedNats) -> None:
    async def ignore(_: Exception) -> None: ...

    with pytest.raises((nats.errors.Error, OSError)):
        await nats.connect(f"nats://127.0.0.1:{server.port}", allow_reconnect=False, error_cb=ignore)


def test_it_listens_on_loopback_only(server: EmbeddedNats) -> None:
    assert '"127.0.0.1:' in (server.data_dir / "nats" / "server.conf").read_text()
    with socket.create_connection(("127.0.0.1", server.port)):
        pass


def test_it_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert is_alive(pid)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    wait_until_gone([pid])


def test_a_second_server_on_one_data_folder_is_refused(server: EmbeddedNats, tmp_path: Path) -> None:
    with pytest.raises(EmbeddedServerError, match=r"in use by another ChatNation.*CHATNATION__DATA"):
        EmbeddedNats(tmp_path).start()


def test_a_busy_port_is_named(tmp_path: Path) -> None:
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", 0))
        stranger.listen()
        port = stranger.getsockname()[1]
        with pytest.raises(EmbeddedServerError, match=f"port {port} .* taken"):
            EmbeddedNats(tmp_path, port=port).start()
