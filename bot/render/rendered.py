"""What one WhatsApp message can be. Made by `render`, turned into the wire's JSON by `channels.whatsapp.outbound`."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal

from bot.messages import ContactCard, MediaKind

__all__ = [
    "Button",
    "RButtons",
    "RContacts",
    "RCta",
    "RFlow",
    "RList",
    "RLocation",
    "RLocationRequest",
    "RMedia",
    "RReaction",
    "RTemplate",
    "RText",
    "Rendered",
    "Row",
    "Section",
]


@dataclass(frozen=True, slots=True)
class RText:
    body: str
    preview_url: bool = False


@dataclass(frozen=True, slots=True)
class Button:
    id: str
    title: str


@dataclass(frozen=True, slots=True)
class RButtons:
    body: str
    buttons: tuple[Button, ...]
    header: str = ""
    footer: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    id: str
    title: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    rows: tuple[Row, ...]
    title: str = ""


@dataclass(frozen=True, slots=True)
class RList:
    body: str
    button: str
    sections: tuple[Section, ...]
    header: str = ""
    footer: str = ""

    @property
    def rows(self) -> tuple[Row, ...]:
        return tuple(row for section in self.sections for row in section.rows)


@dataclass(frozen=True, slots=True)
class RMedia:
    """`blob` must be uploaded first: `dataclasses.replace(rendered, media_id=...)`; a `link` may go as it is."""

    kind: MediaKind
    blob: str = ""
    link: str = ""
    media_id: str = ""
    mime_type: str = ""
    filename: str = ""
    caption: str = ""


@dataclass(frozen=True, slots=True)
class RLocation:
    latitude: float
    longitude: float
    name: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class RContacts:
    cards: tuple[ContactCard, ...]


@dataclass(frozen=True, slots=True)
class RCta:
    """A text with one button that opens `url`."""

    body: str
    label: str
    url: str
    header: str = ""
    footer: str = ""


@dataclass(frozen=True, slots=True)
class RLocationRequest:
    body: str


@dataclass(frozen=True, slots=True)
class RFlow:
    body: str
    flow_id: str
    label: str
    token: str
    screen: str = ""  # empty: the flow's endpoint says where it begins
    data: dict[str, Any] = dataclasses.field(default_factory=dict)
    draft: bool = False
    header: str = ""
    footer: str = ""


@dataclass(frozen=True, slots=True)
class RTemplate:
    name: str
    language: str
    components: tuple[dict[str, Any], ...] = ()
    category: Literal["marketing", "utility", "authentication"] = "utility"


@dataclass(frozen=True, slots=True)
class RReaction:
    message_id: str
    emoji: str = ""


Rendered = (
    RText | RButtons | RList | RMedia | RLocation | RContacts | RCta | RLocationRequest | RFlow | RTemplate | RReaction
)
