"""The price book, `configs/prices.yml`: what a unit of each meter costs, from which day on. Pure.

Amounts are integer milli-tokens everywhere (decision 9): a price per 100 is exact for one unit only if it divides, so an amount is rounded up
once, for the quantity as a whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from bot.config import Configuration
from bot.errors import ConfigError, Permanent
from bot.flows.diagnostics import nearest

__all__ = [
    "FILE",
    "MILLI",
    "Kind",
    "Price",
    "PriceBook",
    "PriceList",
    "Quote",
    "Unpriced",
    "find_prices",
    "read_prices",
    "tokens",
]

FILE = "prices.yml"
MILLI = 1_000
MAX_DECIMALS = 3


class Kind(StrEnum):
    """R272-R276."""

    FREE = "free"
    BASIC = "basic"
    AI = "ai"
    BROADCAST = "broadcast"
    REPORT = "report"
    PREMIUM = "premium"


RANGES = {
    Kind.FREE: (Decimal(0), Decimal(0)),
    Kind.BASIC: (Decimal("0.5"), Decimal(2)),
    Kind.AI: (Decimal(2), Decimal(10)),
    Kind.BROADCAST: (Decimal(2), Decimal(5)),
    Kind.REPORT: (Decimal(10), Decimal(25)),
    Kind.PREMIUM: (Decimal(3), Decimal(10)),
}


class Unpriced(Permanent):
    """No list that has begun names the meter."""


@dataclass(frozen=True, slots=True)
class Price:
    kind: Kind
    milli: int  # milli-tokens for `per` units
    per: int = 1

    def of(self, quantity: int) -> int:
        """Milli-tokens, rounded up. Raises ValueError for a quantity below 1."""
        if quantity < 1:
            raise ValueError(f"a quantity of {quantity}")
        return -(-quantity * self.milli // self.per)


@dataclass(frozen=True, slots=True)
class PriceList:
    since: date
    prices: Mapping[str, Price]


@dataclass(frozen=True, slots=True)
class Quote:
    """What `quantity` units cost, and by which price: the snapshot that an entry of the ledger keeps."""

    meter: str
    quantity: int
    milli: int
    price: Price
    since: date
    is_own: bool  # the organization's own price

    def snapshot(self) -> dict[str, object]:
        return {
            "kind": self.price.kind.value,
            "milli": self.price.milli,
            "per": self.price.per,
            "since": self.since.isoformat(),
            "own": self.is_own,
        }


class PriceBook:
    def __init__(self, lists: Sequence[PriceList]) -> None:
        self._lists = sorted(lists, key=lambda each: each.since)

    @property
    def lists(self) -> Sequence[PriceList]:
        """Oldest first."""
        return self._lists

    def at(self, day: date) -> PriceList | None:
        """The list in force on that day."""
        return next((each for each in reversed(self._lists) if each.since <= day), None)

    def quote(self, meter: str, quantity: int, day: date, own: Mapping[str, Price] | None = None) -> Quote:
        """
        Args:
            own: the organization's own prices, which go before the list's.

        Raises:
            Unpriced: no list in force names the meter; nothing is free by oversight.
        """
        found = self.at(day)
        price = (own or {}).get(meter) or (found.prices.get(meter) if found else None)
        if price is None or found is None:
            raise Unpriced(f"{meter} has no price on {day}: name it in {FILE}")
        return Quote(meter, quantity, price.of(quantity), price, found.since, bool(own and meter in own))


def find_prices(configuration: Configuration) -> Path | None:
    """The file of this process; None where no folder of settings is."""
    folder = configuration.configs
    return folder / FILE if folder is not None and (folder / FILE).exists() else None


def tokens(milli: int) -> str:
    """`1`, `0.5`, `-12.25`: as people read an amount."""
    text = f"{Decimal(milli) / MILLI:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def read_prices(path: Path) -> PriceBook:
    """
    Raises:
        ConfigError: not readable or not a price book; the message begins with file:line:col.
    """
    try:
        data = YAML(typ="rt").load(path.read_text("utf-8"))
    except MarkedYAMLError as e:
        mark = e.problem_mark or e.context_mark
        raise ConfigError(f"{path}:{mark.line + 1 if mark else 1}:{mark.column + 1 if mark else 1} {e.problem}") from e
    except (YAMLError, OSError, UnicodeDecodeError) as e:
        raise ConfigError(f"{path}:1:1 cannot be read as YAML in UTF-8: {' '.join(str(e).split())}") from e
    return PriceBook(_Reader(path).lists(data))


class _Reader:
    def __init__(self, path: Path) -> None:
        self._path = path

    def lists(self, data: Any) -> list[PriceList]:
        if not isinstance(data, list) or not data:
            raise self._wrong(data, None, "a price book is a list of `- from: <day>` with `prices:`")
        found = [self._list(each) for each in data]
        for n, (before, after) in enumerate(pairwise(found), 1):
            if after.since <= before.since:
                raise self._wrong(
                    data[n], "from", f"begins on {after.since}, not after the list before it, {before.since}"
                )
        return found

    def _list(self, data: Any) -> PriceList:
        self._keys(data, ("from", "prices"), "a list of prices")
        since = data["from"]
        if type(since) is not date:
            raise self._wrong(data, "from", f"{since!r} is no day, such as 2026-01-01")
        prices = data["prices"]
        if not isinstance(prices, dict):
            raise self._wrong(data, "prices", "prices are a mapping of meter to `{kind: ..., tokens: ...}`")
        return PriceList(since, {str(meter): self._price(prices, meter) for meter in prices})

    def _price(self, prices: Any, meter: Any) -> Price:
        data = prices[meter]
        if not isinstance(data, dict):
            raise self._wrong(prices, meter, f"the price of {meter} is `{{kind: ..., tokens: ...}}`")
        self._keys(data, ("kind", "tokens", "per"), f"the price of {meter}", needed=("kind",))
        try:
            kind = Kind(data["kind"])
        except ValueError:
            hint = nearest(str(data["kind"]), list(Kind)) or f"there are {', '.join(Kind)}"
            raise self._wrong(data, "kind", f"{data['kind']!r} is no kind of price; {hint}") from None
        per = data.get("per", 100 if kind is Kind.BROADCAST else 1)
        if type(per) is not int or not 1 <= per <= 1_000_000:
            raise self._wrong(data, "per", f"{per!r} is no number of units")
        amount = self._amount(data, kind)
        if kind is Kind.BROADCAST and per != 100:
            raise self._wrong(data, "per", "a broadcast is priced per 100 recipients")
        least, most = RANGES[kind]
        if not least <= amount <= most:
            wanted = "nothing" if kind is Kind.FREE else f"{least} to {most} tokens"
            raise self._wrong(data, "tokens", f"{meter} is {kind.value}: it costs {wanted}, not {amount}")
        return Price(kind, int(amount * MILLI), per)

    def _amount(self, data: Any, kind: Kind) -> Decimal:
        given = data.get("tokens", 0 if kind is Kind.FREE else None)
        try:
            # YAML's number as it was written: 0.1 is a tenth, not the nearest binary fraction.
            amount = Decimal(str(given))
        except ArithmeticError:
            raise self._wrong(data, "tokens", f"{given!r} is no number of tokens") from None
        if isinstance(given, bool) or not amount.is_finite():
            raise self._wrong(data, "tokens", f"{given!r} is no number of tokens")
        if amount != round(amount, MAX_DECIMALS):
            raise self._wrong(data, "tokens", f"{given} has more than {MAX_DECIMALS} decimals")
        return amount

    def _keys(self, data: Any, known: Sequence[str], what: str, needed: Sequence[str] | None = None) -> None:
        if not isinstance(data, dict):
            raise self._wrong(data, None, f"{what} is a mapping with {' and '.join(known)}")
        for key in data:
            if key not in known:
                hint = nearest(str(key), known)
                raise self._wrong(data, key, f"there is no such key in {what}" + (f"; {hint}" if hint else ""))
        for key in known if needed is None else needed:
            if key not in data:
                raise self._wrong(data, None, f"{what} has no `{key}:`")

    def _wrong(self, data: Any, key: Any, text: str) -> ConfigError:
        mark = getattr(data, "lc", None)
        line, column = (mark.line, mark.col) if mark is not None and mark.line is not None else (0, 0)
        if key is not None and mark is not None and mark.data and key in mark.data:
            line, column = mark.data[key][:2]
        return ConfigError(f"{self._path}:{line + 1}:{column + 1} {text}")
