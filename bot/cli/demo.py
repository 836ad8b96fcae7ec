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
from bot.demo.people import USERS, password
from bot.demo.requests import list_requests
from bot.demo.skills import switch

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
        "organizations": _organizations(configuration.data),
        "admin": _sign_ins(configuration.data),
    }
    if as_json:
        typer.echo(json.dumps(facts, indent=2))
        return
    for name, url in state.urls.items():
        typer.echo(f"{name:10} {url}")
    for each in facts["admin"]:
        typer.echo(f"{'sign in':10} {each['email']}  {each['password']}  {each['role']}")
    for organization in facts["organizations"]:
        typer.echo(f"\n{organization['name']}")
        for key in ORGANIZATION_KEYS[1:]:
            typer.echo(f"  {key:22} {organization.get(key)}")


@app.command()
def seed() -> None:
    """Give the demo organizations two weeks of conversations and tickets, and people who sign in to the admin app."""
    with refusing():
        configuration = use_running()
        os.environ["CHATNATION__STORE__OWNER_DSN"] = running(configuration).owner_dsn or ""
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


def _sign_ins(data: Path) -> list[dict[str, str]]:
    """Of the admin app; they are there once the demo has its history."""
    try:
        secret = password(data)
    except (FileNotFoundError, KeyError):
        return []
    return [{"email": each.email, "password": secret, "role": each.role} for each in USERS]
