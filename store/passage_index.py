"""Vector indexes of large organizations: a partial HNSW index for each organization and model, made and dropped beside the running product.

Below `LARGE` passages an exact search through the organization's index is as fast. Only the owner of a table may make an index, and only outside of
a transaction can it be made without keeping writers waiting: so this has a connection of its own, as the owner. Without it everything works, and
searches of large organizations take as long as their passages are many.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from store import db
from store.engine import RETRY_AFTER_S, DatabaseAway
from store.rls import quoted
from store.tenancy import unscoped

__all__ = ["LARGE", "tend_passage_indexes"]

log = logging.getLogger(__name__)

LARGE = 10_000  # passages; exact search takes 3 us for each (benchmarks/knowledge.py)
LOCK_KEY = 0x43_4E_49_58  # "CNIX": whoever makes indexes holds it
MAX_DIMENSION = 4000  # of a halfvec that HNSW can index
PREFIX = "ix_passages_near_"


@dataclass(frozen=True, slots=True)
class _Crowd:
    """The passages of an organization by one model."""

    organization_id: UUID
    model: str
    dimension: int
    count: int

    @property
    def index(self) -> str:
        return f"{PREFIX}{self.organization_id.hex}_{hashlib.sha256(self.model.encode()).hexdigest()[:8]}"

    @property
    def definition(self) -> str:
        model = self.model.replace("'", "''")
        return (
            f"CREATE INDEX CONCURRENTLY {quoted(self.index)} ON knowledge_passages"
            f" USING hnsw ((embedding::halfvec({self.dimension})) halfvec_cosine_ops)"
            f" WHERE organization_id = '{self.organization_id}' AND model = '{model}'"
        )


async def tend_passage_indexes(owner_dsn: str, *, large: int = LARGE) -> int:
    """Makes the indexes that are missing or were left half made, drops those of organizations that have shrunk to half or changed their model.

    How many were made or dropped. Takes about 0.2 ms a passage; nobody waits meanwhile. Somebody else at it: nothing is done.

    Raises:
        DatabaseAway: nothing answers at `owner_dsn`.
    """
    crowds = await _crowds(at_least=large // 2)
    try:
        connection = await asyncpg.connect(
            owner_dsn,
            server_settings={
                "application_name": "chatnation indexes",
                "statement_timeout": "0",
                "maintenance_work_mem": "256MB",
            },
        )
    except (OSError, asyncpg.CannotConnectNowError) as e:
        raise DatabaseAway(f"making vector indexes: {e}", after_s=RETRY_AFTER_S) from e
    try:
        if not await connection.fetchval(f"SELECT pg_try_advisory_lock({LOCK_KEY})"):
            return 0
        return await _tend(connection, crowds, large)
    finally:
        await connection.close()


async def _tend(connection: asyncpg.Connection, crowds: list[_Crowd], large: int) -> int:
    found = {
        row["relname"]: row["indisvalid"]
        for row in await connection.fetch(
            "SELECT c.relname, i.indisvalid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
            " WHERE i.indrelid = 'knowledge_passages'::regclass AND starts_with(c.relname, $1)",
            PREFIX,
        )
    }
    kept = {each.index for each in crowds}
    dropped = [name for name, is_valid in found.items() if name not in kept or not is_valid]
    for name in dropped:
        await connection.execute(f"DROP INDEX CONCURRENTLY {quoted(name)}")
        log.info("vector index dropped", extra={"index": name})
    missing = [each for each in crowds if each.count >= large and (each.index not in found or each.index in dropped)]
    for each in missing:
        await connection.execute(each.definition)
        log.info("vector index made", extra={"index": each.index, "passages": each.count})
    return len(dropped) + len(missing)


async def _crowds(*, at_least: int) -> list[_Crowd]:
    with unscoped("vector indexes of large organizations"):
        rows = await db.fetch(
            "SELECT organization_id, model, count(*) AS passages, (SELECT vector_dims(embedding) FROM knowledge_passages one"
            "   WHERE one.organization_id = p.organization_id AND one.model = p.model LIMIT 1) AS dimension"
            " FROM knowledge_passages p WHERE model <> '' GROUP BY organization_id, model HAVING count(*) >= $1",
            at_least,
        )
    return [
        _Crowd(row["organization_id"], row["model"], row["dimension"], row["passages"])
        for row in rows
        if row["dimension"] <= MAX_DIMENSION
    ]
