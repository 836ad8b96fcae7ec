"""What was published of the skill, and bringing an older version back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from nicegui import ui

from admin_ui.kit import Live, badge, bound, button, confirm, empty, later, say, toast
from admin_ui.pages.skills.bench import Bench
from bot.publishing.rows import Version

__all__ = ["Versions"]


@dataclass(slots=True)
class Versions:
    """`looked` is told when the draft stands beside another version."""

    bench: Bench
    looked: Callable[[], Awaitable[None]]
    _part: Live | None = None

    def build(self) -> None:
        self._part = later(self._draw)

    async def refresh(self) -> None:
        if self._part is not None:
            await self._part.refresh()

    async def _draw(self) -> None:
        found = await self.bench.versions()
        current = found[0].number if found else 0
        if not found:
            with empty("history", "As shipped", "When you publish, each version stays here and can be brought back."):
                return
        with ui.element("div").classes("cn-list"):
            for each in found:
                with ui.element("div").classes("cn-row"):
                    with ui.element("div").classes("cn-grow"):
                        ui.label(_name_of(each)).classes("cn-strong")
                        ui.label(
                            f"{self.bench.desk.moment(each.published_at)}  ·  {each.note or say('no note')}"
                        ).classes("cn-muted cn-small")
                    if each.number == current:
                        badge(say("live"), "good")
                    elif self.bench.desk.may("skills.publish"):
                        button(
                            "Bring back",
                            bound(lambda to=each.number: self._ask_to_roll_back(to, current), writes=False),
                            small=True,
                        )
            if self.bench.desk.may("skills.publish") and current:
                with ui.element("div").classes("cn-row"):
                    ui.label(say("As shipped")).classes("cn-grow cn-strong")
                    button(
                        "Bring back",
                        bound(lambda: self._ask_to_roll_back(0, current), writes=False),
                        small=True,
                        mark="as-shipped",
                    )

    def _ask_to_roll_back(self, to: int, current: int) -> None:
        name = say("version {number}", number=to) if to else say("what was shipped")

        async def go() -> None:
            self.bench.desk.require("skills.publish")
            made = await self.bench.roll_back(to, current)
            toast(say("Version {number} is live and says the same as {name}.", number=made.number, name=name))
            await self.looked()
            await self.refresh()

        confirm(
            say("Bring back {name}?", name=name),
            "It is published again under a new number. Your draft stays.",
            "Bring back",
            bound(go, writes=False),
            kind="primary",
        )


def _name_of(version: Version) -> str:
    if version.restores is None:
        return say("Version {number}", number=version.number)
    if not version.restores:
        return say("Version {number}, brings back what was shipped", number=version.number)
    return say("Version {number}, brings back {restores}", number=version.number, restores=version.restores)
