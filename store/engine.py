"""The database client under Tortoise: every statement of an organization's scope runs with `app.current_org` set.

A Tortoise backend (`"engine": "store.engine"`). It differs from Tortoise's own asyncpg client in three ways:

* a transaction starts with `BEGIN; SET LOCAL app.current_org = ...` in one simple query, so row level security costs no round trip;
* a statement outside of a transaction, but inside an `organization_scope`, gets a short transaction of its own; one that only reads
  binds its organization itself, in one round trip instead of three;
* a connection goes back to the pool without `RESET ALL`: nothing here ever sets session state, so there is nothing to reset.
"""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Any, cast
from uuid import UUID

import asyncpg
from tortoise.backends.asyncpg.client import AsyncpgDBClient, TransactionWrapper
from tortoise.backends.base.client import ConnectionWrapper, NestedTransactionContext, TransactionContext
from tortoise.backends.base_postgres.client import translate_exceptions
from tortoise.connection import get_connections

from store.access import allow_sql
from store.errors import ChatNationError, CrossOrganization, Refused, Retryable
from store.metrics import note_query
from store.scope import Scope, current_scope

__all__ = [
    "DEFAULT",
    "SYSTEM",
    "DatabaseAway",
    "ScopedClient",
    "ScopedTransaction",
    "ScopedTransactionClient",
    "TransactionAborted",
    "client_class",
]

DEFAULT = "default"  # connection of role chatnation_app, held to row level security
SYSTEM = "system"  # connection of role chatnation_system (BYPASSRLS), inside `unscoped` only
ACQUIRE_TIMEOUT_S = 30.0  # a pool dry for so long means that something holds connections; waiting on hides it
RETRY_AFTER_S = 1.0  # PostgreSQL recovers from kill -9 within a second or two

_CONNECTION_LOST = (
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
    # A server that dies between two messages of the protocol can leave asyncpg in a state that it has no other word for.
    asyncpg.InternalClientError,
)


class DatabaseAway(Retryable):
    """PostgreSQL cannot be reached, or went away within the statement. What was being committed then may or may not be."""


class TransactionAborted(ChatNationError):
    """A statement had failed and its error was swallowed: PostgreSQL rolled back what was meant to be committed."""


def begin_statement(organization_id: UUID | None) -> str:
    """`BEGIN` and the binding in one round trip. Only a UUID comes in, so the text needs no quoting."""
    if organization_id is None:
        return "BEGIN"
    return f"BEGIN; SET LOCAL app.current_org = '{organization_id}'"


def bound_select(query: str, parameters: int) -> str:
    """The query, binding the organization of the last parameter before it reads a row.

    LIMIT needs `b.org`, so the planner can only run the query after `set_config`, which cannot be folded or moved. Should that ever fail, row level
    security sees no organization and no row. The outer side has one row, so the query's own order stands.
    """
    return (
        f"SELECT q.* FROM (SELECT set_config('app.current_org', ${parameters + 1}, true) AS org OFFSET 0) b"  # noqa: S608 - the ORM's own SQL
        f" CROSS JOIN LATERAL (SELECT * FROM ({query}) i LIMIT CASE WHEN b.org IS NULL THEN 0 END) q"
    )


def _only_reads(query: str) -> bool:
    return query.startswith("SELECT ") and " FOR UPDATE" not in query and " FOR SHARE" not in query


