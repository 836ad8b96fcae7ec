"""`chatnation chat`: talk to skills in the terminal, on the real pipeline and a database that is thrown away."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.errors import ChatNationError
from bot.testing.database import Cluster, all_apps, connected
from bot.testing.fakes import Received
from bot.testing.script import parse_moment
from bot.testing.stage import Person, Stage
from bot.tools.explain import considered, engine_trace
from bot.tools.recording import Act, Script

__all__ = ["HELP", "Chat"]

HELP = """\
write as a person would; beside that:
  /tap 2         tap the second option of the newest message that has some (or /tap Its title)
  /now +25h      let time pass: s, m, h or d
  /as NAME       go on as somebody else; /as alone: as yourself again
  /locale sw     start anew with an organization that speaks Swahili
  /state         the slots and what is waited for
  /stack         the flows that are open, the running one last
  /why           how the last message was understood, and what the engine did
  /undo          take the last thing back
  /reset         start anew
  /help          this
  /quit          leave (or the end of the input)"""
YOU = "you"


@dataclass(slots=True)
class Chat:
    """One conversation after the other. `show` gets every line that a person is to see."""

    cluster: Cluster
    skills: tuple[str, ...]
    show: Callable[[str], object]
    locale: str = "en"
    begun: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))
    is_over: bool = False
    script: Script = field(init=False)
    _who: str = YOU
    _why: dict[str, Any] = field(default_factory=dict)
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    _stage: Stage | None = None

    async def start(self, acts: Sequence[Act] = ()) -> None:
        """A fresh database; `acts` are done again without showing what is said."""
        await self.close()
        people = {YOU: ""}
        self.script = Script(self.skills, self.locale, self.begun, people)
        self._stack = AsyncExitStack()
        apps = all_apps()
        fresh = await self._stack.enter_async_context(self.cluster.clone(apps))
        await self._stack.enter_async_context(connected(fresh, apps))
        stage = await self._stack.enter_async_context(
            Stage.open(skills=self.skills, locale=self.locale, now=self.begun)
        )
        self._stage, self._why = stage, {}
        self._watch_understanding(stage)
        for act in acts:
            await self._do(act)

    async def close(self) -> None:
        await self._stack.aclose()
        self._stage = None

    async def read(self, line: str) -> None:
        """One line of input. A mistake is shown, it ends nothing."""
        line = line.strip()
        if not line:
            return
        name, _, rest = line.partition(" ")
        command = COMMANDS.get(name)
        try:
            if command is not None:
                await command(self, rest.strip())
            else:
                self._show(await self._do(Act("user", line, self._who)))
        except (AssertionError, ValueError, ChatNationError) as e:
            self.show(f"! {e}")

    # -- the commands

    async def tap(self, what: str) -> None:
        titles = next((each.titles for each in reversed(self._person().heard) if each.titles), ())
        if what.isdigit() and not 1 <= int(what) <= len(titles):
            raise ValueError(f"there is no option {what}; there are {len(titles)}")
        title = titles[int(what) - 1] if what.isdigit() else what
        self._show(await self._do(Act("tap", title, self._who)))

    async def now(self, what: str) -> None:
        if not what.startswith("+"):
            raise ValueError("say how much time passes: /now +25h")
        self._show(await self._do(Act("now", what, self._who)))
        self.show(f"- it is {self._opened().clock.now():%Y-%m-%d %H:%M} UTC")

    async def as_somebody(self, name: str) -> None:
        self._who = name or YOU
        self.script.people.setdefault(self._who, name)
        self.show(f"- you are {name or 'yourself'}")

    async def speak(self, locale: str) -> None:
        if not locale:
            raise ValueError("which language? /locale sw")
        self.locale = locale
        await self.start()
        self.show(f"- started anew in {locale}")

    async def state(self, _: str) -> None:
        state = await self._person().state()
        pending = state.pending.to_json() if state.pending is not None else None
        self._show_json({"phase": state.phase.value, "slots": state.slots, "pending": pending})

    async def stack(self, _: str) -> None:
        state = await self._person().state()
        self._show_json([{"flow": each.flow, "step": each.step, "kind": each.kind} for each in state.stack])

    async def why(self, _: str) -> None:
        self._show_json(self._why or {"turn": "nothing was said yet"})

    async def undo(self, _: str) -> None:
        if not self.script.acts:
            raise ValueError("there is nothing to take back")
        acts, people = [act for act, _ in self.script.acts], dict(self.script.people)
        taken = acts.pop()
        self.show(f"- took back: {taken.value}")
        await self.start(acts)
        self.script.people |= people

    async def reset(self, _: str) -> None:
        await self.start()
        self.show("- started anew")

    async def help(self, _: str) -> None:
        self.show(HELP)

    async def quit(self, _: str) -> None:
        self.is_over = True

    # -- what happens

    async def _do(self, act: Act) -> list[Received]:
        stage = self._opened()
        person = self._person(act.who)
        before = len(person.heard)
        self._why = {"turn": act.value, "at": stage.clock.now().isoformat(), "considered": []}
        if act.kind == "tap":
            await person.tap(act.value)
        elif act.kind == "now":
            moment = parse_moment(act.value, stage.clock.now())
            assert moment is not None
            passed = moment - stage.clock.now()
            await stage.move(max(passed, timedelta(0)))
        else:
            await person.say(act.value)
        self._why["engine"] = engine_trace(stage.log.effects)
        for job in stage.log.jobs:
            self._why.setdefault("jobs", []).append(job)
        heard = person.heard[before:]
        self.script.people.setdefault(act.who, "" if act.who == YOU else act.who)
        self.script.acts.append((act, [each.text for each in heard]))
        return heard

    def _watch_understanding(self, stage: Stage) -> None:
        inner = stage.runtime.understand

        def noted(message: Any, state: Any, compiled: Any, **how: Any) -> Any:
            taken = inner(message, state, compiled, **how)
            self._why["considered"] = considered(taken, message, state, compiled, how)
            return taken

        stage.runtime.understand = noted

    def _person(self, who: str = "") -> Person:
        key = who or self._who
        return self._opened().person("" if key == YOU else key, key=key)

    def _opened(self) -> Stage:
        assert self._stage is not None, "the chat was not started"
        return self._stage

    def _show(self, heard: Sequence[Received]) -> None:
        for each in heard:
            for line in _lines(each):
                self.show(line)

    def _show_json(self, value: Any) -> None:
        self.show(json.dumps(value, indent=2, ensure_ascii=False, default=_plain))


def _lines(message: Received) -> list[str]:
    lines = message.text.splitlines() or [""]
    if message.media is not None:
        lines = [f"({message.media.kind.value} {message.media.filename})".replace(" )", ")"), *filter(None, lines)]
    shown = [f"bot: {lines[0]}", *(f"     {line}" for line in lines[1:])]
    return shown + [f"     [{n}] {title}" for n, title in enumerate(message.titles, 1)]


def _plain(value: Any) -> Any:
    return asdict(value) if hasattr(value, "__dataclass_fields__") else str(value)


COMMANDS = {
    "/tap": Chat.tap,
    "/now": Chat.now,
    "/as": Chat.as_somebody,
    "/locale": Chat.speak,
    "/state": Chat.state,
    "/stack": Chat.stack,
    "/why": Chat.why,
    "/undo": Chat.undo,
    "/reset": Chat.reset,
    "/help": Chat.help,
    "/quit": Chat.quit,
}
