"""Which messages are worth asking the router about. Light: every turn comes by here."""

from __future__ import annotations

from collections.abc import Sequence

from bot.flows import (
    CannotHandle,
    Command,
    Compiled,
    FlowState,
    Knowledge,
    SetSlot,
    Slot,
    UserText,
    open_question,
    open_step,
)
from bot.flows.words import normalise
from bot.router.rank import is_question
from bot.understand.accept import says_yes_or_no
from bot.understand.lexicon import lexicons
from bot.understand.questions import is_clear_question

__all__ = ["is_good_enough", "is_unexplained"]

WORDS_OF_A_QUESTION = 4

# Reasons for which there is nothing to explain.
_NOTHING_TO_EXPLAIN = frozenset(("empty", "too_long", "force_slot_filling"))


def is_unexplained(commands: Sequence[Command], compiled: Compiled, state: FlowState, *, text: str) -> bool:
    """Nothing was understood, a question asks for the knowledge base, or the text is no answer to what is asked.

    False for whatever a person can be taken to mean: above all for an acceptable answer to the open question.
    """
    if not commands or says_yes_or_no(text, normalise(text), lexicons("en")) is not None:
        return False
    step = open_step(compiled, state)
    if step is not None and step.force_slot_filling:
        return False
    if any(isinstance(each, Knowledge) for each in commands):
        return True
    if all(isinstance(each, CannotHandle) and each.reason not in _NOTHING_TO_EXPLAIN for each in commands):
        return True
    if len(commands) != 1 or not isinstance(commands[0], UserText | SetSlot):
        return False
    slot = open_question(compiled, state)
    if slot is not None and slot.accept == "name" and _is_no_name(text):
        return True
    return isinstance(commands[0], UserText) and (not _takes_any_text(slot) or is_clear_question(text))


def is_good_enough(commands: Sequence[Command], compiled: Compiled, state: FlowState) -> bool:
    """Any text answers the open question. What reads as a question is looked up, and is the answer when nothing is found."""
    return any(isinstance(each, UserText) for each in commands) and _takes_any_text(open_question(compiled, state))


def _is_no_name(text: str) -> bool:
    """Nobody is called "Is there parking?", and somebody may be called Will Smith."""
    return text.rstrip().endswith("?") or (len(text.split()) >= WORDS_OF_A_QUESTION and is_question(text))


def _takes_any_text(slot: Slot | None) -> bool:
    """With `accept: email` a text only gets that far so that its rejection can say why not."""
    return slot is None or slot.accept in ("", "text")
