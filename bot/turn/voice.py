"""A voice note, heard: transcribed once, kept with its message, and from then on a text like any other."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from bot.bodies import encode_inbound
from bot.errors import Permanent, Retryable
from bot.flows import Compiled, FlowState, open_question
from bot.llm.budget import Budget
from bot.llm.errors import LlmAway
from bot.messages import Inbound, Media, MediaKind
from bot.turn.lease import Claim, Head
from store.crypto import OrganizationKeys
from store.db import execute, fetchrow
from store.tenancy import organization_scope

if TYPE_CHECKING:
    from bot.runtime import Runtime

__all__ = ["hear", "is_to_be_heard"]

log = logging.getLogger(__name__)

MAX_BYTES = 16 * 1024 * 1024  # Cloud API: audio

_STORED = "SELECT blob, mime_type FROM media_files WHERE organization_id = $1 AND message_id = $2 AND state = 'stored'"
_KEEP = "UPDATE messages SET body = $3 WHERE organization_id = $1 AND id = $2"


def is_to_be_heard(message: Inbound, compiled: Compiled, state: FlowState) -> bool:
    """Not when the open question wants a recording: then the file is the answer."""
    if not isinstance(message, Media) or message.kind is not MediaKind.VOICE:
        return False
    slot = open_question(compiled, state)
    return slot is None or slot.accept != "media"


async def hear(runtime: Runtime, held: Claim, head: Head, keys: OrganizationKeys, note: Media, budget: Budget) -> str:
    """What is said; empty when nobody can tell, or not in time: then it is a voice note that cannot be used, as without a transcriber."""
    if note.transcript or runtime.transcriber is None:
        return note.transcript
    try:
        async with asyncio.timeout(max(budget.left_s, 0)):
            data, mime_type = await _recording(runtime, held, head, note)
            text = await runtime.transcriber.transcribe(data, mime_type, budget)
    except (LlmAway, Permanent, Retryable, TimeoutError) as e:
        log.warning("voice note not transcribed", extra={"reason": getattr(e, "reason", type(e).__name__)})
        return ""
    if text and head.message_id is not None:
        await _keep(runtime, held, head, keys, note.model_copy(update={"transcript": text}))
    return text


async def _recording(runtime: Runtime, held: Claim, head: Head, note: Media) -> tuple[bytes, str]:
    """From our own store when the job that fetches files was quicker, else from the channel."""
    with organization_scope(held.organization_id):
        row = await fetchrow(_STORED, held.organization_id, head.message_id)
    if row is not None:
        return await runtime.blobs.get(held.organization_id, row["blob"]), row["mime_type"] or note.mime_type
    account = await runtime.directory.account(held.organization_id, held.account_id)
    data, mime_type = await runtime.channel.fetch_media(account, note.media_id, max_bytes=MAX_BYTES)
    return data, mime_type or note.mime_type


async def _keep(runtime: Runtime, held: Claim, head: Head, keys: OrganizationKeys, note: Media) -> None:
    """At once: a turn that is tried again does not pay for it twice."""
    body = encode_inbound(note, keys, sealed=runtime.encrypt_messages)
    with organization_scope(held.organization_id):
        await execute(_KEEP, held.organization_id, head.message_id, body)
