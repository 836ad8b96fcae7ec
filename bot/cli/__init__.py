"""The console script `chatnation`. It starts processes and shows what they are told; the work is done in the packages."""

from __future__ import annotations

__all__ = ["main"]


def main() -> None:
    """Entry point of the console script."""
    from bot.cli.app import app  # typer and rich are imported only when there is something to do

    app()
