"""Wishes by their very words: those that flows claim, those that mean the same everywhere, and examples."""

from __future__ import annotations

from collections.abc import Callable

from bot.flows import (
    Back,
    Cancel,
    Clarify,
    Command,
    HandOff,
    Help,
    Repeat,
    Restart,
    SkipQuestion,
    StartFlow,
    Unsure,
    can_start,
)
from bot.understand.accept import bare
from bot.understand.heard import Heard
from bot.understand.questions import asks_about, begins_unsure, is_unsure
from bot.understand.wishes import exact_wish

__all__ = [
    "ENGINE_WORDS",
    "engine_words",
    "flow_words",
    "help_with_question",
    "still_unsure",
    "unsure",
    "wish_around_names",
    "worded_wish",
]

ENGINE_WORDS: dict[str, Callable[[], Command]] = {
    "cancel": Cancel,
    "back": Back,
    "repeat": Repeat,
    "human": HandOff,
    "restart": Restart,
    "skip": SkipQuestion,
}


def help_with_question(heard: Heard) -> list[Command]:
    """In the middle of a question "help" means that question, whatever flow claims the word."""
    if heard.asked.slot is None:
        return []
    asks = any(lexicon.commands.get(heard.words) == "help" for lexicon in heard.lexicons)
    return [Help()] if asks else []


def unsure(heard: Heard) -> list[Command]:
    """ "Sijui" at a question asks for help with it. Where any words will do it may be the answer: then at the second time it is."""
    slot, frame = heard.asked.slot, heard.state.stack[-1] if heard.state.stack else None
    if slot is None or frame is None or not (is_unsure(heard.words) or is_unsure(heard.bare)):
        return []
    return [] if heard.asked.takes_any_text and frame.attempts else [Unsure()]


def still_unsure(heard: Heard) -> list[Command]:
    """ "I don't know which one", when there is no answer in it."""
    slot = heard.asked.slot
    return [Unsure()] if slot is not None and not heard.asked.takes_any_text and begins_unsure(heard.bare) else []


def flow_words(heard: Heard) -> list[Command]:
    return _claimed(heard, heard.words) or _claimed(heard, heard.bare)


def engine_words(heard: Heard) -> list[Command]:
    for words in (heard.words, heard.bare, heard.calm):
        for lexicon in heard.lexicons:
            name = lexicon.commands.get(words)
            if name in ENGINE_WORDS:
                return [ENGINE_WORDS[name]()]
            if name is not None and heard.asked.slot is None:
                return _everything(heard)
    return []


def worded_wish(heard: Heard) -> list[Command]:
    """A question for free text must not swallow "my tickets"."""
    return exact_wish(heard.words, heard.state, heard.compiled)


def wish_around_names(heard: Heard) -> list[Command]:
    """ "cancel my Night gig ticket" is "cancel my ticket"."""
    if not heard.names:
        return []
    rest = heard.rest
    for words in (rest, bare(rest, heard.lexicons), *(("tell me about",) if asks_about(rest) else ())):
        if wish := _claimed(heard, words) or exact_wish(words, heard.state, heard.compiled):
            return wish
    return []


def _claimed(heard: Heard, words: str) -> list[Command]:
    flow = heard.compiled.words.get(words)
    return [StartFlow(flow)] if flow is not None and can_start(heard.compiled, heard.state, flow) else []


def _everything(heard: Heard) -> list[Command]:
    """ "menu" or "help" where no flow claims the word: what there is to start."""
    flows = [flow for flow in heard.compiled.flows if can_start(heard.compiled, heard.state, flow)]
    return [Clarify(tuple(flows))] if flows else []
