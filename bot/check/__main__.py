"""`python -m bot.check [--skill NAME | --profile rasa DIR] [--format text|json|sarif]`: exit code 1 when there is an error."""

from __future__ import annotations

import logging
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, NoReturn, cast

import typer

from bot.check import report
from bot.check.formats import Format, shown
from bot.check.project import check_project
from bot.check.report import Report
from bot.cli.command import run_as
from bot.ports import Blobs
from bot.registry import Registry
from bot.runtime import SystemClock
from bot.skill import SkillContext


async def _no_menu(*_: object) -> list[object]:
    return []


def _context(skill: str) -> SkillContext:
    """Actions are built to be looked at, not run: nothing is behind their services."""
    return SkillContext(skill=skill, clock=SystemClock(), blobs=cast("Blobs", None), menu=_no_menu)  # type: ignore[arg-type]


class Profile(StrEnum):
    CHATNATION = "chatnation"  # the installed skills
    RASA = "rasa"  # a project laid out with data/ and domain


def main(
    folder: Annotated[Path | None, typer.Argument(help="A skill's folder; with --profile rasa a project.")] = None,
    skill: Annotated[str, typer.Option(help="Only this skill.")] = "",
    form: Annotated[Format, typer.Option("--format", help="For people, programs, or editors.")] = Format.TEXT,
    profile: Annotated[Profile, typer.Option(help="What is checked.")] = Profile.CHATNATION,
) -> None:
    """Check what every skill must satisfy, or a project of another engine; problems are told as file:line:col."""
    logging.disable(logging.CRITICAL)  # the report says it all
    made = _project(folder, skill) if profile is Profile.RASA else _skills(folder, skill)
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # names of files may hold anything
    here = f"{Path.cwd()}/"
    typer.echo(shown(made, form).replace(here, "") if form is Format.TEXT else shown(made, form))
    raise typer.Exit(1 if made.has_errors else 0)


def _project(folder: Path | None, skill: str) -> Report:
    if folder is None or skill:
        _refuse("--profile rasa takes the folder of a project, and no --skill")
    try:
        return check_project(folder)
    except NotADirectoryError as e:
        _refuse(str(e))


def _skills(folder: Path | None, skill: str) -> Report:
    registry = Registry.load(context=_context, queue="all")
    if folder is not None:
        skill = _skill_in(folder, registry, skill)
    if skill and skill not in registry.skills:
        _refuse(f"there is no skill {skill}; there are: {', '.join(registry.skills)}")
    return report(registry, skill=skill)


def _skill_in(folder: Path, registry: Registry, named: str) -> str:
    """The installed skill that lies in this folder."""
    found = next((each.name for each in registry.skills.values() if each.folder.resolve() == folder.resolve()), "")
    if found and named in ("", found):
        return found
    why = f"{folder} is no folder of a skill; a project of another engine is checked with --profile rasa"
    if (folder / "skill.yml").is_file():
        why = (
            f"the skill in {folder} is not installed: move it into the folder `skills` here,"
            f" or set CHATNATION__SKILLS__FOLDERS to {folder.resolve().parent}"
        )
    return _refuse(why)


def _refuse(problem: str) -> NoReturn:
    typer.echo(f"chatnation check: {problem}", err=True)
    raise typer.Exit(2)


if __name__ == "__main__":
    run_as("chatnation check", main)
