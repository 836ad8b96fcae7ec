"""`chatnation demo requests`: who asked to talk to a person, until organizers have an inbox."""

from __future__ import annotations

from bot.config import Configuration
from bot.demo.people import read
from bot.reach import HAND_OFF
from bot.runtime import open_store
from store import db
from store.crypto import install_keyring
from store.tenancy import organization_scope

__all__ = ["list_requests"]

SHOWN = 50  # the newest of each organization

_FIND = (
    "SELECT a.at, c.name FROM audit_entries a"
    " JOIN contacts c ON c.organization_id = a.organization_id AND a.subject = 'contacts:' || c.id::text"
    " WHERE a.organization_id = $1 AND a.action = $2 ORDER BY a.at DESC LIMIT $3"
)


async def list_requests() -> str:
    """One line per request, newest first, by organization."""
    configuration = Configuration.read()
    await open_store(configuration, "demo")
    lines = []
    try:
        for organization in read(configuration.data):
            with organization_scope(organization.id):
                found = await db.fetch(_FIND, organization.id, HAND_OFF, SHOWN)
            lines += [
                f"{organization.name}  {row['at']:%Y-%m-%d %H:%M} UTC  {row['name'] or '(no name)'}" for row in found
            ]
    finally:
        install_keyring(None)
        await db.close()
    return "\n".join(lines) or "nobody has asked for a person"
