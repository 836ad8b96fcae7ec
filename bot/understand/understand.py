"""From a message to commands, without a model: payloads, global words, the open question, examples, likeness.

Cheapest first, and it stops as soon as the message is explained. An offered option always wins, so "cancel" may be an
answer; then the words that flows claim, then the engine's own words, then the open question. What was looked at and not
taken is kept with the reason.
"""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bot.flows import CannotHandle, Command, Compiled, Error, FlowState, HandOff, OfferPerson
from bot.messages import Choice, Inbound, Text
from bot.understand.heard import Heard, Meaning, Setting
from bot.understand.likeness import Likeness
from bot.understand.mood import read_mood
from bot.understand.names import Names
from bot.understand.parts import understand_part
from bot.understand.payloads import read_payload
from bot.understand.result import Considered, Mood, Source, Understanding
from bot.understand.values import is_no_to_what_was_given, values_beside
from bot.understand.ways import first_explanation

__all__ = ["Meaning", "interpret", "understand", "zone_of"]


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
    setting = Setting(
        state, compiled, locale, country, now.astimezone(zone_of(timezone)), meaning, names or Names(), margin, trace
    )
    if option_payload is not None:
        commands = read_payload(option_payload, compiled, state, source="button")
        if commands is None:
            return _read(Heard(option_payload, setting))
        return _certain(commands, Source.PAYLOAD)
    if isinstance(message, Text):
        return _read(Heard(message.text, setting))
    if isinstance(message, Choice):
        return _read(Heard(message.title or message.option_id, setting))
    return _certain(understand_part(message, state, compiled, locale=locale, country=country), Source.PART)


@lru_cache(maxsize=256)
def zone_of(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def _certain(commands: list[Command], source: Source) -> Understanding:
    return Understanding(commands, tuple(Considered(command, source, 1.0) for command in commands))


def _read(heard: Heard) -> Understanding:
    if not heard.text.strip():
        return _certain([Error("rasa_internal_error_user_input_empty")], Source.NONE)
    likeness = Likeness(heard)
    taken, lost = first_explanation(heard, likeness)
    beside = values_beside(taken[0], heard)
    taken = beside if is_no_to_what_was_given(taken[0], beside, heard) else [*taken, *beside]
    mood = Mood() if heard.text.startswith("/") else read_mood(heard.text, heard.words)
    if mood.angry:
        taken = _with_offer(taken, mood, heard)
    return Understanding(
        [each.command for each in taken],
        (*taken, *lost, *likeness.near),
        mood,
        unsure=likeness.is_by_letters_only,
    )


def _with_offer(taken: list[Considered], mood: Mood, heard: Heard) -> list[Considered]:
    if any(isinstance(each.command, HandOff) for each in taken):
        return taken
    offer = Considered(OfferPerson(), Source.MOOD, abs(mood.score), (0, len(heard.text)))
    return [offer] if isinstance(taken[0].command, CannotHandle) else [*taken, offer]
