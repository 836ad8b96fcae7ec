"""Conversation tests of a skill on a draft, in a process of their own: they need a database of their own, and the store is one per process.

    run = DraftRun(skill, {"events": overlay})
    async for result in run.play():
        ...
    run.stop()

The child gets the draft on its standard input and answers with one line of JSON for each case. When that input ends, because it was
stopped or because whoever asked is gone, it clears up and ends. It knows no address, key or password of the house.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bot.config import Configuration
from bot.errors import ChatNationError
from bot.publishing import Overlay
from bot.registry import Registry, Skill
from bot.settings import SkillsSettings
from bot.testing.run import CaseResult, Nothing, Outcome, run_tests
from store.apps import use_folders

__all__ = ["Busy", "DraftRun", "NotPlayed"]

MAX_RUNS = 2  # at once in one process: each is a server of its own
STOP_TIMEOUT_S = 15.0
MAX_LINE_BYTES = 1_000_000  # one result; the reason quotes what was heard
# What a program needs to run, and where skills are. Nothing else of the environment is handed on.
KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "PYTHONPATH", "VIRTUAL_ENV")
KEPT_PREFIXES = ("CHATNATION__SKILLS__", "CHATNATION__ENV", "CHATNATION__CONFIGS")


class Busy(ChatNationError):
    """Others play tests just now."""


class NotPlayed(ChatNationError):
    """The child ended without playing; the message says why."""


@dataclass(slots=True)
class DraftRun:
    """`overlays`: the draft, and what else the organization published, by skill. `only`: as `run_tests`."""

    skill: Skill
    overlays: Mapping[str, Overlay]
    only: str = ""
    _child: asyncio.subprocess.Process | None = field(default=None, init=False)
    _is_stopped: bool = field(default=False, init=False)

    async def play(self) -> AsyncIterator[CaseResult]:
        """Each case as it is done.

        Raises:
            Busy: as many run as may.
            NotPlayed: it could not begin, or broke off.
        """
        if len(_running) >= MAX_RUNS:
            raise Busy("others play tests just now: try again in a minute")
        _running.add(id(self))
        try:
            child = self._child = await self._start()
            assert child.stdout is not None
            async for line in child.stdout:
                yield _result(json.loads(line))
            code = await child.wait()
            if code and not self._is_stopped:
                assert child.stderr is not None
                told = (await child.stderr.read()).decode("utf-8", "replace").strip().splitlines()
                raise NotPlayed(f"the tests were not played: {told[-1] if told else f'exit code {code}'}")
        finally:
            _running.discard(id(self))
            await self._end()

    def stop(self) -> None:
        """No further case is played."""
        self._is_stopped = True
        if self._child is not None and self._child.stdin is not None:
            self._child.stdin.close()

    async def _start(self) -> asyncio.subprocess.Process:
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "bot.testing.draft"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={key: value for key, value in os.environ.items() if key in KEPT or key.startswith(KEPT_PREFIXES)},
            limit=MAX_LINE_BYTES,
            start_new_session=True,  # a Ctrl-C in the terminal reaches only us, and we tell it
        )
        files = {name: dict(overlay.files) for name, overlay in self.overlays.items()}
        wanted = {"folder": str(self.skill.folder), "only": self.only, "overlays": files}
        assert child.stdin is not None
        child.stdin.write(json.dumps(wanted).encode() + b"\n")
        with suppress(ConnectionError):  # it is gone already, and its exit code will tell
            await child.stdin.drain()
        return child

    async def _end(self) -> None:
        child = self._child
        if child is None or child.returncode is not None:
            return
        self.stop()
        try:
            await asyncio.wait_for(child.communicate(), STOP_TIMEOUT_S)
        except TimeoutError:
            child.kill()
            await child.wait()


_running: set[int] = set()


def _result(data: Mapping[str, Any]) -> CaseResult:
    return CaseResult(**{**data, "status": Outcome(data["status"])})


# -- in the child


def over(overlays: Mapping[str, Overlay]) -> Callable[[Registry], Registry]:
    """A registry whose skills read as these overlays say."""

    def changed(registry: Registry) -> Registry:
        return Registry(
            [
                replace(skill, source=registry.source(name, overlays[name]))
                if name in overlays and skill.source is not None and not skill.off
                else skill
                for name, skill in registry.skills.items()
            ]
        )

    return changed


async def _play(wanted: Mapping[str, Any]) -> None:
    use_folders(Configuration.read().section(SkillsSettings, "skills").folders)
    overlays = {name: Overlay(files) for name, files in wanted["overlays"].items()}

    def tell(result: CaseResult) -> None:
        sys.stdout.write(json.dumps(result.to_json()) + "\n")
        sys.stdout.flush()

    await run_tests([Path(wanted["folder"])], only=wanted["only"], replace=over(overlays), tell=tell)


def _leave_at_the_end_of_input() -> None:
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGINT)


def main() -> int:
    logging.disable(logging.CRITICAL)
    os.nice(10)  # conversations come first
    wanted = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_leave_at_the_end_of_input, daemon=True).start()
    try:
        asyncio.run(_play(wanted))
    except KeyboardInterrupt:
        return 130
    except (Nothing, ChatNationError) as e:
        sys.stderr.write(f"{e}\n")
        return 2
    return 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # the thread still holds the standard input