class ScopedClient(AsyncpgDBClient):
    """The pool of one role."""

    def __init__(
        self,
        dsn: str,
        minsize: int,
        maxsize: int,
        server_settings: dict[str, str],
        command_timeout_s: float,
        connection_name: str,
    ) -> None:
        super().__init__(connection_name=connection_name)
        self._dsn = dsn
        self._minsize = minsize
        self._maxsize = maxsize
        self._server_settings = server_settings
        self._command_timeout_s = command_timeout_s

    async def create_connection(self, with_db: bool) -> None:
        try:
            self._pool = await asyncpg.create_pool(
                self._dsn,
                min_size=self._minsize,
                max_size=self._maxsize,
                server_settings=self._server_settings,
                command_timeout=self._command_timeout_s,
                init=_measure,
                reset=_leave_session_as_it_is,
            )
        except (OSError, *_CONNECTION_LOST) as e:
            raise DatabaseAway(f"connecting to PostgreSQL: {e}; see {self._setting}", after_s=RETRY_AFTER_S) from e
        except (
            asyncpg.InvalidAuthorizationSpecificationError,
            asyncpg.InvalidCatalogNameError,
            asyncpg.exceptions.ClientConfigurationError,
        ) as e:
            raise Refused(f"PostgreSQL refused the connection: {e}; see {self._setting}") from e
        await self._post_connect()

    @property
    def _setting(self) -> str:
        return "CHATNATION__STORE__SYSTEM_DSN" if self.connection_name == SYSTEM else "CHATNATION__STORE__DSN"

    async def borrow(self) -> Any:
        """A pooled asyncpg connection; give it back with `give_back`."""
        if self._pool is None:
            async with self._pool_init_lock:
                if self._pool is None:
                    await self.create_connection(with_db=True)
        assert self._pool is not None
        try:
            # A time-out costs a task in asyncpg, a fifth of a short transaction: only who has to wait pays for it.
            idle = self._pool.get_idle_size() > 0
            return await self._pool.acquire(timeout=None if idle else ACQUIRE_TIMEOUT_S)
        except TimeoutError as e:
            raise DatabaseAway(f"no free connection within {ACQUIRE_TIMEOUT_S:.0f} s", after_s=RETRY_AFTER_S) from e
        except (OSError, asyncpg.InterfaceError, *_CONNECTION_LOST) as e:
            raise DatabaseAway(f"connecting to PostgreSQL: {e}", after_s=RETRY_AFTER_S) from e

    async def give_back(self, connection: Any) -> None:
        if self._pool is not None:
            await self._pool.release(connection)

    def bound_organization(self) -> UUID | None:
        """The organization that statements on this connection must be held to; None for the system's connection."""
        if self.connection_name == SYSTEM:
            return None
        scope = current_scope()
        return None if scope is None else scope.organization_id

    def acquire_connection(self) -> Any:
        return _Statement(self)

    @translate_exceptions
    async def execute_query(self, query: str, values: list[Any] | None = None) -> tuple[int, list[Any]]:
        allow_sql(query)
        organization_id = self.bound_organization()
        if organization_id is None or not _only_reads(query):
            found: tuple[int, list[Any]] = await super().execute_query(query, values)
            return found
        given = values or []
        connection = await self.borrow()
        try:
            rows = await connection.fetch(bound_select(query, len(given)), *given, str(organization_id))
        finally:
            await self.give_back(connection)
        return len(rows), rows

    @translate_exceptions
    async def execute_many(self, query: str, values: list[Any]) -> None:
        allow_sql(query)
        async with self.acquire_connection() as connection:
            await connection.executemany(query, values)  # atomic in asyncpg, also without a transaction

    async def execute_insert(self, query: str, values: list[Any]) -> Any:
        allow_sql(query)
        return await super().execute_insert(query, values)

    async def execute_query_dict(self, query: str, values: list[Any] | None = None) -> list[dict[str, Any]]:
        allow_sql(query)
        found: list[dict[str, Any]] = await super().execute_query_dict(query, values)
        return found

    def _in_transaction(self) -> TransactionContext:
        return ScopedTransaction(self, self.bound_organization())

    async def _translate_exceptions(self, func: Any, *args: Any, **kwargs: Any) -> Any:
        return await _translated(super()._translate_exceptions, func, *args, **kwargs)


class _Statement:
    """One statement of the ORM outside of a transaction: alone when nothing is bound, else in a transaction of its own."""

    __slots__ = ("_client", "_connection", "_organization_id")

    def __init__(self, client: ScopedClient) -> None:
        self._client = client
        self._organization_id = client.bound_organization()

    async def __aenter__(self) -> Any:
        self._connection = await self._client.borrow()
        if self._organization_id is not None:
            try:
                await self._connection.execute(begin_statement(self._organization_id))
            except BaseException:
                await self._client.give_back(self._connection)
                raise
        return self._connection

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._organization_id is not None and not is_gone(self._connection):
                await self._connection.execute("COMMIT" if error is None else "ROLLBACK")
        finally:
            await self._client.give_back(self._connection)


