"""One WhatsApp message object -> what the person said, in neutral parts.

What has no neutral part, or lacks what its part needs, becomes `Unsupported`: it still opens the window and deserves an
answer.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from bot.messages import (
    Choice,
    ContactCard,
    ContactCards,
    FormReply,
    Inbound,
    Location,
    Media,
    MediaKind,
    Reaction,
    Text,
    Unsupported,
)
from channels.whatsapp.lenient import MalformedBody, as_dict, as_list, clean_deep, decode, dump, text
from channels.whatsapp.media import sanitise_filename

__all__ = ["message_part", "message_type"]


_MAX_TYPE_CHARS = 64  # the longest known has 24
_MAX_FORM_DEPTH = 50  # pydantic reads back at most 200 levels; our forms are flat


def message_type(message: dict[str, Any]) -> str:
    """Meta's word for the kind of message; found by its body when `type` is missing."""
    named = text(message.get("type"))[:_MAX_TYPE_CHARS]
    if named:
        return named
    return next((kind for kind in _READERS if kind in message), "unknown")


def message_part(message: dict[str, Any], wa_type: str) -> Inbound:
    """What was said. Never raises for a JSON object."""
    reader = _READERS.get(wa_type)
    if reader is None:
        return Unsupported(what=wa_type)
    body = message.get(wa_type)
    part = reader(body if isinstance(body, dict) else {}, message)
    return part or Unsupported(what=wa_type)


_Reader = Callable[[dict[str, Any], dict[str, Any]], Inbound | None]


def _text(body: dict[str, Any], _message: dict[str, Any]) -> Inbound | None:
    said = body.get("body")
    return Text(text=text(said)) if isinstance(said, str) else None


def _media(kind: MediaKind) -> _Reader:
    def read(body: dict[str, Any], _message: dict[str, Any]) -> Inbound | None:
        media_id = text(body.get("id"))
        if not media_id:
            return None
        is_voice = kind is MediaKind.AUDIO and body.get("voice") is True
        filename = text(body.get("filename"))
        return Media(
            kind=MediaKind.VOICE if is_voice else kind,
            media_id=media_id,
            mime_type=text(body.get("mime_type")),
            sha256=text(body.get("sha256")),
            filename=sanitise_filename(filename) if filename else "",
            caption=text(body.get("caption")),
        )

    return read


def _location(body: dict[str, Any], _message: dict[str, Any]) -> Inbound | None:
    latitude, longitude = _degrees(body.get("latitude"), 90), _degrees(body.get("longitude"), 180)
    if latitude is None or longitude is None:
        return None
    return Location(
        latitude=latitude, longitude=longitude, name=text(body.get("name")), address=text(body.get("address"))
    )


def _degrees(value: Any, limit: int) -> float | None:
    """Numbers arrive as strings too."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        degrees = float(value)
    except (ValueError, OverflowError):
        return None
    return degrees if math.isfinite(degrees) and abs(degrees) <= limit else None


def _contacts(_body: dict[str, Any], message: dict[str, Any]) -> Inbound | None:
    body = message.get("contacts")
    # Seen as a plain list and wrapped in an object that also carries the origin.
    listed = as_list(body) or as_list(as_dict(body).get("contacts"))
    cards = [card for card in listed if isinstance(card, dict)]
    if not cards:
        return None
    origins = [text(message.get("origin")), text(as_dict(body).get("origin")), *(text(c.get("origin")) for c in cards)]
    return ContactCards(cards=tuple(_card(card) for card in cards), requested="contact_request" in origins)


def _card(card: dict[str, Any]) -> ContactCard:
    name = as_dict(card.get("name"))
    parts = (text(name.get("first_name")), text(name.get("last_name")))
    phones = (_phone(as_dict(phone)) for phone in as_list(card.get("phones")))
    emails = (text(as_dict(email).get("email")) for email in as_list(card.get("emails")))
    return ContactCard(
        name=text(name.get("formatted_name")) or " ".join(part for part in parts if part),
        phones=tuple(phone for phone in phones if phone),
        emails=tuple(email for email in emails if email),
        organization=text(as_dict(card.get("org")).get("company")),
    )


def _phone(phone: dict[str, Any]) -> str:
    """The number WhatsApp knows, else what the card says."""
    wa_id = text(phone.get("wa_id"))
    return f"+{wa_id.lstrip('+')}" if wa_id else text(phone.get("phone"))


def _interactive(body: dict[str, Any], _message: dict[str, Any]) -> Inbound | None:
    kind = text(body.get("type")) or next(
        (key for key in ("button_reply", "list_reply", "nfm_reply") if key in body), ""
    )
    reply = as_dict(body.get(kind))
    if kind == "button_reply" and "id" in reply:
        return Choice(option_id=text(reply["id"]), title=text(reply.get("title")), source="button")
    if kind == "list_reply" and "id" in reply:
        return Choice(option_id=text(reply["id"]), title=text(reply.get("title")), source="list")
    if kind == "nfm_reply":
        return _form_reply(reply)
    return Unsupported(what=kind) if kind else None


def _form_reply(reply: dict[str, Any]) -> FormReply:
    raw = reply.get("response_json")
    # Seen as a string of JSON; an object is taken the same way.
    response = _form_answer(raw if isinstance(raw, str) else dump(raw))
    return FormReply(response=response, token=text(as_dict(response).get("flow_token")), name=text(reply.get("name")))


def _form_answer(raw: str | bytes) -> Any:
    """`response_json` parsed; the string itself when it is no JSON or nested too deep."""
    try:
        return clean_deep(decode(raw, max_depth=_MAX_FORM_DEPTH))
    except MalformedBody:
        return text(raw if isinstance(raw, str) else raw.decode())


def _quick_reply(body: dict[str, Any], _message: dict[str, Any]) -> Inbound | None:
    title = text(body.get("text"))
    option_id = text(body.get("payload")) or title
    return Choice(option_id=option_id, title=title, source="quick_reply") if option_id else None


def _reaction(body: dict[str, Any], _message: dict[str, Any]) -> Inbound | None:
    message_id = text(body.get("message_id"))
    return Reaction(message_id=message_id, emoji=text(body.get("emoji"))) if message_id else None


def _unsupported(body: dict[str, Any], _message: dict[str, Any]) -> Inbound:
    return Unsupported(what=text(body.get("type")) or "unsupported")


_READERS: dict[str, _Reader] = {
    "text": _text,
    "interactive": _interactive,
    "button": _quick_reply,
    "image": _media(MediaKind.IMAGE),
    "video": _media(MediaKind.VIDEO),
    "audio": _media(MediaKind.AUDIO),
    "voice": _media(MediaKind.VOICE),  # before audio.voice existed
    "sticker": _media(MediaKind.STICKER),
    "document": _media(MediaKind.DOCUMENT),
    "location": _location,
    "contacts": _contacts,
    "reaction": _reaction,
    "unsupported": _unsupported,
}
