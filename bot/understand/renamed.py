"""Another of the organization's own things, named in the place of one that was chosen: "no, I meant the Night gig"."""

from __future__ import annotations

from collections.abc import Sequence

from bot.flows import Command, SetSlot
from bot.flows.entities import Entity
from bot.flows.mappings import map_slots
from bot.understand.accept import name_fillers
from bot.understand.answers import answer
from bot.understand.asked import takes_words
from bot.understand.heard import Heard
from bot.understand.names import denies, find_by_one_word
from bot.understand.questions import is_clear_question

__all__ = ["named_instead"]


def named_instead(heard: Heard) -> list[Command]:
    """What was chosen from a list, or named before, is changed by words of correction, or by a name and nothing else that tells.

    Where a person's name is asked, a thing's name alone may be the answer; where any text is asked, so may all the rest.
    """
    slot, filled = heard.asked.slot, heard.state.slots
    if slot is None or heard.asked.takes_any_text or is_clear_question(heard.text, of_name=True):
        return []
    named = heard.names
    by_one_word = not named and not (takes_words(slot) and answer(heard))
    if by_one_word:
        named = find_by_one_word(heard.setting.names, heard.text, [each for each in filled.values() if each])
    values = [each for each in _values(heard, named) if each.value != filled.get(each.name)]
    if all(filled.get(each.name) is None for each in values):
        return []
    return [*values] if _corrects(heard, named, values, surely=by_one_word or takes_words(slot)) else []


def _values(heard: Heard, named: Sequence[Entity]) -> list[SetSlot]:
    found = map_slots(heard.compiled, heard.state, intent=heard.intent, entities=named)
    return [each for each in found if heard.compiled.slots[each.name].controlled]


def _corrects(heard: Heard, named: Sequence[Entity], values: Sequence[SetSlot], *, surely: bool) -> bool:
    """`surely`: not by the name alone."""
    rest = heard.without(named)
    if any(f" {cue} " in f" {rest} " for lexicon in heard.lexicons for cue in lexicon.corrections):
        return True
    if denies(heard.setting.names, heard.text):
        return True
    fillers, tokens = name_fillers(heard.lexicons), rest.split()
    small = fillers.union(*((*each.polite, *each.links, *each.telling, *each.pointers) for each in heard.lexicons))
    of_slots = {word for each in values for word in heard.compiled.slots[each.name].name.split("_")}
    if not (small | of_slots).issuperset(tokens):
        return False
    return not surely or (tokens != [] and tokens[0] in fillers)
