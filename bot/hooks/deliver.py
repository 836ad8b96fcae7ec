"""Sends what is due to one endpoint, and decides what becomes of each try, and of the endpoint."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from uuid import UUID

from bot.errors import Permanent
from bot.hooks import reasons
from bot.hooks.body import made
from bot.hooks.post import Answered, Poster
from bot.hooks.settings import HookSettings
from bot.metrics import HOOKS_SENT
from bot.notifications import notify
from bot.standard_webhooks import signed
from bot.unit import open_unit
from store import hooks
from store.crypto import OrganizationKeys, keyring
from store.fields import reveal
from store.hooks import ClaimedDelivery
from store.models import HookEndpoint, HookState, TellingState

if TYPE_CHECKING:
    from bot.runtime import Runtime

__all__ = ["deliver"]

log = logging.getLogger(__name__)

FAILURES_TO_HOLD = 3  # in a row; until then every event is tried when its own time has come
LONGEST_HOLD_S = 3600.0
LEASE_MARGIN_S = 30.0
SPREAD = 0.2


async def deliver(runtime: Runtime, organization_id: UUID, endpoint_id: UUID) -> int:
    """In the organization's scope: for a while, or until nothing is due; how many tries were made."""
    settings = runtime.configuration.section(HookSettings, "hooks")
    keys = await keyring().keys(organization_id)
    until, tried = time.monotonic() + settings.drain_s, 0
    async with Poster(settings) as poster:
        while time.monotonic() < until:
            endpoint = await HookEndpoint.filter(id=endpoint_id, state=HookState.ON).first()
            now = datetime.now(UTC)
            if endpoint is None or (endpoint.hold_until is not None and endpoint.hold_until > now):
                break
            # One that fails is asked one thing at a time: it costs one time-out, not one for each event.
            limit = 1 if endpoint.failures >= FAILURES_TO_HOLD else settings.at_once
            due = await hooks.claim(endpoint_id, limit, lease_s=settings.timeout_s + LEASE_MARGIN_S)
            if not due:
                break
            bodies = await _bodies(endpoint, due, keys)
            sender = _Sender(poster, settings, endpoint, keys)
            answers = await asyncio.gather(*(sender.send(each, bodies[each.id]) for each in due))
            tried += len(due)
            await _judge(runtime, settings, endpoint, [each for each in answers if each is not None])
    return tried


async def _bodies(
    endpoint: HookEndpoint, due: list[ClaimedDelivery], keys: OrganizationKeys
) -> dict[UUID, bytes | None]:
    """What is sent for each; made now where it never was. None: there is nothing to tell any more."""
    found: dict[UUID, bytes | None] = {}
    fresh: list[tuple[UUID, bytes]] = []
    for each in due:
        if each.body is not None:
            found[each.id] = keys.open_text(each.body, table="hook_deliveries", column="body").encode()
            continue
        try:
            text = await made(each, whole_phones=endpoint.whole_phones)
        except (Permanent, ValueError):  # one that cannot be read must not keep the others waiting
            log.exception("webhook cannot be made", extra={"delivery_id": str(each.id), "kind": each.type})
            text = None
        found[each.id] = None if text is None else text.encode()
        if text is not None:
            fresh.append((each.id, keys.seal_text(text, table="hook_deliveries", column="body")))
    if fresh:
        await hooks.keep_bodies(fresh)
    return found


class _Sender:
    def __init__(self, poster: Poster, settings: HookSettings, endpoint: HookEndpoint, keys: OrganizationKeys) -> None:
        self._poster, self._settings, self._endpoint, self._keys = poster, settings, endpoint, keys

    async def send(self, each: ClaimedDelivery, body: bytes | None) -> Answered | None:
        at = datetime.now(UTC)
        if body is None:
            await hooks.mark(
                each,
                TellingState.DEAD,
                after_s=0,
                status=None,
                error=reasons.IS_GONE,
                response=None,
                tried=_try(at, None, reasons.IS_GONE),
            )
            return None
        headers = signed(str(each.event_id), at, body, _secrets(self._endpoint, at))
        answer = await self._poster.post(self._endpoint.url, body, headers)
        state, after_s = self._next(each, answer)
        await hooks.mark(
            each,
            state,
            after_s=after_s,
            status=answer.status,
            error=answer.error,
            response=self._keys.seal_text(answer.excerpt, table="hook_deliveries", column="response")
            if answer.excerpt
            else None,
            tried=_try(at, answer, answer.error),
        )
        HOOKS_SENT.labels("retry" if state is TellingState.READY else state.value).inc()
        return answer

    def _next(self, each: ClaimedDelivery, answer: Answered) -> tuple[TellingState, float]:
        if answer.is_taken:
            return TellingState.DELIVERED, 0.0
        if answer.is_gone or each.attempts > len(self._settings.retries_s):
            return TellingState.DEAD, 0.0
        pause_s = self._settings.retries_s[each.attempts - 1] * random.uniform(1 - SPREAD, 1 + SPREAD)
        return TellingState.READY, max(pause_s, answer.retry_after_s or 0.0)


