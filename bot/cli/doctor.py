"""`chatnation doctor`: what is between Meta and us, for every number of an organization."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Annotated

import typer

from bot.cli.command import refusing
from bot.cli.state import use_running
from bot.errors import Permanent
from bot.numbers import Finding, Number, Outcome, examine_all, list_numbers
from bot.runtime import Runtime
from store.directory import organization_named, organizations
from store.tenancy import organization_scope

__all__ = ["doctor"]

_SIGNS = {
    Outcome.GOOD: ("ok", typer.colors.GREEN),
    Outcome.WARN: ("look", typer.colors.YELLOW),
    Outcome.BAD: ("broken", typer.colors.RED),
    Outcome.SKIPPED: ("-", None),
}
BROKEN = 1


def doctor(
    organization: Annotated[str, typer.Option("--organization", "-o", help="Its short name; none: all of them.")] = "",
    locale: Annotated[str, typer.Option(help="en or sw.")] = "en",
) -> None:
    """Examine the connection of every number: token, account, webhook, signatures, templates, clock. Exit code 1: something is broken."""
    with refusing():
        use_running()
        is_sound = asyncio.run(_examine(organization, locale))
    raise typer.Exit(0 if is_sound else BROKEN)


async def _examine(slug: str, locale: str) -> bool:
    runtime = await Runtime.open("doctor", adapters={"channel": None, "dispatcher": None, "pacer": None})
    try:
        wanted = [await organization_named(slug)] if slug else await organizations()
        is_sound = True
        for organization_id in wanted:
            if organization_id is None:
                raise Permanent(f"there is no organization {slug!r}")
            with organization_scope(organization_id):
                numbers = await list_numbers(organization_id)
            for number in numbers:
                findings = await examine_all(runtime, organization_id, number.id)
                _print(runtime, number, findings, locale)
                is_sound = is_sound and all(each.outcome is not Outcome.BAD for each in findings)
        return is_sound
    finally:
        await runtime.close()


def _print(runtime: Runtime, number: Number, findings: list[Finding], locale: str) -> None:
    typer.echo(f"\n{number.name} {number.display_phone_number} ({number.phone_number_id})")
    for each in findings:
        sign, colour = _SIGNS[each.outcome]
        title = runtime.provider.checks[each.check]
        typer.echo(f"  {typer.style(f'{sign:7}', fg=colour)} {_in(title, locale)}: {_in(each.came, locale)}")
        if each.mend and each.outcome in (Outcome.BAD, Outcome.WARN):
            typer.echo(f"          {_in(each.mend, locale)}")


def _in(words: Mapping[str, str], locale: str) -> str:
    return words.get(locale) or words["en"]
