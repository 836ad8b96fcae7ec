"""From a message to commands, without a model: payloads, global words, the open question, examples, likeness.

Cheapest first, and it stops as soon as the message is explained. An offered option always wins, so "cancel" may be an
answer; then the words that flows claim, then the engine's own words, then the open question. What was looked at and not
taken is kept with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from functools import cached_property, lru_cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

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
    OfferPerson,
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
from bot.flows.entities import Entity, find_entities
from bot.flows.mappings import map_slots
from bot.flows.model import SlotMapping
from bot.flows.words import normalise
from bot.messages import Choice, Inbound, Text
from bot.understand.accept import Reading, accept_text, bare, says_yes_or_no
from bot.understand.entities import UNMISTAKABLE, find_values
from bot.understand.evidence import find_phrase, find_value
from bot.understand.lexicon import lexicons
from bot.understand.match import CHATTER, ENGINE, Matcher, Ranked
from bot.understand.mood import read_mood
from bot.understand.names import Names, find_names, links
from bot.understand.options import exact_option, near_option
from bot.understand.parts import understand_part
from bot.understand.payloads import read_payload
from bot.understand.questions import asks_about, is_clear_question, is_unsure
from bot.understand.result import Considered, Mood, Source, Understanding
from bot.understand.wishes import exact_wish, matcher_by_letters, near_wish

__all__ = ["Meaning", "interpret", "understand", "zone_of"]

_ENGINE_WORDS: dict[str, Callable[[], Command]] = {
    "cancel": Cancel,
    "back": Back,
    "repeat": Repeat,
    "human": HandOff,
    "restart": Restart,
    "skip": SkipQuestion,
}
CLEARLY = 0.15  # by how much a wish must pass the threshold to take a message away from an open question
WORDS_OF_A_WISH = 3  # shorter answers to an open question are answers
WORDS_OF_A_SENTENCE = 5  # an answer by its type ("on the 5th") may stand within a question of this length
WORDS_OF_A_SHORT_WISH = 8  # where any text is asked, a longer one tells something
MAX_CHOICES = 3
MAX_TRACED = 3  # runners-up by likeness


class Meaning(NamedTuple):
    """The sense of a message: its vector, and the examples' to compare it with."""

    matcher: Matcher
    vector: Sequence[float]


def understand(
    message: Inbound,
    state: FlowState,
    compiled: Compiled,
    *,
    locale: str,
    now: datetime,
    country: str = "KE",
    timezone: str = "Africa/Nairobi",
    option_payload: str | None = None,
) -> list[Command]:
    """The commands alone, see `interpret`."""
    return interpret(
        message,
        state,
        compiled,
        locale=locale,
        now=now,
        country=country,
        timezone=timezone,
        option_payload=option_payload,
    ).commands


def interpret(
    message: Inbound,
    state: FlowState,
    compiled: Compiled,
    *,
    locale: str,
    now: datetime,
    country: str = "KE",
    timezone: str = "Africa/Nairobi",
    option_payload: str | None = None,
    meaning: Meaning | None = None,
    names: Names | None = None,
    margin: float | None = None,
    trace: bool = False,
) -> Understanding:
    """What one message means; no commands when it asks for nothing (a reaction).

    `option_payload` is that of a tapped option which the host has verified as its own. `now` and `timezone` are there for
    times and dates in words, `country` for phone numbers without a prefix. Without `meaning` likeness goes by letters only; when the result
    is `unsure`, it is worth asking again with it. `names`: of the organization's own things. `margin`: by how much the likeliest wish must lead, instead of what
    was fitted; with 0 there is never a choice. With `trace` every way is tried, to tell what the losers said.
    """
    context = _Context(
        state, compiled, locale, country, now.astimezone(zone_of(timezone)), meaning, names or {}, margin, trace
    )
    if option_payload is not None:
        commands = read_payload(option_payload, compiled, state, source="button")
        if commands is None:
            return _Text(option_payload, context).read()
        return _certain(commands, Source.PAYLOAD)
    if isinstance(message, Text):
        return _Text(message.text, context).read()
    if isinstance(message, Choice):
        return _Text(message.title or message.option_id, context).read()
    return _certain(understand_part(message, state, compiled, locale=locale, country=country), Source.PART)


