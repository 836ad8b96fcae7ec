"""Applies migrations: as the owner, in dependency order, all or nothing, one at a time."""

from __future__ import annotations

import importlib
import logging
import pkgutil
from collections.abc import Callable, Iterable, Sequence
from typing import Any, cast

import asyncpg
from tortoise.apps import Apps
from tortoise.backends.asyncpg.client import AsyncpgDBClient
from tortoise.connection import ConnectionHandler
from tortoise.context import TortoiseContext
from tortoise.migrations.autodetector import MigrationAutodetector
from tortoise.migrations.executor import MigrationExecutor, MigrationTarget, PlanStep
from tortoise.migrations.graph import MigrationGraph, MigrationKey
from tortoise.migrations.schema_generator.state import ModelState, State
from tortoise.migrations.schema_generator.state_apps import StateApps
from tortoise.migrations.writer import MigrationWriter

from store.db import STORE, AppModels, apps_config
from store.engine import DEFAULT, RETRY_AFTER_S, DatabaseAway
from store.errors import Refused

__all__ = ["applied", "is_clean", "migrate", "migration_problems", "pending_changes"]

log = logging.getLogger(__name__)

LOCK_KEY = 0x43_4E_4D_49  # "CNMI": whoever migrates this database holds it
NOTHING = "__nothing__"
EXTENSIONS = ("vector", "pg_trgm")  # a superuser makes them, who is no role of ours
SETTING = "CHATNATION__STORE__OWNER_DSN"
Progress = Callable[[str, str], object]


async def migrate(
    owner_dsn: str,
    apps: Sequence[AppModels] = (STORE,),
    *,
    target: tuple[str, str | None] | None = None,
    progress: Progress | None = None,
) -> list[str]:
    """Brings the database to the newest migrations of `apps`; returns what was applied, as `store.0001_initial`.

    One transaction for the whole run, with the records of what was applied: a crash leaves the old schema. Concurrent runs wait for each
    other on an advisory lock, and the second finds nothing to do. `target` (app, migration) goes to exactly that migration, also backwards;
    (app, None) takes the app's tables away altogether, and those that depend on them.

    Raises:
        DatabaseAway: nothing answers at `owner_dsn`.
        Refused: PostgreSQL does not accept it, or an extension or role is missing there.
    """
    config = apps_config(app for app in apps if app.migrations)
    done: list[str] = []

    def note(event: str, app: str, name: str) -> None:
        if event.endswith("_done"):
            done.append(f"{app}.{name}")
            log.info(
                "migration applied" if event == "apply_done" else "migration undone", extra={"migration": done[-1]}
            )
        if progress is not None:
            progress(event, f"{app}.{name}")

    # A context of its own: migrations work on recorded state, and must not touch the models that this process may be using.
    context = TortoiseContext()
    with context:
        context.connections._init_config({DEFAULT: {"engine": _OWNER_ENGINE, "credentials": {"dsn": owner_dsn}}})
        try:
            client = context.connections.get(DEFAULT)
            async with client._in_transaction() as transaction:
                await transaction.execute_query(f"SELECT pg_advisory_xact_lock({LOCK_KEY})")
                if any(app.label == STORE.label for app in apps):
                    await _require_extensions(transaction)
                executor = _Executor(transaction, config)
                await executor.recorder.ensure_schema(executor._schema_editor(atomic=False))
                targets = None if target is None else [MigrationTarget(app_label=target[0], name=target[1] or NOTHING)]
                await executor.migrate(targets, progress=note)
        except (OSError, asyncpg.CannotConnectNowError) as e:
            raise DatabaseAway(f"migrating: {e}; see {SETTING}", after_s=RETRY_AFTER_S) from e
        except (
            asyncpg.InvalidAuthorizationSpecificationError,
            asyncpg.InvalidCatalogNameError,
            asyncpg.exceptions.ClientConfigurationError,
        ) as e:
            raise Refused(f"PostgreSQL refused the connection: {e}; see {SETTING}") from e
        finally:
            await context.close_connections()
    return done


async def _require_extensions(transaction: Any) -> None:
    _, rows = await transaction.execute_query("SELECT extname FROM pg_extension")
    missing = [name for name in EXTENSIONS if name not in {row["extname"] for row in rows}]
    if missing:
        makes = "; ".join(f"CREATE EXTENSION {name}" for name in missing)
        raise Refused(f"the database of {SETTING} lacks {' and '.join(missing)}: run there as a superuser: {makes}")