class ScopedTransactionClient(TransactionWrapper):
    """What the ORM and raw SQL talk to inside a transaction. Nested ones are savepoints on the same connection."""

    def __init__(self, parent: ScopedClient, connection: Any, organization_id: UUID | None) -> None:
        super().__init__(parent)
        self._connection = connection
        self.organization_id = organization_id
        self.first_tag = ""
        """PostgreSQL's command tag of the statement that the transaction began with."""
        self._savepoints: list[str] = []

    @property
    def connection(self) -> Any:
        return self._connection

    @property
    def lock(self) -> asyncio.Lock:
        """Held per statement, so that `gather` inside a transaction takes turns on its one connection."""
        return self._lock

    async def execute_query(self, query: str, values: list[Any] | None = None) -> tuple[int, list[Any]]:
        allow_sql(query)
        found: tuple[int, list[Any]] = await super().execute_query(query, values)
        return found

    async def execute_insert(self, query: str, values: list[Any]) -> Any:
        allow_sql(query)
        return await super().execute_insert(query, values)

    async def execute_query_dict(self, query: str, values: list[Any] | None = None) -> list[dict[str, Any]]:
        allow_sql(query)
        found: list[dict[str, Any]] = await super().execute_query_dict(query, values)
        return found

    async def execute_many(self, query: str, values: list[Any]) -> None:
        allow_sql(query)
        await super().execute_many(query, values)

    def _in_transaction(self) -> TransactionContext:
        return NestedTransactionContext(_Savepoint(self))

    def acquire_connection(self) -> ConnectionWrapper[Any]:
        return ConnectionWrapper(self._lock, self)

    async def push_savepoint(self) -> str:
        name = f"s{len(self._savepoints)}"
        async with self._lock:
            await self._connection.execute(f"SAVEPOINT {name}")
        self._savepoints.append(name)
        return name

    async def pop_savepoint(self, name: str, *, keep: bool) -> None:
        """Releases the savepoint, or goes back to it."""
        assert self._savepoints[-1] == name, "savepoints end in the reverse order of their beginning"
        self._savepoints.pop()
        async with self._lock:
            if not keep:
                await self._connection.execute(f"ROLLBACK TO SAVEPOINT {name}; RELEASE SAVEPOINT {name}")
                return
            try:
                await self._connection.execute(f"RELEASE SAVEPOINT {name}")
            except asyncpg.InFailedSQLTransactionError as e:
                raise TransactionAborted("releasing a savepoint after a failed statement") from e

    async def begin(self, first: str = "") -> None:
        """`first` runs in the same round trip; it is plain SQL, so nothing from outside may be in it."""
        begin = begin_statement(self.organization_id)
        async with self._lock:
            self.first_tag = await self._connection.execute(f"{begin}; {first}" if first else begin)

    async def commit(self) -> None:
        self._finalized = True
        async with self._lock:
            outcome = await self._connection.execute("COMMIT")
        if outcome != "COMMIT":  # PostgreSQL answers ROLLBACK when a statement had failed, and raises nothing
            raise TransactionAborted("committing after a failed statement")

    async def rollback(self) -> None:
        self._finalized = True
        if not is_gone(self._connection):
            async with self._lock:
                await self._connection.execute("ROLLBACK")

    async def _translate_exceptions(self, func: Any, *args: Any, **kwargs: Any) -> Any:
        return await _translated(super()._translate_exceptions, func, *args, **kwargs)


class _Savepoint(ScopedTransactionClient):
    """The ORM's own nested transactions (`get_or_create`): the same connection, lock and savepoint names as the outer one."""

    def __init__(self, outer: ScopedTransactionClient) -> None:
        super().__init__(cast("ScopedClient", outer), outer.connection, outer.organization_id)
        self._lock = outer.lock
        self._savepoints = outer._savepoints
        self._name = ""

    async def savepoint(self) -> None:
        self._name = await self.push_savepoint()

    async def release_savepoint(self) -> None:
        self._finalized = True
        await self.pop_savepoint(self._name, keep=True)

    async def savepoint_rollback(self) -> None:
        self._finalized = True
        if not is_gone(self._connection):
            await self.pop_savepoint(self._name, keep=False)

    commit = release_savepoint
    rollback = savepoint_rollback


