"""`python -m bot.check [--skill NAME]`: exit code 1 when there is an error."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated, cast

import typer

from bot.check import check
from bot.ports import Blobs
from bot.registry import Registry
from bot.runtime import SystemClock
from bot.skill import SkillContext


async def _no_menu(*_: object) -> list[object]:
    return []


def _context(skill: str) -> SkillContext:
    """Actions are built to be looked at, not run: nothing is behind their services."""
    return SkillContext(skill=skill, clock=SystemClock(), blobs=cast("Blobs", None), menu=_no_menu)  # type: ignore[arg-type]


def main(skill: Annotated[str, typer.Option(help="Only this skill.")] = "") -> None:
    logging.disable(logging.CRITICAL)  # the report says it all
    registry = Registry.load(context=_context, queue="all")
    if skill and skill not in registry.skills:
        typer.echo(f"there is no skill {skill}; there are: {', '.join(registry.skills)}", err=True)
        raise typer.Exit(2)
    found = check(registry, skill=skill)
    here = Path.cwd()
    for problem in found:
        line = str(problem)
        typer.echo(f"{problem.severity}: {line.removeprefix(f'{here}/')}")
    errors = sum(problem.severity == "error" for problem in found)
    count = 1 if skill else len(registry.skills)
    typer.echo(f"{count} skills checked, {errors} errors, {len(found) - errors} others")
    raise typer.Exit(1 if errors else 0)


if __name__ == "__main__":
    typer.run(main)
