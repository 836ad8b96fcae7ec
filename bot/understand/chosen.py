"""Which of the offered options a text takes, and what that option does."""

from __future__ import annotations

from dataclasses import replace

from bot.flows import Command, SetSlot, UserText
from bot.flows.words import normalise
from bot.understand.accept import accept_text, agrees
from bot.understand.heard import Heard
from bot.understand.options import exact_option, near_option
from bot.understand.payloads import read_payload
from bot.understand.values import told_by_itself

__all__ = ["chosen_option", "nearly_chosen_option", "only_option"]


def chosen_option(heard: Heard) -> list[Command]:
    """By its title or its place."""
    asked = heard.asked
    numeric = asked.slot is not None and asked.slot.type == "float"
    for words in (heard.words, heard.bare):
        found = exact_option(words, asked.titles, heard.lexicons, places=not numeric)
        if found is not None:
            return _option(heard, found)
    return []


def only_option(heard: Heard) -> list[Command]:
    """ "Yes" to the one thing that is proposed: [Use this name], [Talk to a person]."""
    asked = heard.asked
    if len(asked.payloads) != 1 or asked.takes_any_text or (asked.slot is not None and asked.slot.type == "bool"):
        return []
    if heard.yes_or_no is True or any(heard.bare in lexicon.this_one for lexicon in heard.lexicons):
        return _option(heard, 0)
    # Where another name may be written as well, "yes that is me" is none.
    slot = asked.slot
    if slot is None or slot.accept != "name" or not agrees(heard.words, heard.lexicons):
        return []
    return _option(heard, 0) if accept_text(slot, heard.reading) is None else []


def nearly_chosen_option(heard: Heard) -> list[Command]:
    if told_by_itself(heard):
        return []  # "my e-mail is ..." tells it, and does not choose [E-mail]
    found = near_option(heard.bare, heard.asked.titles)
    return _option(heard, found) if found is not None else []


def _option(heard: Heard, n: int) -> list[Command]:
    payload = heard.asked.payloads[n]
    commands = read_payload(payload, heard.compiled, heard.state, source="button")
    if commands is not None:
        return commands
    slot = heard.asked.slot
    if slot is None:
        return [UserText(payload)]
    value = accept_text(slot, replace(heard.reading, text=payload, words=normalise(payload)))
    return [SetSlot(slot.id, value if value is not None else payload, "button")]
