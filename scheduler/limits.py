"""The Pacer port: WhatsApp's limits per number and per pair, kept by all processes together (decision 22)."""

from __future__ import annotations

import functools
from uuid import UUID

from bot.ports import DeliveryAccount, Lane
from bot.runtime import Runtime
from scheduler.bucket import LEAP_S, Bucket, DatabaseClock
from scheduler.settings import LimitSettings
from store import pacing
from store.tenancy import organization_scope

__all__ = ["PostgresPacer", "open_pacer"]

SLACK = 0.004  # slots lie so much further apart than the limit asks; what that leaves open pays for sends a few milliseconds late
CLOCK_ERROR_S = 0.001  # of our idea of the database's clock
BLOCK_S = 0.1  # replies claim at most so much ahead
BULK_BLOCK_S = (
    0.04  # bulk claims less of the number itself: this is how long a reply of another process may wait for it
)
BULK_LATE_S = 0.25  # the number's own limit stands behind bulk's share, so a late slot of it does no harm
MAX_BUCKETS = 4096


class PostgresPacer:
    """
    pacer = PostgresPacer(settings.limits)
    wait_s = await pacer.pair(account, session_id)      # 0: go on
    await pacer.number(account, Lane.REPLY)             # returns in a slot of this number: send now

    Of a second's slots a process uses none later than an interval after its moment, so no sliding second sees more than the limit and one.
    """

    def __init__(self, settings: LimitSettings) -> None:
        self._settings = settings
        self._clock = DatabaseClock()
        self._buckets: dict[tuple[str, float], Bucket] = {}

    async def number(self, account: DeliveryAccount, lane: Lane) -> None:
        """
        Raises:
            Retryable: The database is away; nothing may be sent.
        """
        rate = account.number_per_s or self._settings.number_per_s
        if lane == Lane.BULK and self._settings.bulk_share < 1:
            await self._bucket(account, "bulk", rate * self._settings.bulk_share, late_s=BULK_LATE_S).take()
        await self._number_bucket(account, rate).take(int(lane))

    async def pair(self, account: DeliveryAccount, session_id: UUID) -> float:
        settings = self._settings
        return await pacing.claim_pair(
            account.organization_id, session_id, settings.pair_interval_s, settings.pair_burst
        )

    def _number_bucket(self, account: DeliveryAccount, rate: float) -> Bucket:
        interval_s = (1 + SLACK) / rate
        return self._bucket(account, "number", rate, late_s=interval_s + SLACK - CLOCK_ERROR_S)

    def _bucket(self, account: DeliveryAccount, kind: str, rate: float, *, late_s: float) -> Bucket:
        key = f"{kind}:{account.account_id}"
        bucket = self._buckets.get((key, rate))
        if bucket is None:
            while len(self._buckets) >= MAX_BUCKETS:  # the oldest; whoever waits in it still gets its slot
                self._buckets.pop(next(iter(self._buckets)))
            interval_s = (1 + SLACK) / rate
            bucket = Bucket(
                self._clock,
                functools.partial(pacing.claim_slots, account.organization_id, key, interval_s),
                functools.partial(_heal, account.organization_id, key),
                interval_s=interval_s,
                late_s=late_s,
            )
            bucket.set_blocks(first_s=BLOCK_S, second_s=BULK_BLOCK_S)
            self._buckets[key, rate] = bucket
        return bucket


async def _heal(organization_id: UUID, key: str) -> None:
    with organization_scope(organization_id):
        await pacing.heal_leap(organization_id, key, LEAP_S)


async def open_pacer(runtime: Runtime) -> PostgresPacer:
    return PostgresPacer(runtime.configuration.section(LimitSettings, "limits"))