async def applied(owner_dsn: str) -> list[str]:
    """What the database says has been applied, oldest first."""
    connection = await asyncpg.connect(owner_dsn)
    try:
        if await connection.fetchval("SELECT to_regclass('tortoise_migrations')") is None:
            return []
        rows = await connection.fetch("SELECT app, name FROM tortoise_migrations ORDER BY id")
        return [f"{row['app']}.{row['name']}" for row in rows]
    finally:
        await connection.close()


async def pending_changes(apps: Sequence[AppModels]) -> list[MigrationWriter]:
    """What `makemigrations` would write: one writer per app whose models differ from its migrations. Needs no database."""
    config = apps_config(apps)
    for app in apps:
        if app.migrations:
            importlib.import_module(app.migrations)
    handler = ConnectionHandler()
    handler._init_config({DEFAULT: {"engine": _OWNER_ENGINE, "credentials": {"dsn": ""}}})
    registry = Apps(config, handler, validate_connections=False)
    return await MigrationAutodetector(registry, config).changes()


async def is_clean(app: AppModels, among: Sequence[AppModels] = (STORE,)) -> bool:
    """Whether the app's migrations say what its models say. `among` are the apps that it refers to."""
    writers = await pending_changes([*(other for other in among if other.label != app.label), app])
    return all(writer.app_label != app.label for writer in writers)


def migration_problems(app: AppModels) -> list[str]:
    """What Tortoise's tool does not write and a skill's author forgets: the first migration must come after one of the store's."""
    if app.label == STORE.label or app.migrations is None:
        return []
    package = importlib.import_module(app.migrations)
    names = sorted(name for _, name, is_package in pkgutil.iter_modules(package.__path__) if not is_package)
    if not names:
        return [f"{app.label} has models and no migration"]
    first = importlib.import_module(f"{app.migrations}.{names[0]}").Migration
    if any(label == STORE.label for label, _ in first.dependencies):
        return []
    return [f"{app.label}.{names[0]} does not depend on a migration of the store"]


class _Executor(MigrationExecutor):
    """Tortoise's, but the way back to nothing also works for an app whose first migration depends on another app's, and no state is rendered in vain."""

    async def _project_state(self, applied: set[MigrationKey], *, upto: MigrationKey | None = None) -> State:
        return _State.of(await super()._project_state(applied, upto=upto))

    async def _project_state_cache(self, applied: set[MigrationKey]) -> dict[MigrationKey, State]:
        return {key: _State.of(state) for key, state in (await super()._project_state_cache(applied)).items()}

    def _migration_plan(
        self, targets: Iterable[MigrationTarget] | None, applied: set[MigrationKey], graph: MigrationGraph
    ) -> list[PlanStep]:
        given = None if targets is None else list(targets)
        if given is None or [target.name for target in given] != [NOTHING]:
            return super()._migration_plan(given, applied, graph)
        label = given[0].app_label
        return self._dedupe_plan(
            [
                step
                for key in sorted(graph.nodes)
                if key.app_label == label
                for step in self._backward_plan(
                    MigrationTarget(app_label=label, name=key.name), applied, graph, include_target=True
                )
            ]
        )


class _State(State):
    """Models at one point of the migrations. A copy builds its model classes when an operation looks at them.

    Tortoise copies the state before every operation and builds all classes of the copy; hardly any operation looks at what was before.
    That was four fifths of the time of migrating an empty database.
    """

    def __init__(self, models: dict[tuple[str, str], ModelState], origin: StateApps) -> None:
        self.models = models
        self._origin = origin  # for its connections

    @classmethod
    def of(cls, state: State) -> State:
        found = cls(state.models, state.apps)
        found.apps = state.apps
        return found

    def clone(self) -> State:
        return _State({key: model.clone() for key, model in self.models.items()}, self._origin)

    def __getattr__(self, name: str) -> Any:
        if name != "apps":
            raise AttributeError(name)
        self.apps = self._origin.clone(model_states=self.models)
        return self.apps


class OwnerClient(AsyncpgDBClient):
    """Tortoise's own client, from a DSN: one connection, no time-outs, as a migration may take its time."""

    def __init__(self, dsn: str, connection_name: str) -> None:
        super().__init__(connection_name=connection_name)
        self._dsn = dsn

    async def create_connection(self, with_db: bool) -> None:
        self._pool = cast("Any", await asyncpg.create_pool(self._dsn, min_size=1, max_size=1))
        await self._post_connect()


_OWNER_ENGINE = "store.migrate"
client_class = OwnerClient