@lru_cache(maxsize=256)
def zone_of(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def _certain(commands: list[Command], source: Source) -> Understanding:
    return Understanding(commands, tuple(Considered(command, source, 1.0) for command in commands))


@dataclass(frozen=True, slots=True)
class _Context:
    state: FlowState
    compiled: Compiled
    locale: str
    country: str
    now: datetime  # where the organization is
    meaning: Meaning | None
    names: Names
    margin: float | None
    trace: bool


class _Question(NamedTuple):
    slot: Slot | None
    forced: bool
    titles: tuple[str, ...]
    payloads: tuple[str, ...]


class _Way(NamedTuple):
    """One way to explain a message. `confidence`: in what it finds."""

    find: Callable[[], list[Command]]
    source: Source
    confidence: float


class _Text:
    def __init__(self, text: str, context: _Context) -> None:
        self._text = text
        self._context = context
        self._state = state = context.state
        self._compiled = compiled = context.compiled
        self._lexicons = lexicons(context.locale)
        self._reading = Reading(text, normalise(text), self._lexicons, context.country, context.now)
        self._bare = bare(self._reading.words, self._lexicons)
        self._yes_or_no = says_yes_or_no(text, self._reading.words, self._lexicons)
        step = open_step(compiled, state)
        options = state.pending.options if state.pending is not None else last_offered(state)
        self._question = _Question(
            open_question(compiled, state),
            bool(step and step.force_slot_filling),
            tuple(option.title for option in options),
            tuple(option.payload for option in options),
        )
        self._ranked: list[Ranked] | None = None
        self._near: list[Considered] = []  # by likeness, and not taken

    def read(self) -> Understanding:
        if not self._text.strip():
            return _certain([Error("rasa_internal_error_user_input_empty")], Source.NONE)
        taken, considered = self._first(self._ways())
        taken += self._values(taken[0])
        mood = Mood() if self._text.startswith("/") else read_mood(self._text, self._reading.words)
        if mood.angry:
            taken = self._with_offer(taken, mood)
        return Understanding(
            [each.command for each in taken],
            (*taken, *considered, *self._near),
            mood,
            unsure=self._ranked is not None and self._context.meaning is None,
        )

    def _ways(self) -> tuple[_Way, ...]:
        return (
            _Way(self._slash, Source.PAYLOAD, 1.0),
            _Way(self._exact_option, Source.OPTION, 1.0),
            _Way(self._forced, Source.FORCED, 1.0),
            _Way(self._only_option, Source.OPTION, 0.9),
            _Way(self._declared_value, Source.SLOT, 1.0),
            _Way(self._help, Source.GLOBAL, 1.0),
            _Way(self._flow_words, Source.WORDS, 1.0),
            _Way(self._engine_words, Source.GLOBAL, 1.0),
            _Way(self._exact_wish, Source.EXAMPLE, 1.0),
            _Way(self._wish_around_names, Source.EXAMPLE, 0.9),
            _Way(self._digression, Source.MEANING, 0.0),
            _Way(self._mapped_answer, Source.ENTITY, 0.9),
            _Way(self._answer, Source.SLOT, 0.9),
            _Way(self._near_option, Source.OPTION, 0.8),
            _Way(self._answer_below, Source.SLOT, 0.8),
            _Way(self._near_wish, Source.EXAMPLE, 0.8),
            _Way(self._wish, Source.MEANING, 0.0),
            _Way(self._for_the_rejection, Source.SLOT, 0.3),
            _Way(self._free_text, Source.SLOT, 0.5),
            _Way(lambda: [CannotHandle("")], Source.NONE, 0.0),
        )

    def _first(self, ways: Sequence[_Way]) -> tuple[list[Considered], list[Considered]]:
        """What the first way finds that finds anything; with `trace` also what the later ones would have."""
        taken: list[Considered] = []
        lost: list[Considered] = []
        for way in ways:
            if taken and (way.source is Source.NONE or not self._context.trace):
                break
            found = [self._considered(command, way) for command in way.find()]
            if not taken:
                taken = found
            elif [each.command for each in found] != [each.command for each in taken]:
                lost += [replace(each, lost=f"{taken[0].source} counts before {way.source}") for each in found]
        return taken, lost

    def _values(self, taken: Considered) -> list[Considered]:
        """What else the sentence tells: of the flow that it starts, or of the one that asks something by type."""
        if taken.source in (Source.WORDS, Source.PAYLOAD, Source.FORCED):
            return []
        asked = self._question.slot
        values: list[SetSlot] = []
        if isinstance(taken.command, StartFlow):
            flow = self._compiled.flow_id(taken.command.flow)
            if flow is not None:
                values = self._mapped(flow) + self._told(flow, {}, None)
        elif asked is not None and taken.source in (Source.SLOT, Source.ENTITY, Source.NONE):
            values = [each for each in self._mapped() if each.name != asked.id]
            flow, filled = self._running(), self._state.slots
            # Words of a free answer correct nothing; what was chosen from a list is corrected by choosing again.
            free, slots = self._takes_words(asked), self._compiled.slots
            values = [e for e in values if filled.get(e.name) is None or not (free or slots[e.name].controlled)]
            if not free and flow is not None and flow in self._compiled.flows and not self._intent:
                values += self._told(flow, filled, asked)
            values = [each for each in values if each.value != filled.get(each.name)]
        first: dict[str, SetSlot] = {}
        for value in values:
            first.setdefault(value.name, value)
        return [Considered(value, Source.ENTITY, 0.8, self._evidence(value, Source.ENTITY)) for value in first.values()]

    def _told(self, flow: str, filled: Mapping[str, Any], asked: Slot | None) -> list[SetSlot]:
        """By the types of slots; digits of a code are no number."""
        taken = [(each.start, each.end) for each in self._entities]
        return find_values(self._reading, flow, self._compiled, filled, asked=asked, taken=taken)

    def _mapped(self, starts: str = "") -> list[SetSlot]:
        """By the mappings of slots: of the flow that starts, else of the one that runs."""
        intent = self._intent
        if starts:
            flow = self._compiled.flows[starts]
            intent = intent or next((name for name, _ in flow.intents), "")
            found = self._map(intent, starts=(starts,))
            return [each for each in found if each.name in flow.touches]
        return self._map(intent)

    def _map(self, intent: str, *, text: str | None = None, starts: tuple[str, ...] = ()) -> list[SetSlot]:
        text = self._text if text is None else text
        return map_slots(self._compiled, self._state, text=text, intent=intent, entities=self._entities, starts=starts)

    @cached_property
    def _entities(self) -> list[Entity]:
        return [*find_entities(self._compiled, self._text), *self._names]

    @cached_property
    def _names(self) -> list[Entity]:
        return find_names(self._context.names, self._text, [each for each in self._state.slots.values() if each])

    @property
    def _intent(self) -> str:
        return self._compiled.said.get(self._reading.words) or self._compiled.said.get(self._bare, "")

    def _running(self) -> str | None:
        """The outermost of the flows that run: it owns the slots of those that it calls."""
        frames = [frame for frame in self._state.stack if frame.kind not in ("call", "pattern")]
        return frames[-1].flow if frames else None

    def _with_offer(self, taken: list[Considered], mood: Mood) -> list[Considered]:
        if any(isinstance(each.command, HandOff) for each in taken):
            return taken
        offer = Considered(OfferPerson(), Source.MOOD, abs(mood.score), (0, len(self._text)))
        return [offer] if isinstance(taken[0].command, CannotHandle) else [*taken, offer]

    def _considered(self, command: Command, way: _Way) -> Considered:
        confidence = way.confidence or (self._ranked[0].score if self._ranked else 0.0)
        return Considered(command, way.source, round(min(confidence, 1.0), 3), self._evidence(command, way.source))

    def _evidence(self, command: Command, source: Source) -> tuple[int, int]:
        """Where in the text it stands: a value where it was read, words without the politeness around them."""
        if source in (Source.WORDS, Source.GLOBAL):
            return find_phrase(self._text, self._bare)
        slot = self._compiled.slots.get(command.name) if isinstance(command, SetSlot) else None
        if slot is None or not isinstance(command, SetSlot) or source not in (Source.SLOT, Source.ENTITY):
            return 0, len(self._text)
        named = {mapping.entity for mapping in slot.mappings if mapping.entity}
        values = command.value if isinstance(command.value, list) else [command.value]
        spans = [(e.start, e.end) for e in self._entities if e.entity in named and e.value in values]
        if spans:
            return min(start for start, _ in spans), max(end for _, end in spans)
        taken = [(each.start, each.end) for each in self._entities]
        return find_value(slot, command.value, self._reading, taken)

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

    def _only_option(self) -> list[Command]:
        """ "Yes" to the one thing that is proposed: [Use this name], [Talk to a person]."""
        slot = self._question.slot
        if len(self._question.payloads) != 1 or self._is_free_text() or (slot is not None and slot.type == "bool"):
            return []
        return self._option(0) if self._yes_or_no is True else []

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
        reading = replace(self._reading, text=payload, words=normalise(payload))
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
        if slot is None or slot.controlled or self._is_free_text() or self._asks_instead_of_a_name():
            return []
        value = accept_text(slot, self._reading)
        if value is not None:
            return [SetSlot(slot.id, value)]
        return []

    def _mapped_answer(self) -> list[Command]:
        """The entity or the intent that the slot is filled from, wherever it stands; what is left is read by its type."""
        slot = self._question.slot
        if (
            slot is None
            or slot.mappings[:1] in ((), (SlotMapping("from_llm"),))
            or slot.mappings[0].type == "from_text"
        ):
            return []
        return [each for each in self._map(self._intent, text="") if each.name == slot.id]

    def _asks_instead_of_a_name(self) -> bool:
        slot = self._question.slot
        return slot is not None and slot.accept == "name" and is_clear_question(self._text, of_name=True)

    def _answer_below(self) -> list[Command]:
        """Asked whether to go on, the person may simply give the value that the interrupted question wants."""
        slot = question_below(self._compiled, self._state)
        if slot is None or self._takes_words(slot):
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

    def _exact_wish(self) -> list[Command]:
        """A question for free text must not swallow "my tickets"."""
        return exact_wish(self._reading.words, self._state, self._compiled)

    def _wish_around_names(self) -> list[Command]:
        """ "cancel my Night gig ticket" is "cancel my ticket"."""
        for words in self._without_names() if self._names else ():
            flow = self._compiled.words.get(words)
            if flow is not None and can_start(self._compiled, self._state, flow):
                return [StartFlow(flow)]
            if wish := exact_wish(words, self._state, self._compiled):
                return wish
        return []

    def _without_names(self) -> tuple[str, ...]:
        rest = self._rest
        return (rest, bare(rest, self._lexicons), *(("tell me about",) if asks_about(rest) else ()))

    @cached_property
    def _rest(self) -> str:
        """The words without the names of things, and without what led on to them at the end."""
        rest = self._text
        for each in self._names:
            rest = rest[: each.start] + " " * (each.end - each.start) + rest[each.end :]
        tokens = normalise(rest).split()
        while tokens and tokens[-1] in links():
            tokens.pop()
        return " ".join(tokens)

    def _near_wish(self) -> list[Command]:
        """By shared words, where there are too few examples for anything better."""
        if self._is_free_text() or self._matcher().fit.fitted:
            return []
        return near_wish(self._rest if self._names else self._reading.words, self._state, self._compiled)

    # -- likeness

    def _digression(self) -> list[Command]:
        """A wish in the middle of a question, when it is clearer than any answer would be."""
        slot = self._question.slot
        step = open_step(self._compiled, self._state)
        if slot is None and not (step and step.kind == "listen"):
            return []
        if slot is not None and slot.accept in UNMISTAKABLE and self._answer():
            return []
        least = WORDS_OF_A_WISH if slot is None or self._takes_words(slot) else WORDS_OF_A_SENTENCE
        if len(self._reading.words.split()) < least:
            return []
        if slot is not None and self._is_free_text() and not self._reads_as_a_wish():
            return []
        return self._by_likeness(CLEARLY, choice=False)

    def _reads_as_a_wish(self) -> bool:
        """A comment or a company may be like any example by its words; only what is worded as a wish or a question is one."""
        words = self._reading.words
        wishes = any(words.startswith(f"{each} ") for lexicon in self._lexicons for each in lexicon.wish_lead_ins)
        return (wishes and len(words.split()) <= WORDS_OF_A_SHORT_WISH) or is_clear_question(self._text)

    def _takes_words(self, slot: Slot) -> bool:
        return slot.type in ("text", "any") and slot.accept in ("", "text", "name")

    def _wish(self) -> list[Command]:
        if self._is_free_text():
            return []
        return self._by_likeness(0.0, choice=self._question.slot is None)

    def _by_likeness(self, above: float, *, choice: bool) -> list[Command]:
        """What the sentence is most like, if it is so by enough; a choice between what is about as near."""
        if self._text.startswith("/") or self._yes_or_no is not None:
            return []
        if self._question.slot is not None and is_unsure(self._reading.words):
            return []
        if self._matcher().is_strange(self._reading.words):
            return []
        fit, ranked = self._matcher().fit, [each for each in self._rank() if not self._lacks_its_thing(each.label)]
        top, second = ranked[0], ranked[1] if len(ranked) > 1 else Ranked(CHATTER, 0.0)
        command = self._command_of(top.label)
        self._near = [
            Considered(other, Source.MEANING, round(score, 3), (0, len(self._text)), f"less like it than {top.label or 'chatter'}")
            for label, score in ranked[1 : 1 + MAX_TRACED]
            if (other := self._command_of(label)) is not None
        ]  # fmt: skip
        if command is None:
            return []
        if top.score < fit.t_hi + above:
            self._lose(command, top.score, f"below {fit.t_hi + above:.2f}")
            return []
        margin = fit.margin if self._context.margin is None else self._context.margin
        if top.score - second.score >= margin:
            return [command]
        self._lose(command, top.score, f"only {top.score - second.score:.2f} before {second.label or 'chatter'}")
        return self._choice(ranked, top.score - margin) if choice else []

    def _choice(self, ranked: Sequence[Ranked], least: float) -> list[Command]:
        commands = [self._command_of(each.label) for each in ranked if each.score > least]
        flows = [command.flow for command in commands if isinstance(command, StartFlow)]
        return [Clarify(tuple(flows[:MAX_CHOICES]))] if flows else []

    def _lose(self, command: Command, score: float, reason: str) -> None:
        self._near.insert(0, Considered(command, Source.MEANING, round(score, 3), (0, len(self._text)), reason))

    def _command_of(self, label: str) -> Command | None:
        """None: nothing that could start here and now."""
        if label == CHATTER:
            return None
        if label.startswith(ENGINE):
            command = _ENGINE_WORDS[label.removeprefix(ENGINE)]()
            return command if self._state.stack or isinstance(command, (HandOff, Repeat)) else None
        return StartFlow(label) if can_start(self._compiled, self._state, label) else None

    def _lacks_its_thing(self, label: str) -> bool:
        """An answer about a thing is guessed at only where there is one: named in the message, or settled before."""
        flow = self._compiled.flows.get(label)
        if flow is None or not flow.aside:
            return False
        wanted = {m.entity for each in flow.touches for m in self._compiled.slots[each].mappings if m.entity}
        if not wanted or any(each.entity in wanted for each in self._names):
            return False
        filled = [self._compiled.slots[slot] for slot, value in self._state.slots.items() if value is not None]
        return not any(mapping.entity in wanted for slot in filled for mapping in slot.mappings)

    def _matcher(self) -> Matcher:
        meaning = self._context.meaning
        return meaning.matcher if meaning is not None else matcher_by_letters(self._compiled)

    def _rank(self) -> list[Ranked]:
        if self._ranked is None:
            meaning = self._context.meaning
            self._ranked = self._matcher().rank(
                self._rest if self._names and self._rest else self._reading.words, meaning.vector if meaning else None
            )
        return self._ranked

    # -- what is left

    def _free_text(self) -> list[Command]:
        return [UserText(self._text)] if self._is_free_text() else []

    def _for_the_rejection(self) -> list[Command]:
        """No e-mail where one is asked: when the flow has words for that, they are better than ours."""
        slot, step = self._question.slot, open_step(self._compiled, self._state)
        if slot is None or slot.type != "text" or step is None or step.target != slot.id:
            return []
        if self._asks_instead_of_a_name():
            return []
        return [UserText(self._text)] if step.rejections or slot.rejections or step.validate_action else []
