"""What is sent for a fact of the core: read when it is told for the first time, a second after it happened unless the endpoint was away."""

from __future__ import annotations

from bot.hooks.envelope import envelope
from bot.hooks.told import CORE, Reading
from store.hooks import ClaimedDelivery

__all__ = ["made"]

_READ = {each.name: each.read for each in CORE}


async def made(delivery: ClaimedDelivery, *, whole_phones: bool) -> str | None:
    """None: what it is about is gone, or nothing is told of such a thing any more."""
    read = _READ.get(delivery.type)
    data = None if read is None else await read(Reading(delivery.about or {}, whole_phones))
    if data is None:
        return None
    return envelope(delivery.type, delivery.event_id, delivery.occurred_at, data.model_dump(mode="json"))
