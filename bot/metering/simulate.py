"""What a month would have cost by a list of prices. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bot.metering.prices import PriceList
from store.charges import Charged

__all__ = ["Simulated", "simulate"]


@dataclass(frozen=True, slots=True)
class Simulated:
    """One meter of one organization. Amounts are milli-tokens; None: the list has no price for it."""

    organization: str
    meter: str
    quantity: int
    now: int | None
    then: int | None


def simulate(used: Iterable[Charged], now: PriceList | None, then: PriceList | None) -> list[Simulated]:
    """`now` and `then`: the list in force, and the one that is tried out. In the order of `used`."""
    found: dict[tuple[str, str], Simulated] = {}
    for each in used:
        key = (each.organization, each.meter)
        before = found.get(key, Simulated(*key, 0, 0, 0))
        found[key] = Simulated(
            *key,
            before.quantity + each.quantity * each.times,
            _plus(before.now, each, now),
            _plus(before.then, each, then),
        )
    return list(found.values())


def _plus(total: int | None, each: Charged, prices: PriceList | None) -> int | None:
    price = prices.prices.get(each.meter) if prices else None
    return None if total is None or price is None else total + price.of(each.quantity) * each.times
