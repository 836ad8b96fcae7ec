"""The commands. Each is a line or two: a single process replaces this one, `up` supervises them all."""

from __future__ import annotations

import importlib.metadata
import os
import sys
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from bot.cli import demo, knowledge, prices
from bot.cli.doctor import doctor
from bot.cli.plan import Plan, check_port, worker_environment
from bot.cli.process import CONFIG_ERROR
from bot.config import DEFAULT, Configuration
from bot.errors import ChatNationError, ConfigError
from bot.settings import EmulatorSettings, SkillsSettings
from store.apps import FOLDERS, use_folders
from store.settings import StoreSettings

__all__ = ["app"]

app = typer.Typer(
    name="chatnation",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Bots of organizations on WhatsApp.",
)
app.add_typer(demo.app, name="demo")
app.add_typer(knowledge.app, name="knowledge")
app.add_typer(prices.app, name="prices")
app.command()(doctor)

PASSED_ON = {"allow_extra_args": True, "ignore_unknown_options": True}  # the module has the options


@app.callback()
def begin() -> None:
    """Bots of organizations on WhatsApp."""
    try:
        folders = Configuration.read().section(SkillsSettings, "skills").folders
    except ConfigError:
        return  # the command itself says so, if it needs settings
    if folders:
        os.environ[FOLDERS] = folders  # for every process that starts from here, also where a file has it
    try:
        use_folders(folders)
    except ChatNationError as error:
        _refuse(str(error))


class Queue(StrEnum):
    INTERACTIVE = "interactive"  # turns: a person waits
    BULK = "bulk"  # announcements
    RENDER = "render"  # pictures


@app.command()
def up() -> None:
    """Run everything on this machine: servers, migrations, demo, web, admin app, workers, clock and the WhatsApp emulator."""
    from bot.cli.up import run

    raise typer.Exit(run())


@app.command()
def web() -> None:
    """Run the web process: webhooks, health, media."""
    environment = _checked()
    _require_free_port("web")
    _become("channels", environment=environment)


@app.command()
def admin() -> None:
    """Run the admin app for organizers."""
    environment = _checked()
    _require_free_port("admin")
    _become("admin_ui", environment=environment)


@app.command()
def worker(queue: Queue) -> None:
    """Run one worker of a queue."""
    _become("scheduler", "worker", queue.value, environment=worker_environment(queue.value, _checked()))


@app.command()
def clock() -> None:
    """Run the clock: relay, sweep, schedules. Any number may run, one leads."""
    _become("scheduler", "clock", environment=_checked())


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def emulator(context: typer.Context) -> None:
    """Run the WhatsApp emulator alone, for any bot; its own options are passed on (try --help after --)."""
    settings = _configuration().section(EmulatorSettings, "emulator")
    address = ("--host", settings.host, "--port", str(settings.port))
    if not context.args:
        _require_free_port("emulator")
    _become(
        "channels.emulator", *address, *context.args, environment=os.environ
    )  # an option given twice: the last one counts


@app.command()
def migrate() -> None:
    """Apply the migrations of the store and of the skills, as the role that owns the tables."""
    owner_dsn = _configuration().section(StoreSettings, "store").owner_dsn
    if owner_dsn is None:
        _refuse("CHATNATION__STORE__OWNER_DSN is not set: the DSN of the role that owns the tables")
    _become(
        "store",
        "migrate",
        environment=dict(os.environ) | {"CHATNATION__STORE__OWNER_DSN": owner_dsn.get_secret_value()},
    )


@app.command()
def config() -> None:
    """Print every setting, its value and where it comes from; secrets are masked."""
    try:
        rows = list(_configuration().rows())
    except ConfigError as error:
        _refuse(str(error))
    names = max(len(row.name) for row in rows)
    values = max(len(row.value) for row in rows)
    for row in rows:
        line = f"{row.name:{names}}  {row.value:{values}}  {row.origin}"
        typer.echo(typer.style(line, dim=row.origin == DEFAULT))


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True}, add_help_option=False)
def check(context: typer.Context) -> None:
    """Check what every skill must satisfy, or a project of another engine; problems are told as file:line:col."""
    _become("bot.check", *context.args, environment=os.environ)


@app.command(context_settings=PASSED_ON, add_help_option=False)
def test(context: typer.Context) -> None:
    """Play conversation tests: of every skill, or of the given skills and projects of another engine."""
    _become("bot.testing", *context.args, environment=os.environ)


@app.command("new-skill")
def new_skill(
    name: Annotated[str, typer.Argument(help="Small letters, digits and _.")],
    folder: Annotated[Path, typer.Option(help="Where the skill's folder is made.")] = Path("skills"),
) -> None:
    """Make a small skill that works, to be changed into yours."""
    from bot.tools.new_skill import make_skill

    try:
        made = make_skill(name, folder)
    except ChatNationError as error:
        _refuse(str(error))
    typer.echo("\n".join(str(path) for path in made))
    typer.echo(f"\nnext: chatnation check --skill {name}; chatnation test -k {name}; chatnation chat {name}")


@app.command(context_settings=PASSED_ON, add_help_option=False)
def chat(context: typer.Context) -> None:
    """Talk to skills in the terminal, on a database that is thrown away."""
    _become("bot.tools", "chat", *context.args, environment=os.environ)


@app.command(context_settings=PASSED_ON, add_help_option=False)
def graph(context: typer.Context) -> None:
    """Print flows as Mermaid, to be pasted into any Markdown."""
    _become("bot.tools", "graph", *context.args, environment=os.environ)


@app.command(context_settings=PASSED_ON, add_help_option=False)
def diff(context: typer.Context) -> None:
    """Tell what changed between two versions of a skill, and where a conversation would lose its place."""
    _become("bot.tools", "diff", *context.args, environment=os.environ)


@app.command(context_settings=PASSED_ON, add_help_option=False)
def explain(context: typer.Context) -> None:
    """Print one JSON object per turn of a conversation of the running demo: what was understood, and why."""
    _become("bot.tools", "explain", *context.args, environment=os.environ)


@app.command()
def schema(kind: Annotated[str, typer.Argument(help="skill, flows or domain.")]) -> None:
    """Print the JSON schema of a kind of file, for editors."""
    _become("bot.check.schema", kind, environment=os.environ)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def fit(context: typer.Context) -> None:
    """Report how well the examples in the skills' nlu.yml tell their flows apart, and the thresholds that follow (--json)."""
    _become("bot.embedding", *context.args, environment=os.environ)


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(importlib.metadata.version("chatnation"))


def _configuration() -> Configuration:
    try:
        return Configuration.read()
    except ConfigError as error:
        _refuse(str(error))


def _checked() -> Mapping[str, str]:
    """The environment, after every section was found right: one clear line here instead of a trace from a child."""
    try:
        _configuration().check()
    except ConfigError as error:
        _refuse(str(error))
    return os.environ


def _require_free_port(name: str) -> None:
    settings = getattr(Plan(_configuration(), os.environ), name)
    try:
        check_port(settings.host, settings.port, f"CHATNATION__{name.upper()}__PORT")
    except ConfigError as error:
        _refuse(str(error))


def _refuse(problem: str) -> NoReturn:
    typer.echo(f"chatnation: {problem}", err=True)
    raise typer.Exit(CONFIG_ERROR)


def _become(*module: str, environment: Mapping[str, str]) -> NoReturn:
    """This process turns into the other: signals, output and exit code are its own."""
    sys.stdout.flush()
    os.execve(sys.executable, [sys.executable, "-m", *module], dict(environment))
