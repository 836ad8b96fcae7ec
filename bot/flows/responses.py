"""Compiles responses, and picks the variation to say."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from typing import Any

from bot.flows.diagnostics import Reporter
from bot.flows.expressions import Condition, Scope
from bot.flows.model import Response, Variation
from bot.flows.resolve import Names, bind_condition
from bot.flows.source import ResponseSource, VariationSource
from bot.flows.templates import Template, compile_deep, compile_jinja, compile_text

__all__ = ["choose", "compile_response"]


def compile_response(source: ResponseSource, skill: str, names: Names, report: Reporter) -> Response:
    variations = tuple(_compile_variation(variation, skill, names, report) for variation in source.variations)
    plain = len(variations) == 1 and variations[0].condition is None and variations[0].channel is None
    return Response(f"{skill}:{source.name}", skill, variations, plain)


def _compile_variation(source: VariationSource, skill: str, names: Names, report: Reporter) -> Variation:
    def one(text: str) -> Template:
        if not source.jinja:
            return compile_text(text, lambda name: names.slot(name, skill))
        try:
            return compile_jinja(text, lambda name: names.slot(name, skill))
        except ValueError as e:
            report.error("CN-RESP-008", str(e), source.pos)
            return lambda filling: text

    return Variation(
        text=one(source.text),
        buttons=tuple((one(b.title), one(b.payload), one(b.description)) for b in source.buttons),
        image=one(source.image) if source.image else None,
        attachment=compile_deep(source.attachment, one) if source.attachment is not None else None,
        custom=compile_deep(source.custom, one) if source.custom is not None else None,
        channel=source.channel,
        condition=_condition(source, skill, names, report),
    )


def _condition(source: VariationSource, skill: str, names: Names, report: Reporter) -> Condition | None:
    if source.condition is not None:
        return bind_condition(source.condition, skill, names, report)
    if not source.equals:
        return None
    pairs: list[tuple[str, Any]] = []
    for name, value in source.equals:
        slot = names.slot(name, skill)
        if slot is None:
            report.error("CN-COND-006", f'there is no slot "{name}"', source.pos)
            return lambda scope: False
        pairs.append((slot, value))
    return lambda scope: all(type(scope.slots.get(s)) is type(v) and scope.slots.get(s) == v for s, v in pairs)


def choose(response: Response, scope: Scope, channel: str, seed: int, *, shift: int = 0) -> Variation | None:
    """The variation to say, by the documented order; among equals by `seed`, or another one with each `shift`.

    Conditional for this channel, default for this channel, conditional for any, default for any. None: nothing fits.
    """
    if response.plain:
        return response.variations[0]
    tests: Sequence[Callable[[Variation], bool]] = (
        lambda v: v.channel == channel and v.condition is not None and bool(v.condition(scope)),
        lambda v: v.channel == channel and v.condition is None,
        lambda v: v.channel is None and v.condition is not None and bool(v.condition(scope)),
        lambda v: v.channel is None and v.condition is None,
    )
    for test in tests:
        fitting = [variation for variation in response.variations if test(variation)]
        if len(fitting) > 1:
            return fitting[(zlib.crc32(f"{seed}:{response.id}".encode()) + shift) % len(fitting)]
        if fitting:
            return fitting[0]
    return None
