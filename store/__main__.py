"""`python -m store migrate`: applies the migrations of the store and of the skills beside it.

Reads CHATNATION__STORE__OWNER_DSN, or takes `--owner-dsn`, and CHATNATION__SKILLS__FOLDERS; files of settings are read by `chatnation migrate`,
which passes them on.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
from collections.abc import Sequence

from store.apps import discover_apps
from store.db import STORE, AppModels
from store.errors import ChatNationError
from store.migrate import applied, migrate
from store.settings import StoreSettings

MISSING = "set CHATNATION__STORE__OWNER_DSN, or pass --owner-dsn: the role that owns the tables"


def main(arguments: Sequence[str] | None = None) -> int:
    """0: done; 1: the database could not be reached or a migration failed; 2: wrong use."""
    parser = argparse.ArgumentParser(prog="python -m store", description="The store's own commands.")
    parser.add_argument("command", choices=["migrate", "applied"])
    parser.add_argument("--owner-dsn", help="default: CHATNATION__STORE__OWNER_DSN")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.WARNING)

    setting = StoreSettings.from_environment().owner_dsn
    owner_dsn = options.owner_dsn or (setting.get_secret_value() if setting else None)
    if not owner_dsn:
        print(MISSING, file=sys.stderr)  # noqa: T201
        return 2
    try:
        names = asyncio.run(_run(options.command, owner_dsn, [STORE, *discover_apps()]))
    except ChatNationError as e:
        print(e, file=sys.stderr)  # noqa: T201
        return 1
    print("\n".join(names) or "nothing to do")  # noqa: T201
    return 0


async def _run(command: str, owner_dsn: str, apps: Sequence[AppModels]) -> list[str]:
    if command == "applied":
        return await applied(owner_dsn)
    return await migrate(owner_dsn, apps)


if __name__ == "__main__":
    sys.exit(main())
