"""What a row wants of the engine: a message understood, by us or by a model, an event, a deadline."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import partial

from bot.flows import (
    CameBack,
    CannotHandle,
    Command,
    Error,
    FlowState,
    Resume,
    StartFlow,
    TimedOut,
)
from bot.messages import Choice, Choices, Inbound, Media, Outbound, Reaction, Text, Unsupported
from bot.triggers.begin import STARTED, begin
from bot.turn import online, voice
from bot.turn.listening import hear_answer, told_of_change
from bot.turn.reactions import is_on_the_question
from bot.turn.row import MAX_TEXT_CHARS, RowInHand
from bot.turn.silence import (
    GIVEN_BACK,
    starts_what_is_obeyed,
    where_we_were,
)
from bot.turn.taps import Tapped, Turned, read_tap, reopening
from bot.understand import Understanding
from bot.understand.names import Names

__all__ = ["is_obeyed_always", "wishes"]


async def wishes(row: RowInHand, state: FlowState, said: list[tuple[Outbound, str, str]]) -> Sequence[Command] | None:
    commands = await _commands(row, state, said)
    if commands and state.pending is not None:
        hear_answer(row, commands)
    said += told_of_change(row)
    if commands:
        commands = await online.explain(row, state, commands, text=row.text(), locale=row.locale(), budget=row.budget())
    if commands and state.stack and row.unanswered() > timedelta(minutes=row.runtime.turn.away_after_min):
        return [CameBack(), *commands]
    if row.is_new_session() and commands and all(isinstance(each, CannotHandle) for each in commands):
        # A conversation never begins with "I did not understand".
        return [StartFlow(flow) for flow, _ in row.compiled.intents.get("first_contact", ())[:1]] or commands
    return commands


async def _commands(
    row: RowInHand, state: FlowState, said: list[tuple[Outbound, str, str]]
) -> Sequence[Command] | None:
    """None: nothing for the engine, what is to be said stands in `said`."""
    payload = row.head.payload or {}
    if row.head.kind == "event" and payload["event"] == GIVEN_BACK:
        return where_we_were(state, payload)
    if row.head.kind == "event" and payload["event"] == STARTED:
        row.spoke_first_at = row.now
        return begin(payload, state, row.compiled)
    if row.head.kind == "event":
        return [Resume(payload["event"], payload["key"], payload.get("slots") or {})]
    if row.head.kind == "timeout":
        return [TimedOut(payload["event"], payload["key"])]
    assert row.message is not None, "an inbox row of kind message has a message"
    if isinstance(row.message, Unsupported) and row.message.what == "request_welcome":
        row.message = Text(text="hi")
    if isinstance(row.message, Media) and voice.is_to_be_heard(row.message, row.compiled, state):
        heard = await voice.hear(row, row.message, row.budget())
        row.message = Text(text=heard) if heard else row.message
    if isinstance(row.message, Reaction) and not await is_on_the_question(row.held, row.head, row.message):
        return []
    option_payload: str | None = None
    if isinstance(row.message, Choice) and row.message.source != "quick_reply":
        tapped = await read_tap(row.message, row.held, state, row.keys)
        if isinstance(tapped, Turned):
            said.append((_page(row, tapped), "page", tapped.shown.stem))
            return None
        if isinstance(tapped, Tapped):
            if tapped.stale:
                return [reopening(tapped, row.message.title, row.compiled, state)]
            option_payload = tapped.payload
        else:
            row.message = tapped
    if isinstance(row.message, Text) and len(row.message.text) > MAX_TEXT_CHARS:
        return [Error("rasa_internal_error_user_input_too_long", str(len(row.message.text)))]
    row.heard = await _understand(row, row.message, state, option_payload)
    return row.heard.commands


async def _understand(row: RowInHand, message: Inbound, state: FlowState, option_payload: str | None) -> Understanding:
    """By what it says; when that explains little, again with what it means."""
    names = Names()
    is_text = isinstance(message, Text) if option_payload is None else not option_payload.startswith("/")
    if is_text or (option_payload is None and isinstance(message, Choice)):
        tellers = row.runtime.registry.names(row.profile.skills)
        names = await row.runtime.names.of(row.held.organization_id, tellers, now=row.now)
    understand = partial(
        row.runtime.understand,
        message,
        state,
        row.compiled,
        locale=row.locale(),
        now=row.now,
        country=row.profile.info.country,
        timezone=row.profile.info.timezone,
        option_payload=option_payload,
        names=names,
        margin=row.runtime.turn.clarify_margin,
    )
    heard = understand()
    if not heard.unsure or row.runtime.senses is None or not isinstance(message, Text):
        return heard
    meaning = await row.runtime.senses.meaning(row.compiled, message.text)
    return heard if meaning is None else understand(meaning=meaning)


def _page(row: RowInHand, turned: Turned) -> Choices:
    assert isinstance(turned.shown.part, Choices)
    return turned.shown.part.model_copy(update={"page": turned.page})


async def is_obeyed_always(row: RowInHand, state: FlowState) -> bool:
    """STOP and its like hold whoever answers."""
    if not isinstance(row.message, Text) or len(row.message.text) > MAX_TEXT_CHARS:
        return False
    row.heard = await _understand(row, row.message, state, None)
    return starts_what_is_obeyed(row.heard.commands, row.compiled, row.runtime.registry.action)
