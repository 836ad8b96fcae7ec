"""Outlives its parent for a moment, to end the children that the parent left behind.

Run by `store/guard.py` as a script of its own (standard library only, so that it starts in milliseconds and works from any folder). It reads lines
`+PID SIGNAL` and `-PID` from standard input; when that closes, however its parent ended, it sends each remaining child its signal and five seconds
later SIGKILL to the child's process group.
"""

import os
import signal
import sys
import time

GRACE_S = 5.0  # the embedded PostgreSQL writes its last checkpoint in well under a second


def main() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    end(read_children())


def read_children() -> "dict[int, int]":
    children: dict[int, int] = {}
    for line in sys.stdin:
        pid, _, stop_signal = line[1:].partition(" ")
        if line.startswith("+"):
            children[int(pid)] = int(stop_signal)
        else:
            children.pop(int(pid), None)
    return children


def end(children: "dict[int, int]") -> None:
    for pid, stop_signal in children.items():
        send(pid, stop_signal, to_group=stop_signal == signal.SIGKILL)
    deadline = time.monotonic() + GRACE_S
    while time.monotonic() < deadline and any(send(pid, 0) for pid in children):
        time.sleep(0.05)
    for pid in children:
        send(pid, signal.SIGKILL, to_group=True)


def send(pid: int, number: int, *, to_group: bool = False) -> bool:
    """False when nobody is there any more."""
    try:
        (os.killpg if to_group else os.kill)(pid, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


if __name__ == "__main__":
    main()
