"""Processes beside the measured one: servers, workers, load. Each is ended by its own handle, however the benchmark ends."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["Child", "free_port", "run_json", "running"]

ROOT = Path(__file__).parent.parent
START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 10.0


class Child:
    """`python -m <module>`; what it prints goes to a file that is shown when it fails."""

    def __init__(self, name: str, *module: str, environment: Mapping[str, str], folder: Path) -> None:
        self.name = name
        self._log = folder / f"{name}.log"
        self._ready = folder / f"{name}.ready"
        self._ready.unlink(missing_ok=True)
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", *module],
                cwd=ROOT,
                env={**os.environ, **environment, "CHATNATION_READY_FILE": str(self._ready)},
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait_until_ready(self, url: str | None = None) -> None:
        """Until it touches its ready file, or answers 200 at `url`."""
        deadline = time.monotonic() + START_TIMEOUT_S
        while not (_answers(url) if url else self._ready.exists()):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{self.name} did not start:\n{self._log.read_text()[-3000:]}")
            time.sleep(0.05)

    def cpu_s(self) -> float:
        """Processor time so far; 0 where the system does not tell."""
        try:
            fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return 0.0
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self) -> None:
        if self._process.poll() is not None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@contextmanager
def running(
    name: str, *module: str, environment: Mapping[str, str], folder: Path, url: str | None = None
) -> Iterator[Child]:
    """Starts it, waits until it is ready, and ends it."""
    child = Child(name, *module, environment=environment, folder=folder)
    try:
        child.wait_until_ready(url)
        yield child
    finally:
        child.stop()


def run_json(*module: str, given: Any, timeout_s: float = 60.0) -> Any:
    """Runs a module to its end, with JSON in and JSON out."""
    done = subprocess.run(
        [sys.executable, "-m", *module],
        cwd=ROOT,
        input=json.dumps(given),
        capture_output=True,
        text=True,
        timeout=timeout_s,
    )
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(module)} failed:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
