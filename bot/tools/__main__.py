"""`python -m bot.tools chat|graph|diff|explain`: the commands of skill authors that need the whole application."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from bot.errors import ChatNationError

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.command()
def chat(
    skills: Annotated[list[str] | None, typer.Argument(help="Which skills are on; by default all.")] = None,
    record: Annotated[Path | None, typer.Option(help="Add the conversation to this file of test cases.")] = None,
    locale: Annotated[str, typer.Option(help="The organization's language.")] = "en",
) -> None:
    """Talk to skills in the terminal, on a database that is thrown away."""
    _run(lambda: _chat(tuple(skills or ()), record, locale))


async def _chat(skills: tuple[str, ...], record: Path | None, locale: str) -> None:
    from bot.registry import Registry
    from bot.testing.database import throw_away_cluster
    from bot.tools.chat import Chat
    from bot.tools.recording import record as write_down

    registry = Registry.load()
    for name in skills:
        if name not in registry.skills:
            raise ChatNationError(f"there is no skill {name}; there are: {', '.join(registry.skills)}")
        if registry.skills[name].off:
            raise ChatNationError("\n".join(registry.skills[name].problems))
    on = skills or tuple(each.name for each in registry.usable)
    needed = [each for name in on if (manifest := registry.skills[name].manifest) for each in manifest.requires]
    async with throw_away_cluster() as cluster:
        talk = Chat(cluster, tuple(dict.fromkeys([*needed, *on])), typer.echo, locale=locale)
        try:
            await talk.start()
            typer.echo(f"{', '.join(talk.skills)}; /help says what else you can do")
            while not talk.is_over and (line := await _line()) is not None:
                await talk.read(line)
            if record is not None and talk.script.acts:
                typer.echo(f"recorded {write_down(record, talk.script)!r} in {record}")
        finally:
            await talk.close()


async def _line() -> str | None:
    """The next line of input; piped ones are shown, so that what comes out can be read. None: the end."""
    if sys.stdin.isatty():
        try:
            return await asyncio.to_thread(input, "> ")
        except EOFError:
            return None
    line: str = await asyncio.to_thread(sys.stdin.readline)
    if not line:
        return None
    typer.echo(f"> {line.strip()}")
    return line


@app.command()
def graph(what: Annotated[str, typer.Argument(help="A skill, a flow, or skill:flow.")]) -> None:
    """Print flows as Mermaid, to be pasted into any Markdown."""
    from bot.tools.graph import graph_of

    _run(lambda: _print(lambda: graph_of(what)))


@app.command()
def diff(
    old: Annotated[str, typer.Argument(help="A skill's folder, or a git revision.")],
    new: Annotated[str, typer.Argument(help="A skill's folder, or a git revision.")],
    skill: Annotated[str, typer.Option(help="The skill, when both are revisions.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Tell what changed between two versions of a skill, and where a conversation would lose its place."""
    from bot.tools.diff import compare, read_version

    def told() -> str:
        found = compare(read_version(old, skill, other=new), read_version(new, skill, other=old))
        return found.as_json() if as_json else found.as_text()

    _run(lambda: _print(told))


@app.command()
def explain(
    session: Annotated[str, typer.Option(help="The id of a conversation.")] = "",
    last: Annotated[
        bool, typer.Option("--last", help="The conversation that was written in last (the default).")
    ] = True,
    turns: Annotated[int, typer.Option(help="How many turns at most, the newest.")] = 10,
) -> None:
    """Print one JSON object per turn of a conversation of the running demo: what was understood, and why."""
    from bot.tools.traces import print_traces

    _run(lambda: print_traces(session, turns=turns, show=typer.echo))


@app.command()
def reference() -> None:
    """Print docs/skills/reference.md."""
    from bot.tools.reference import reference as written

    sys.stdout.write(written())


async def _print(make: Callable[[], str]) -> None:
    typer.echo(await asyncio.to_thread(make))


def _run(work: Callable[[], Awaitable[None]]) -> None:
    logging.disable(logging.CRITICAL)  # what is to be seen is printed

    async def main() -> None:
        await work()

    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        asyncio.run(main())
    except ChatNationError as e:
        _refuse(str(e))
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


def _refuse(problem: str) -> NoReturn:
    typer.echo(f"chatnation: {problem}", err=True)
    raise typer.Exit(2)


if __name__ == "__main__":
    app(prog_name="chatnation")
