"""The way to the database: `connect`, `transaction`, and short reads.

    await connect(dsn, system_dsn=system_dsn, models=[STORE, AppModels.of_skill("events")])
    with organization_scope(organization_id):
        async with transaction() as tx:
            await Contact.create(name="Asha")                       # the ORM uses the transaction's connection
            await tx.execute("UPDATE sessions SET ... WHERE id = $1", session_id)

Raw SQL passes and receives `jsonb` as text (`$1::jsonb`), see `store.jsonb`; no codec is registered, so Tortoise's JSONField, which sends text too,
lives on the same connections. Values of raw SQL are asyncpg's: aware datetimes, UUIDs, bytes.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any
from uuid import UUID

from tortoise.connection import get_connections
from tortoise.context import TortoiseContext
from tortoise.log import db_client_logger

from store import engine
from store.access import allow_sql
from store.engine import DatabaseAway, ScopedClient, ScopedTransaction, ScopedTransactionClient, TransactionAborted
from store.errors import CrossOrganization, NotBound, Refused
from store.scope import current_scope

__all__ = [
    "STORE",
    "AppModels",
    "DatabaseAway",
    "PlatformTx",
    "TransactionAborted",
    "Tx",
    "close",
    "connect",
    "execute",
    "fetch",
    "fetchrow",
    "fetchval",
    "is_connected",
    "ping",
    "platform_transaction",
    "read",
    "transaction",
]

STATEMENT_TIMEOUT_S = 30.0  # nothing that a person waits for may take longer
IDLE_IN_TRANSACTION_TIMEOUT_S = 30.0  # a network call inside a transaction is found here at run time


@dataclass(frozen=True, slots=True)
class AppModels:
    """One Tortoise app: the store itself, or a skill."""

    label: str
    models: str
    migrations: str | None = None

    @classmethod
    def of_skill(cls, name: str, package: str = "skills") -> AppModels:
        return cls(name, f"{package}.{name}.models", f"{package}.{name}.migrations")


STORE = AppModels("store", "store.models", "store.migrations")

_context: TortoiseContext | None = None


async def connect(
    dsn: str,
    *,
    system_dsn: str | None = None,
    pool_min: int = 1,
    pool_max: int = 8,
    models: Sequence[AppModels] = (STORE,),
    application_name: str = "chatnation",
    statement_timeout_s: float = STATEMENT_TIMEOUT_S,
    idle_in_transaction_timeout_s: float = IDLE_IN_TRANSACTION_TIMEOUT_S,
) -> None:
    """Opens the pool of this process and loads the models. `dsn` is of role chatnation_app, `system_dsn` of chatnation_system.

    The pools are for every task and event of the running loop, and recover by themselves when PostgreSQL comes back.

    Raises:
        DatabaseAway: nothing answers at `dsn`.
        Refused: PostgreSQL does not accept the DSN; or this process is connected already.
    """
    global _context
    if _context is not None:
        raise Refused("the store is connected already; close() it first")
    settings = {
        "application_name": application_name,
        "statement_timeout": str(int(statement_timeout_s * 1000)),
        "idle_in_transaction_session_timeout": str(int(idle_in_transaction_timeout_s * 1000)),
        "timezone": "UTC",
    }

    def connection_to(target: str, minimum: int) -> dict[str, Any]:
        return {
            "engine": "store.engine",
            "credentials": {
                "dsn": target,
                "minsize": minimum,
                "maxsize": pool_max,
                "server_settings": settings,
                "command_timeout_s": statement_timeout_s + 5,  # the server's own time-out speaks first
            },
        }

    connections = {engine.DEFAULT: connection_to(dsn, pool_min)}
    if system_dsn is not None:
        connections[engine.SYSTEM] = connection_to(system_dsn, 0)  # opened by the first unscoped()
    db_client_logger.setLevel(
        logging.INFO
    )  # at debug it writes the values of every statement: texts, phone numbers, tokens
    context = TortoiseContext()
    with context:  # current for the models while they load; afterwards the fallback of every task of the process
        await context.init(
            {"connections": connections, "apps": apps_config(models)},
            routers=[engine.ScopeRouter],
            _enable_global_fallback=True,
        )
    _context = context
    try:
        await context.connections.get(engine.DEFAULT).create_connection(with_db=True)
    except BaseException:
        await close()
        raise


def apps_config(models: Iterable[AppModels]) -> dict[str, dict[str, Any]]:
    """Tortoise's `apps` section."""
    return {
        app.label: {
            "models": [app.models],
            "default_connection": engine.DEFAULT,
            **({"migrations": app.migrations} if app.migrations else {}),
        }
        for app in models
    }


