"""The ways to explain a text, in the order in which they count."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from bot.flows import CannotHandle, Command
from bot.understand.answers import (
    answer,
    answer_below,
    declared_value,
    forced_text,
    free_text,
    mapped_answer,
    text_to_reject,
)
from bot.understand.chosen import chosen_option, nearly_chosen_option, only_option
from bot.understand.evidence import evidence_of
from bot.understand.heard import Heard
from bot.understand.likeness import Likeness
from bot.understand.payloads import read_payload
from bot.understand.renamed import named_instead
from bot.understand.result import Considered, Source
from bot.understand.worded import (
    engine_words,
    flow_words,
    help_with_question,
    still_unsure,
    unsure,
    wish_around_names,
    worded_wish,
)

__all__ = ["first_explanation"]


class _Way(NamedTuple):
    """What one way finds; `confidence` in it."""

    found: list[Command]
    source: Source
    confidence: float


def first_explanation(heard: Heard, likeness: Likeness) -> tuple[list[Considered], list[Considered]]:
    """What the first way finds that finds anything; with `trace` also what the later ones would have."""
    taken: list[Considered] = []
    lost: list[Considered] = []
    for way in _ways(heard, likeness):
        if not taken:
            taken = _considered(way, heard)
            if taken and not heard.setting.trace:
                break
        elif way.source is not Source.NONE and way.found != [each.command for each in taken]:
            reason = f"{taken[0].source} counts before {way.source}"
            lost += [replace(each, lost=reason) for each in _considered(way, heard)]
    return taken, lost


def _ways(heard: Heard, likeness: Likeness) -> Iterator[_Way]:
    """Each is tried only when it is asked for."""
    yield _Way(read_payload(heard.text, heard.compiled, heard.state, source="user") or [], Source.PAYLOAD, 1.0)
    yield _Way(chosen_option(heard), Source.OPTION, 1.0)
    yield _Way(forced_text(heard), Source.FORCED, 1.0)
    yield _Way(only_option(heard), Source.OPTION, 0.9)
    yield _Way(declared_value(heard), Source.SLOT, 1.0)
    yield _Way(help_with_question(heard), Source.GLOBAL, 1.0)
    yield _Way(unsure(heard), Source.GLOBAL, 1.0)
    yield _Way(flow_words(heard), Source.WORDS, 1.0)
    yield _Way(engine_words(heard), Source.GLOBAL, 1.0)
    yield _Way(worded_wish(heard), Source.EXAMPLE, 1.0)
    yield _Way(wish_around_names(heard), Source.EXAMPLE, 0.9)
    yield _Way(named_instead(heard), Source.ENTITY, 0.9)
    yield _Way(likeness.digression(), Source.MEANING, likeness.score)
    yield _Way(mapped_answer(heard), Source.ENTITY, 0.9)
    yield _Way(answer(heard), Source.SLOT, 0.9)
    yield _Way(nearly_chosen_option(heard), Source.OPTION, 0.8)
    yield _Way(answer_below(heard), Source.SLOT, 0.8)
    yield _Way(likeness.near_wish(), Source.EXAMPLE, 0.8)
    yield _Way(likeness.wish(), Source.MEANING, likeness.score)
    yield _Way(still_unsure(heard), Source.GLOBAL, 0.8)
    yield _Way(text_to_reject(heard), Source.SLOT, 0.3)
    yield _Way(free_text(heard), Source.SLOT, 0.5)
    yield _Way([CannotHandle("")], Source.NONE, likeness.score)


def _considered(way: _Way, heard: Heard) -> list[Considered]:
    confidence = round(min(way.confidence, 1.0), 3)
    return [Considered(each, way.source, confidence, evidence_of(each, way.source, heard)) for each in way.found]
