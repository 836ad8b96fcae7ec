"""`chatnation prices`: what things cost, and what they would have cost."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from bot.cli.command import refusing
from bot.cli.state import use_running
from bot.config import Configuration
from bot.errors import ConfigError, Permanent
from bot.metering.prices import FILE, PriceBook, PriceList, find_prices, read_prices, tokens
from bot.metering.simulate import Simulated, simulate
from bot.runtime import open_store
from store import db
from store.charges import Charged, charged
from store.crypto import install_keyring

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="What things cost, and what they would have cost.")


@app.command()
def show(day: Annotated[str, typer.Option(help="The list in force on this day; today, unless said.")] = "") -> None:
    """Show the price list in force."""
    with refusing():
        found = _list(_book(None), _day(day) if day else _today())
        typer.echo(f"from {found.since}")
        for meter, price in found.prices.items():
            unit = f" per {price.per}" if price.per > 1 else ""
            typer.echo(f"  {meter:32} {tokens(price.milli):>8}{unit}  {price.kind.value}")


@app.command(name="simulate")
def simulate_month(
    prices: Annotated[
        Path | None, typer.Option(help="The price book to try out; the one of this machine, unless said.")
    ] = None,
    month: Annotated[str, typer.Option(help="Such as 2026-10; the last whole one, unless said.")] = "",
) -> None:
    """Show what a month would have cost by the newest list of a price book, beside the list in force."""
    with refusing():
        tried = _book(prices).lists[-1]
        now = _book(None).at(_today())
        since, until = _month(month)
        use_running()
        used = asyncio.run(_charged(since, until))
        lines = simulate(used, now, tried)
        if not lines:
            typer.echo(f"nothing was charged in {since:%Y-%m}")
            return
        typer.echo(f"{since:%Y-%m}, by the list from {now.since if now else '(none)'} and by that from {tried.since}")
        for each in lines:
            typer.echo(_line(each))
        typer.echo(f"{'all':54} {_sum(lines, 'now'):>12} {_sum(lines, 'then'):>12}")


def _line(each: Simulated) -> str:
    return f"{each.organization[:24]:24} {each.meter[:20]:20} {each.quantity:>8,} {_said(each.now):>12} {_said(each.then):>12}"


def _said(milli: int | None) -> str:
    return "no price" if milli is None else tokens(milli)


def _sum(lines: list[Simulated], which: str) -> str:
    return tokens(sum(getattr(each, which) or 0 for each in lines))


async def _charged(since: datetime, until: datetime) -> list[Charged]:
    await open_store(Configuration.read(), "prices")
    try:
        return await charged(since, until)
    finally:
        install_keyring(None)
        await db.close()


def _book(path: Path | None) -> PriceBook:
    file = path or find_prices(Configuration.read())
    if file is None:
        raise ConfigError(f"there is no {FILE}: name the folder of settings by CHATNATION__CONFIGS")
    return read_prices(file)


def _list(book: PriceBook, day: date) -> PriceList:
    found = book.at(day)
    if found is None:
        raise Permanent(f"no list of prices is in force on {day}")
    return found


def _today() -> date:
    return datetime.now(UTC).date()


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as e:
        raise Permanent(f"{text!r} is no day, such as {_today()}") from e


def _month(text: str) -> tuple[datetime, datetime]:
    """Its first moment, and that of the next."""
    first = _today().replace(day=1)
    begins = _day(f"{text}-01") if text else (first - timedelta(days=1)).replace(day=1)
    ends = (begins + timedelta(days=32)).replace(day=1)
    return (
        datetime(begins.year, begins.month, 1, tzinfo=UTC),
        datetime(ends.year, ends.month, 1, tzinfo=UTC),
    )
