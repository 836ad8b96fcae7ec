"""The price book: which list is in force, what a quantity costs, and what is wrong with a file."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.config import Configuration
from bot.errors import ConfigError
from bot.metering.prices import Kind, Price, PriceBook, PriceList, Unpriced, find_prices, read_prices, tokens
from bot.metering.simulate import Simulated, simulate
from bot.registry import Registry
from bot.testing import Stage
from bot.unit import open_unit
from store.charges import Charged, charged
from tests.support.database import Database

BOOK = """\
- from: 2026-01-01
  prices:
    message.out: {kind: free}
    events.ticket_issued: {kind: basic, tokens: 1}
    campaigns.recipient: {kind: broadcast, tokens: 2.5}
- from: 2026-07-01
  prices:
    message.out: {kind: free}
    events.ticket_issued: {kind: basic, tokens: 1.125}
"""


def book(tmp_path: Path, text: str = BOOK) -> PriceBook:
    file = tmp_path / "prices.yml"
    file.write_text(text)
    return read_prices(file)


def test_the_newest_list_that_has_begun_is_in_force(tmp_path: Path) -> None:
    found = book(tmp_path)
    assert found.quote("events.ticket_issued", 3, date(2026, 6, 30)).milli == 3_000
    assert found.quote("events.ticket_issued", 3, date(2026, 7, 1)).milli == 3_375
    for meter, day in (("events.ticket_issued", date(2025, 12, 31)), ("campaigns.recipient", date(2026, 7, 1))):
        with pytest.raises(Unpriced, match=meter):
            found.quote(meter, 1, day)


def test_an_own_price_goes_before_the_lists_and_the_snapshot_says_so(tmp_path: Path) -> None:
    own = {"events.ticket_issued": Price(Kind.BASIC, 500)}
    found = book(tmp_path).quote("events.ticket_issued", 2, date(2026, 8, 1), own)
    assert (found.milli, found.snapshot()) == (
        1_000,
        {"kind": "basic", "milli": 500, "per": 1, "since": "2026-07-01", "own": True},
    )


@given(st.integers(0, 10_000), st.integers(1, 1_000), st.integers(1, 100_000))
def test_an_amount_is_rounded_up_once_and_never_by_a_milli_token_or_more(milli: int, per: int, quantity: int) -> None:
    cost = Price(Kind.BROADCAST, milli, per).of(quantity)
    assert 0 <= cost * per - quantity * milli < per
    with pytest.raises(ValueError, match="quantity"):
        Price(Kind.BROADCAST, milli, per).of(0)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("kind: basic, tokens: 1}", "kind: basic, tokens: 0.4}", "4:41 events.ticket_issued is basic: it costs 0.5 to 2 tokens, not 0.4"),
        ("kind: basic, tokens: 1}", "kind: basic, tokens: 1.0005}", "4:41 1.0005 has more than 3 decimals"),
        ("kind: basic, tokens: 1}", "kind: basic, tokens: .nan}", "4:41 nan is no number of tokens"),
        ("kind: basic, tokens: 1}", "kind: basic, tokens: one}", "4:41 'one' is no number of tokens"),
        ("kind: basic, tokens: 1}", "kind: basci, tokens: 1}", "4:28 'basci' is no kind of price; did you mean \"basic\"?"),
        ("kind: basic, tokens: 1}", "kind: basic, token: 1}", "4:41 there is no such key in the price of events.ticket_issued; did you mean \"tokens\"?"),
        ("kind: basic, tokens: 1}", "tokens: 1}", "4:27 the price of events.ticket_issued has no `kind:`"),
        ("kind: free}", "kind: free, tokens: 1}", "3:31 message.out is free: it costs nothing, not 1"),
        ("tokens: 2.5}", "tokens: 2.5, per: 10}", "5:57 a broadcast is priced per 100 recipients"),
        ("2026-07-01", "2026-01-01", "6:3 begins on 2026-01-01, not after the list before it, 2026-01-01"),
        ("2026-07-01", "July", "6:3 'July' is no day, such as 2026-01-01"),
        ("- from: 2026-07-01", "- prices: [", " "),
        (BOOK, "prices: {}\n", "1:1 a price book is a list of"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_where_it_is(tmp_path: Path, old: str, new: str, told: str) -> None:
    with pytest.raises(ConfigError) as raised:
        book(tmp_path, BOOK.replace(old, new, 1))
    assert str(raised.value).startswith(f"{tmp_path}/prices.yml:")
    assert told in str(raised.value)


def test_every_meter_of_ours_has_a_price() -> None:
    file = find_prices(Configuration.read())
    assert file is not None
    found = read_prices(file).lists[-1]
    meters = {meter for each in Registry.load().skills.values() if each.manifest for meter in each.manifest.meters}
    assert {"message.out", *meters} - set(found.prices) == set()
    assert len(meters) >= 2


def test_a_month_is_reckoned_charge_by_charge() -> None:
    now = PriceList(date(2026, 1, 1), {"a.x": Price(Kind.BROADCAST, 2_000, 100)})
    then = PriceList(date(2026, 2, 1), {"a.x": Price(Kind.BROADCAST, 2_050, 100), "a.y": Price(Kind.BASIC, 500)})
    used = [Charged("Savanna", "a.x", 1, 3), Charged("Savanna", "a.x", 100, 2), Charged("Savanna", "a.y", 1, 2)]
    assert simulate(used, now, then) == [
        Simulated("Savanna", "a.x", 203, 3 * 20 + 2 * 2_000, 3 * 21 + 2 * 2_050),
        Simulated("Savanna", "a.y", 2, None, 1_000),
    ]


@pytest.mark.parametrize(
    ("milli", "text"), [(0, "0"), (1_000, "1"), (500, "0.5"), (12_250, "12.25"), (-1, "-0.001"), (100_000, "100")]
)
def test_amounts_as_people_read_them(milli: int, text: str) -> None:
    assert tokens(milli) == text


async def test_what_was_charged_is_read_by_organization_meter_and_size(database: Database) -> None:
    async with Stage.open(skills=("assistant",)) as stage:
        async with open_unit(stage.runtime, stage.organization_id, actor="test") as work:
            for n, quantity in enumerate((1, 1, 100)):
                work.charge("events.ticket_issued", quantity, key=f"test:{n}")
        now = stage.clock.now()
        found = await charged(now - timedelta(days=1), now + timedelta(days=1))
        sizes = {(each.quantity, each.times) for each in found if each.meter == "events.ticket_issued"}
        assert sizes == {(1, 2), (100, 1)}
        assert await charged(now + timedelta(days=1), now + timedelta(days=2)) == []
