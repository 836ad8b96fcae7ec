"""The servers under the benchmarks: PostgreSQL with fsync on and NATS, in a temporary folder; the migrated database with an organization in it."""

from __future__ import annotations

import asyncio
import dataclasses
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from bot.config import Configuration
from bot.demo.load import create
from bot.demo.people import DemoOrganization, prepare
from bot.runtime import open_store
from scheduler.embedded import EmbeddedNats
from store import db
from store.apps import discover_apps
from store.crypto import install_keyring
from store.embedded import EmbeddedPostgres, Role
from store.migrate import migrate

__all__ = ["FLOOR", "Stand", "open_stand"]

FLOOR = "floor"  # database of the hand-written programs, on the same server


@dataclass(frozen=True, slots=True)
class Stand:
    """`organizations` have one number each."""

    folder: Path
    postgres: EmbeddedPostgres
    nats: EmbeddedNats
    organizations: Sequence[DemoOrganization]

    def environment(self, **settings: str) -> dict[str, str]:
        """Of a process of ours. `settings` are names without prefix: WEB__PORT="8000"."""
        own = {
            "ENV": "dev",
            "DATA": str(self.folder),
            "STORE__DSN": self.postgres.dsn(),
            "STORE__SYSTEM_DSN": self.postgres.dsn(Role.SYSTEM),
            "NATS__URL": self.nats.url,
            "LOG__LEVEL": "WARNING",
        }
        return {f"CHATNATION__{name}": value for name, value in {**own, **settings}.items()}

    def floor_dsn(self) -> str:
        return self.postgres.dsn(Role.APP, FLOOR)

    async def make_floor_tables(self, statements: str) -> None:
        """In the floors' database, owned by the superuser, usable by the application's role under row level security."""
        connection = await asyncpg.connect(self.postgres.dsn(Role.SUPERUSER, FLOOR))
        try:
            await connection.execute(statements)
            await connection.execute(
                "GRANT ALL ON ALL TABLES IN SCHEMA public TO chatnation_app; GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO chatnation_app"
            )
        finally:
            await connection.close()

    async def superuser(self, statement: str, *values: object) -> None:
        """Past row level security, in the project's database: to prepare what is to be measured."""
        connection = await asyncpg.connect(self.postgres.dsn(Role.SUPERUSER))
        try:
            await connection.execute(statement, *values)
        finally:
            await connection.close()


@contextmanager
def open_stand(*, organizations: int = 4) -> Iterator[Stand]:
    with tempfile.TemporaryDirectory(prefix="chatnation-bench-") as folder:
        data = Path(folder)
        postgres = EmbeddedPostgres(data).start()
        nats = EmbeddedNats(data).start()
        try:
            stand = Stand(data, postgres, nats, _people(data, organizations))
            asyncio.run(_prepare(stand))
            yield stand
        finally:
            nats.stop(immediately=True)
            postgres.remove()


def _people(data: Path, count: int) -> list[DemoOrganization]:
    """The demo's organizations, and copies of the first until there are enough."""
    found = prepare(data)
    while len(found) < count:
        n = len(found)
        found.append(
            dataclasses.replace(
                found[0],
                slug=f"bench{n}",
                organization_id=f"{found[0].organization_id[:-4]}{n:04d}",
                account_id=f"{found[0].account_id[:-4]}{n:04d}",
                phone_number_id=f"{found[0].phone_number_id[:-4]}9{n:03d}",
                waba_id=f"{found[0].waba_id[:-4]}9{n:03d}",
            )
        )
    return found[:count]


async def _prepare(stand: Stand) -> None:
    await migrate(stand.postgres.dsn(Role.OWNER), [db.STORE, *discover_apps()])
    server = await asyncpg.connect(stand.postgres.dsn(Role.SUPERUSER, "postgres"))
    try:
        await server.execute(f"CREATE DATABASE {FLOOR}")
    finally:
        await server.close()
    master = await open_store(Configuration.read(stand.environment()), "bench")
    try:
        for each in stand.organizations:
            await create(each, master)
    finally:
        install_keyring(None)
        await db.close()