class ScopedTransaction(TransactionContext):
    """Borrows a connection, begins, makes Tortoise use it in this task, and ends it."""

    def __init__(self, pool: ScopedClient, organization_id: UUID | None, first: str = "") -> None:
        self._pool_client = pool
        self._organization_id = organization_id
        self._first = first

    async def __aenter__(self) -> ScopedTransactionClient:
        connection = await self._pool_client.borrow()
        client = ScopedTransactionClient(self._pool_client, connection, self._organization_id)
        try:
            await client.begin(self._first)
        except BaseException as e:
            if self._first and not is_gone(connection) and connection.is_in_transaction():
                await connection.execute("ROLLBACK")  # begun, and then the first statement failed
            await self._pool_client.give_back(connection)
            raise_if_away(e, connection)
            raise
        self.client = client
        self._token = get_connections().set(self._pool_client.connection_name, client)
        return client

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        client = cast("ScopedTransactionClient", self.client)
        connection = client.connection
        try:
            if client._finalized:
                return
            if error is None:
                await client.commit()
            else:
                await client.rollback()
                raise_if_away(error, connection)
        except Exception as e:
            raise_if_away(e, connection)
            raise
        finally:
            get_connections().reset(self._token)
            await self._pool_client.give_back(connection)


def is_gone(connection: Any) -> bool:
    """Whether the borrowed connection is dead. The pool takes a dead one away from under its borrower, which then may not be asked anything."""
    try:
        return bool(connection.is_closed())
    except asyncpg.InterfaceError:
        return True


def raise_if_away(error: BaseException, connection: Any) -> None:
    """Turns the loss of the connection into `DatabaseAway`; lets every other error be."""
    if isinstance(error, DatabaseAway) or not isinstance(error, Exception):
        return
    if isinstance(error, asyncpg.InternalClientError) and not is_gone(connection):
        connection.terminate()  # whatever state it is in, nobody may borrow it again
    if isinstance(error, _CONNECTION_LOST) or (
        isinstance(error, OSError | asyncpg.InterfaceError) and is_gone(connection)
    ):
        raise DatabaseAway(f"PostgreSQL went away: {error}", after_s=RETRY_AFTER_S) from error


async def _translated(translate: Any, func: Any, *args: Any, **kwargs: Any) -> Any:
    """Tortoise's translation, with ours before it: a refusal by row level security, and a lost connection."""

    async def ours(client: Any, *inner: Any, **named: Any) -> Any:
        try:
            return await func(client, *inner, **named)
        except asyncpg.InsufficientPrivilegeError as e:
            if "row-level security" in str(e):
                raise CrossOrganization(str(e)) from e
            raise
        except (OSError, *_CONNECTION_LOST) as e:
            raise DatabaseAway(f"PostgreSQL went away: {e}", after_s=RETRY_AFTER_S) from e
        except asyncpg.InterfaceError as e:
            if "closed" in str(e):
                raise DatabaseAway(f"PostgreSQL went away: {e}", after_s=RETRY_AFTER_S) from e
            raise

    return await translate(ours, *args, **kwargs)


async def _measure(connection: Any) -> None:
    connection.add_query_logger(note_query)


async def _leave_session_as_it_is(connection: Any) -> None:
    """No `RESET ALL` on release: it would cost a round trip, and `SET LOCAL` has ended with its transaction.

    asyncpg itself still rolls back a transaction that was left open.
    """


class ScopeRouter:
    """Sends the ORM's queries to the system's connection inside `unscoped`, to the application's everywhere else."""

    def db_for_read(self, model: type[Any]) -> str:
        return connection_name_of(current_scope())

    def db_for_write(self, model: type[Any]) -> str:
        return connection_name_of(current_scope())


def connection_name_of(scope: Scope | None) -> str:
    """
    Raises:
        Refused: `unscoped` in a process that was given no DSN of the system role.
    """
    if scope is None or scope.organization_id is not None:
        return DEFAULT
    if SYSTEM not in get_connections().db_config:
        raise Refused(f"unscoped({scope.reason!r}) needs store.system_dsn, which is not set")
    return SYSTEM


client_class = ScopedClient
