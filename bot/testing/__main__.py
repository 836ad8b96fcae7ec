"""`python -m bot.testing [DIR|FILE...]`: exit code 1 when a case failed, 2 for wrong use or no case at all."""

from __future__ import annotations

import asyncio
import logging
import sys
from pathlib import Path
from typing import Annotated

import typer

from bot.cli.command import run_as
from bot.testing.formats import Format, shown
from bot.testing.run import Nothing, run_tests
from store.errors import ChatNationError


def main(
    targets: Annotated[
        list[Path] | None, typer.Argument(help="Skill folders, projects with data/ and domain, or files of cases.")
    ] = None,
    form: Annotated[Format, typer.Option("--format", help="For people, programs, or collectors.")] = Format.TEXT,
    only: Annotated[str, typer.Option("-k", help="Only cases whose file or name has this in it.")] = "",
    update: Annotated[bool, typer.Option("--update", help="Write what the bot said into `bot:` steps.")] = False,
    coverage: Annotated[bool, typer.Option("--coverage", help="Tell which steps and branches were reached.")] = False,
) -> None:
    """Play conversation tests: of every installed skill, or of the given skills and foreign projects."""
    logging.disable(logging.CRITICAL)  # the results say it all
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # names may hold anything
    try:
        results = asyncio.run(run_tests(targets or (), only=only, update=update, coverage=coverage))
    except (Nothing, ChatNationError) as e:
        typer.echo(f"chatnation test: {e}", err=True)
        raise typer.Exit(2) from e
    typer.echo(shown(results, form))
    if not results.cases:
        typer.echo("chatnation test: no case was found", err=True)
        raise typer.Exit(2)
    raise typer.Exit(1 if results.has_failed else 0)


if __name__ == "__main__":
    run_as("chatnation test", main)
