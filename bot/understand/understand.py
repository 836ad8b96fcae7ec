"""From a message to commands, without a model: payloads, global words, the open question, examples.

Cheapest first, and it stops as soon as the message is explained. An offered option always wins, so "cancel" may be an
answer; then the words that flows claim, then the engine's own words, then the open question.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from bot.flows import (
    Back,
    Cancel,
    CannotHandle,
    Clarify,
    Command,
    Compiled,
    Error,
    FlowState,
    HandOff,
    Help,
    Repeat,
    Restart,
    SetSlot,
    SkipQuestion,
    Slot,
    StartFlow,
    UserText,
    can_start,
    last_offered,
    open_question,
    open_step,
    question_below,
)
from bot.flows.words import normalise
from bot.messages import Choice, Inbound, Text
from bot.understand.accept import Reading, accept_text, bare
from bot.understand.lexicon import lexicons
from bot.understand.options import exact_option, near_option
from bot.understand.parts import understand_part
from bot.understand.payloads import read_payload
from bot.understand.wishes import exact_wish, near_wish

__all__ = ["understand"]

_ENGINE_WORDS: dict[str, Callable[[], Command]] = {
    "cancel": Cancel,
    "back": Back,
    "repeat": Repeat,
    "human": HandOff,
    "restart": Restart,
    "skip": SkipQuestion,
}


def understand(
    message: Inbound,
    state: FlowState,
    compiled: Compiled,
    *,
    locale: str,
    now: datetime,
    country: str = "KE",
    option_payload: str | None = None,
) -> list[Command]:
    """The commands of one message; empty when it asks for nothing (a reaction).

    `option_payload` is that of a tapped option which the host has verified as its own. `now` is there for times and dates
    in words, `country` for phone numbers without a prefix.
    """
    if option_payload is not None:
        commands = read_payload(option_payload, compiled, state, source="button")
        return commands if commands is not None else _Text(option_payload, state, compiled, locale, country).read()
    if isinstance(message, Text):
        return _Text(message.text, state, compiled, locale, country).read()
    if isinstance(message, Choice):
        return _Text(message.title or message.option_id, state, compiled, locale, country).read()
    return understand_part(message, state, compiled, locale=locale, country=country)


@dataclass(frozen=True, slots=True)
class _Question:
    slot: Slot | None
    forced: bool
    titles: tuple[str, ...]
    payloads: tuple[str, ...]


class _Text:
    def __init__(self, text: str, state: FlowState, compiled: Compiled, locale: str, country: str) -> None:
        self._text = text
        self._state = state
        self._compiled = compiled
        self._lexicons = lexicons(locale)
        self._reading = Reading(text, normalise(text), self._lexicons, country)
        self._bare = bare(self._reading.words, self._lexicons)
        step = open_step(compiled, state)
        options = state.pending.options if state.pending is not None else last_offered(state)
        self._question = _Question(
            open_question(compiled, state),
            bool(step and step.force_slot_filling),
            tuple(option.title for option in options),
            tuple(option.payload for option in options),
        )

    def read(self) -> list[Command]:
        if not self._text.strip():
            return [Error("rasa_internal_error_user_input_empty")]
        ways = (
            self._slash,
            self._exact_option,
            self._forced,
            self._declared_value,
            self._help,
            self._flow_words,
            self._engine_words,
            self._exact_wish_over_text,
            self._answer,
            self._near_option,
            self._answer_below,
            self._wish,
        )
        for way in ways:
            commands = way()
            if commands:
                return commands
        if self._is_free_text():
            return [UserText(self._text)]
        return [CannotHandle("")]

    def _slash(self) -> list[Command]:
        return read_payload(self._text, self._compiled, self._state, source="user") or []

    # -- the open question

    def _exact_option(self) -> list[Command]:
        question = self._question
        numeric = question.slot is not None and question.slot.type == "float"
        for words in (self._reading.words, self._bare):
            found = exact_option(words, question.titles, self._lexicons, places=not numeric)
            if found is not None:
                return self._option(found)
        return []

    def _near_option(self) -> list[Command]:
        found = near_option(self._bare, self._question.titles)
        return self._option(found) if found is not None else []

    def _option(self, n: int) -> list[Command]:
        payload = self._question.payloads[n]
        commands = read_payload(payload, self._compiled, self._state, source="button")
        if commands is not None:
            return commands
        slot = self._question.slot
        if slot is None:
            return [UserText(payload)]
        reading = Reading(payload, normalise(payload), self._lexicons, self._reading.country)
        value = accept_text(slot, reading)
        return [SetSlot(slot.id, value if value is not None else payload, "button")]

    def _forced(self) -> list[Command]:
        return [UserText(self._text)] if self._question.forced else []

    def _declared_value(self) -> list[Command]:
        """The very value of a categorical slot, before a word like "cancel" or "stop" may mean something else."""
        slot = self._question.slot
        if slot is None:
            return []
        found = next((value for value in slot.values if normalise(value) == self._reading.words), None)
        return [SetSlot(slot.id, found)] if found is not None else []

    def _answer(self) -> list[Command]:
        slot = self._question.slot
        # A controlled slot takes what a tap or an action gives it: words name one of its options, or something else.
        if slot is None or slot.controlled or self._is_free_text():
            return []
        value = accept_text(slot, self._reading)
        if value is not None:
            return [SetSlot(slot.id, value)]
        return []

    def _answer_below(self) -> list[Command]:
        """Asked whether to go on, the person may simply give the value that the interrupted question wants."""
        slot = question_below(self._compiled, self._state)
        if slot is None or (slot.type in ("text", "any") and slot.accept in ("", "text", "name")):
            return []
        value = accept_text(slot, self._reading)
        return [SetSlot(slot.id, value)] if value is not None else []

    def _is_free_text(self) -> bool:
        """An open question that takes any text; one with `accept` takes it only so that its rejection can say why not."""
        slot, step = self._question.slot, open_step(self._compiled, self._state)
        if slot is None:
            return bool(step and step.kind == "listen")
        return slot.type in ("text", "any") and slot.accept in ("", "text") and not slot.controlled

    # -- words and wishes

    def _help(self) -> list[Command]:
        """In the middle of a question "help" means that question, whatever flow claims the word."""
        if self._question.slot is None:
            return []
        asks = any(lexicon.commands.get(self._reading.words) == "help" for lexicon in self._lexicons)
        return [Help()] if asks else []

    def _flow_words(self) -> list[Command]:
        for words in (self._reading.words, self._bare):
            flow = self._compiled.words.get(words)
            if flow is not None and can_start(self._compiled, self._state, flow):
                return [StartFlow(flow)]
        return []

    def _engine_words(self) -> list[Command]:
        for words in (self._reading.words, self._bare):
            for lexicon in self._lexicons:
                name = lexicon.commands.get(words)
                if name in _ENGINE_WORDS:
                    return [_ENGINE_WORDS[name]()]
                if name is not None and self._question.slot is None:
                    return self._offer_everything()
        return []

    def _offer_everything(self) -> list[Command]:
        """ "menu" or "help" where no flow claims the word: what there is to start."""
        flows = [flow for flow in self._compiled.flows if can_start(self._compiled, self._state, flow)]
        return [Clarify(tuple(flows))] if flows else []

    def _exact_wish_over_text(self) -> list[Command]:
        """A question for free text must not swallow "my tickets"."""
        return exact_wish(self._reading.words, self._state, self._compiled)

    def _wish(self) -> list[Command]:
        if self._is_free_text():
            return []
        wish = near_wish(self._reading.words, self._state, self._compiled)
        return wish or self._for_the_rejection()

    def _for_the_rejection(self) -> list[Command]:
        """No e-mail where one is asked: when the flow has words for that, they are better than ours."""
        slot, step = self._question.slot, open_step(self._compiled, self._state)
        if slot is None or slot.type != "text" or step is None or step.target != slot.id:
            return []
        return [UserText(self._text)] if step.rejections or slot.rejections or step.validate_action else []
