"""`python -m bot.demo prepare | load | seed`: what `chatnation up` runs before and after the database is there; `seed` loads with a past."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime

from bot.config import Configuration
from bot.demo.load import bring_to_life, load
from bot.demo.people import prepare
from bot.errors import ChatNationError
from bot.logs import set_up
from bot.runtime import open_store
from bot.settings import DemoSettings, LogSettings
from store import db
from store.crypto import install_keyring


async def _load(configuration: Configuration, *, history: bool) -> None:
    master = await open_store(configuration, "demo")
    try:
        people = prepare(configuration.data)
        await load(people, master)
        if history or configuration.section(DemoSettings, "demo").history:
            await bring_to_life(people, now=datetime.now(UTC))
    finally:
        install_keyring(None)
        await db.close()


def main(arguments: list[str]) -> int:
    if arguments not in (["prepare"], ["load"], ["seed"]):
        print("usage: python -m bot.demo prepare | load | seed", file=sys.stderr)  # noqa: T201
        return 2
    try:
        configuration = Configuration.read()
        set_up(configuration.section(LogSettings, "log"), service="demo")
        if arguments == ["prepare"]:
            prepare(configuration.data)
        else:
            asyncio.run(_load(configuration, history=arguments == ["seed"]))
    except ChatNationError as e:
        print(f"demo: {e}", file=sys.stderr)  # noqa: T201
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
