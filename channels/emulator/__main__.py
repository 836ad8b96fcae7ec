"""`python -m channels.emulator`: the emulator as a process of its own."""

import asyncio
import logging
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import orjson
import typer
from pydantic import ValidationError

from channels.emulator.app import serve
from channels.emulator.settings import EmulatorSettings, load_settings


def main(
    port: Annotated[int, typer.Option(help="Port of the Graph API, the control API and the page.")] = 9000,
    host: Annotated[
        str, typer.Option(help="Address to listen on; anything but loopback opens it to the network.")
    ] = "127.0.0.1",
    config: Annotated[
        Path | None, typer.Option(help="JSON file; else CHATNATION_EMULATOR_CONFIG, else a demo.")
    ] = None,
    data: Annotated[Path | None, typer.Option(help="Folder for the state, so that a restart keeps the chats.")] = None,
    webhook_url: Annotated[str | None, typer.Option(help="Where the bot listens; overrides the configuration.")] = None,
) -> None:
    """Runs a WhatsApp on this machine until it is interrupted."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")
    try:
        settings = load_settings(config)
    except (OSError, ValueError, orjson.JSONDecodeError, ValidationError) as error:
        typer.echo(f"emulator: the configuration cannot be used: {error}", err=True)
        raise typer.Exit(2) from error
    for key in settings.unknown_keys():
        typer.echo(f"emulator: unknown configuration key {key}", err=True)
    if data is not None:
        settings.data = data
    if webhook_url is not None:
        settings.webhook_url = webhook_url
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(_run(settings, host, port))
    except OSError as error:
        typer.echo(f"emulator: cannot serve on {host}:{port}, see --host and --port: {error}", err=True)
        raise typer.Exit(1) from error


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop where it is installed: a third more messages per second."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


async def _run(settings: EmulatorSettings, host: str, port: int) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with serve(settings, host=host, port=port) as emulator:
        sys.stdout.write(f"WhatsApp emulator ready: {emulator.base_url} -> {settings.webhook_url}\n")
        sys.stdout.flush()
        await stop.wait()


if __name__ == "__main__":
    typer.run(main)
