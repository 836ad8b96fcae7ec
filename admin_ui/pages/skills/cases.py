"""The skill's conversation tests, played on the draft: which there are, which hold, and where one does not.

They run in a process of their own (`bot.testing.draft`); the page looks now and then what it has told.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from nicegui import context, ui

from admin_ui.kit import (
    Live,
    badge,
    bar,
    bound,
    button,
    empty,
    every,
    icon_button,
    live,
    note,
    say,
    toast,
)
from admin_ui.kit.controls import Tone
from admin_ui.pages.skills.bench import Bench
from bot.errors import ChatNationError
from bot.testing.cases import Case, Unreadable, read_cases
from bot.testing.draft import DraftRun
from bot.testing.run import CaseResult, Outcome

__all__ = ["Cases"]

COUNTED = {Outcome.PASSED: "{n} passed", Outcome.FAILED: "{n} failed", Outcome.SKIPPED: "{n} skipped"}
MAX_REASON = 1_500  # of what was heard


@dataclass(slots=True)
class Cases:
    bench: Bench
    cases: list[Case] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    results: dict[tuple[str, str], CaseResult] = field(default_factory=dict)  # file, name
    revision: int = 0  # of the draft that they are of
    wanted: int = 0  # so many are being played
    done: int = 0
    trouble: str = ""
    _began: float = 0.0
    _run: DraftRun | None = None
    _task: asyncio.Task[None] | None = None
    _part: Live | None = None
    _shown: tuple[int, bool] = (0, False)

    async def build(self) -> None:
        self.cases, self.unreadable = await asyncio.to_thread(_read, self.bench.skill.folder)
        self._part = await live(self._draw)
        every(0.5, bound(self._look, writes=False))
        context.client.on_delete(self.stop)

    @property
    def is_running(self) -> bool:
        return self._task is not None and not self._task.done()

    async def play(self, case: Case | None = None) -> None:
        """All of them, or one."""
        if self.is_running:
            return
        if any(each.severity == "error" for each in self.bench.told):
            toast("There are mistakes to mend first.", kind="bad")
            return
        self.trouble, self.done, self._began = "", 0, time.monotonic()
        self.wanted = 1 if case is not None else len(self.cases)
        self.revision = self.bench.draft.revision
        if case is None:
            self.results.clear()
        else:
            self.results.pop(_key(case.file, case.name), None)
        only = f"{case.file} {case.name}" if case is not None else ""
        self._run = DraftRun(self.bench.skill, await self.bench.overlays(), only=only)
        self._task = asyncio.create_task(self._follow(self._run))
        await self._show()

    def stop(self) -> None:
        if self._run is not None:
            self._run.stop()

    async def _follow(self, run: DraftRun) -> None:
        try:
            async for each in run.play():
                self.results[_key(Path(each.file), each.case)] = each
                self.done += 1
        except ChatNationError as e:
            self.trouble = str(e)

    async def _look(self) -> None:
        if (self.done, self.is_running) != self._shown:
            await self._show()

    async def _show(self) -> None:
        assert self._part is not None, "build() comes first"
        await self._part.refresh()

    # -- what is seen

    async def _draw(self) -> None:
        self._shown = (self.done, self.is_running)
        if not self.cases and not self.unreadable:
            with empty("checklist", "No conversation tests", "They come with the skill, in its folder tests."):
                return
        self._head()
        if self.trouble:
            note(self.trouble[:1].upper() + self.trouble[1:], "bad")
        for problem in self.unreadable:
            note(problem, "bad")
        with ui.element("div").classes("cn-list"):
            for each in self.cases:
                self._row(each)

    def _head(self) -> None:
        with ui.element("div").classes("cn-line between"):
            with ui.element("div").classes("cn-line"):
                for outcome, number in self._totals():
                    badge(say(COUNTED[outcome], n=number), _tone(outcome))
                if not self.results and not self.is_running:
                    ui.label(say("{n} conversations that must go as written", n=len(self.cases))).classes(
                        "cn-muted cn-small"
                    )
            if self.is_running:
                button("Stop", bound(self.stop, writes=False), small=True, icon="stop", mark="cases-stop")
            else:
                button(
                    "Play all on the draft",
                    bound(lambda: self.play(), writes=False),
                    small=True,
                    kind="primary",
                    icon="play_arrow",
                    mark="cases-play",
                )
        if self.is_running:
            bar(self.done / max(1, self.wanted), label="Tests played")
            ui.label(say("{done} of {wanted} played", done=self.done, wanted=self.wanted)).classes("cn-muted cn-small")
        elif self.results and self.revision != self.bench.draft.revision:
            note("The draft was changed since: play them again.", "warn")

    def _totals(self) -> Iterator[tuple[Outcome, int]]:
        for outcome in Outcome:
            if number := sum(each.status is outcome for each in self.results.values()):
                yield outcome, number

    def _row(self, case: Case) -> None:
        result = self.results.get(_key(case.file, case.name))
        with ui.element("div").classes("cn-row"):
            with ui.element("div").classes("cn-grow").style("min-width: 0"):
                ui.label(case.name[:1].upper() + case.name[1:]).classes("cn-small")
                where = f"tests/{case.file.name}:{case.line}"
                ui.label(where if result is None else f"{where}  ·  {result.seconds:.1f} s").classes(
                    "cn-muted cn-small"
                )
                if result is not None and result.reason:
                    ui.label(self._reason(result)).classes("cn-code cn-small").style(
                        "white-space: pre-wrap; overflow-wrap: anywhere"
                    )
            if result is not None:
                badge(say(result.status.value), _tone(result.status))
            if not self.is_running:
                again = icon_button("play_arrow", "Play this one", bound(lambda: self.play(case), writes=False))
                again.mark(f"play-{case.file.stem}-{case.line}")

    def _reason(self, result: CaseResult) -> str:
        """With the place in the skill's folder, not in ours."""
        text = result.reason.replace(f"{self.bench.skill.folder}/", "")
        return text if len(text) <= MAX_REASON else f"{text[:MAX_REASON]} …"


def _tone(outcome: Outcome) -> Tone:
    return "good" if outcome is Outcome.PASSED else "bad" if outcome is Outcome.FAILED else "plain"


def _key(file: Path, name: str) -> tuple[str, str]:
    return str(file.resolve()), name


def _read(folder: Path) -> tuple[list[Case], list[str]]:
    cases: list[Case] = []
    unreadable: list[str] = []
    for path in sorted((folder / "tests").rglob("*.yml")):
        if path.stem == "conftest":
            continue
        try:
            cases += read_cases(path, skill=folder.name, root=folder)
        except Unreadable as e:
            unreadable.append(str(e).replace(f"{folder}/", ""))
    return cases, unreadable
