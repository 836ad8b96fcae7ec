"""How commands present themselves: under the name that was typed, and with one line that tells what to change when they refuse."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer

from bot.cli.process import CONFIG_ERROR
from bot.errors import ChatNationError, ConfigError

__all__ = ["refusing", "run_as"]


@contextmanager
def refusing() -> Iterator[None]:
    """1 for what cannot be done, 2 for a wrong setting, as everywhere."""
    try:
        yield
    except ChatNationError as error:
        typer.echo(f"chatnation: {error}", err=True)
        raise typer.Exit(CONFIG_ERROR if isinstance(error, ConfigError) else 1) from error


def run_as(name: str, main: Callable[..., None]) -> None:
    """Runs a module that `chatnation` turned into: its help says what people type."""
    app = typer.Typer(add_completion=False)
    app.command()(main)
    app(prog_name=name)
