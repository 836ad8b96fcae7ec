"""One message in one line, for lists."""

from __future__ import annotations

from bot.messages import (
    Choice,
    Choices,
    ContactCards,
    Form,
    FormReply,
    Inbound,
    Link,
    Location,
    LocationRequest,
    Media,
    MediaKind,
    MediaOut,
    Outbound,
    Reaction,
    Template,
    Text,
)

__all__ = ["preview"]

MAX_CHARS = 90
_MEDIA = {
    MediaKind.IMAGE: ("📷", "Photo", "Picha"),
    MediaKind.VIDEO: ("🎬", "Video", "Video"),
    MediaKind.AUDIO: ("🎵", "Audio", "Sauti"),
    MediaKind.VOICE: ("🎤", "Voice note", "Ujumbe wa sauti"),
    MediaKind.STICKER: ("🙂", "Sticker", "Kibandiko"),
    MediaKind.DOCUMENT: ("📄", "Document", "Hati"),
}


def preview(part: Inbound | Outbound, locale: str = "en") -> str:
    """Never empty, without line ends, at most 90 characters."""
    text = " ".join(_line(part, locale == "sw").split()) or "…"
    return text if len(text) <= MAX_CHARS else f"{text[: MAX_CHARS - 1]}…"


def _line(part: Inbound | Outbound, sw: bool) -> str:
    match part:
        case Text(text=text) | Choices(text=text) | Link(text=text) | LocationRequest(text=text) | Form(text=text):
            return text
        case Choice():
            return part.title or part.option_id
        case Media() | MediaOut():
            sign, english, swahili = _MEDIA[part.kind]
            return f"{sign} {part.caption or part.filename or (swahili if sw else english)}"
        case Location():
            return f"📍 {part.name or part.address or ('Mahali' if sw else 'Location')}"
        case ContactCards():
            return f"👤 {', '.join(card.name for card in part.cards)}"
        case Reaction():
            return part.emoji or ("Ameondoa ishara" if sw else "Reaction taken back")
        case Template():
            return f"📣 {part.name}"
        case FormReply():
            return f"📝 {part.name or ('Fomu imejazwa' if sw else 'Form filled in')}"
        case _:
            return "Ujumbe usiotambulika" if sw else "A message of a kind that cannot be shown"
