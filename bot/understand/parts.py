"""Messages that are no text, as answers: media, location, contact card, form, reaction."""

from __future__ import annotations

import phonenumbers

from bot.flows import Command, Compiled, FlowState, SetSlot, Slot, Unusable, open_question
from bot.messages import ContactCards, FormReply, Inbound, Location, Media, MediaKind, Reaction, Unsupported
from bot.understand.accept import read_yes_no
from bot.understand.lexicon import lexicons

__all__ = ["understand_part"]

_KINDS: dict[str, frozenset[MediaKind]] = {
    "image": frozenset((MediaKind.IMAGE,)),
    "document": frozenset((MediaKind.DOCUMENT,)),
    "media": frozenset(MediaKind),
}


def understand_part(
    message: Inbound, state: FlowState, compiled: Compiled, *, locale: str, country: str
) -> list[Command]:
    """Commands of a message without text; Unusable when the open question cannot take it."""
    slot = open_question(compiled, state)
    match message:
        case Media():
            return _media(message, slot)
        case Location():
            return _location(message, slot)
        case ContactCards():
            return _contact(message, slot, country)
        case FormReply(response=dict() as response):
            return [SetSlot(str(name), value, "button") for name, value in response.items()]
        case FormReply():
            return [Unusable("form_reply")]
        case Reaction():
            return _reaction(message, slot, locale)
        case Unsupported(what=what):
            return [Unusable(what)]
        case _:
            return [Unusable(message.type)]


def _media(message: Media, slot: Slot | None) -> list[Command]:
    if slot is None or message.kind not in _KINDS.get(slot.accept, frozenset()):
        return [Unusable(message.kind.value)]
    value = message.model_dump(mode="json", include={"kind", "media_id", "mime_type", "filename", "caption", "sha256"})
    return [SetSlot(slot.id, value)]


def _location(message: Location, slot: Slot | None) -> list[Command]:
    if slot is None or slot.accept != "location":
        return [Unusable("location")]
    return [SetSlot(slot.id, message.model_dump(mode="json", exclude={"type"}))]


def _contact(message: ContactCards, slot: Slot | None, country: str) -> list[Command]:
    card = message.cards[0] if message.cards else None
    if slot is None or card is None:
        return [Unusable("contacts")]
    if slot.accept == "contact":
        return [SetSlot(slot.id, card.model_dump(mode="json"))]
    if slot.accept == "phone" and card.phones and (phone := _e164(card.phones[0], country)):
        return [SetSlot(slot.id, phone)]
    if slot.accept == "email" and card.emails:
        return [SetSlot(slot.id, card.emails[0])]
    if slot.accept == "name" and card.name:
        return [SetSlot(slot.id, card.name)]
    return [Unusable("contacts")]


def _e164(text: str, country: str) -> str | None:
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return None
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def _reaction(message: Reaction, slot: Slot | None, locale: str) -> list[Command]:
    """A thumb on the question answers it; other reactions ask for nothing."""
    if slot is None or slot.type != "bool" or not message.emoji:
        return []
    answer = read_yes_no(message.emoji, "", lexicons(locale))
    return [] if answer is None else [SetSlot(slot.id, answer)]
