"""From committed rows to the channel: policy gate, limits, send, T3. Used by the worker that made a reply and by the relay's tasks alike."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from bot import standing
from bot.bodies import OutBody, decode_outbound
from bot.errors import Permanent, Retryable, reason_of
from bot.messages import MediaOut, Template, Text
from bot.policy import Facts, decide
from bot.ports import (
    Address,
    DeliveryAccount,
    Lane,
    NotUploaded,
    SendRefused,
    SendResult,
    SendThrottled,
    SendUnknown,
    Sent,
)
from bot.turn import options
from store.call import call
from store.combine import Combiner
from store.crypto import OrganizationKeys, Unreadable, keyring
from store.jsonb import to_jsonb

if TYPE_CHECKING:
    from bot.runtime import Runtime

__all__ = ["MAX_SEND_ATTEMPTS", "Delivery", "Outcome", "deliver", "deliver_due", "mark"]

log = logging.getLogger(__name__)

MAX_SEND_ATTEMPTS = 8  # then the row is dead, with its reason
RETRY_MAX_S = 24 * 3600.0
REPLY_PATIENCE_S = (
    3600.0  # a reply that has to wait longer is given up: what stands behind it is not held back for a day
)

# A send begins within this part of its lease and takes half of it at most: nobody else takes the row for unknown meanwhile.
SEND_WITHIN = 0.4
MARK_WITHIN_S = 10.0

STOPPED = "stopped"  # state of an account: its messages wait until a probe goes through

_CLAIM = "SELECT * FROM cn_claim_outbox($1, $2, $3, $4, $5, $6)"
_MARK = "SELECT cn_mark_outbox($1, $2, $3, $4, $5, $6, $7, $8::jsonb[], $9::jsonb[])"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One leased outbox row and what sending it needs."""

    outbox_id: UUID
    message_id: UUID
    session_id: UUID
    account_id: UUID
    lane: Lane
    attempts: int
    body: OutBody
    reply_to: str | None
    locale: str
    last_user_at: datetime | None
    opted_in_at: datetime | None
    opted_out_at: datetime | None
    to: Address
    is_probe: bool = False  # tries a number that is stopped
    throttled: int = 0  # how often in a row the provider said "not now"


@dataclass(frozen=True, slots=True)
class Outcome:
    """`what`: accepted | refused | failed | retry | wait | throttled | held | upload | unknown | release, see `cn_mark_outbox`."""

    delivery: Delivery
    what: str
    external_id: str | None = None
    delay_s: float | None = None
    error: dict[str, Any] | None = None
    upload: dict[str, Any] | None = None  # payload of core.upload_media


async def deliver_due(runtime: Runtime, organization_id: UUID, lane: Lane, *, limit: int = 100) -> int:
    """Sends what is due in this lane, at most `limit` rows; returns how many were claimed.

    A row is leased for the grace of an unknown send: if this process dies, that is what it becomes.
    """
    token = uuid4()
    keys = await keyring().keys(organization_id)
    leased_at = time.monotonic()
    rows = await call(_CLAIM, organization_id, int(lane), None, limit, token, runtime.turn.unknown_grace_s)
    if not rows:
        return 0
    info = (await runtime.directory.organization(organization_id)).info
    by_session: dict[UUID, list[Delivery]] = {}
    unreadable: list[Outcome] = []
    for row in rows:
        try:
            body = decode_outbound(row["body"], keys)
        except (Permanent, ValueError, LookupError) as e:
            # Sealed under a lost key, or of a version that is gone: it must not take the others along.
            log.exception("outbox row cannot be read", extra={"outbox_id": str(row["outbox_id"])})
            unread = _delivery(row, _UNREAD, keys, info.locale)
            unreadable.append(Outcome(unread, "failed", error={"reason": f"unreadable: {type(e).__name__}"}))
            continue
        by_session.setdefault(row["session_id"], []).append(_delivery(row, body, keys, info.locale))
    if unreadable:
        await mark(organization_id, token, unreadable)
    await asyncio.gather(
        *(deliver(runtime, organization_id, token, each, leased_at=leased_at) for each in by_session.values())
    )
    return len(rows)


async def deliver(
    runtime: Runtime, organization_id: UUID, token: UUID, deliveries: Sequence[Delivery], *, leased_at: float
) -> None:
    """Sends rows of one conversation in their order and marks them. After one that has to wait, the rest waits too.

    `leased_at` is the monotonic time before the rows were leased: one that waited too long for its slot is let go, unsent.
    """
    outcomes: list[Outcome] = []
    keys = await keyring().keys(organization_id)
    blocked = False
    for delivery in deliveries:
        outcome = (
            Outcome(delivery, "release")
            if blocked
            else await _deliver_one(runtime, organization_id, delivery, keys, leased_at=leased_at)
        )
        blocked = blocked or outcome.what in ("retry", "wait", "throttled", "held", "upload", "unknown")
        outcomes.append(outcome)
    await mark(organization_id, token, outcomes)


