"""A text as the answer to the open question, from the surest kind of answer to the one that only its rejection can use."""

from __future__ import annotations

from bot.flows import Command, SetSlot, UserText, question_below
from bot.flows.model import SlotMapping
from bot.flows.words import normalise
from bot.understand.accept import accept_text, is_no_name
from bot.understand.asked import takes_words
from bot.understand.heard import Heard
from bot.understand.questions import is_clear_question
from bot.understand.values import told_by_itself

__all__ = ["answer", "answer_below", "declared_value", "forced_text", "free_text", "mapped_answer", "text_to_reject"]


def forced_text(heard: Heard) -> list[Command]:
    return [UserText(heard.text)] if heard.asked.forced else []


def declared_value(heard: Heard) -> list[Command]:
    """The very value of a categorical slot, before a word like "cancel" or "stop" may mean something else."""
    slot = heard.asked.slot
    if slot is None:
        return []
    found = next((value for value in slot.values if normalise(value) == heard.words), None)
    return [SetSlot(slot.id, found)] if found is not None else []


def mapped_answer(heard: Heard) -> list[Command]:
    """The entity or the intent that the slot is filled from, wherever it stands; what is left is read by its type."""
    slot = heard.asked.slot
    if slot is None or slot.mappings[:1] in ((), (SlotMapping("from_llm"),)) or slot.mappings[0].type == "from_text":
        return []
    return [each for each in heard.mapped(heard.intent, text="") if each.name == slot.id]


def answer(heard: Heard) -> list[Command]:
    slot = heard.asked.slot
    # A controlled slot takes what a tap or an action gives it: words name one of its options, or something else.
    if slot is None or slot.controlled or heard.asked.takes_any_text or _asks_instead_of_a_name(heard):
        return []
    value = accept_text(slot, heard.reading)
    return [SetSlot(slot.id, value)] if value is not None else []


def answer_below(heard: Heard) -> list[Command]:
    """Asked whether to go on, the person may simply give the value that the interrupted question wants."""
    slot = question_below(heard.compiled, heard.state)
    if slot is None or slot.controlled or takes_words(slot):
        return []
    value = accept_text(slot, heard.reading)
    return [SetSlot(slot.id, value)] if value is not None else []


def text_to_reject(heard: Heard) -> list[Command]:
    """No e-mail where one is asked: when the flow has words for that, they are better than ours."""
    slot, step = heard.asked.slot, heard.asked.step
    if slot is None or slot.type != "text" or step is None or step.target != slot.id:
        return []
    if _asks_instead_of_a_name(heard) or told_by_itself(heard):
        return []
    if slot.accept == "name" and is_no_name(heard.reading):
        return []
    return [UserText(heard.text)] if step.rejections or slot.rejections or step.validate_action else []


def free_text(heard: Heard) -> list[Command]:
    return [UserText(heard.text)] if heard.asked.takes_any_text else []


def _asks_instead_of_a_name(heard: Heard) -> bool:
    slot = heard.asked.slot
    return slot is not None and slot.accept == "name" and is_clear_question(heard.text, of_name=True)
