"""What a provider's no means beyond the one message: a number that stops, a lane that pauses, a person who wants no marketing.

The rows of `channel_accounts` tell all processes (`store/migrations/sql/standing.sql`); what is remembered here only spares questions
to a provider that has just said no.
"""

from __future__ import annotations

import hashlib
import logging
import random
import time
from datetime import datetime
from uuid import UUID

from bot.holds import MAX_REMEMBERED
from bot.messages import Template
from bot.notifications.failing import tell_of_stopped_number
from bot.ports import DeliveryAccount, Lane, SendRefused, SendThrottled
from bot.runtime import Runtime
from store.call import call, call_row
from store.db import fetchval
from store.jsonb import to_jsonb
from store.tenancy import organization_scope

__all__ = [
    "PROBE_S",
    "STOPPING",
    "hold_template",
    "probe_again",
    "resume",
    "stop",
    "template_wait_s",
    "throttle",
    "withdraw_marketing",
]

log = logging.getLogger(__name__)

# What stops every message of a number. A permission that is missing stops "this kind of call", which here is sending.
STOPPING = frozenset({"number", "kind"})
PROBE_S = 60.0  # a try that is not over by then is made again
PROBE_FIRST_S, PROBE_MAX_S = 30.0, 1800.0

# How long a growing pause may become, by scope; a provider that names a longer one is obeyed.
NUMBER_MAX_S, WABA_MAX_S, BULK_MAX_S, PAIR_MAX_S = 300.0, 3600.0, 24 * 3600.0, 3600.0
TEMPLATE_S = 3600.0  # Meta pauses for three hours and for six; one message an hour finds out
TEMPLATE_FRESH_S = 5.0


async def stop(
    runtime: Runtime,
    account: DeliveryAccount,
    refused: SendRefused,
    *,
    is_probe: bool,
    accepted_at: datetime | None = None,
) -> str:
    """The number stops, and its messages wait. Returns what `cn_stop_account` says; `stale`: the token has been changed meanwhile.

    `accepted_at`: of the message, when its status says so. An accepted probe then proves nothing, only a delivered one does.
    """
    reason = f"stopped by the provider: {refused.code} {refused.reason}".strip()
    row = await call_row(
        "SELECT cn_stop_account($1, $2, $3, $4, $5::jsonb, $6, $7, $8, $9, $10) AS what",
        account.organization_id,
        account.account_id,
        account.token_seal,
        reason,
        to_jsonb({"code": refused.code, "reason": refused.reason, "details": refused.details}),
        is_probe,
        PROBE_FIRST_S,
        PROBE_MAX_S,
        spread(),
        accepted_at,
    )
    runtime.directory.forget()
    what: str = row["what"]
    if what == "stopped":
        extra = {"account_id": str(account.account_id), "code": refused.code, "action": "number.stopped"}
        log.error("number stopped by the provider", extra=extra)
        await tell_of_stopped_number(runtime, account.organization_id, account.account_id, reason)
    return what


async def resume(runtime: Runtime, account: DeliveryAccount) -> None:
    row = await call_row("SELECT cn_resume_account($1, $2) AS done", account.organization_id, account.account_id)
    runtime.directory.forget()
    if row["done"]:
        log.warning("number goes on", extra={"account_id": str(account.account_id), "action": "number.resumed"})


async def probe_again(account: DeliveryAccount) -> None:
    await call("SELECT cn_probe_again($1, $2)", account.organization_id, account.account_id)


async def throttle(
    runtime: Runtime, account: DeliveryAccount, said: SendThrottled, lane: Lane, throttled: int
) -> float:
    """Seconds until this message may be tried again; whoever shares what was exceeded waits too, longer each time, never two at the same moment.

    `throttled`: how often in a row this message met one. A pair's pause is its own row's, since a conversation sends one after the other.
    """
    if said.scope == "unreached":
        return min(said.after_s * 2.0 ** min(throttled, 10), 60.0) * spread()
    if said.scope == "pair" or (said.scope == "spam" and lane is Lane.REPLY):
        if said.scope == "spam":
            await _hold(runtime, account, said, "bulk", BULK_MAX_S)
        first_s = said.after_s if said.scope == "pair" else 1.0
        growth = said.growth if said.scope == "pair" else 4.0
        return (
            max(said.after_s if said.scope == "pair" else 0, min(first_s * growth ** min(throttled, 10), PAIR_MAX_S))
            * spread()
        )
    if said.scope == "spam":
        return await _hold(runtime, account, said, "bulk", BULK_MAX_S)
    if said.scope == "api" and said.code:
        return await _hold(runtime, account, said, "waba", WABA_MAX_S)
    return await _hold(runtime, account, said, "number", NUMBER_MAX_S)


async def _hold(runtime: Runtime, account: DeliveryAccount, said: SendThrottled, scope: str, max_s: float) -> float:
    row = await call_row(
        "SELECT cn_throttle($1, $2, $3, $4, $5, $6, $7) AS wait_s",
        account.organization_id,
        account.account_id,
        scope,
        said.after_s,
        said.growth,
        max_s,
        spread(),
    )
    wait_s: float = row["wait_s"]
    runtime.holds.note(account.account_id, (Lane.BULK,) if scope == "bulk" else (Lane.REPLY, Lane.BULK), wait_s)
    extra = {"scope": scope, "code": said.code, "pause_s": round(wait_s, 1), "action": "number.throttled"}
    log.warning("throttled by the provider", extra=extra)
    return wait_s


async def hold_template(runtime: Runtime, account: DeliveryAccount, part: Template, code: int) -> None:
    """Nothing more is tried with this template for a while."""
    key = _template_key(account, part)
    await call("SELECT cn_throttle_key($1, $2, $3)", account.organization_id, key, TEMPLATE_S)
    runtime.holds.templates.pop(key, None)
    log.error("template held", extra={"code": code, "template": part.name, "action": "template.held"})


async def template_wait_s(runtime: Runtime, account: DeliveryAccount, part: Template) -> float:
    key, now = _template_key(account, part), time.monotonic()
    known = runtime.holds.templates.get(key)
    if known is None or known[0] < now:
        with organization_scope(account.organization_id):
            left_s = await fetchval(
                "SELECT extract(epoch FROM tat - clock_timestamp())::float8 FROM pacing WHERE organization_id = $1 AND key = $2",
                account.organization_id,
                key,
            )
        if len(runtime.holds.templates) > MAX_REMEMBERED:
            runtime.holds.templates.clear()
        known = runtime.holds.templates[key] = (now + TEMPLATE_FRESH_S, now + (left_s or 0.0))
    return max(known[1] - now, 0.0)


def _template_key(account: DeliveryAccount, part: Template) -> str:
    name = hashlib.sha256(f"{part.name}\n{part.language}".encode()).hexdigest()[:32]
    return f"template:{account.account_id}:{name}"


async def withdraw_marketing(runtime: Runtime, account: DeliveryAccount, message_id: UUID) -> None:
    """The person stopped marketing in the messenger: an opt-out like one that was written to us."""
    await call("SELECT cn_withdraw_consent($1, $2, $3)", account.organization_id, message_id, runtime.clock.now())


def spread() -> float:
    """Never less than was asked for, and not all at one moment."""
    return random.uniform(1.0, 1.25)
