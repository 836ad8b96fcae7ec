"""Indexes of large organizations: of their words, and of their vectors by each model (HNSW), made and dropped beside the running product.

Below `LARGE` passages comparing each of the organization's is fast enough. Only the owner of a table may make an index, and only outside of
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
NEAR, WORDS = "ix_passages_near_", "ix_passages_words_"  # cn_knowledge_worded knows the latter


@dataclass(frozen=True, slots=True)
class _Index:
    """One that an organization of `count` passages may have. `subject` is what stands behind USING."""

    name: str
    count: int
    subject: str

    @property
    def definition(self) -> str:
        return f"CREATE INDEX CONCURRENTLY {quoted(self.name)} ON knowledge_passages USING {self.subject}"


async def tend_passage_indexes(owner_dsn: str, *, large: int = LARGE) -> int:
    """Makes the indexes that are missing or were left half made, drops those of organizations that have shrunk to half or changed their model.

    How many were made or dropped. Takes about 0.2 ms a passage; nobody waits meanwhile. Somebody else at it: nothing is done.

    Raises:
        DatabaseAway: nothing answers at `owner_dsn`.
    """
    possible = await _possible(at_least=large // 2)
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
        raise DatabaseAway(f"making indexes of passages: {e}", after_s=RETRY_AFTER_S) from e
    try:
        if not await connection.fetchval(f"SELECT pg_try_advisory_lock({LOCK_KEY})"):
            return 0
        return await _tend(connection, possible, large)
    finally:
        await connection.close()


async def _tend(connection: asyncpg.Connection, possible: list[_Index], large: int) -> int:
    found = {
        row["relname"]: row["indisvalid"]
        for row in await connection.fetch(
            "SELECT c.relname, i.indisvalid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
            " WHERE i.indrelid = 'knowledge_passages'::regclass AND (starts_with(c.relname, $1) OR starts_with(c.relname, $2))",
            NEAR,
            WORDS,
        )
    }
    kept = {each.name for each in possible}
    dropped = [name for name, is_valid in found.items() if name not in kept or not is_valid]
    for name in dropped:
        await connection.execute(f"DROP INDEX CONCURRENTLY {quoted(name)}")
        log.info("passage index dropped", extra={"index": name})
    missing = [each for each in possible if each.count >= large and (each.name not in found or each.name in dropped)]
    for each in missing:
        await connection.execute(each.definition)
        log.info("passage index made", extra={"index": each.name, "passages": each.count})
    return len(dropped) + len(missing)


async def _possible(*, at_least: int) -> list[_Index]:
    with unscoped("indexes of large organizations"):
        crowds = await db.fetch(
            "SELECT organization_id, count(*) FROM knowledge_passages GROUP BY organization_id HAVING count(*) >= $1",
            at_least,
        )
        embedded = await db.fetch(
            "SELECT organization_id, model, (SELECT vector_dims(embedding) FROM knowledge_passages one"
            "   WHERE one.organization_id = p.organization_id AND one.model = p.model LIMIT 1), count(*)"
            " FROM knowledge_passages p WHERE model <> '' GROUP BY organization_id, model HAVING count(*) >= $1",
            at_least,
        )
    near = [_of_vectors(*row) for row in embedded if row["vector_dims"] <= MAX_DIMENSION]
    return [_of_words(*row) for row in crowds] + near


def _of_words(organization_id: UUID, count: int) -> _Index:
    return _Index(f"{WORDS}{organization_id.hex}", count, f"gin (search) WHERE organization_id = '{organization_id}'")


def _of_vectors(organization_id: UUID, model: str, dimension: int, count: int) -> _Index:
    literal = model.replace("'", "''")
    return _Index(
        f"{NEAR}{organization_id.hex}_{hashlib.sha256(model.encode()).hexdigest()[:8]}",
        count,
        f"hnsw ((embedding::halfvec({dimension})) halfvec_cosine_ops)"
        f" WHERE organization_id = '{organization_id}' AND model = '{literal}'",
    )