async def close() -> None:
    """Closes the pools; harmless when nothing is open."""
    global _context
    context, _context = _context, None
    if context is not None:
        await context.close_connections()


def is_connected() -> bool:
    return _context is not None


async def ping() -> None:
    """For readiness probes.

    Raises:
        DatabaseAway: no statement can be run now.
    """
    client: Any = get_connections().get(engine.DEFAULT)
    await client.execute_query("SELECT 1")


class Tx:
    """An open transaction. Rows are asyncpg records; errors of statements are asyncpg's own, so that unique violations can be told apart."""

    __slots__ = ("_client", "conn")

    def __init__(self, client: ScopedTransactionClient) -> None:
        self._client = client
        self.conn: Any = client.connection
        """The asyncpg connection, for COPY, cursors and prepared statements. Do not begin or end transactions on it."""

    @property
    def organization_id(self) -> UUID | None:
        """None inside `unscoped`."""
        return self._client.organization_id

    @property
    def first_tag(self) -> str:
        """The command tag of `transaction(first=...)`."""
        return self._client.first_tag

    async def fetch(self, sql: str, *values: Any) -> list[Any]:
        allow_sql(sql)
        async with self._client.lock:
            rows: list[Any] = await self.conn.fetch(sql, *values)
            return rows

    async def fetchrow(self, sql: str, *values: Any) -> Any:
        allow_sql(sql)
        async with self._client.lock:
            return await self.conn.fetchrow(sql, *values)

    async def fetchval(self, sql: str, *values: Any) -> Any:
        allow_sql(sql)
        async with self._client.lock:
            return await self.conn.fetchval(sql, *values)

    async def execute(self, sql: str, *values: Any) -> str:
        """PostgreSQL's command tag, as in `UPDATE 1`."""
        allow_sql(sql)
        async with self._client.lock:
            tag: str = await self.conn.execute(sql, *values)
            return tag

    async def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        allow_sql(sql)
        async with self._client.lock:
            await self.conn.executemany(sql, rows)


class PlatformTx(Tx):
    """A transaction of the application's role that may serve several organizations, one after the other."""

    __slots__ = ()

    async def bind(self, organization_id: UUID | None) -> None:
        """Statements from here on see and write this organization's rows only; None: no organization's. One round trip."""
        async with self._client.lock:
            await self.conn.execute(f"SET LOCAL app.current_org = '{organization_id or ''}'")


def transaction(*, first: str = "") -> AbstractAsyncContextManager[Tx]:
    """One short transaction of the bound organization, or inside `unscoped` of the system's role. Nested: a savepoint.

    `first` is a statement that goes with BEGIN in one round trip, outermost only; plain SQL, so nothing but keys of ours may be written into it.
    Its command tag is `tx.first_tag`.

    Never call out to the network inside. Tasks started inside must end inside: a later statement of theirs raises.

    Raises:
        NotBound: outside of `organization_scope` and `unscoped`.
        CrossOrganization: nested in a transaction of another organization.
        Refused: an organization's transaction inside one of the system's role, which would wait for rows of its own caller. Write the rows
            with an explicit organization_id inside `unscoped`, or commit first.
        DatabaseAway: PostgreSQL is not there, or went away; the outcome of a commit under way is then unknown.
        TransactionAborted: on leaving, when a failed statement's error was swallowed inside; nothing is written.
    """
    return _Transaction(first)


