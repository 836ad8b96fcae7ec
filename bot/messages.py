"""What people and skills say to each other, whatever the channel.

`Inbound` is what a person sent, `Outbound` what we say. Both are unions of small frozen models told apart by `type`, so
they can be stored as JSON and read back: `INBOUND.validate_json(...)`, `OUTBOUND.validate_json(...)`.
A channel's own limits are not known here: `bot.render` turns outbound parts into what WhatsApp can show.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

__all__ = [
    "INBOUND",
    "OUTBOUND",
    "Choice",
    "Choices",
    "ContactCard",
    "ContactCards",
    "Form",
    "FormReply",
    "Inbound",
    "Link",
    "Location",
    "LocationRequest",
    "Media",
    "MediaKind",
    "MediaOut",
    "Option",
    "Outbound",
    "Reaction",
    "Template",
    "Text",
    "Unsupported",
]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class MediaKind(StrEnum):
    IMAGE = "image"
    VIDEO = "video"
    AUDIO = "audio"
    VOICE = "voice"  # recorded in the chat, not a file
    STICKER = "sticker"
    DOCUMENT = "document"


class Text(_Part):
    """Plain text, either way. WhatsApp's own marks (*bold*, _italic_) pass through."""

    type: Literal["text"] = "text"
    text: str
    preview_url: bool = False


class Choice(_Part):
    """A tap on an option that we sent: reply button, list row or a template's quick reply."""

    type: Literal["choice"] = "choice"
    option_id: str  # as it came back, not yet verified
    title: str = ""
    source: Literal["button", "list", "quick_reply"] = "button"


class Media(_Part):
    """A file that a person sent. `media_id` is the provider's id; the bytes are fetched by a job of their own."""

    type: Literal["media"] = "media"
    kind: MediaKind
    media_id: str
    mime_type: str = ""
    sha256: str = ""  # base64, as the provider gives it
    filename: str = ""
    caption: str = ""
    transcript: str = ""  # of a voice note, once it was heard


class Location(_Part):
    """A point on the map, either way. Degrees."""

    type: Literal["location"] = "location"
    latitude: float
    longitude: float
    name: str = ""
    address: str = ""


class ContactCard(_Part):
    name: str = ""
    phones: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    organization: str = ""


class ContactCards(_Part):
    """Shared contact cards, either way. A person may share somebody else's card."""

    type: Literal["contacts"] = "contacts"
    cards: tuple[ContactCard, ...]
    requested: bool = False  # the answer to our own request for the person's number


class FormReply(_Part):
    """A filled form (WhatsApp Flow). `response` is whatever JSON came, also a list or a scalar; `token` is ours."""

    type: Literal["form_reply"] = "form_reply"
    response: Any = None
    token: str = ""
    name: str = ""


class Reaction(_Part):
    """An emoji on a message, either way; an empty one takes the reaction back. `message_id` is the provider's."""

    type: Literal["reaction"] = "reaction"
    message_id: str
    emoji: str = ""


class Unsupported(_Part):
    """Something that cannot be used in a conversation: kept, and answered with a kind sentence where it fits."""

    type: Literal["unsupported"] = "unsupported"
    what: str  # the provider's own word for it, e.g. "order", "poll_creation", "unknown"


class Option(_Part):
    """One thing to choose. `payload` is what the choice means to the engine (`/SetSlots(...)`, `/start x`, free text)."""

    title: str
    payload: str
    description: str = ""


class Choices(_Part):
    """A text with options. Any number of them: the renderer picks buttons, a list or pages of lists."""

    type: Literal["choices"] = "choices"
    text: str
    options: tuple[Option, ...]
    header: str = ""
    footer: str = ""
    button: str = ""  # label of the list's button; empty: the renderer's own word in the person's language
    page: int = 0


class MediaOut(_Part):
    """A file we send: our own `blob` (content hash in the store's blobs) or a public https `link`; exactly one of them."""

    type: Literal["media_out"] = "media_out"
    kind: MediaKind
    blob: str = ""
    link: str = ""
    mime_type: str = ""
    filename: str = ""
    caption: str = ""


class Link(_Part):
    """A text with one button that opens a web page."""

    type: Literal["link"] = "link"
    text: str
    url: str
    label: str
    header: str = ""
    footer: str = ""


class LocationRequest(_Part):
    """Asks for the person's place with a button of its own."""

    type: Literal["location_request"] = "location_request"
    text: str


class Form(_Part):
    """Opens a form (WhatsApp Flow)."""

    type: Literal["form"] = "form"
    text: str
    form_id: str
    label: str
    token: str
    screen: str = ""
    data: dict[str, Any] = Field(default_factory=dict)
    draft: bool = False


class Template(_Part):
    """An approved message template, the only thing that may be sent outside of the 24-hour window."""

    type: Literal["template"] = "template"
    name: str
    language: str
    components: tuple[dict[str, Any], ...] = ()
    category: Literal["marketing", "utility", "authentication"] = "utility"


Inbound = Annotated[
    Text | Choice | Media | Location | ContactCards | FormReply | Reaction | Unsupported, Field(discriminator="type")
]
Outbound = Annotated[
    Text | Choices | MediaOut | Location | ContactCards | Link | LocationRequest | Form | Template | Reaction,
    Field(discriminator="type"),
]

INBOUND: TypeAdapter[Text | Choice | Media | Location | ContactCards | FormReply | Reaction | Unsupported] = (
    TypeAdapter(Inbound)
)
OUTBOUND: TypeAdapter[
    Text | Choices | MediaOut | Location | ContactCards | Link | LocationRequest | Form | Template | Reaction
] = TypeAdapter(Outbound)