async def mark(organization_id: UUID, token: UUID, outcomes: Sequence[Outcome]) -> None:
    """T3. One transaction for all that this process marks of the organization meanwhile. Waits for a database that is away.

    Raises:
        Retryable: it was away for too long; the rows settle as sends of unknown fate do.
    """
    is_bulk = all(each.delivery.lane is Lane.BULK for each in outcomes)
    until, pause_s = time.monotonic() + MARK_WITHIN_S, 0.1
    while True:
        try:
            await (_bulk_marks if is_bulk else _marks).add(organization_id, [(token, each) for each in outcomes])
            return
        except Retryable:
            # What went and is not marked would have to be settled by its status, or go twice.
            if time.monotonic() + pause_s > until:
                raise
        await asyncio.sleep(pause_s)
        pause_s = min(pause_s * 2, 2.0)


async def _write_marks(organization_id: Hashable, groups: Sequence[Sequence[tuple[UUID, Outcome]]]) -> Sequence[None]:
    marked = [each for group in groups for each in group]
    # In the order of their ids, so that two processes do not wait for each other crosswise.
    marked.sort(key=lambda each: each[1].delivery.message_id)
    outcomes = [outcome for _, outcome in marked]
    await call(
        _MARK,
        organization_id,
        [token for token, _ in marked],
        [each.delivery.outbox_id for each in outcomes],
        [each.delivery.message_id for each in outcomes],
        [each.what for each in outcomes],
        [each.external_id for each in outcomes],
        [each.delay_s for each in outcomes],
        [to_jsonb(each.error) if each.error else None for each in outcomes],
        [to_jsonb(each.upload) if each.upload else None for each in outcomes],
    )
    return [None] * len(groups)


_marks = Combiner(_write_marks)
# Nobody waits for a bulk message's mark, and what paces the sends spreads their answers out: a commit for each would be most of the work.
_bulk_marks = Combiner(_write_marks, pause_s=0.05)


async def _deliver_one(
    runtime: Runtime, organization_id: UUID, delivery: Delivery, keys: OrganizationKeys, *, leased_at: float
) -> Outcome:
    try:
        account = await runtime.directory.account(organization_id, delivery.account_id)
    except Permanent as e:
        return Outcome(delivery, "failed", error={"reason": str(e)})
    if account.state == STOPPED and not delivery.is_probe:
        return Outcome(delivery, "held", error={"reason": account.state_reason})
    denied = decide(
        Facts(
            lane=delivery.lane,
            part=delivery.body.part,
            now=runtime.clock.now(),
            last_user_at=delivery.last_user_at,
            opted_in_at=delivery.opted_in_at,
            opted_out_at=delivery.opted_out_at,
            account_state="connected" if account.state == STOPPED else account.state,
            reachable=bool(delivery.to.phone or delivery.to.user_id),
        )
    )
    if denied is not None:
        log.info("message refused by policy", extra={"reason": denied.reason.value, "lane": delivery.lane.name})
        if delivery.is_probe:
            await standing.probe_again(account)
        return Outcome(delivery, "refused", error={"reason": denied.reason.value})
    part = delivery.body.part
    try:
        if isinstance(part, Template) and (held_s := await standing.template_wait_s(runtime, account, part)) > 0:
            what = "wait" if delivery.lane is Lane.BULK else "failed"
            return Outcome(
                delivery, what, delay_s=held_s, error={"reason": f"template {part.name} is held by the provider"}
            )
        wait_s = await runtime.pacer.pair(account, delivery.session_id)
        if wait_s > 0:
            return Outcome(delivery, "wait", delay_s=wait_s, error={"reason": "pair limit"})
        await runtime.pacer.number(account, delivery.lane)
        if (paused_s := runtime.holds.wait_s(account.account_id, delivery.lane)) > 0:
            return Outcome(delivery, "wait", delay_s=paused_s, error={"reason": "throttled by the provider"})
        if time.monotonic() - leased_at > runtime.turn.unknown_grace_s * SEND_WITHIN:
            return Outcome(delivery, "release")
    except Retryable as e:
        return Outcome(delivery, "wait", delay_s=e.after_s or 1.0, error={"reason": str(e)})
    result = await _send(runtime, account, delivery, keys)
    try:
        if account.state == STOPPED and _proves_life(result):
            await standing.resume(runtime, account)
        return await _outcome(runtime, account, delivery, result)
    except Exception as e:
        # What it means for the number the next message tells too; what became of this one and of those before it must not be lost.
        log.exception("what a send means for its number is not noted")
        if isinstance(result, Sent):
            return Outcome(delivery, "accepted", external_id=result.external_id)
        what = "failed" if delivery.attempts >= MAX_SEND_ATTEMPTS else "retry"
        return Outcome(
            delivery, what, delay_s=1.0, error={"reason": f"its refusal could not be noted: {type(e).__name__}"}
        )


def _proves_life(result: SendResult) -> bool:
    match result:
        case SendRefused(stops=stops, code=code):
            return code != 0 and stops not in standing.STOPPING
        case SendThrottled(scope=scope):
            return scope != "unreached"
    return isinstance(result, Sent)


