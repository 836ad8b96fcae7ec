"""What a person can tap in a message."""

import re
from dataclasses import dataclass
from typing import Any

from channels.emulator.state import Message


@dataclass(frozen=True, slots=True)
class Option:
    """One button or row. `kind`: reply, row, quick_reply, url, phone, location, contact, flow, copy."""

    kind: str
    id: str
    title: str
    description: str = ""
    section: str = ""
    url: str = ""

    def as_json(self) -> dict[str, str]:
        return {
            k: getattr(self, k) for k in ("kind", "id", "title", "description", "section", "url") if getattr(self, k)
        }


def options_of(message: Message) -> list[Option]:
    """In the order in which the phone shows them; empty for what offers nothing."""
    if message.direction == "in":
        return []
    if message.kind == "template":
        return [_template_option(b) for b in (message.rendered or {}).get("buttons", [])]
    if message.kind != "interactive":
        return []
    action = message.content.get("action", {})
    parameters = action.get("parameters", {})
    match message.content.get("type"):
        case "button":
            return [Option("reply", b["reply"]["id"], b["reply"]["title"]) for b in action["buttons"]]
        case "list":
            return [
                Option("row", row["id"], row["title"], row.get("description") or "", section.get("title") or "")
                for section in action["sections"]
                for row in section["rows"]
            ]
        case "cta_url":
            return [Option("url", parameters["url"], parameters["display_text"], url=parameters["url"])]
        case "flow":
            return [Option("flow", str(parameters.get("flow_token", "")), parameters["flow_cta"])]
        case "location_request_message":
            return [Option("location", "send_location", "Send location")]
        case "request_contact_info":
            return [Option("contact", "request_contact_info", "Share contact")]
        case "carousel":
            return [o for card in action.get("cards", []) for o in _card_options(card)]
        case _:
            return []


def _template_option(button: dict[str, Any]) -> Option:
    title = str(button.get("text", ""))
    match button.get("type"):
        case "quick_reply":
            return Option("quick_reply", str(button.get("payload", title)), title)
        case "url":
            return Option("url", str(button.get("url", "")), title, url=str(button.get("url", "")))
        case "phone_number":
            return Option("phone", str(button.get("phone_number", "")), title)
        case "request_contact_info":
            return Option("contact", "request_contact_info", title or "Share contact")
        case "copy_code":
            return Option("copy", str(button.get("code", "")), title or "Copy code")
        case _:
            return Option("flow", title, title)


def _card_options(card: dict[str, Any]) -> list[Option]:
    action = card.get("action", {})
    if "buttons" in action:
        return [
            Option("reply", b["quick_reply"]["id"], b["quick_reply"]["title"])
            for b in action["buttons"]
            if "quick_reply" in b
        ]
    parameters = action.get("parameters", {})
    return [Option("url", parameters.get("url", ""), parameters.get("display_text", ""), url=parameters.get("url", ""))]


def flow_token_of(message: Message) -> str:
    if message.kind == "template":
        return str((message.rendered or {}).get("flow_token", "unused"))
    return str(message.content.get("action", {}).get("parameters", {}).get("flow_token", "unused"))


def find_option(messages: list[Message], wanted: str | int, message_id: str | None) -> tuple[Message, Option] | None:
    """The option by index (from 0), id, exact title or a pattern `/.../` on the title; in the message named, else in the latest that has it."""
    for message in reversed(messages):
        if message_id is not None and message.id != message_id:
            continue
        options = options_of(message)
        if not options:
            continue
        if isinstance(wanted, int):
            return (message, options[wanted]) if -len(options) <= wanted < len(options) else None
        for option in options:
            if wanted in (option.id, option.title) or _matches(wanted, option.title):
                return message, option
    return None


def _matches(wanted: str, title: str) -> bool:
    return (
        len(wanted) > 2 and wanted[0] == wanted[-1] == "/" and re.search(wanted[1:-1], title, re.IGNORECASE) is not None
    )
