"""Drains a conversation: claims it, answers its inbox rows in order, lets go. What raises here is decided here."""

from __future__ import annotations

import asyncio
import logging
import time
from enum import Enum
from typing import TYPE_CHECKING
from uuid import UUID

from bot.errors import Permanent, Retryable, reason_of
from bot.logs import bound
from bot.metrics import MESSAGES_PROCESSED, failed, succeeded
from bot.publishing.serve import compiled_for
from bot.trace import traced
from bot.turn.commit import LeaseLost
from bot.turn.lease import MAX_ATTEMPTS, Claim, Head, claim, renewing
from bot.turn.places import Place
from bot.turn.silence import who_answers
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
    while await _drain(runtime, organization_id, session_id):
        pass


async def _drain(runtime: Runtime, organization_id: UUID, session_id: UUID) -> bool:
    """True: a row was given up, and others may stand behind it."""
    async with runtime.places.of(organization_id) as place:
        held = await claim(organization_id, session_id, lease_s=runtime.turn.lease_s)
        if held is None or held.head is None:
            return False
        async with renewing(held, lease_s=runtime.turn.lease_s, renew_s=runtime.turn.renew_s):
            head: Head | _Ended = held.head
            seen: Head | None = None
            while isinstance(head, Head):
                seen = head if head.kind == "message" else seen
                head = await _answer(runtime, held, head, place)
                if isinstance(head, Head):
                    await place.pass_on()
                    held.taken_over, held.suspended = await who_answers(organization_id, session_id)
    if seen is not None and seen.external_id:
        runtime.beside(_mark_read(runtime, held, seen.external_id))
    return head is _Ended.DEAD


class _Ended(Enum):
    """Why no row of the conversation is at hand any more."""

    LET_GO = 0  # nothing is due, or another worker has it
    DEAD = 1


async def _answer(runtime: Runtime, held: Claim, head: Head, place: Place) -> Head | _Ended:
    of_row = {"session_id": held.session_id, "inbox_id": head.inbox_id, "user_id": held.contact_id}
    with traced(head.trace_id, "turn", kind=head.kind), bound(**of_row):
        return await _try(runtime, held, head, place)


async def _try(runtime: Runtime, held: Claim, head: Head, place: Place) -> Head | _Ended:
    started = time.monotonic()
    try:
        keys = await keyring().keys(held.organization_id)
        profile = await runtime.directory.organization(held.organization_id)
        compiled = await compiled_for(runtime, profile)
        turn = TurnInHand(runtime, held, head, keys, profile, compiled, runtime.clock.now(), place)
        following = await turn.answer()
    except LeaseLost:
        log.warning("lease lost, another worker has the conversation", extra={"action": "turn.lost"})
        return _Ended.LET_GO
    except Retryable as e:
        return await _fail(runtime, held, head, str(e), e.after_s)
    except Permanent as e:
        log.exception("turn failed for good", extra={"action": "turn.failed"})
        return await _fail(runtime, held, head, str(e), None, dead=True)
    except Exception as e:
        log.exception("turn failed", extra={"action": "turn.failed"})
        return await _fail(runtime, held, head, reason_of(e), None)
    held.last_user_at = max(
        filter(None, (held.last_user_at, head.provider_at if head.kind == "message" else None)), default=None
    )
    MESSAGES_PROCESSED.labels(head.kind).inc()
    succeeded()
    ms = round((time.monotonic() - started) * 1000, 1)
    log.info("turn committed", extra={"kind": head.kind, "ms": ms, "action": "turn.committed"})
    return following or _Ended.LET_GO


async def _fail(
    runtime: Runtime, held: Claim, head: Head, reason: str, after_s: float | None, *, dead: bool = False
) -> _Ended:
    """The row keeps its place in the conversation and is tried again, or stays dead with its reason."""
    failed()
    dead = dead or head.attempts >= MAX_ATTEMPTS
    delay_s = after_s if after_s is not None else BACKOFF_S[min(head.attempts, len(BACKOFF_S)) - 1]
    await call(_FAIL, held.organization_id, held.session_id, held.token, head.inbox_id, reason, delay_s, dead)
    if dead:
        log.error(
            "inbox row is dead",
            extra={"kind": head.kind, "attempts": head.attempts, "reason": reason, "action": "turn.buried"},
        )
        return _Ended.DEAD
    runtime.beside(_hint_again(runtime, held, head, delay_s))
    return _Ended.LET_GO


async def _hint_again(runtime: Runtime, held: Claim, head: Head, delay_s: float) -> None:
    """When the row is due again. Best effort: the sweep finds it too, some seconds later."""
    await asyncio.sleep(delay_s)
    await runtime.dispatcher.hint(
        held.organization_id, held.session_id, attempt=f"{head.inbox_id}:{head.attempts}:{held.token.hex}"
    )


async def _mark_read(runtime: Runtime, held: Claim, external_id: str) -> None:
    """Blue ticks, beside the conversation; "typing" too while something outside is due, such as a picture being drawn.

    Best effort: losing one is fine, the next message marks all earlier ones.
    """
    try:
        account = await runtime.directory.account(held.organization_id, held.account_id)
        await runtime.channel.mark_read(account, external_id, typing=_is_waiting(held))
    except (Retryable, Permanent) as e:
        log.debug("not marked as read", extra={"reason": str(e)})


def _is_waiting(held: Claim) -> bool:
    pending = (held.state or {}).get("pending") or {}
    return pending.get("kind") == "event"
