"""Drains a conversation: claims it, answers its inbox rows in order, lets go. What raises here is decided here."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING
from uuid import UUID

from bot.errors import Permanent, Retryable
from bot.turn.commit import LeaseLost
from bot.turn.lease import MAX_ATTEMPTS, Claim, Head, claim, renewing
from bot.turn.turn import TurnInHand
from store.call import call
from store.crypto import keyring

if TYPE_CHECKING:
    from bot.runtime import Runtime

__all__ = ["process_session"]

log = logging.getLogger(__name__)

_FAIL = "SELECT cn_fail($1, $2, $3, $4, $5, $6, $7)"
BACKOFF_S = (0.5, 2, 5, 15, 60)  # after the n-th failed try of an inbox row


async def process_session(runtime: Runtime, organization_id: UUID, session_id: UUID) -> None:
    """Looks at a conversation: handles whatever is due, in order. Harmless when nothing is, or when somebody else has it.

    Raises:
        Retryable: the database is away; the sweep will find the conversation again.
    """
    held = await claim(organization_id, session_id, lease_s=runtime.turn.lease_s)
    if held is None or held.head is None:
        return
    async with renewing(held, lease_s=runtime.turn.lease_s, renew_s=runtime.turn.renew_s):
        head: Head | None = held.head
        seen: Head | None = None
        while head is not None:
            seen = head if head.kind == "message" else seen
            head = await _answer(runtime, held, head)
    if seen is not None and seen.external_id:
        _mark_read(runtime, held, seen.external_id)


async def _answer(runtime: Runtime, held: Claim, head: Head) -> Head | None:
    started = time.monotonic()
    try:
        keys = await keyring().keys(held.organization_id)
        profile = await runtime.directory.organization(held.organization_id)
        turn = TurnInHand(
            runtime, held, head, keys, profile, runtime.registry.compiled(profile.skills), runtime.clock.now()
        )
        following = await turn.answer()
    except LeaseLost:
        log.warning("lease lost, another worker has the conversation")
        return None
    except Retryable as e:
        await _fail(held, head, str(e), e.after_s)
        return None
    except Permanent as e:
        log.exception("turn failed for good")
        await _fail(held, head, str(e), None, dead=True)
        return None
    except Exception as e:
        log.exception("turn failed")
        await _fail(held, head, f"{type(e).__name__}: {e}", None)
        return None
    held.last_user_at = max(
        filter(None, (held.last_user_at, head.provider_at if head.kind == "message" else None)), default=None
    )
    log.info("turn committed", extra={"kind": head.kind, "ms": round((time.monotonic() - started) * 1000, 1)})
    return following


async def _fail(held: Claim, head: Head, reason: str, after_s: float | None, *, dead: bool = False) -> None:
    """The row keeps its place in the conversation and is tried again, or stays dead with its reason."""
    dead = dead or head.attempts >= MAX_ATTEMPTS
    delay_s = after_s if after_s is not None else BACKOFF_S[min(head.attempts, len(BACKOFF_S)) - 1]
    await call(_FAIL, held.organization_id, held.session_id, held.token, head.inbox_id, reason, delay_s, dead)


_reading: set[asyncio.Task[None]] = set()


def _mark_read(runtime: Runtime, held: Claim, external_id: str) -> None:
    """Blue ticks, beside the conversation. Best effort: losing one is fine, the next message marks all earlier ones."""

    async def mark() -> None:
        try:
            account = await runtime.directory.account(held.organization_id, held.account_id)
            await runtime.channel.mark_read(account, external_id, typing=False)
        except (Retryable, Permanent) as e:
            log.debug("not marked as read", extra={"reason": str(e)})

    task = asyncio.ensure_future(mark())
    _reading.add(task)
    task.add_done_callback(_reading.discard)
