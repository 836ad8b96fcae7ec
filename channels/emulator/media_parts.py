"""Where a message holds files: the message itself, or the header of an interactive message or template."""

from collections.abc import Iterator
from typing import Any

from channels.emulator.state import Message
from channels.emulator.validate.send import MEDIA_KINDS


def media_parts(message: Message) -> Iterator[tuple[str, dict[str, Any]]]:
    """Kind and object of every file in a message, also those that a template header was filled with."""
    yield from parts_of(message.kind, message.content)
    header = (message.rendered or {}).get("header") or {}
    if header.get("type") in MEDIA_KINDS:
        yield header["type"], header[header["type"]]


def parts_of(kind: str, content: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    if kind in MEDIA_KINDS:
        yield kind, content
    header = content.get("header") if kind == "interactive" else None
    if isinstance(header, dict) and header.get("type") in MEDIA_KINDS:
        yield header["type"], header[header["type"]]
