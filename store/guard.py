"""Child processes that never outlive us, not even when we are killed with -9.

Two mechanisms, because each has a hole. Linux tells a child when its parent's *thread* dies (`PR_SET_PDEATHSIG`): immediate, but wrong for children
started from a short-lived thread, and unknown to macOS. So a watcher process (`store/watcher.py`) holds the reading end of a pipe: when the pipe
closes, whatever the reason, it ends the children that were not signed off.
"""

from __future__ import annotations

import atexit
import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

__all__ = ["command_line", "forget", "spawn"]

PR_SET_PDEATHSIG = 1  # <sys/prctl.h>

_lock = threading.Lock()
_watcher: subprocess.Popen[str] | None = None
_children: dict[
    int, int
] = {}  # process id -> signal; told again to a new watcher, should somebody have killed the first


def spawn(
    command: Sequence[str | Path],
    *,
    stop_signal: signal.Signals = signal.SIGKILL,
    env: Mapping[str, str] | None = None,
    cwd: str | Path | None = None,
    stdout: int | IO[Any] | None = None,
    stderr: int | IO[Any] | None = None,
    user: int | None = None,
    group: int | None = None,
) -> subprocess.Popen[bytes]:
    """Starts a child in a session of its own, so that a Ctrl-C in the terminal reaches only us; `stop_signal` is what it gets when we die.

    Call `forget` once it has been waited for: its process id may be given to a stranger.
    """
    child = subprocess.Popen(
        [str(part) for part in command],
        env=None if env is None else dict(env),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        start_new_session=True,
        user=user,
        group=group,
        extra_groups=None if user is None else [],
        preexec_fn=_tie_to_parent(stop_signal),
    )
    with _lock:
        _children[child.pid] = int(stop_signal)
        _tell(f"+{child.pid} {int(stop_signal)}")
    return child


def forget(pid: int) -> None:
    """The child has ended and was waited for."""
    with _lock:
        if _children.pop(pid, None) is not None:
            _tell(f"-{pid}")


def command_line(pid: int) -> str:
    """Of a running program; "" when there is none. `ps` is the one way that Linux and macOS share."""
    try:
        return subprocess.run(
            ["ps", "-ww", "-p", str(pid), "-o", "args="], capture_output=True, text=True, check=False
        ).stdout.strip()
    except FileNotFoundError:  # a slim container without ps
        return _command_line_on_linux(pid)


def _command_line_on_linux(pid: int) -> str:
    try:
        return (Path("/proc") / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return ""


def _tie_to_parent(stop_signal: signal.Signals) -> Callable[[], None] | None:
    if not sys.platform.startswith("linux") or threading.current_thread() is not threading.main_thread():
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl  # looked up before the fork: the child may not allocate much
    parent = os.getpid()

    def tie() -> None:
        prctl(PR_SET_PDEATHSIG, int(stop_signal), 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return tie


def _tell(line: str) -> None:
    global _watcher
    if _watcher is not None and _watcher.poll() is None:
        _write(_watcher, line)
        return
    _watcher = subprocess.Popen(
        [sys.executable, "-I", "-S", str(Path(__file__).with_name("watcher.py"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        text=True,
    )
    for pid, stop_signal in _children.items():
        _write(_watcher, f"+{pid} {stop_signal}")


def _write(watcher: subprocess.Popen[str], line: str) -> None:
    assert watcher.stdin is not None
    watcher.stdin.write(line + "\n")
    watcher.stdin.flush()


def _start_afresh() -> None:
    """A fork of ours is nobody's guard yet, and must not hold its parent's pipe open."""
    global _watcher, _lock
    if _watcher is not None and _watcher.stdin is not None:
        _watcher.stdin.close()
    _watcher, _lock = None, threading.Lock()
    _children.clear()


@atexit.register
def _close() -> None:
    """A normal end is an end too: the watcher ends what is left and goes, and we do not wait for it."""
    if _watcher is not None and _watcher.stdin is not None:
        _watcher.stdin.close()


os.register_at_fork(after_in_child=_start_afresh)
