"""Wishes by what a sentence is like: the examples of flows, by letters and, with an embedder, by sense."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from bot.flows import Clarify, Command, HandOff, Repeat, StartFlow, can_start
from bot.understand.answers import answer
from bot.understand.asked import takes_words
from bot.understand.entities import UNMISTAKABLE, find_own_name
from bot.understand.heard import Heard
from bot.understand.match import CHATTER, ENGINE, Matcher, Ranked
from bot.understand.questions import begins_unsure, is_clear_question, is_unsure
from bot.understand.result import Considered, Source
from bot.understand.wishes import matcher_by_letters, near_wish
from bot.understand.worded import ENGINE_WORDS

__all__ = ["Likeness"]

CLEARLY = 0.15  # by how much a wish must pass the threshold to take a message away from an open question
WORDS_OF_A_WISH = 3  # shorter answers to an open question are answers
WORDS_OF_A_SENTENCE = 5  # an answer by its type ("on the 5th") may stand within a question of this length
WORDS_OF_A_SHORT_WISH = 8  # where any text is asked, a longer one tells something
MAX_CHOICES = 3
MAX_TRACED = 3  # runners-up


class Likeness:
    """Of one text, compared with the examples when first asked. `near`: what came close and was not taken, with the reason."""

    def __init__(self, heard: Heard) -> None:
        self.near: list[Considered] = []
        self._heard = heard
        self._ranked: list[Ranked] = []

    @property
    def score(self) -> float:
        """Of the most like; 0 as long as nothing was compared."""
        return self._ranked[0].score if self._ranked else 0.0

    @property
    def is_by_letters_only(self) -> bool:
        return bool(self._ranked) and self._heard.setting.meaning is None

    def digression(self) -> list[Command]:
        """A wish in the middle of a question, when it is clearer than any answer would be."""
        heard, asked = self._heard, self._heard.asked
        slot = asked.slot
        if slot is None and not asked.listens:
            return []
        if slot is not None and slot.accept in UNMISTAKABLE and answer(heard):
            return []
        least = WORDS_OF_A_WISH if slot is None or slot.controlled or takes_words(slot) else WORDS_OF_A_SENTENCE
        if len(heard.words.split()) < least:
            return []
        if slot is not None and asked.takes_any_text and not _reads_as_a_wish(heard):
            return []
        return self._most_like(CLEARLY, choice=False)

    def wish(self) -> list[Command]:
        if self._heard.asked.takes_any_text:
            return []
        return self._most_like(0.0, choice=self._heard.asked.slot is None)

    def near_wish(self) -> list[Command]:
        """By shared words, where there are too few examples for anything better."""
        heard = self._heard
        if heard.asked.takes_any_text or self._matcher.fit.fitted:
            return []
        return near_wish(heard.rest if heard.names else heard.words, heard.state, heard.compiled)

    def _most_like(self, above: float, *, choice: bool) -> list[Command]:
        """What the sentence is most like, if it is so by enough; a choice between what is about as near."""
        heard = self._heard
        if heard.text.startswith("/") or heard.yes_or_no is not None:
            return []
        if heard.asked.slot is not None and (is_unsure(heard.bare) or begins_unsure(heard.bare)):
            return []
        if (own := find_own_name(heard.reading)) is not None and len(own.beside.split()) < WORDS_OF_A_WISH:
            return []  # "my name is really Amina" asks nobody's name
        if self._matcher.is_strange(heard.words):
            return []
        ranked = [each for each in self._rank() if not _lacks_its_thing(heard, each.label)]
        self.near = self._runners_up(ranked)
        top, second = ranked[0], ranked[1] if len(ranked) > 1 else Ranked(CHATTER, 0.0)
        command = _command_of(heard, top.label)
        if command is None:
            return []
        fit, lead = self._matcher.fit, top.score - second.score
        if top.score < fit.t_hi + above:
            self._lose(command, top.score, f"below {fit.t_hi + above:.2f}")
            return []
        margin = fit.margin if heard.setting.margin is None else heard.setting.margin
        if lead >= margin:
            return [command]
        self._lose(command, top.score, f"only {lead:.2f} before {second.label or 'chatter'}")
        return _choice(heard, ranked, top.score - margin) if choice else []

    def _runners_up(self, ranked: Sequence[Ranked]) -> list[Considered]:
        reason = f"less like it than {ranked[0].label or 'chatter'}"
        return [
            self._lost(command, score, reason)
            for label, score in ranked[1 : 1 + MAX_TRACED]
            if (command := _command_of(self._heard, label)) is not None
        ]

    def _lose(self, command: Command, score: float, reason: str) -> None:
        self.near.insert(0, self._lost(command, score, reason))

    def _lost(self, command: Command, score: float, reason: str) -> Considered:
        return Considered(command, Source.MEANING, round(score, 3), (0, len(self._heard.text)), reason)

    @cached_property
    def _matcher(self) -> Matcher:
        meaning = self._heard.setting.meaning
        return meaning.matcher if meaning is not None else matcher_by_letters(self._heard.compiled)

    def _rank(self) -> list[Ranked]:
        if not self._ranked:
            heard, meaning = self._heard, self._heard.setting.meaning
            words = heard.rest if heard.names and heard.rest else heard.words
            self._ranked = self._matcher.rank(words, meaning.vector if meaning else None)
        return self._ranked


def _reads_as_a_wish(heard: Heard) -> bool:
    """A comment or a company may be like any example by its words; only what is worded as a wish or a question is one."""
    wishes = any(heard.words.startswith(f"{each} ") for lexicon in heard.lexicons for each in lexicon.wish_lead_ins)
    return (wishes and len(heard.words.split()) <= WORDS_OF_A_SHORT_WISH) or is_clear_question(heard.text)


def _choice(heard: Heard, ranked: Sequence[Ranked], least: float) -> list[Command]:
    commands = [_command_of(heard, each.label) for each in ranked if each.score > least]
    flows = [command.flow for command in commands if isinstance(command, StartFlow)]
    return [Clarify(tuple(flows[:MAX_CHOICES]))] if flows else []


def _command_of(heard: Heard, label: str) -> Command | None:
    """None: nothing that could start here and now."""
    if label == CHATTER:
        return None
    if label.startswith(ENGINE):
        command = ENGINE_WORDS[label.removeprefix(ENGINE)]()
        return command if heard.state.stack or isinstance(command, (HandOff, Repeat)) else None
    return StartFlow(label) if can_start(heard.compiled, heard.state, label) else None


def _lacks_its_thing(heard: Heard, label: str) -> bool:
    """An answer about a thing is guessed at only where there is one: named in the message, or settled before."""
    flow, slots = heard.compiled.flows.get(label), heard.compiled.slots
    if flow is None or not flow.aside:
        return False
    wanted = {mapping.entity for each in flow.touches for mapping in slots[each].mappings if mapping.entity}
    if not wanted or any(each.entity in wanted for each in heard.names):
        return False
    filled = [slots[slot] for slot, value in heard.state.slots.items() if value is not None]
    return not any(mapping.entity in wanted for slot in filled for mapping in slot.mappings)
