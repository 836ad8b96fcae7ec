"""Rendered messages -> the JSON of `POST /{version}/{phone_number_id}/messages`. Limits are checked again here."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from bot.messages import ContactCard, MediaKind
from bot.render import (
    RButtons,
    RContacts,
    RCta,
    Rendered,
    RFlow,
    RList,
    RLocation,
    RLocationRequest,
    RMedia,
    RReaction,
    RTemplate,
    RText,
    limits,
)
from bot.render.limits import size

__all__ = ["mark_read", "to_json"]


def to_json(
    rendered: Rendered,
    *,
    to: str | None,
    recipient: str | None,
    reply_to: str | None = None,
    opaque: str | None = None,
) -> dict[str, Any]:
    """The request's body. `to` is a phone number (sent with "+"), `recipient` a BSUID; `to` wins if both are given.

    Raises:
        ValueError: a limit does not hold; the message names the field and the limit, never the content.
    """
    if not to and not recipient:
        raise ValueError("to or recipient is needed")
    kind, body = _body(rendered)
    message: dict[str, Any] = {"messaging_product": "whatsapp", "recipient_type": "individual"}
    if to:
        # Without the plus sign Meta may put the business's own country code in front.
        message["to"] = f"+{to.lstrip('+')}"
    if recipient:
        message["recipient"] = recipient
    message |= {"type": kind, kind: body}
    # A reaction names its message itself.
    if reply_to and not isinstance(rendered, RReaction):
        message["context"] = {"message_id": reply_to}
    if opaque:
        message["biz_opaque_callback_data"] = _at_most("biz_opaque_callback_data", opaque, limits.OPAQUE)
    return message


def mark_read(message_id: str, typing: bool = False) -> dict[str, Any]:
    """Marks this and all earlier messages read; with `typing`, shows that we write until the answer, 25 s at most."""
    body: dict[str, Any] = {"messaging_product": "whatsapp", "status": "read", "message_id": message_id}
    return body | {"typing_indicator": {"type": "text"}} if typing else body


def _body(rendered: Rendered) -> tuple[str, Any]:
    match rendered:
        case RText():
            return "text", {
                "body": _needed("text.body", rendered.body, limits.TEXT_BODY),
                "preview_url": rendered.preview_url,
            }
        case RButtons():
            return "interactive", _buttons(rendered)
        case RList():
            return "interactive", _list(rendered)
        case RCta():
            return "interactive", _cta(rendered)
        case RLocationRequest():
            body = _needed("interactive.body", rendered.body, limits.LOCATION_REQUEST_BODY)
            return "interactive", {
                "type": "location_request_message",
                "body": {"text": body},
                "action": {"name": "send_location"},
            }
        case RFlow():
            return "interactive", _flow(rendered)
        case RMedia():
            return _media(rendered)
        case RLocation():
            return "location", _location(rendered)
        case RContacts():
            return "contacts", _contacts(rendered.cards)  # the one body that is a list
        case RTemplate():
            return "template", _template(rendered)
        case RReaction():
            message_id = _needed("reaction.message_id", rendered.message_id, limits.MESSAGE_ID)
            return "reaction", {"message_id": message_id, "emoji": rendered.emoji}


def _at_most(field: str, text: str, limit: int) -> str:
    if size(text) > limit:
        raise ValueError(f"{field} has {size(text)} characters, at most {limit} are allowed")
    return text


def _needed(field: str, text: str, limit: int) -> str:
    if not text.strip():
        raise ValueError(f"{field} is empty, 1 to {limit} characters are needed")
    return _at_most(field, text, limit)


def _count(field: str, found: int, limit: int) -> None:
    if not 1 <= found <= limit:
        raise ValueError(f"{field} are {found}, 1 to {limit} are allowed")


def _unique(field: str, values: Sequence[str]) -> None:
    if len(set(values)) != len(values):
        raise ValueError(f"{field} must be unique, {len(values) - len(set(values))} of {len(values)} are not")


def _interactive(
    kind: str, body: str, limit: int, action: dict[str, Any], *, header: str, footer: str
) -> dict[str, Any]:
    interactive: dict[str, Any] = {
        "type": kind,
        "body": {"text": _needed("interactive.body", body, limit)},
        "action": action,
    }
    if header:
        text = _needed("interactive.header", header, limits.HEADER_TEXT)
        interactive["header"] = {"type": "text", "text": text}
    if footer:
        interactive["footer"] = {"text": _needed("interactive.footer", footer, limits.FOOTER)}
    return interactive


def _buttons(rendered: RButtons) -> dict[str, Any]:
    _count("buttons", len(rendered.buttons), limits.BUTTONS_MAX)
    _unique("button ids", [button.id for button in rendered.buttons])
    _unique("button titles", [button.title for button in rendered.buttons])
    replies = [
        {
            "type": "reply",
            "reply": {
                "id": _needed("button.id", button.id, limits.BUTTON_ID),
                "title": _needed("button.title", button.title, limits.BUTTON_TITLE),
            },
        }
        for button in rendered.buttons
    ]
    return _interactive(
        "button",
        rendered.body,
        limits.BUTTONS_BODY,
        {"buttons": replies},
        header=rendered.header,
        footer=rendered.footer,
    )


def _list(rendered: RList) -> dict[str, Any]:
    _count("list rows", len(rendered.rows), limits.LIST_ROWS)
    _unique("row ids", [row.id for row in rendered.rows])
    for section in rendered.sections:
        _count("rows of a section", len(section.rows), limits.LIST_ROWS)
        if len(rendered.sections) > 1 or section.title:
            _needed("section.title", section.title, limits.SECTION_TITLE)
    sections = [
        ({"title": section.title} if section.title else {})
        | {"rows": [_row(row.id, row.title, row.description) for row in section.rows]}
        for section in rendered.sections
    ]
    action = {"button": _needed("list.button", rendered.button, limits.LIST_BUTTON), "sections": sections}
    return _interactive("list", rendered.body, limits.LIST_BODY, action, header=rendered.header, footer=rendered.footer)


def _row(row_id: str, title: str, description: str) -> dict[str, str]:
    row = {
        "id": _needed("row.id", row_id, limits.ROW_ID),
        "title": _needed("row.title", title, limits.ROW_TITLE),
    }
    if description:
        row["description"] = _at_most("row.description", description, limits.ROW_DESCRIPTION)
    return row


def _cta(rendered: RCta) -> dict[str, Any]:
    if not rendered.url.startswith(("https://", "http://")):
        raise ValueError("cta_url.url must begin with https:// or http://")
    parameters = {
        "display_text": _needed("cta_url.display_text", rendered.label, limits.CTA_LABEL),
        "url": _at_most("cta_url.url", rendered.url, limits.CTA_URL),
    }
    action = {"name": "cta_url", "parameters": parameters}
    return _interactive(
        "cta_url", rendered.body, limits.CTA_BODY, action, header=rendered.header, footer=rendered.footer
    )


def _flow(rendered: RFlow) -> dict[str, Any]:
    if not rendered.token:
        raise ValueError("flow.flow_token is empty, an unguessable one is needed")
    if not rendered.flow_id:
        raise ValueError("flow.flow_id is empty")
    parameters: dict[str, Any] = {
        "flow_message_version": "3",
        "flow_id": rendered.flow_id,
        "flow_token": rendered.token,
        "flow_cta": _needed("flow.flow_cta", rendered.label, limits.FLOW_LABEL),
        "mode": "draft" if rendered.draft else "published",
        "flow_action": "navigate" if rendered.screen else "data_exchange",
    }
    if rendered.screen:
        # Meta refuses an empty `data`.
        payload = {"screen": rendered.screen} | ({"data": rendered.data} if rendered.data else {})
        parameters["flow_action_payload"] = payload
    action = {"name": "flow", "parameters": parameters}
    return _interactive("flow", rendered.body, limits.FLOW_BODY, action, header=rendered.header, footer=rendered.footer)


def _media(rendered: RMedia) -> tuple[str, dict[str, Any]]:
    is_voice = rendered.kind is MediaKind.VOICE
    kind = "audio" if is_voice else rendered.kind.value
    if bool(rendered.media_id) == bool(rendered.link):
        raise ValueError(f"{kind} needs either a media id or a link")
    if rendered.link and not rendered.link.startswith("https://"):
        raise ValueError(f"{kind}.link must begin with https://")
    body: dict[str, Any] = {"id": rendered.media_id} if rendered.media_id else {"link": rendered.link}
    if rendered.caption:
        if kind in {"audio", "sticker"}:
            raise ValueError(f"{kind}.caption is not allowed, at most 0 characters")
        body["caption"] = _at_most(f"{kind}.caption", rendered.caption, limits.CAPTION)
    if rendered.filename and kind == "document":
        body["filename"] = rendered.filename
    if is_voice:
        body["voice"] = True
    return kind, body


def _location(rendered: RLocation) -> dict[str, Any]:
    for field, degrees, limit in (("latitude", rendered.latitude, 90), ("longitude", rendered.longitude, 180)):
        if not (math.isfinite(degrees) and abs(degrees) <= limit):
            raise ValueError(f"location.{field} must lie between -{limit} and {limit}")
    body: dict[str, Any] = {"latitude": rendered.latitude, "longitude": rendered.longitude}
    return body | {key: text for key, text in (("name", rendered.name), ("address", rendered.address)) if text}


def _contacts(cards: Sequence[ContactCard]) -> list[dict[str, Any]]:
    _count("contacts", len(cards), limits.CONTACT_CARDS)
    return [_card(card) for card in cards]


def _card(card: ContactCard) -> dict[str, Any]:
    """WhatsApp wants a formatted name and at least one part of it."""
    name = " ".join(card.name.split()) or next(iter((*card.phones, *card.emails)), "") or card.organization
    if not name:
        raise ValueError("contact.name is empty, and so is all that could stand for it")
    first, _, last = name.partition(" ")
    body: dict[str, Any] = {
        "name": {"formatted_name": name, "first_name": first} | ({"last_name": last} if last else {})
    }
    if card.phones:
        body["phones"] = [{"phone": phone} for phone in card.phones]
    if card.emails:
        body["emails"] = [{"email": email} for email in card.emails]
    if card.organization:
        body["org"] = {"company": card.organization}
    return body


def _template(rendered: RTemplate) -> dict[str, Any]:
    if not rendered.language:
        raise ValueError("template.language is empty")
    body: dict[str, Any] = {
        "name": _needed("template.name", rendered.name, limits.TEMPLATE_NAME),
        "language": {"code": rendered.language},
    }
    for component in rendered.components:
        _check_parameters(component)
    return body | {"components": list(rendered.components)} if rendered.components else body


def _check_parameters(component: dict[str, Any]) -> None:
    """Meta refuses an empty variable with a bare 400 that names nothing."""
    for parameter in component.get("parameters") or ():
        if parameter.get("type") == "text" and not str(parameter.get("text") or "").strip():
            raise ValueError(f"a text parameter of the template's {component.get('type')} is empty")
