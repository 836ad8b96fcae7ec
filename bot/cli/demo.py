"""`chatnation demo`: what a client needs to know of the running demo, and its announcement."""

from __future__ import annotations

import asyncio
import importlib
import json
import os
from pathlib import Path
from typing import Annotated, Any

import typer

from bot.cli.command import refusing
from bot.cli.state import running, use_running
from bot.config import Configuration
from bot.demo.requests import list_requests
from bot.demo.skills import switch
from bot.demo.staff import PASSWORD, STAFF

__all__ = ["app"]

WAIT_S = 300.0  # 24,000 messages at 80 a second

app = typer.Typer(no_args_is_help=True, help="The demo organizations of `chatnation up`.")

ORGANIZATION_KEYS = (
    "name",
    "organization_id",
    "phone_number_id",
    "waba_id",
    "app_secret",
    "verify_token",
    "display_phone_number",
)


@app.command()
def info(as_json: Annotated[bool, typer.Option("--json", help="One JSON object, for programs.")] = False) -> None:
    """Print the addresses, the DSN of the application's role and the demo organizations with their secrets."""
    with refusing():
        configuration = Configuration.read()
        state = running(configuration)
    facts: dict[str, Any] = {
        "urls": state.urls,
        "dsn": state.dsn,
        "nats": state.nats,
        "metrics": state.metrics,
        "organizations": _organizations(configuration.data),
        "people": _people(),
    }
    if as_json:
        typer.echo(json.dumps(facts, indent=2))
        return
    for name, url in state.urls.items():
        typer.echo(f"{name:10} {url}")
    for name, url in state.metrics.items():
        typer.echo(f"metrics of {name:18} {url}")
    for organization in facts["organizations"]:
        typer.echo(f"\n{organization['name']}")
        for key in ORGANIZATION_KEYS[1:]:
            typer.echo(f"  {key:22} {organization.get(key)}")
    typer.echo(f"\nPeople who sign in, all with the password “{PASSWORD}”")
    for person in facts["people"]:
        typer.echo(f"  {person['email']:42} {', '.join(person['roles'])}")


@app.command()
def seed(
    conversations: Annotated[int, typer.Option(help="A crowd of so many people; none: the two weeks alone.")] = 0,
    messages: Annotated[int, typer.Option(help="What they said and heard, in all; none: a hundred each.")] = 0,
    seed: Annotated[int, typer.Option(help="Another number, another crowd.")] = 1,
    organization: Annotated[
        str, typer.Option("--organization", "-o", help="Whose crowd it is: its short name.")
    ] = "savanna",
    remove: Annotated[bool, typer.Option("--remove", help="Take the crowd away again.")] = False,
) -> None:
    """Give the demo organizations two weeks of conversations and tickets, or one of them a crowd with half a year of them."""
    with refusing():
        configuration = use_running()
        owner_dsn = running(configuration).owner_dsn
        os.environ["CHATNATION__STORE__OWNER_DSN"] = owner_dsn or ""
        if conversations or messages or remove:
            crowd = importlib.import_module("bot.demo.crowd.load")
            wanted = None if remove else crowd.Wanted(conversations, messages or 100 * conversations, seed)
            asyncio.run(crowd.run(organization, wanted, owner_dsn=owner_dsn, tell=typer.echo))
            return
    raise typer.Exit(importlib.import_module("bot.demo.__main__").main(["seed"]))


@app.command()
def announce(
    event: str,
    text: str,
    wait: Annotated[bool, typer.Option("--wait", help=f"Until all is sent or refused, at most {WAIT_S:g} s.")] = False,
) -> None:
    """Send TEXT to everybody who holds a ticket of EVENT (its id or name), through the bulk queue."""
    with refusing():
        use_running()
        typer.echo(
            asyncio.run(importlib.import_module("bot.demo").announce(event, text, wait_s=WAIT_S if wait else None))
        )


@app.command()
def announcements() -> None:
    """List the announcements made so far: how many messages were queued, sent and refused, and why."""
    with refusing():
        use_running()
        typer.echo(asyncio.run(importlib.import_module("bot.demo").list_announcements()))


@app.command()
def requests() -> None:
    """List who asked in the chat to talk to a person."""
    with refusing():
        use_running()
        typer.echo(asyncio.run(list_requests()))


@app.command()
def enable(skill: str) -> None:
    """Switch SKILL on for the demo organizations."""
    _switch(skill, enabled=True)


@app.command()
def disable(skill: str) -> None:
    """Switch SKILL off for the demo organizations."""
    _switch(skill, enabled=False)


def _switch(skill: str, *, enabled: bool) -> None:
    with refusing():
        use_running()
        typer.echo(asyncio.run(switch(skill, enabled=enabled)))


def _organizations(data: Path) -> list[dict[str, Any]]:
    """Written by `python -m bot.demo`; only what a client may know."""
    try:
        content = json.loads((data / "demo.json").read_text())
    except FileNotFoundError:
        return []
    organizations = content["organizations"] if isinstance(content, dict) else content
    return [{key: organization.get(key) for key in ORGANIZATION_KEYS} for organization in organizations]


def _people() -> list[dict[str, Any]]:
    return [
        {
            "email": person.email,
            "name": person.name,
            "password": PASSWORD,
            "roles": [f"{role} of {slug}" for slug, role in person.roles] or ["platform_admin"],
        }
        for person in STAFF
    ]