class _Transaction(AbstractAsyncContextManager[Tx]):
    __slots__ = ("_client", "_first", "_owned", "_savepoint")

    def __init__(self, first: str) -> None:
        self._first = first

    async def __aenter__(self) -> Tx:
        self._owned: ScopedTransaction | None = None
        self._savepoint = ""
        current, organization_id = _bound_client()
        if isinstance(current, ScopedTransactionClient):
            if self._first:
                raise Refused("a first statement goes with BEGIN, and a transaction is open already")
            self._client = current
            self._savepoint = await current.push_savepoint()
        else:
            self._owned = ScopedTransaction(current, organization_id, self._first)
            self._client = await self._owned.__aenter__()
        return Tx(self._client)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._owned is not None:
            await self._owned.__aexit__(kind, error, trace)
        elif not engine.is_gone(self._client.connection):
            await self._client.pop_savepoint(self._savepoint, keep=error is None)


def _bound_client() -> tuple[ScopedClient | ScopedTransactionClient, UUID | None]:
    """The pool for the current scope, or the transaction that this task has open in it."""
    scope = current_scope()
    if scope is None:
        raise NotBound("a database transaction outside of organization_scope and unscoped")
    connections = get_connections()
    name = engine.connection_name_of(scope)
    current: Any = connections.get(name)
    if isinstance(current, ScopedTransactionClient):
        if current.organization_id != scope.organization_id:
            raise CrossOrganization(
                f"transaction of organization {scope.organization_id} inside one of {current.organization_id}"
            )
    elif (
        name == engine.DEFAULT
        and engine.SYSTEM in connections.db_config
        and isinstance(connections.get(engine.SYSTEM), ScopedTransactionClient)
    ):
        raise Refused("an organization's transaction inside a transaction of unscoped()")
    return current, scope.organization_id


@asynccontextmanager
async def platform_transaction() -> AsyncIterator[PlatformTx]:
    """One transaction of the application's role, bound to no organization until `tx.bind(organization_id)` says so.

    For the few places that commit rows of several organizations together and stay under row level security: the group commit of webhook
    deliveries. Raw SQL only: the ORM does not join it.
    """
    pool: Any = get_connections().get(engine.DEFAULT)
    if isinstance(pool, ScopedTransactionClient):
        raise Refused("platform_transaction() inside another transaction")
    connection = await pool.borrow()
    client = ScopedTransactionClient(pool, connection, None)
    try:
        await client.begin()
        try:
            yield PlatformTx(client)
        except BaseException:
            await client.rollback()
            raise
        await client.commit()
    except Exception as e:
        engine.raise_if_away(e, connection)
        raise
    finally:
        await pool.give_back(connection)


async def fetch(sql: str, *values: Any) -> list[Any]:
    """One statement in the current scope: in the open transaction, or in a short one of its own (three round trips, two fewer in `unscoped`)."""
    allow_sql(sql)
    async with _statement() as connection:
        rows: list[Any] = await connection.fetch(sql, *values)
        return rows


async def read(sql: str, *values: Any) -> list[Any]:
    """One statement that begins with SELECT and locks nothing: in the open transaction, or in one round trip, the organization bound by itself."""
    client, _ = _bound_client()
    rows: list[Any] = (await client.execute_query(sql, list(values)))[1]
    return rows


async def fetchrow(sql: str, *values: Any) -> Any:
    allow_sql(sql)
    async with _statement() as connection:
        return await connection.fetchrow(sql, *values)


async def fetchval(sql: str, *values: Any) -> Any:
    allow_sql(sql)
    async with _statement() as connection:
        return await connection.fetchval(sql, *values)


async def execute(sql: str, *values: Any) -> str:
    allow_sql(sql)
    async with _statement() as connection:
        tag: str = await connection.execute(sql, *values)
        return tag


@asynccontextmanager
async def _statement() -> AsyncIterator[Any]:
    client, _ = _bound_client()
    async with client.acquire_connection() as connection:
        try:
            yield connection
        except Exception as e:
            engine.raise_if_away(e, connection)
            raise
