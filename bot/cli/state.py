"""`<data>/run/up.json`: what a running `chatnation up` tells others, such as `chatnation demo info` and the crash test."""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO

from bot.config import Configuration
from bot.errors import ChatNationError, ConfigError

__all__ = ["UpState", "claim", "private_write", "running", "use_running"]


@dataclass
class UpState:
    """Addresses and process ids; passwords are in the DSNs, so the file is its owner's only."""

    urls: dict[str, str] = field(default_factory=dict)
    dsn: str | None = None
    system_dsn: str | None = None
    owner_dsn: str | None = None
    nats: str | None = None
    pids: dict[str, int] = field(default_factory=dict)

    def write(self, data: Path) -> None:
        private_write(_path(data), json.dumps(asdict(self), indent=2))

    @classmethod
    def read(cls, data: Path) -> UpState | None:
        """None when nothing is running there, whatever an earlier run that was killed has left."""
        try:
            state = cls(**json.loads(_path(data).read_text()))
            os.kill(state.pids["supervisor"], 0)
        except (FileNotFoundError, ProcessLookupError):
            return None
        except PermissionError:  # it runs, as another user
            pass
        return state

    @staticmethod
    def remove(data: Path) -> None:
        _path(data).unlink(missing_ok=True)


def running(configuration: Configuration) -> UpState:
    """What `chatnation up` has open on the data folder.

    Raises:
        ChatNationError: Nothing runs there.
    """
    state = UpState.read(configuration.data)
    if state is None or state.dsn is None:
        raise ChatNationError(
            f"nothing runs on the data folder {configuration.data}: start `chatnation up`, or set CHATNATION__DATA to its folder"
        )
    return state


def use_running() -> Configuration:
    """From now on what this process opens is what the running `chatnation up` has.

    Raises:
        ConfigError: A setting is wrong.
        ChatNationError: Nothing runs on the data folder.
    """
    configuration = Configuration.read()
    state = running(configuration)
    found = {
        "STORE__DSN": state.dsn,
        "STORE__SYSTEM_DSN": state.system_dsn,
        "NATS__URL": state.nats,
        "DATA": str(configuration.data),
    }
    os.environ.update({f"CHATNATION__{name}": value for name, value in found.items() if value})
    return Configuration.read()


def claim(data: Path) -> IO[str]:
    """Makes this process the only supervisor of the data folder, until the file is closed or the process ends.

    Raises:
        ConfigError: There is one already.
    """
    folder = data / "run"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = (folder / "lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.close()
        running = UpState.read(data)
        who = f" (process {running.pids['supervisor']})" if running else ""
        raise ConfigError(
            f"another `chatnation up`{who} uses the data folder {data}: stop it, or set CHATNATION__DATA to another folder"
        ) from error
    return lock


def private_write(path: Path, text: str) -> None:
    """Whole or not at all, readable by its owner only."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    unfinished.replace(path)


def _path(data: Path) -> Path:
    return data / "run" / "up.json"
