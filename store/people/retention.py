"""What nobody needs any more of how people signed in."""

from __future__ import annotations

from store.db import execute
from store.tenancy import unscoped

__all__ = ["purge_ended"]

# Ended sessions stay a month, for who asks where she was signed in; with them go their refresh tokens.
_ENDED = (
    "DELETE FROM user_sessions WHERE least(expires_at, coalesce(revoked_at, expires_at)) < now() - interval '30 days'",
    "DELETE FROM refresh_tokens WHERE expires_at < now() - interval '1 day'",
    "DELETE FROM mailed_tokens WHERE expires_at < now() - interval '30 days'",
    "DELETE FROM external_attempts WHERE expires_at < now()",
    "DELETE FROM notifications WHERE at < now() - interval '90 days'",
    "DELETE FROM platform_notifications WHERE at < now() - interval '90 days'",
    "DELETE FROM sign_in_tries WHERE last_at < now() - interval '1 day'",
)


async def purge_ended() -> int:
    """How many rows went."""
    gone = 0
    with unscoped("retention"):
        for statement in _ENDED:
            gone += int((await execute(statement)).rpartition(" ")[2])
    return gone
