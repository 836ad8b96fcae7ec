"""The till. Until there are prices a charge is an unpriced row, once per key (decision 29); nothing else writes them."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Charge", "charge"]


@dataclass(frozen=True, slots=True)
class Charge:
    key: str
    meter: str
    quantity: int

    def to_json(self) -> dict[str, object]:
        return {"key": self.key, "meter": self.meter, "quantity": self.quantity}


def charge(meter: str, quantity: int, *, key: str) -> Charge:
    """A charge to be written in the transaction of its work. Raises ValueError for a quantity below 1 or an empty key."""
    if quantity < 1 or not key:
        raise ValueError(f"a charge of {quantity} x {meter} with key {key!r}")
    return Charge(key, meter, quantity)