async def _judge(runtime: Runtime, settings: HookSettings, endpoint: HookEndpoint, answers: list[Answered]) -> None:
    """What these answers say of the endpoint as a whole."""
    if not answers:
        return
    now = datetime.now(UTC)
    if any(each.is_gone for each in answers):
        await _stop(runtime, endpoint, HookState.GONE, reasons.GONE)
        return
    if any(each.is_taken for each in answers):
        await HookEndpoint.filter(id=endpoint.id).update(
            failures=0, failing_since=None, hold_until=None, last_success_at=now
        )
        return
    failures = endpoint.failures + len(answers)
    since = endpoint.failing_since or now
    failing_h = (now - since).total_seconds() / 3600
    if failures >= settings.off_after_failures and failing_h >= settings.off_after_h:
        await _stop(runtime, endpoint, HookState.FAILING, answers[-1].error)
        return
    await HookEndpoint.filter(id=endpoint.id).update(
        failures=failures, failing_since=since, hold_until=_hold_until(settings, failures, now)
    )


def _hold_until(settings: HookSettings, failures: int, now: datetime) -> datetime | None:
    if failures < FAILURES_TO_HOLD:
        return None
    pause_s = min(settings.hold_s * 2.0 ** min(failures - FAILURES_TO_HOLD, 20), LONGEST_HOLD_S)
    return datetime.fromtimestamp(now.timestamp() + pause_s * random.uniform(1 - SPREAD, 1 + SPREAD), UTC)


async def _stop(runtime: Runtime, endpoint: HookEndpoint, state: HookState, reason: str) -> None:
    """Nothing more is sent, and whoever looks after it is told. What waits is kept for a failing one, and is dead for one that is gone."""
    async with open_unit(runtime, endpoint.organization_id, actor="platform") as work:
        changed = await HookEndpoint.filter(id=endpoint.id, state=HookState.ON).update(
            state=state, state_reason=reason[:300]
        )
        if not changed:
            return
        await work.tx.execute(
            "UPDATE hook_deliveries SET state = $3::text, last_error = CASE WHEN $3::text = 'dead' THEN $4 ELSE last_error END"
            " WHERE organization_id = $1 AND endpoint_id = $2 AND state = 'ready'",
            endpoint.organization_id,
            endpoint.id,
            TellingState.HELD if state is HookState.FAILING else TellingState.DEAD,
            reason[:300],
        )
        work.audit("webhook.stopped", subject=f"webhook:{endpoint.id}", after={"state": state, "reason": reason})
        await notify(
            work,
            "failing",
            _told(endpoint, state, reason),
            f"/webhooks/{endpoint.id}",
            permission="webhooks.manage",
            key=f"webhook:{endpoint.id}",
        )
    log.warning("webhook endpoint stopped", extra={"endpoint_id": str(endpoint.id), "state": state.value})


def _told(endpoint: HookEndpoint, state: HookState, reason: str) -> dict[str, str]:
    name = endpoint.description or urlsplit(endpoint.url).hostname or endpoint.url
    said = reasons.words_of(reason)
    en, sw = (said, said) if isinstance(said, str) else (said["en"], said["sw"])
    found = {"en": f"The webhook {name} is off: {en}", "sw": f"Webhook {name} imezimwa: {sw}"}
    if state is HookState.FAILING:
        found["en"] += ". What happens is kept for 30 days"
        found["sw"] += ". Yanayotokea yanatunzwa kwa siku 30"
    return found


def _secrets(endpoint: HookEndpoint, now: datetime) -> list[str]:
    good = [reveal(endpoint, "secret")]
    if endpoint.old_until is not None and endpoint.old_until > now:
        good.append(reveal(endpoint, "old_secret"))
    return [each for each in good if each]


def _try(at: datetime, answer: Answered | None, error: str) -> dict[str, object]:
    status, took_ms = (answer.status, answer.took_ms) if answer is not None else (None, 0)
    return {"at": at.isoformat(), "status": status, "ms": took_ms, "error": error}
