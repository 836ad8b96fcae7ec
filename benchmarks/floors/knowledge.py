"""Exact search, by hand: every passage of the organization is compared with the question. Row level security on, one transaction."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import asyncpg

EXACT = """WITH asked AS MATERIALIZED (SELECT $3::text::vector AS vector)
SELECT p.id FROM knowledge_passages p, asked WHERE p.organization_id = $1 AND p.model = $2 ORDER BY p.embedding <=> asked.vector LIMIT 24"""


class Exact:
    """The truth that recall is measured by, and the time that an index has to beat."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    @classmethod
    async def open(cls, dsn: str) -> Exact:
        return cls(await asyncpg.connect(dsn))

    async def close(self) -> None:
        await self._connection.close()

    async def nearest(self, organization_id: UUID, model: str, vector: str) -> list[UUID]:
        c = self._connection
        await c.execute(f"BEGIN; SET LOCAL app.current_org = '{organization_id}'")
        rows = await c.fetch(EXACT, organization_id, model, vector)
        await c.execute("COMMIT")
        return [row["id"] for row in rows]
