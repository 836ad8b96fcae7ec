"""Takes a guard out of a database, for positive controls: with it gone, the test that praises it must fail."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

__all__ = ["without"]


@asynccontextmanager
async def without(dsn: str, function: str, *guards: tuple[str, str]) -> AsyncIterator[None]:
    """The SQL function with each guard replaced by something else while the block runs, for everybody. `dsn` is the owner's.

    Raises:
        AssertionError: a guard does not stand there exactly once; then the control has to be written anew.
    """
    connection = await asyncpg.connect(dsn)
    try:
        whole = await connection.fetchval("SELECT pg_get_functiondef($1::text::regproc)", function)
        careless = whole
        for guard, instead in guards:
            assert careless.count(guard) == 1, f"{function} has no such guard: {guard}"
            careless = careless.replace(guard, instead)
        await connection.execute(careless)
        try:
            yield
        finally:
            await connection.execute(whole)
    finally:
        await connection.close()
