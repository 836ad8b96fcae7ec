"""Platform rows that only the operator's tools write, and the Meta apps of numbers that are connected."""

from __future__ import annotations

from uuid import UUID

from store.crypto import Cipher
from store.db import fetchval
from store.directory import meta_apps, seal_app
from store.ids import uuid7
from store.tenancy import unscoped

__all__ = ["join_meta_app", "put_meta_app"]

MOST_SECRETS = 3  # valid at once: of a rotation, and one that was forgotten


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


async def join_meta_app(master: Cipher, app_id: str, name: str, *, secret: str, verify_token: str) -> UUID:
    """The Meta app with this id; `secret`, which the provider has confirmed, is valid from now on, earlier ones still are.

    `verify_token` "": it keeps the one it has.
    """
    known = next((each for each in await meta_apps(master) if each.app_id == app_id), None)
    earlier = [each.decode() for each in known.secrets] if known else []
    secrets = list(dict.fromkeys([secret, *earlier]))[:MOST_SECRETS]
    token = verify_token or (known.verify_token if known else "")
    return await put_meta_app(app_id, name, seal_app(master, secrets=secrets, verify_token=token))
