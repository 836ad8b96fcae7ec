"""Questions about real processes, for tests that kill them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from store.guard import command_line


def is_alive(pid: int) -> bool:
    """A zombie whose parent has not looked yet counts as dead."""
    line = command_line(pid)
    return line != "" and "<defunct>" not in line


def wait_for(condition: Callable[[], object], *, timeout_s: float = 15.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def wait_until_gone(pids: Iterable[int], *, timeout_s: float = 15.0) -> None:
    wait_for(lambda: not [pid for pid in pids if is_alive(pid)], timeout_s=timeout_s)


def kill_hard(pid: int) -> None:
    os.kill(pid, 9)


def reachable_folder(folder: Path) -> Path:
    """Opens the way to a test's temporary folder for the database's unprivileged user, so that its cluster stays inside."""
    for each in (folder, *folder.parents):
        if each.stat().st_uid != os.geteuid() or each.stat().st_mode & 0o011 == 0o011:
            break
        each.chmod(each.stat().st_mode | 0o011)
    return folder
