"""A voice note, heard: transcribed once, kept with its message, and from then on a text like any other."""

from __future__ import annotations

import asyncio
import logging

from bot.bodies import encode_inbound
from bot.errors import Permanent, Retryable
from bot.flows import Compiled, FlowState, open_question
from bot.llm.budget import Budget
from bot.llm.errors import LlmAway
from bot.messages import Inbound, Media, MediaKind
from bot.turn.row import RowInHand
from store.db import execute, fetchrow
from store.tenancy import organization_scope

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


async def hear(turn: RowInHand, note: Media, budget: Budget) -> str:
    """What is said; empty when nobody can tell, or not in time: then it is a voice note that cannot be used, as without a transcriber."""
    transcriber = turn.runtime.transcriber
    if note.transcript or transcriber is None:
        return note.transcript
    try:
        async with turn.place.left():
            async with asyncio.timeout(max(budget.left_s, 0)):
                data, mime_type = await _recording(turn, note)
            text = await transcriber.transcribe(data, mime_type, budget)
    except (LlmAway, Permanent, Retryable, TimeoutError) as e:
        log.warning("voice note not transcribed", extra={"reason": getattr(e, "reason", type(e).__name__)})
        return ""
    if text:
        await _keep(turn, note.model_copy(update={"transcript": text}))
    return text


async def _recording(turn: RowInHand, note: Media) -> tuple[bytes, str]:
    """From our own store when the job that fetches files was quicker, else from the channel."""
    runtime, held = turn.runtime, turn.held
    with organization_scope(held.organization_id):
        row = await fetchrow(_STORED, held.organization_id, turn.head.message_id)
    if row is not None:
        return await runtime.blobs.get(held.organization_id, row["blob"]), row["mime_type"] or note.mime_type
    account = await runtime.directory.account(held.organization_id, held.account_id)
    kept = bytearray()
    told = await runtime.channel.fetch_media(account, note.media_id, max_bytes=MAX_BYTES, sink=kept.extend)
    return bytes(kept), note.mime_type or told


async def _keep(turn: RowInHand, note: Media) -> None:
    """At once: a turn that is tried again does not pay for it twice."""
    organization_id = turn.held.organization_id
    body = encode_inbound(note, turn.keys, sealed=turn.runtime.encrypt_messages)
    with organization_scope(organization_id):
        await execute(_KEEP, organization_id, turn.head.message_id, body)
