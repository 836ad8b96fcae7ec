"""`POST /{phone_number_id}/messages`: what the request asks for, checked against the table of kinds."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from channels.emulator.errors import GraphError, invalid, invalid_parameter, missing
from channels.emulator.validate.fields import a_coordinate, a_list, a_text, a_url, an_object, maybe_text, required
from channels.emulator.validate.interactive import check_caption, check_interactive

MEDIA_KINDS: Final = ("image", "video", "audio", "document", "sticker")
_BSUID: Final = re.compile(r"[A-Z]{2}\.(ENT\.)?[A-Za-z0-9]{1,128}")


@dataclass(frozen=True, slots=True)
class Send:
    """A message the business wants to send. `content` is the object under its type's key."""

    kind: str
    to: str | None  # digits only
    recipient: str | None  # BSUID
    given: str  # the address as it was written, for `contacts[].input`
    group: bool
    content: dict[str, Any]
    context_id: str | None
    opaque: str | None


@dataclass(frozen=True, slots=True)
class MarkRead:
    """The other thing this endpoint does: a read receipt, with or without typing dots."""

    message_id: str
    typing: bool


def parse_request(data: Any) -> Send | MarkRead:
    """Raises GraphError for whatever Meta refuses without looking at any state."""
    if not isinstance(data, dict):
        raise invalid_parameter("The request body must be a JSON object.")
    if data.get("messaging_product") != "whatsapp":
        raise GraphError(100, "Param messaging_product must be one of {WHATSAPP}.")
    if "status" in data:
        return _mark_read(data)
    group = data.get("recipient_type") == "group"
    if data.get("recipient_type", "individual") not in ("individual", "group"):
        raise invalid_parameter("Param recipient_type must be one of {INDIVIDUAL, GROUP}.")
    to, recipient, given = _address(data, group=group)
    kind = data.get("type", "text")
    check = _CHECKS.get(kind) if isinstance(kind, str) else None
    if check is None:
        raise GraphError(131051, f"Message type {kind!r} is not supported; use one of {', '.join(sorted(_CHECKS))}.")
    content = an_object(data, kind, "") if kind != "contacts" else {"contacts": a_list(data, "contacts", "", most=5)}
    check(content)
    return Send(kind, to, recipient, given, group, content, _context(data), _opaque(data))


def _mark_read(data: Mapping[str, Any]) -> MarkRead:
    if data["status"] != "read":
        raise invalid_parameter("Param status must be one of {READ}.")
    typing = data.get("typing_indicator")
    if typing is not None and (not isinstance(typing, dict) or typing.get("type") != "text"):
        raise invalid_parameter("Param typing_indicator['type'] must be one of {TEXT}.")
    return MarkRead(str(required(data, "message_id", "")), typing is not None)


def _address(data: Mapping[str, Any], *, group: bool) -> tuple[str | None, str | None, str]:
    to = data.get("to")
    if to not in (None, ""):
        if not isinstance(to, str):
            raise invalid_parameter("Param to must be a string.")
        if group:
            return to, None, to
        digits = re.sub(r"[\s()+.-]", "", to)
        if not digits.isascii() or not digits.isdigit() or not 5 <= len(digits) <= 20:
            raise invalid(f"to: {to!r} is not a phone number.")
        return digits, None, to
    recipient = data.get("recipient")
    if recipient in (None, ""):
        raise missing("to")
    if not isinstance(recipient, str) or not _BSUID.fullmatch(recipient):
        raise invalid("recipient is not a business-scoped user id.")
    return None, recipient, recipient


def _context(data: Mapping[str, Any]) -> str | None:
    if data.get("context") is None:
        return None
    return str(required(an_object(data, "context", ""), "message_id", "context"))


def _opaque(data: Mapping[str, Any]) -> str | None:
    return maybe_text(data, "biz_opaque_callback_data", "", most=512)


def _text(content: dict[str, Any]) -> None:
    body = required(content, "body", "text")
    if not isinstance(body, str):
        raise invalid_parameter("Param text['body'] must be a string.")
    if len(body) > 4096:
        raise invalid_parameter("Param text['body'] must be at most 4096 characters long.")
    if not body.strip():
        raise missing("text.body")
    if not isinstance(content.get("preview_url", False), bool):
        raise invalid_parameter("Param text['preview_url'] must be a boolean.")


def _media(kind: str) -> Callable[[dict[str, Any]], None]:
    def check(content: dict[str, Any]) -> None:
        if not content.get("id") and not content.get("link"):
            raise missing(f"{kind}.id")
        if content.get("id") and content.get("link"):
            raise invalid(f"{kind}: only one of id and link may be set.")
        if content.get("link"):
            a_url(content, "link", kind)
        if content.get("caption") is not None and kind in ("audio", "sticker"):
            raise invalid_parameter(f"Param {kind}['caption'] is not allowed.")
        if content.get("filename") is not None and kind != "document":
            raise invalid_parameter(f"Param {kind}['filename'] is not allowed.")
        check_caption(content, kind)
        maybe_text(content, "filename", kind, most=240)

    return check


def _location(content: dict[str, Any]) -> None:
    a_coordinate(content, "latitude", "location", most=90)
    a_coordinate(content, "longitude", "location", most=180)
    maybe_text(content, "name", "location", most=1000)
    maybe_text(content, "address", "location", most=1000)


def _contacts(content: dict[str, Any]) -> None:
    for i, card in enumerate(content["contacts"]):
        if not isinstance(card, dict):
            raise invalid_parameter(f"Param contacts[{i}] must be a JSON object.")
        name = an_object(card, "name", f"contacts[{i}]")
        required(name, "formatted_name", f"contacts[{i}].name")
        if not any(name.get(part) for part in ("first_name", "last_name", "middle_name", "suffix", "prefix")):
            raise missing(f"contacts[{i}].name.first_name")


def _reaction(content: dict[str, Any]) -> None:
    required(content, "message_id", "reaction")
    emoji = content.get("emoji")
    if emoji is None:
        raise missing("reaction.emoji")
    if not isinstance(emoji, str) or len(emoji) > 16 or (emoji.isascii() and emoji):
        raise invalid("reaction.emoji must be one emoji or empty.")


def _template(content: dict[str, Any]) -> None:
    a_text(content, "name", "template", most=512)
    language = an_object(content, "language", "template")
    a_text(language, "code", "template.language", most=16)
    components = content.get("components", [])
    if not isinstance(components, list) or not all(isinstance(c, dict) for c in components):
        raise invalid_parameter("Param template['components'] must be an array of objects.")


_CHECKS: Final[dict[str, Callable[[dict[str, Any]], None]]] = {
    "text": _text,
    **{kind: _media(kind) for kind in MEDIA_KINDS},
    "location": _location,
    "contacts": _contacts,
    "reaction": _reaction,
    "interactive": check_interactive,
    "template": _template,
}
