"""Core job `core.fetch_media`: the bytes of a file that a person sent, fetched apart from the message, for days if need be.

The message itself is accepted and answered without them; until they are here it shows "media pending", or the reason why they will not come.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import logging
from uuid import UUID

from bot.bodies import decode_inbound
from bot.errors import Permanent, Retryable
from bot.messages import Media, MediaKind, Text
from bot.ports import Lane
from bot.runtime import Runtime
from bot.skill import Job, TaskContext
from store import media
from store.crypto import keyring

__all__ = ["MAX_BYTES", "FetchMedia", "fetch_media"]

log = logging.getLogger(__name__)

KIB, MIB = 1024, 1024 * 1024

# Cloud API, supported media types (whatsapp/contract.md, section 7).
MAX_BYTES = {
    MediaKind.AUDIO: 16 * MIB,
    MediaKind.VOICE: 16 * MIB,
    MediaKind.IMAGE: 5 * MIB,
    MediaKind.VIDEO: 16 * MIB,
    MediaKind.DOCUMENT: 100 * MIB,
    MediaKind.STICKER: 500 * KIB,
}

NOT_RECEIVED = {
    "en": "I could not open the file you sent. Please send it again; it may have up to {limit_mb} MB.",
    "sw": "Sikuweza kufungua faili uliyotuma. Tafadhali itume tena; isizidi MB {limit_mb}.",
}


class FetchMedia(Job):
    """50 tries with the back-off of jobs reach over six days; WhatsApp keeps the file for seven."""

    name = "core.fetch_media"
    queue = "bulk"
    max_attempts = 50
    lease_s = 120
    message_id: UUID


async def fetch_media(runtime: Runtime, job: FetchMedia, ctx: TaskContext) -> None:
    organization_id = ctx.organization.id
    message = await media.incoming_message(job.message_id)
    if message is None:
        raise Permanent(f"there is no incoming message {job.message_id}")
    part = decode_inbound(message.body, await keyring().keys(organization_id))
    if not isinstance(part, Media):
        raise Permanent(f"message {job.message_id} has no file")
    file_id, is_stored = await media.open_file(
        job.message_id,
        message.account_id,
        external_id=part.media_id,
        kind=part.kind.value,
        mime_type=part.mime_type,
        filename=part.filename,
    )
    if is_stored:
        return
    account = await runtime.directory.account(organization_id, message.account_id)
    try:
        data, mime_type = await runtime.channel.fetch_media(account, part.media_id, max_bytes=MAX_BYTES[part.kind])
        _check(data, part)
        blob = await ctx.blobs.put(organization_id, data, mime_type or part.mime_type)
    except Permanent as e:
        log.warning("media cannot be fetched", extra={"kind": part.kind.value, "reason": str(e)})
        await media.note_failed(file_id, str(e))
        await _tell(ctx, job, message, part.kind)
        return
    except Retryable as e:
        if ctx.attempt >= FetchMedia.max_attempts:
            await media.note_failed(file_id, str(e))
            await _tell(ctx, job, message, part.kind)
        else:
            await media.note_waiting(file_id, str(e))
        raise
    await media.note_stored(file_id, blob=blob, mime_type=mime_type or part.mime_type, size_bytes=len(data))


async def _tell(ctx: TaskContext, job: FetchMedia, message: media.IncomingMessage, kind: MediaKind) -> None:
    """The person learns that the file did not arrive, and what would; once, however often the job is run."""
    words = NOT_RECEIVED.get((message.locale or ctx.organization.locale).partition("-")[0], NOT_RECEIVED["en"])
    text = words.format(limit_mb=max(MAX_BYTES[kind] // MIB, 1))
    async with ctx.unit_of_work() as work:
        work.send(
            message.contact_id,
            message.account_id,
            Text(text=text),
            key=f"media_failed:{job.message_id}",
            lane=Lane.REPLY,
            origin=job.name,
        )


def _check(data: bytes, part: Media) -> None:
    """The port caps and names the type; here the bytes are compared with what the message promised.

    Raises:
        Permanent: It is larger than this kind may be.
        Retryable: The hash differs: the transfer was cut or changed.
    """
    if len(data) > MAX_BYTES[part.kind]:
        raise Permanent(f"{part.kind.value} of {len(data)} bytes; allowed are {MAX_BYTES[part.kind]}")
    promised = _digest(part.sha256)
    if promised is not None and hashlib.sha256(data).digest() != promised:
        raise Retryable("the file's SHA-256 is not the one that the message names")


def _digest(text: str) -> bytes | None:
    """Base64 as in webhooks, hex as in the media API; None for anything else, which cannot be checked."""
    try:
        digest = bytes.fromhex(text) if len(text) == 64 else base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        return None
    return digest if len(digest) == 32 else None
