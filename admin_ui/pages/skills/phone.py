"""The phone beside the editor: it talks with the draft as it stands, on the organization's own things, and leaves nothing behind."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from nicegui import ui

from admin_ui.kit import Live, bound, button, facts, icon_button, live, say
from admin_ui.kit.whatsapp_preview import bubble, draw, phone
from admin_ui.pages.skills.bench import Bench
from bot.render import render
from bot.testing.simulate import Line, Seen, Simulation

__all__ = ["Phone"]

WAITS = {"+1 h": timedelta(hours=1), "+25 h": timedelta(hours=25)}


@dataclass(slots=True)
class Phone:
    bench: Bench
    locale: str = "en"
    talk: Simulation | None = None
    seen: Seen = field(default_factory=Seen)
    _part: Live | None = None

    async def build(self) -> None:
        self._part = await live(self._draw)

    async def say(self, text: str) -> None:
        if text.strip():
            self.seen = await (await self._talk()).say(text.strip())
            await self._show()

    async def tap(self, title: str) -> None:
        self.seen = await (await self._talk()).tap(title)
        await self._show()

    async def wait(self, by: timedelta) -> None:
        self.seen = await (await self._talk()).wait(by)
        await self._show()

    async def undo(self) -> None:
        self.seen = await (await self._talk()).undo()
        await self._show()

    async def restart(self) -> None:
        self.talk, self.seen = None, Seen()
        await self._show()

    async def speak(self, locale: str) -> None:
        self.locale = locale
        await self.restart()

    async def _talk(self) -> Simulation:
        """With the draft of now: what was said before is played again on it."""
        compiled = await self.bench.compiled()
        runtime, organization = self.bench.desk.runtime, self.bench.desk.organization.id
        if self.talk is None:
            info = (await runtime.directory.organization(organization)).info
            self.talk = Simulation(runtime, info, compiled, self.bench.skill.name, locale=self.locale)
        self.talk.compiled = compiled
        return self.talk

    async def _show(self) -> None:
        assert self._part is not None, "build() comes first"
        await self._part.refresh()

    async def _draw(self) -> None:
        with ui.element("div").classes("cn-line between"):
            with ui.element("div").classes("cn-line"):
                for title, by in WAITS.items():
                    button(
                        title,
                        bound(lambda by=by: self.wait(by), writes=False),
                        small=True,
                        kind="quiet",
                        mark=f"wait{title}",
                    )
                other = "sw" if self.locale == "en" else "en"
                button(
                    "Kiswahili" if other == "sw" else "English",
                    bound(lambda: self.speak(other), writes=False),
                    small=True,
                    kind="quiet",
                )
            with ui.element("div").classes("cn-line"):
                icon_button("undo", "Take the last message back", bound(self.undo, writes=False))
                icon_button("restart_alt", "Begin again", bound(self.restart, writes=False))
        with ui.element("div").classes("cn-phone-scroll").props('role="log" tabindex="0"'), phone():
            if not self.seen.lines:
                ui.label(say("Write “hi” to begin.")).classes("cn-muted cn-small").style("margin: auto")
            for line in self.seen.lines:
                _line(line)
        self._options()
        self._composer()
        with ui.expansion(say("What it knows")).classes("cn-small").style("width: 100%"):
            facts(
                [
                    ("stands at", "  ·  ".join(self.seen.stack)),
                    *((name.partition(":")[2], str(value)) for name, value in self.seen.slots.items()),
                ]
            )

    def _options(self) -> None:
        last = next((each for each in reversed(self.seen.lines) if each.message is not None), None)
        if last is None or last.message is None or not last.message.titles:
            return
        with ui.element("div").classes("cn-line"):
            for title in last.message.titles:
                button(title, bound(lambda title=title: self.tap(title), writes=False), small=True, mark=f"tap-{title}")

    def _composer(self) -> None:
        async def send() -> None:
            text, box.value = box.value or "", ""
            await self.say(text)

        with ui.element("div").classes("cn-line keep").style("width: 100%"):
            box = (
                ui.input(placeholder=say("Write as a person would"))
                .props("outlined dense hide-bottom-space")
                .classes("cn-grow")
            )
            box.props["aria-label"] = say("Message to the draft")
            box.mark("simulator-text")
            box.on("keydown.enter", bound(send, writes=False))
            icon_button("send", "Send", bound(send, writes=False))


def _line(line: Line) -> None:
    if line.who == "person":
        bubble(line.text, mine=True)
    elif line.who == "beside":
        ui.label(line.text).classes("cn-muted cn-small").style("align-self: center; text-align: center")
    elif line.message is not None:
        for each in render(line.message.part, option_id=str, page_id=lambda page: f"p{page}"):
            draw(each)
