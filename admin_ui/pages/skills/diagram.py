"""The flows of the draft as pictures, with the number of conversations that stand at each step now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from nicegui import ui

from admin_ui.kit import (
    Live,
    bound,
    button,
    dialog,
    every,
    icon_button,
    later,
    note,
    say,
)
from admin_ui.pages.skills.bench import Bench
from bot.flows.source import FlowSource
from bot.publishing.stranded import standing
from bot.tools.graph import mermaid

__all__ = ["Diagram"]

DIAGRAM = {"theme": "neutral", "flowchart": {"useMaxWidth": False}, "fontFamily": "Inter, sans-serif"}
COUNT_EVERY_S = 15.0
MAX_FLOWS = 6


@dataclass(slots=True)
class Diagram:
    bench: Bench
    path: str  # of the open file; its flows are drawn, or else those of the skill
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    is_seen: bool = False
    _part: Live | None = None

    def build(self) -> None:
        self._part = later(self._draw)
        every(COUNT_EVERY_S, bound(self._count, writes=False), at_once=True)

    async def refresh(self, path: str = "") -> None:
        self.path = path or self.path
        if self._part is not None:
            await self._part.refresh()

    async def look(self, is_seen: bool) -> None:
        """Only who looks at it has it counted."""
        self.is_seen = is_seen
        await self._count()

    async def _count(self) -> None:
        if not self.is_seen or self._part is None:
            return
        counts = await standing(self.bench.desk.organization.id)
        if counts != self.counts:
            await self._part.refresh()

    async def _draw(self) -> None:
        if any(each.severity == "error" for each in self.bench.told):
            note("Mend the mistakes first: a flow with one has no diagram.", "warn")
            return
        self.counts = await standing(self.bench.desk.organization.id)
        compiled = await self.bench.compiled()
        drawn = [
            (flow, each)
            for each in self._flows()
            if (flow := compiled.flows.get(f"{self.bench.skill.name}:{each.id}")) is not None
        ]
        here = {flow.id for flow, _ in drawn}
        total = sum(number for (flow, _), number in self.counts.items() if flow in here)
        said = "In green: how many conversations stand at a step right now, in the version people meet. {n} in these flows."
        ui.label(say(said, n=total)).classes("cn-muted cn-small").mark("standing")
        for flow, each in drawn:
            text = mermaid(flow, compiled, each, standing=self.counts)
            self._picture(flow.title(self.bench.desk.locale), _without_fence(text))

    def _flows(self) -> Sequence[FlowSource]:
        flows = self.bench.source.flows.values()
        here = [each for each in flows if self.path and each.pos.file.endswith(self.path)]
        return (here or list(flows))[:MAX_FLOWS]

    def _picture(self, title: str, drawn: str) -> None:
        def enlarge() -> None:
            with dialog(title, wide=True) as box:
                ui.mermaid(drawn, config=DIAGRAM).classes("cn-diagram whole").props("tabindex=0")
                with ui.element("div").classes("cn-actions"):
                    button({"en": "Close", "sw": "Funga"}, box.close, kind="quiet")
            box.open()

        with ui.element("div").classes("cn-line between"):
            ui.label(title).classes("cn-strong")
            icon_button("open_in_full", "See it larger", bound(enlarge, writes=False))
        ui.mermaid(drawn, config=DIAGRAM | {"flowchart": {"useMaxWidth": True}}).classes("cn-diagram").props(
            "tabindex=0"
        )


def _without_fence(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if not line.startswith("```"))
