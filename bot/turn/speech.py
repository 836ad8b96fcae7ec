"""What the engine says -> message parts, and the rows they become."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from pydantic import ValidationError

from bot.bodies import OutBody, encode_outbound
from bot.flows import Say
from bot.messages import OUTBOUND, Choices, MediaKind, MediaOut, Option, Outbound, Text
from bot.ports import Channel
from bot.turn import options
from bot.turn.bridge import PART
from store.crypto import OrganizationKeys
from store.ids import uuid7

__all__ = ["OutRow", "parts_of", "rows_of"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class OutRow:
    """One wire message to be: a row of `messages` and one of `outbox`."""

    message_id: UUID
    outbox_id: UUID
    body: OutBody
    sealed: bytes
    reply_to: str | None
    origin: str


def parts_of(said: Say) -> list[Outbound]:
    """A Say's parts, in order: its own part, picture, attachment, text with options."""
    if said.custom is not None and PART in said.custom:
        part = OUTBOUND.validate_python(said.custom[PART])
        if isinstance(part, MediaOut) and not part.caption and said.text.strip():
            part = part.model_copy(update={"caption": said.text.strip()})
        return [part]
    parts: list[Outbound] = []
    text = said.text
    if said.image:
        # A caption saves a message, and keeps picture and words together.
        caption = "" if said.buttons else text
        parts.append(MediaOut(kind=MediaKind.IMAGE, link=said.image, caption=caption))
        text = text if said.buttons else ""
    if isinstance(said.attachment, str):
        parts.append(
            MediaOut(kind=MediaKind.DOCUMENT, link=said.attachment, filename=said.attachment.rsplit("/", 1)[-1])
        )
    if said.custom is not None and "type" in said.custom:
        try:
            parts.append(OUTBOUND.validate_python(dict(said.custom)))
        except ValidationError as e:  # written for another channel, or wrong: the rest of the message still goes out
            log.warning("custom part left out", extra={"response": said.utter, "why": e.errors()[0]["msg"]})
    if said.buttons:
        parts.append(
            Choices(
                text=text or "…",
                options=tuple(
                    Option(title=b.title, payload=b.payload, description=b.description) for b in said.buttons
                ),
            )
        )
    elif text.strip():
        parts.append(Text(text=text))
    return parts


def rows_of(
    parts: Sequence[tuple[Outbound, str, str]],
    *,
    channel: Channel,
    session_id: UUID,
    revision: int,
    keys: OrganizationKeys,
    sealed: bool,
    first: int = 0,
) -> list[OutRow]:
    """(part, flow, step) -> rows; `revision` is the commit's, `first` how many messages the segment has already."""
    rows: list[OutRow] = []
    for ordinal, (part, flow, step) in enumerate(parts, first):
        stem = options.stem(session_id, step, revision, ordinal)
        for index in range(channel.pieces(part)):
            body = OutBody(part, index, stem)
            rows.append(
                OutRow(
                    uuid7(),
                    uuid7(),
                    body,
                    encode_outbound(body, keys, sealed=sealed),
                    None,
                    f"{flow}/{step}"[:90] + f"#{revision}:{ordinal}",
                )
            )
    return rows
