"""Core job `core.fetch_media`: the bytes of a file that a person sent, fetched apart from the message, for days if need be.

The message itself is accepted and answered without them; until they are here it shows "media pending", or the reason why they will not come.
"""

from __future__ import annotations

import base64
import binascii
import logging
from uuid import UUID

from bot.bodies import decode_inbound
from bot.errors import Permanent, Retryable
from bot.messages import Media, MediaKind, Text
from bot.ports import DeliveryAccount, Lane
from bot.runtime import Runtime
from bot.skill import Job, TaskContext
from scheduler.file_type import HEAD_BYTES, is_as_declared
from store import media
from store.blobs import BlobSpool, BlobTooLarge
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
    "en": "I could not open the file you sent. Please send it again.",
    "sw": "Sikuweza kufungua faili uliyotuma. Tafadhali itume tena.",
}

TOO_LARGE = {
    "en": "The file you sent is too large for me. Please send one of at most {limit}.",
    "sw": "Faili uliyotuma ni kubwa mno kwangu. Tafadhali tuma isiyozidi {limit}.",
}

WRONG_TYPE = {
    "en": "The file you sent is not what its name says, so I cannot use it. Please send another one.",
    "sw": "Faili uliyotuma si ya aina inayoonyeshwa, kwa hivyo siwezi kuitumia. Tafadhali tuma nyingine.",
}


class WrongType(Permanent):
    """The bytes are not of the type that the message names."""


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
        with BlobSpool(MAX_BYTES[part.kind]) as spool:
            blob, mime_type = await _receive(runtime, account, part, spool)
            size_bytes = spool.size_bytes
    except Permanent as e:
        log.warning("media cannot be fetched", extra={"kind": part.kind.value, "reason": str(e)})
        await media.note_failed(file_id, str(e))
        await _tell(ctx, job, message, part.kind, e)
        return
    except Retryable as e:
        if ctx.attempt >= FetchMedia.max_attempts:
            await media.note_failed(file_id, str(e))
            await _tell(ctx, job, message, part.kind, e)
        else:
            await media.note_waiting(file_id, str(e))
        raise
    await media.note_stored(file_id, blob=blob, mime_type=mime_type, size_bytes=size_bytes)


async def _receive(runtime: Runtime, account: DeliveryAccount, part: Media, spool: BlobSpool) -> tuple[str, str]:
    """Blob and MIME type: from the network to the store, chunk by chunk.

    Raises:
        Permanent: It is larger than this kind may be, or not what it claims; the rest of it is not fetched then.
        Retryable: The transfer was cut or changed.
    """
    head = bytearray()

    def take(chunk: bytes) -> None:
        before = len(head)
        head.extend(chunk[: HEAD_BYTES - before])
        if before < HEAD_BYTES <= len(head):
            _check_type(part, bytes(head))
        spool.write(chunk)

    told = await runtime.channel.fetch_media(account, part.media_id, max_bytes=MAX_BYTES[part.kind], sink=take)
    promised = _digest(part.sha256)
    if promised is not None and spool.sha256 != promised:
        raise Retryable("the file's SHA-256 is not the one that the message names")
    if len(head) < HEAD_BYTES:
        _check_type(part, bytes(head))
    mime_type = part.mime_type or told
    return await runtime.blobs.put(account.organization_id, spool, mime_type), mime_type


def _check_type(part: Media, head: bytes) -> None:
    if not is_as_declared(part.kind, part.mime_type, head):
        raise WrongType(f"the file is no {part.kind.value} of type {part.mime_type or 'unknown'}")


async def _tell(
    ctx: TaskContext, job: FetchMedia, message: media.IncomingMessage, kind: MediaKind, error: Exception
) -> None:
    """The person learns that the file did not arrive, and what would; once, however often the job is run."""
    said = (
        TOO_LARGE if isinstance(error, BlobTooLarge) else WRONG_TYPE if isinstance(error, WrongType) else NOT_RECEIVED
    )
    words = said.get((message.locale or ctx.organization.locale).partition("-")[0], said["en"])
    limit = MAX_BYTES[kind]
    text = words.format(limit=f"{limit // MIB} MB" if limit >= MIB else f"{limit // KIB} kB")
    async with ctx.unit_of_work() as work:
        work.send(
            message.contact_id,
            message.account_id,
            Text(text=text),
            key=f"media_failed:{job.message_id}",
            lane=Lane.REPLY,
            origin=job.name,
        )


def _digest(text: str) -> bytes | None:
    """Base64 as in webhooks, hex as in the media API; None for anything else, which cannot be checked."""
    try:
        digest = bytes.fromhex(text) if len(text) == 64 else base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        return None
    return digest if len(digest) == 32 else None
