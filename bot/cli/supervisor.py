"""Starts processes, keeps them running, passes on what they say, and stops them all: the heart of `chatnation up`.

A process that ends is started again, after half a second at first and ten at most; thirty quiet seconds forgive it. Nothing outlives the supervisor:
`store.guard` sees to that even when it is killed with -9.
"""

from __future__ import annotations

import asyncio
import codecs
import os
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import groupby

from bot.cli.process import CONFIG_ERROR, Process
from bot.errors import ChatNationError

__all__ = ["BackOff", "Gone", "Supervisor"]

LOOK_S = 0.1
STOP_TIMEOUT_S = 10.0
REMEMBERED_LINES = 20
MAX_EARLY_DEATHS = 5  # some eight seconds of trying; what has been ready once is tried for ever


class Gone(ChatNationError):
    """A process ended, or never became ready, while everything depended on it. The message holds its last words."""

    def __init__(self, message: str, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code


@dataclass
class BackOff:
    """How long to wait before the next start."""

    first_s: float = 0.5
    most_s: float = 10.0
    forgiven_after_s: float = 30.0
    _next_s: float = 0.0

    def wait_s(self, *, lived_s: float) -> float:
        if self._next_s == 0.0 or lived_s >= self.forgiven_after_s:
            self._next_s = self.first_s
        wait = self._next_s
        self._next_s = min(wait * 2, self.most_s)
        return wait


@dataclass
class _Watched:
    process: Process
    back_off: BackOff
    started_at: float = 0.0
    restart_at: float | None = None
    was_ready: bool = False
    early_deaths: int = 0
    once: bool = False  # its end is no accident
    last_words: deque[str] = field(default_factory=lambda: deque(maxlen=REMEMBERED_LINES))
    reader: asyncio.Task[None] | None = None


class Supervisor:
    """
    Args:
        say: Shows one line of a process: (name, line).
        changed: Called whenever a process id changed, to write it down.
        back_off: Makes the back-off of one process.
    """

    def __init__(
        self,
        say: Callable[[str, str], None],
        *,
        changed: Callable[[], None] = lambda: None,
        back_off: Callable[[], BackOff] = BackOff,
    ) -> None:
        self._say = say
        self._changed = changed
        self._new_back_off = back_off
        self._watched: dict[str, _Watched] = {}
        self._stopping = False

    def pids(self) -> dict[str, int]:
        return {name: pid for name, each in self._watched.items() if (pid := each.process.pid) is not None}

    def start(self, process: Process) -> None:
        """Starts it and watches it from now on; whether it is ready is another question, see `wait_until_ready`."""
        watched = self._watched[process.name] = _Watched(process, self._new_back_off())
        self._start(watched)

    async def run_once(self, process: Process) -> None:
        """Runs something to its end, such as the migrations.

        Raises:
            Gone: It failed.
        """
        watched = self._watched[process.name] = _Watched(process, self._new_back_off(), once=True)
        self._start(watched)
        try:
            while not process.has_ended():
                await self._look()
                await asyncio.sleep(0.02)
            await self._hear_out(watched)
        finally:
            process.kill()
            del self._watched[process.name]
        if process.exit_code != 0:
            raise Gone(_obituary(watched), process.exit_code or 1)

    async def wait_until_ready(self, names: Iterable[str], *, timeout_s: float) -> None:
        """
        Raises:
            Gone: One of them found its settings wrong, ended again and again, or was not ready in time.
        """
        missing = [self._watched[name] for name in names]
        deadline = time.monotonic() + timeout_s
        while missing:
            for each in list(missing):
                if await each.process.is_ready():
                    each.was_ready = True
                    missing.remove(each)
                elif time.monotonic() > deadline:
                    raise Gone(f"{each.process.name} was not ready after {timeout_s:.0f} s{_quoted(each)}")
            await self._look()
            await asyncio.sleep(0.05)

    async def watch(self) -> None:
        """Restarts what ends, until cancelled.

        Raises:
            Gone: A process found its settings wrong before it ever was ready.
        """
        while True:
            await self._look()
            await asyncio.sleep(LOOK_S)

    async def stop(self, *, timeout_s: float = STOP_TIMEOUT_S) -> None:
        """Everything, in the order of `stop_rank`: each rank has ended before the next is asked. What is deaf is killed."""
        self._stopping = True
        ranked = sorted((each.process for each in self._watched.values()), key=lambda process: process.stop_rank)
        for _, group in groupby(ranked, key=lambda process: process.stop_rank):
            processes = list(group)
            for process in processes:
                process.ask_to_stop()
            await _until_ended(processes, timeout_s)
            for process in processes:
                if not process.has_ended():
                    self._say(process.name, f"did not stop within {timeout_s:.0f} s and is killed")
                process.kill()
        await self._hear_all_out()

    def kill(self) -> None:
        """Everything, now."""
        self._stopping = True
        for each in sorted(self._watched.values(), key=lambda each: each.process.stop_rank):
            each.process.kill()

    def _start(self, watched: _Watched) -> None:
        watched.restart_at = None
        watched.started_at = time.monotonic()
        watched.process.start()
        watched.was_ready = watched.was_ready or watched.process.starts_ready
        if watched.process.output is not None:
            watched.reader = asyncio.create_task(self._pass_on(watched, watched.process.output))
        self._changed()

    async def _look(self) -> None:
        now = time.monotonic()
        for each in list(self._watched.values()):
            if self._stopping or each.once or not each.process.has_ended():
                continue
            if each.restart_at is None:
                await self._mourn(each, now)
            elif now >= each.restart_at:
                self._start_again(each)

    async def _mourn(self, each: _Watched, now: float) -> None:
        code = each.process.exit_code
        each.early_deaths += not each.was_ready
        if not each.was_ready and (code == CONFIG_ERROR or each.early_deaths >= MAX_EARLY_DEATHS):
            await self._hear_out(each)
            raise Gone(_obituary(each), CONFIG_ERROR if code == CONFIG_ERROR else 1)
        wait = each.back_off.wait_s(lived_s=now - each.started_at)
        each.restart_at = now + wait
        self._say(each.process.name, f"{_ended(code)}; starting it again in {wait:g} s")
        self._changed()

    def _start_again(self, each: _Watched) -> None:
        try:
            self._start(each)
        except (
            ChatNationError,
            OSError,
        ) as error:  # an embedded server that cannot come back yet, or no memory for a process
            self._say(each.process.name, str(error))

    async def _pass_on(self, watched: _Watched, descriptor: int) -> None:
        """Its output line by line; a descriptor of our own, since the process object closes its one when it starts anew."""
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=1 << 20)
        pipe = os.fdopen(os.dup(descriptor), "rb", buffering=0)
        transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
        decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        try:
            rest = ""
            while chunk := await reader.read(65536):
                *lines, rest = (rest + decoder.decode(chunk)).split("\n")
                for line in lines:
                    self._heard(watched, line)
            if rest:
                self._heard(watched, rest)
        finally:
            transport.close()

    def _heard(self, watched: _Watched, line: str) -> None:
        if line.strip():
            watched.last_words.append(line.rstrip())
            self._say(watched.process.name, line.rstrip())

    async def _hear_out(self, watched: _Watched) -> None:
        """What the process wrote before its end; a grandchild that holds the pipe is not waited for."""
        if watched.reader is not None:
            with suppress(TimeoutError):
                await asyncio.wait_for(watched.reader, 1.0)

    async def _hear_all_out(self) -> None:
        await asyncio.gather(*(self._hear_out(each) for each in self._watched.values()))


async def _until_ended(processes: Iterable[Process], timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    # Polled: a child's end has no event that works alike on Linux and macOS and for embedded servers.
    while time.monotonic() < deadline and not all(process.has_ended() for process in processes):  # noqa: ASYNC110
        await asyncio.sleep(0.02)


def _ended(code: int | None) -> str:
    if code is None:
        return "ended"
    return f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"


def _obituary(watched: _Watched) -> str:
    return f"{watched.process.name} {_ended(watched.process.exit_code)}{_quoted(watched)}"


def _quoted(watched: _Watched) -> str:
    return f": {watched.last_words[-1].strip()}" if watched.last_words else ""
