"""Who leads: whoever holds a session-level advisory lock. It goes with its connection, so a killed leader is replaced within a second."""

from __future__ import annotations

import logging
from typing import Any

import asyncpg

__all__ = ["Leadership"]

log = logging.getLogger(__name__)

LOCK = 0x43_4E_43_4C_4F_43_4B  # "CNCLOCK"
CONNECT_TIMEOUT_S = 3.0
ASK_TIMEOUT_S = 1.0
# The last: what asyncpg says when a connection is lost between two steps of one exchange.
ERRORS = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)


class Leadership:
    """Args:
    dsn: Role chatnation_system, not through a pooler of transactions.
    """

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._connection: Any = None

    async def try_take(self) -> bool:
        """Raises nothing: a database that is away has no leader."""
        try:
            if self._connection is None:
                self._connection = await asyncpg.connect(
                    self._dsn,
                    timeout=CONNECT_TIMEOUT_S,
                    command_timeout=ASK_TIMEOUT_S,
                    server_settings={"application_name": "chatnation clock leader"},
                )
            taken: bool = await self._connection.fetchval("SELECT pg_try_advisory_lock($1)", LOCK)
        except ERRORS as e:
            log.debug("no leadership", extra={"reason": repr(e)})
            await self.drop()
            return False
        return taken

    async def is_held(self) -> bool:
        """Asks over the connection that holds the lock: no answer in time means that another may lead by now."""
        if self._connection is None:
            return False
        try:
            await self._connection.fetchval("SELECT 1")
        except ERRORS:
            await self.drop()
            return False
        return True

    async def drop(self) -> None:
        """Ends the connection, and the leadership with it."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()
