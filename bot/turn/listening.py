"""Which language a person speaks just now, and from when on it is theirs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from bot.flows import (
    Command,
    FlowState,
    SetSlot,
    UserText,
)
from bot.flows.templates import Filling
from bot.messages import Outbound, Text
from bot.turn.row import MAX_TEXT_CHARS, RowInHand
from bot.turn.tongue import CHANGED, WAY_BACK, Tongue
from bot.understand.language import spoken
from bot.unit import Unit

__all__ = ["hear_answer", "hear_language", "keep_locale", "told_of_change"]


def hear_language(row: RowInHand, state: FlowState) -> None:
    """Before it is understood; an answer may be a name and tells nothing."""
    row.tongue = Tongue.read(row.held.state)
    if isinstance(row.message, Text) and state.pending is None:
        _listen(row, row.message.text)


def _listen(row: RowInHand, text: str) -> None:
    language = spoken(text[:MAX_TEXT_CHARS])
    heard = row.tongue.hear(language, own=row.held.contact_locale, usual=row.locale(), is_word=len(text.split()) < 2)
    row.spoken_now = heard.now
    if heard.keep is None:
        return
    row.says_change = heard.is_change and _has_way_back(row, heard.keep)
    if heard.is_change and not row.says_change:
        return  # nothing changes for good without a way back
    row.held.contact_locale = heard.keep
    row.asides.append(partial(keep_locale, row))


def hear_answer(row: RowInHand, commands: Sequence[Command]) -> None:
    """In the middle of something, once it is clear that it is no name and no comment."""
    free = any(isinstance(each, UserText) or (isinstance(each, SetSlot) and _is_words(row, each)) for each in commands)
    if isinstance(row.message, Text) and not free and row.heard is not None:
        _listen(row, row.message.text)


def _is_words(row: RowInHand, command: SetSlot) -> bool:
    slot = row.compiled.slots.get(command.name)
    return slot is None or (slot.type in ("text", "any") and not slot.controlled)


def _has_way_back(row: RowInHand, language: str) -> bool:
    """Some flow listens to the word that our text names."""
    return WAY_BACK.get(language, "") in row.compiled.words


def told_of_change(row: RowInHand) -> list[tuple[Outbound, str, str]]:
    said = row.compiled.response(CHANGED, row.locale()) if row.says_change else None
    if said is None:
        return []
    text = said.variations[0].text(Filling({}, {}, {}, {}, {}, row.now))
    return [(Text(text=text), CHANGED, "")]


async def keep_locale(row: RowInHand, unit: Unit) -> None:
    await unit.tx.execute(
        "UPDATE contacts SET locale = $3 WHERE organization_id = $1 AND id = $2",
        row.held.organization_id,
        row.held.contact_id,
        row.held.contact_locale,
    )
