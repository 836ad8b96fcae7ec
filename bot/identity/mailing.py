"""Letters with links in them."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
import secrets
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import quote

from bot.errors import ChatNationError, Retryable
from bot.identity.errors import LinkSpent, NotPossible
from bot.identity.settings import IdentitySettings
from bot.ports import Letter

if TYPE_CHECKING:
    from bot.runtime import Runtime

__all__ = ["PATHS", "checked_email", "checked_name", "hashed", "link_to", "new_token", "require_open", "send_beside"]

log = logging.getLogger(__name__)

# Pages of the admin app that letters lead to; each reads `token` from its query.
PATHS = {"verify": "/verify", "reset": "/reset", "invitation": "/invitation", "login": "/login", "forgot": "/forgot"}

TRIES = 4
FIRST_PAUSE_S = 2.0
_EMAIL = re.compile(r"[^\s@<>(),;:\"\\\[\]]+@[^\s@<>(),;:\"\\\[\]_]+\.[^\s@<>(),;:\"\\\[\]_.]{2,}")


def new_token() -> tuple[str, str]:
    """(what stands in the link, what is kept)."""
    token = secrets.token_urlsafe(32)
    return token, hashed(token)


def hashed(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def link_to(runtime: Runtime, page: str, token: str = "") -> str:
    base = runtime.configuration.section(IdentitySettings, "identity").base_url.rstrip("/")
    return f"{base}{PATHS[page]}" + (f"?token={quote(token)}" if token else "")


def send_beside(runtime: Runtime, letter: Letter) -> None:
    """Without anybody waiting, so that how long it takes tells nothing. Lost when it fails for long: every such letter can be asked for again."""
    runtime.beside(_send(runtime, letter))


async def _send(runtime: Runtime, letter: Letter) -> None:
    pause_s = FIRST_PAUSE_S
    for tried in range(1, TRIES + 1):
        try:
            await runtime.notifier.email(letter)
            return
        except Retryable:
            if tried == TRIES:
                log.warning("letter lost, the mail server was away", exc_info=True)
                return
            await asyncio.sleep(pause_s)
            pause_s *= 3
        except ChatNationError:
            log.warning("letter refused", exc_info=True)
            return


def require_open(expires_at: datetime, used_at: datetime | None, now: datetime, *, what: str, again: str) -> None:
    """
    Raises:
        LinkSpent: and how to get another.
    """
    if used_at is not None:
        raise LinkSpent("used", f"{what} was used already or replaced by a newer one; {again}")
    if expires_at <= now:
        raise LinkSpent("expired", f"{what} has expired; {again}")


def checked_email(email: str) -> str:
    """In lower case, without spaces around it.

    Raises:
        NotPossible: it is none.
    """
    plain = email.strip().lower()
    if len(plain) > 320 or not _EMAIL.fullmatch(plain) or ".." in plain:
        raise NotPossible("email", "this is no e-mail address; write it like name@example.com", field="email")
    return plain


def checked_name(name: str, *, field: str, longest: int = 120) -> str:
    plain = " ".join(name.split())
    if not plain or len(plain) > longest or any(ord(c) < 32 for c in plain):
        raise NotPossible("name", f"give a name of 1 to {longest} characters", field=field)
    return plain
