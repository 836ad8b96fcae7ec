"""`python -m bot.demo prepare | load`: what `chatnation up` runs before and after the database is there."""

from __future__ import annotations

import asyncio
import sys

from bot.config import Configuration
from bot.demo.load import load
from bot.demo.people import prepare
from bot.errors import ChatNationError
from bot.logs import set_up
from bot.runtime import open_store
from bot.settings import LogSettings
from store import db
from store.crypto import install_keyring


async def _load(configuration: Configuration) -> None:
    master = await open_store(configuration, "demo")
    try:
        await load(prepare(configuration.data), master)
    finally:
        install_keyring(None)
        await db.close()


def main(arguments: list[str]) -> int:
    if arguments not in (["prepare"], ["load"]):
        print("usage: python -m bot.demo prepare | load", file=sys.stderr)  # noqa: T201
        return 2
    try:
        configuration = Configuration.read()
        set_up(configuration.section(LogSettings, "log"), service="demo")
        if arguments == ["prepare"]:
            prepare(configuration.data)
        else:
            asyncio.run(_load(configuration))
    except ChatNationError as e:
        print(f"demo: {e}", file=sys.stderr)  # noqa: T201
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
