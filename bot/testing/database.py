"""Databases for tests: one throw-away server, the migrated schema as a template, a copy of it for whoever asks.

A copy takes a fraction of a second, a migration several: so every case has a database of its own.
"""

from __future__ import annotations

import asyncio
import itertools
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

from store import db
from store.apps import discover_apps
from store.embedded import EmbeddedPostgres, Role
from store.migrate import migrate

__all__ = ["Cluster", "Database", "all_apps", "connected", "throw_away_cluster"]

EXTENSIONS = ("vector", "pg_trgm")  # need a superuser once, as on a real server
LARGEST_POOL = 8


@dataclass(frozen=True, slots=True)
class Database:
    """One database of the cluster, by role."""

    name: str
    dsn: str  # chatnation_app, as every process has it
    system_dsn: str  # chatnation_system, BYPASSRLS
    owner_dsn: str  # for migrations
    superuser_dsn: str  # to look behind row level security


class Cluster:
    """The running server and its templates."""

    def __init__(self, server: EmbeddedPostgres) -> None:
        self.server = server
        self._numbers = itertools.count(1)
        self._templates: dict[tuple[db.AppModels, ...], str] = {}

    def database(self, name: str) -> Database:
        of = self.server.dsn
        return Database(name, of(Role.APP, name), of(Role.SYSTEM, name), of(Role.OWNER, name), of(Role.SUPERUSER, name))

    async def template(self, apps: Sequence[db.AppModels]) -> str:
        """The name of a database with these apps migrated; made at the first request. Without apps: extensions only."""
        key = tuple(apps)
        if key not in self._templates:
            name = f"template_{next(self._numbers)}"  # a new one: what an interrupted try left half made is not taken for it
            await self._on_server(f'CREATE DATABASE "{name}" OWNER chatnation_owner')
            made = self.database(name)
            connection = await asyncpg.connect(made.superuser_dsn)
            try:
                for extension in EXTENSIONS:
                    await connection.execute(f"CREATE EXTENSION IF NOT EXISTS {extension}")
            finally:
                await connection.close()
            if apps:
                await migrate(made.owner_dsn, apps)
            self._templates[key] = name
        return self._templates[key]

    @asynccontextmanager
    async def clone(self, apps: Sequence[db.AppModels]) -> AsyncIterator[Database]:
        """A database of its own, gone afterwards with whatever is still connected to it."""
        template = await self.template(apps)
        name = f"test_{next(self._numbers)}"
        await self._on_server(
            f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY OWNER chatnation_owner'
        )
        try:
            yield self.database(name)
        finally:
            await self._on_server(f'DROP DATABASE "{name}" WITH (FORCE)')

    async def _on_server(self, statement: str) -> None:
        connection = await asyncpg.connect(self.server.dsn(Role.SUPERUSER, "postgres"))
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


def all_apps() -> list[db.AppModels]:
    """The store and every installed skill that has models."""
    return [db.STORE, *discover_apps()]


@asynccontextmanager
async def connected(database: Database, apps: Sequence[db.AppModels], **settings: Any) -> AsyncIterator[Database]:
    """The process's store, connected to this database as `chatnation_app`."""
    await db.connect(
        database.dsn, system_dsn=database.system_dsn, models=apps, pool_min=0, pool_max=LARGEST_POOL, **settings
    )
    try:
        yield database
    finally:
        await asyncio.wait_for(db.close(), 10)


@asynccontextmanager
async def throw_away_cluster() -> AsyncIterator[Cluster]:
    """A server in a temporary folder, gone afterwards. It starts within a second, and ends with its process however that dies."""
    with tempfile.TemporaryDirectory(prefix="chatnation-test-") as folder:
        server = await asyncio.to_thread(EmbeddedPostgres(Path(folder), tests=True).start)
        try:
            yield Cluster(server)
        finally:
            await asyncio.to_thread(server.remove)
