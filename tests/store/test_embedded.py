"""The embedded PostgreSQL: real servers, started, stopped and killed."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from store.embedded import EmbeddedPostgres, Role
from store.errors import EmbeddedServerError
from tests.support.processes import is_alive, kill_hard, reachable_folder, wait_for, wait_until_gone

pytestmark = pytest.mark.slow

PARENT = """
import sys, threading, time
from store.embedded import EmbeddedPostgres
server = EmbeddedPostgres(sys.argv[1], tests=True)
if sys.argv[2] == "thread":  # then Linux's own parent-death signal would come too early, and only the watcher is left
    thread = threading.Thread(target=server.start); thread.start(); thread.join()
else:
    server.start()
print(server.pid, server.port, flush=True)
time.sleep(60)
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return reachable_folder(tmp_path) / "data"


@pytest.fixture
def server(data: Path) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(data, tests=True).start()
    yield server
    server.remove()


async def ask(server: EmbeddedPostgres, sql: str, role: Role = Role.APP) -> object:
    connection = await asyncpg.connect(server.dsn(role))
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


async def test_roles_are_who_they_should_be(server: EmbeddedPostgres) -> None:
    rights = "SELECT array[current_user::text, rolsuper::text, rolbypassrls::text] FROM pg_roles WHERE rolname = current_user"
    assert await ask(server, rights, Role.APP) == ["chatnation_app", "false", "false"]
    assert await ask(server, rights, Role.SYSTEM) == ["chatnation_system", "false", "true"]
    assert await ask(server, rights, Role.OWNER) == ["chatnation_owner", "false", "false"]


async def test_vector_and_trigram_are_there(server: EmbeddedPostgres) -> None:
    assert await ask(server, "SELECT ('[1,2]'::vector <-> '[1,4]'::vector)") == 2.0
    assert await ask(server, "SELECT similarity('mkulima', 'mkulima')") == 1.0


async def test_a_wrong_password_is_refused(server: EmbeddedPostgres) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(f"postgresql://chatnation_app:guess@127.0.0.1:{server.port}/chatnation")


async def test_it_listens_on_loopback_only(server: EmbeddedPostgres) -> None:
    assert await ask(server, "SHOW listen_addresses") == "127.0.0.1"
    assert await ask(server, "SHOW unix_socket_directories", Role.SUPERUSER) == ""


async def test_tests_give_up_fsync_but_never_synchronous_commit(server: EmbeddedPostgres) -> None:
    assert await ask(server, "SHOW fsync") == "off"
    assert await ask(server, "SHOW synchronous_commit") == "on"


async def test_by_default_nothing_is_given_up(data: Path) -> None:
    server = EmbeddedPostgres(data).start()
    try:
        assert [await ask(server, f"SHOW {name}") for name in ("fsync", "synchronous_commit", "full_page_writes")] == [
            "on"
        ] * 3
    finally:
        server.remove()


def test_passwords_are_for_their_owner_only(server: EmbeddedPostgres, data: Path) -> None:
    assert stat.S_IMODE((data / "secrets" / "postgres.json").stat().st_mode) == 0o600
    assert stat.S_IMODE((data / "secrets").stat().st_mode) == 0o700


async def test_what_was_committed_survives_kill_9_on_the_same_port(server: EmbeddedPostgres) -> None:
    await ask(server, "CREATE TABLE kept (n int)", Role.OWNER)
    await ask(server, "INSERT INTO kept VALUES (42)", Role.OWNER)
    port, pid = server.port, server.pid
    assert pid is not None
    kill_hard(pid)
    wait_for(lambda: server.pid is None)

    server.start()

    assert (server.port, server.pid != pid) == (port, True)
    assert await ask(server, "SELECT n FROM kept", Role.OWNER) == 42


async def test_a_pid_file_whose_number_now_belongs_to_another_program_does_not_stop_it(
    server: EmbeddedPostgres,
) -> None:
    data_directory = Path(str(await ask(server, "SHOW data_directory", Role.SUPERUSER)))
    pid_file = data_directory / "postmaster.pid"
    noted = pid_file.read_text()
    server.stop()
    stranger = await asyncio.create_subprocess_exec(sys.executable, "-c", "import time; time.sleep(60)")
    try:
        pid_file.write_text(noted.replace(noted.split("\n", 1)[0], str(stranger.pid), 1))
        server.start()
        assert await ask(server, "SELECT 1") == 1
        assert stranger.returncode is None
    finally:
        stranger.kill()
        await stranger.wait()