async def _send(runtime: Runtime, account: DeliveryAccount, delivery: Delivery, keys: OrganizationKeys) -> SendResult:
    try:
        return await runtime.channel.send(
            account,
            delivery.to,
            delivery.body.part,
            delivery.body.index,
            option_id=partial(options.seal, delivery.body.stem, keys=keys),
            locale=delivery.locale,
            opaque=delivery.message_id.hex,
            reply_to=delivery.reply_to,
        )
    except Retryable as e:
        return SendThrottled(e.after_s or 1.0, "unreached", reason=str(e))
    except Permanent as e:
        return SendRefused(0, str(e))
    except Exception as e:  # a fault of ours in one message must not lose what became of those sent before it
        log.exception("sending raised")
        return SendUnknown(reason_of(e))


async def _outcome(runtime: Runtime, account: DeliveryAccount, delivery: Delivery, result: SendResult) -> Outcome:
    last = delivery.attempts >= MAX_SEND_ATTEMPTS
    match result:
        case Sent(external_id):
            return Outcome(delivery, "accepted", external_id=external_id)
        case SendUnknown(reason):
            # A status may settle it meanwhile; until the grace is over nobody may send it again.
            what = "failed" if last else "unknown"
            return Outcome(delivery, what, delay_s=runtime.turn.unknown_grace_s, error={"reason": reason})
        case NotUploaded(reason):
            part = delivery.body.part
            if last or not isinstance(part, MediaOut):
                return Outcome(delivery, "failed", error={"reason": "the provider does not take its file"})
            return Outcome(delivery, "upload", error={"reason": reason}, upload=_upload(delivery, part))
        case SendThrottled(_, scope, code, reason):
            # Throttling is no fault of the message: it waits as long as it takes.
            wait_s = await standing.throttle(runtime, account, result, delivery.lane, delivery.throttled)
            error = {"reason": reason or f"throttled: {scope}", "code": code}
            return Outcome(delivery, "throttled", delay_s=wait_s, error=error)
        case SendRefused():
            return await _refused(runtime, account, delivery, result)


async def _refused(runtime: Runtime, account: DeliveryAccount, delivery: Delivery, refused: SendRefused) -> Outcome:
    error = {"reason": refused.reason, "code": refused.code, "details": refused.details}
    if refused.stops in standing.STOPPING:
        if await standing.stop(runtime, account, refused, is_probe=delivery.is_probe) == "stale":
            return Outcome(delivery, "wait", delay_s=1.0, error=error)
        return Outcome(delivery, "held", error=error)
    if refused.stops == "template" and isinstance(delivery.body.part, Template):
        await standing.hold_template(runtime, account, delivery.body.part, refused.code)
    if refused.stops == "recipient_marketing" and refused.retry_after_s is None:
        await standing.withdraw_marketing(runtime, account, delivery.message_id)
    wait_s = _retry_s(refused, delivery.attempts)
    if wait_s is None or (delivery.lane is Lane.REPLY and wait_s > REPLY_PATIENCE_S):
        log.warning("message refused by the provider", extra={"code": refused.code, "lane": delivery.lane.name})
        return Outcome(delivery, "failed", error=error)
    return Outcome(delivery, "retry", delay_s=wait_s * standing.spread(), error=error)


def _retry_s(refused: SendRefused, attempts: int) -> float | None:
    """After the `attempts`-th try; None: that was the last."""
    tries = MAX_SEND_ATTEMPTS - 1 if refused.tries is None else refused.tries
    if refused.retry_after_s is None or attempts > tries:
        return None
    return min(refused.retry_after_s * refused.growth ** (attempts - 1), RETRY_MAX_S)


def _upload(delivery: Delivery, part: MediaOut) -> dict[str, Any]:
    return {
        "account_id": str(delivery.account_id),
        "blob": part.blob,
        "kind": part.kind.value,
        "mime_type": part.mime_type,
        "filename": part.filename,
    }


_UNREAD = OutBody(Text(text=""), 0, "")


def _delivery(row: Any, body: OutBody, keys: OrganizationKeys, locale: str) -> Delivery:
    return Delivery(
        row["outbox_id"],
        row["message_id"],
        row["session_id"],
        row["account_id"],
        Lane(row["lane"]),
        row["attempts"],
        body,
        row["reply_to"],
        row["locale"] or locale,
        row["last_user_at"],
        row["opted_in_at"],
        row["opted_out_at"],
        address(keys, row["phone_sealed"], row["bsuid_sealed"]),
        row["is_probe"],
        row["throttled"],
    )


def address(keys: OrganizationKeys, phone_sealed: bytes | None, bsuid_sealed: bytes | None) -> Address:
    """Opens the sealed identities. One that does not open counts as missing: the row stays, with the reason."""
    return Address(_opened(keys, phone_sealed), _opened(keys, bsuid_sealed))


def _opened(keys: OrganizationKeys, sealed: bytes | None) -> str | None:
    if sealed is None:
        return None
    try:
        return keys.open_text(sealed, table="contact_identities", column="value_sealed")
    except Unreadable:
        log.error("an identity does not open")
        return None
