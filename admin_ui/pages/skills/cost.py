"""What a conversation costs: how many messages the draft's flows send, and what conversations of late took. Each says what it rests on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from nicegui import ui

from admin_ui.kit import Live, facts, later, note, say
from admin_ui.pages.skills.bench import Bench
from bot.publishing.cost import MAX_CONVERSATIONS, FlowCost, Measured, estimate, measured

__all__ = ["Cost"]

DAYS = 30
MAX_FLOWS = 12
CATEGORIES = {
    "service": "Replies within 24 hours",
    "utility": "Utility templates",
    "marketing": "Marketing templates",
    "authentication": "Codes for signing in",
    "": "Not told by WhatsApp yet",
}


@dataclass(slots=True)
class Cost:
    bench: Bench
    _part: Live | None = None

    def build(self) -> None:
        self._part = later(self._draw)

    async def refresh(self) -> None:
        if self._part is not None:
            await self._part.refresh()

    async def _draw(self) -> None:
        desk, name = self.bench.desk, self.bench.skill.name
        self._of_late(await measured(desk.organization.id, name, since=desk.now - timedelta(days=DAYS)))
        if any(each.severity == "error" for each in self.bench.told):
            note("Mend the mistakes first: what the draft sends is counted in its flows.", "warn")
            return
        compiled = await self.bench.compiled()
        titles = {flow.id: flow.title(desk.locale) for flow in compiled.flows.values()}
        self._of_draft(estimate(compiled, name), titles)

    def _of_late(self, found: Measured) -> None:
        _title(say("A conversation of late"))
        if not found.conversations:
            note(say("Nobody has talked with this skill in {days} days: nothing is measured yet.", days=DAYS))
            return
        n = found.conversations
        facts(
            [
                *(
                    (CATEGORIES.get(each.category, each.category), self._per(each.messages, n, each.is_billable))
                    for each in found.sent
                ),
                ("Requests to a model", f"{found.requests / n:.1f}"),
                ("Tokens read", f"{found.tokens_in / n:,.0f}"),
                ("Tokens written", f"{found.tokens_out / n:,.0f}"),
            ],
            numbers=True,
        )
        basis = "On average, of the newest {n} conversations of the last {days} days in which this skill spoke (at most {most} are read), as published then; categories as WhatsApp billed them."
        _basis(say(basis, n=n, days=DAYS, most=MAX_CONVERSATIONS))
        if found.is_estimated:
            _basis(say("Some tokens are estimates: the model's server did not count them."))

    def _of_draft(self, found: list[FlowCost], titles: dict[str, str]) -> None:
        _title(say("Once through the draft"))
        facts([(titles.get(each.flow, each.flow), _said(each)) for each in found[:MAX_FLOWS]], numbers=True)
        if len(found) > MAX_FLOWS:
            _basis(say("and {n} more", n=len(found) - MAX_FLOWS))
        text = "Counted in the flows: messages of the bot on the shortest and longest way. A question put again counts once; what an action sends by itself (+) is not known. Replies within 24 hours of a person's message are free at WhatsApp; later ones need a template."
        _basis(say(text))
        limit = self.bench.skill.manifest.limits.llm_calls_per_turn if self.bench.skill.manifest else None
        if limit is None:
            _basis(
                say(
                    "A model is asked only where words alone do not tell what is meant; this skill sets no limit of its own."
                )
            )
        else:
            _basis(say("A model is asked at most {limit} times for one message (limits in skill.yml).", limit=limit))

    def _per(self, messages: int, conversations: int, is_billable: bool) -> str:
        number = f"{messages / conversations:.1f}"
        return say("{number}, billed", number=number) if is_billable else number


def _said(each: FlowCost) -> str:
    number = f"{each.least}" if each.least == each.most else f"{each.least}–{each.most}"
    return f"{number} +" if each.actions else number


def _title(text: str) -> None:
    ui.label(text).classes("cn-strong")


def _basis(text: str) -> None:
    ui.label(text).classes("cn-muted cn-small")
