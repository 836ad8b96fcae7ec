"""Platform rows that only the operator's tools write."""

from __future__ import annotations

from uuid import UUID

from store.db import fetchval
from store.ids import uuid7
from store.tenancy import unscoped

__all__ = ["put_meta_app"]


async def put_meta_app(app_id: str, name: str, sealed: bytes) -> UUID:
    """The Meta app with this id, its secrets replaced."""
    with unscoped("registering a Meta app"):
        found: UUID = await fetchval(
            "INSERT INTO meta_apps (id, app_id, name, sealed) VALUES ($1, $2, $3, $4)"
            " ON CONFLICT (app_id) DO UPDATE SET sealed = excluded.sealed, name = excluded.name RETURNING id",
            uuid7(),
            app_id,
            name,
            sealed,
        )
    return found