@pytest.mark.parametrize("how", ["main", "thread"])
def test_it_ends_when_its_parent_is_killed(data: Path, how: str) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(data), how], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid, port = (int(word) for word in parent.stdout.readline().split())
    assert is_alive(pid)

    parent.kill()
    parent.wait()
    parent.stdout.close()

    wait_until_gone([pid])
    again = EmbeddedPostgres(data, port=port, tests=True).start()
    assert again.pid != pid
    again.remove()


def test_a_second_server_on_one_data_folder_is_refused(server: EmbeddedPostgres, data: Path) -> None:
    with pytest.raises(EmbeddedServerError, match=r"in use by another ChatNation.*CHATNATION__DATA"):
        EmbeddedPostgres(data, tests=True).start()


def test_a_busy_port_is_named(data: Path) -> None:
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", 0))
        stranger.listen()
        port = stranger.getsockname()[1]
        server = EmbeddedPostgres(data, port=port, tests=True)
        with pytest.raises(EmbeddedServerError, match=f"port {port} .* taken"):
            server.start()
        server.remove()


def test_lost_passwords_are_told_not_replaced(server: EmbeddedPostgres, data: Path) -> None:
    server.stop()
    kept = (data / "secrets" / "postgres.json").read_text()
    (data / "secrets" / "postgres.json").unlink()
    with pytest.raises(EmbeddedServerError, match=r"its passwords are not.*postgres\.json"):
        EmbeddedPostgres(data, tests=True).start()
    (data / "secrets" / "postgres.json").write_text(kept)
    server.start()


def test_a_first_start_that_was_cut_short_is_made_whole(data: Path) -> None:
    half = data / "postgres" / "cluster.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    server = EmbeddedPostgres(data, tests=True).start()
    assert server.pid is not None
    server.remove()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root hands the server to another user")
class TestAsRoot:
    async def test_a_private_data_folder_keeps_its_cluster_elsewhere_and_says_so(self, tmp_path: Path) -> None:
        private = tmp_path / "private"
        private.mkdir(mode=0o700)
        server = EmbeddedPostgres(private / "data", tests=True).start()
        try:
            cluster = Path(str(await ask(server, "SHOW data_directory", Role.SUPERUSER)))
            assert not cluster.is_relative_to(private)
            assert str(cluster.parent) in server.notes[0]
            assert stat.S_IMODE(private.stat().st_mode) == 0o700
        finally:
            server.remove()
        assert not cluster.parent.exists()

    async def test_the_cluster_of_a_removed_data_folder_is_not_taken_over(self, tmp_path: Path) -> None:
        data = tmp_path / "private" / "data"
        data.mkdir(parents=True)
        (tmp_path / "private").chmod(0o700)
        first = EmbeddedPostgres(data, tests=True).start()
        await ask(first, "CREATE TABLE of_the_first (n int)", Role.OWNER)
        elsewhere = Path(str(await ask(first, "SHOW data_directory", Role.SUPERUSER))).parent
        first.stop()
        shutil.rmtree(data)

        second = EmbeddedPostgres(data, tests=True).start()
        try:
            assert await ask(second, "SELECT to_regclass('of_the_first')::text", Role.OWNER) is None
        finally:
            second.remove()
            shutil.rmtree(elsewhere.with_name(f"{elsewhere.name}.removed"))

    def test_the_server_does_not_run_as_root(self, server: EmbeddedPostgres) -> None:
        owner = subprocess.run(["ps", "-o", "uid=", "-p", str(server.pid)], capture_output=True, text=True, check=True)
        assert int(owner.stdout) != 0


@pytest.fixture
def interrupts() -> object:
    """Who answers Ctrl-C before a server starts: a library of an earlier test may have put its own there."""
    return signal.getsignal(signal.SIGINT)


def test_stop_is_clean(interrupts: object, server: EmbeddedPostgres, data: Path) -> None:
    pid = server.pid
    assert pid is not None
    server.stop()
    assert not is_alive(pid)
    assert "database system is shut down" in (data / "postgres" / "server.log").read_text()
    assert signal.getsignal(signal.SIGINT) is interrupts
