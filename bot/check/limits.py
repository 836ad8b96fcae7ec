"""What WhatsApp would cut, split or page: the renderer's own judgement, told before anything is sent."""

from __future__ import annotations

from collections.abc import Iterator

from bot.flows import Compiled, Diagnostic, SkillSource
from bot.flows.diagnostics import Pos, Reporter
from bot.flows.source import VariationSource
from bot.messages import Choices, Option, Outbound, Text
from bot.render.check import Outcome, check

__all__ = ["texts_fit_whatsapp"]

_CODES = {
    Outcome.SPLIT: ("CN-WA-001", "it goes out as several messages"),
    Outcome.SHORTENED: ("CN-WA-002", "its visible form is shortened"),
    Outcome.PAGED: ("CN-WA-003", "it goes out as pages of a list"),
    Outcome.MOVED: ("CN-WA-004", "it stands in a message of its own"),
    Outcome.REPLACED: ("CN-WA-005", "something neutral stands there"),
    Outcome.REFUSED: ("CN-WA-006", "WhatsApp refuses it"),
}


def texts_fit_whatsapp(skill: SkillSource, compiled: Compiled) -> Iterator[Diagnostic]:
    """Each wording, as it is written: what stands in its {places} comes on top."""
    report = Reporter()
    for responses in skill.responses.values():
        for response in responses.values():
            with report.about(subject=f"response:{response.name}"):
                for variation in response.variations:
                    if variation.channel in (None, "whatsapp") and (part := _part(variation)) is not None:
                        _tell(part, variation, report)
    yield from report.found


def _part(variation: VariationSource) -> Outbound | None:
    if variation.buttons:
        options = tuple(
            Option(title=button.title, payload=button.payload, description=button.description)
            for button in variation.buttons
        )
        return Choices(text=variation.text or "…", options=options)
    return Text(text=variation.text) if variation.text else None


def _tell(part: Outbound, variation: VariationSource, report: Reporter) -> None:
    told: set[tuple[str, object]] = set()
    for problem in check(part):
        code, what = _CODES[problem.outcome]
        pos = _place(problem.field, variation)
        if (code, pos) not in told:
            told.add((code, pos))
            say = report.error if problem.outcome is Outcome.REFUSED else report.warning
            say(code, f"{problem.field} has {problem.size} of at most {problem.limit}: {what}", pos)


def _place(field: str, variation: VariationSource) -> Pos:
    number = field.partition("[")[2].partition("]")[0]
    if number.isdigit() and int(number) < len(variation.buttons):
        return variation.buttons[int(number)].pos or variation.pos
    return variation.pos
