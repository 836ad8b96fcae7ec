"""Which hosts a skill's code may call: those of `capabilities.network` in its manifest, while an action or job of it runs.

Seen are aiohttp, also its redirects, and whatever looks a name up by `socket.getaddrinfo` in the skill's own context: requests, urllib, smtplib.
"""

from __future__ import annotations

import functools
import sys
from typing import Any

from bot.manifest import Capabilities
from store.access import Asker, NotDeclared, asker

__all__ = ["allow_host", "asker_of"]


def asker_of(skill: str, capabilities: Capabilities) -> Asker:
    """For whom code of this skill runs; from the first on, the network is watched in this process."""
    _watch()
    return Asker(skill, capabilities.contacts, capabilities.network)


def allow_host(host: str, port: int | None) -> None:
    """
    Raises:
        NotDeclared: a skill is at work, and its manifest does not name the host.
    """
    who = asker()
    if who is None or any(_names(declared, host.lower().rstrip("."), port) for declared in who.hosts):
        return
    raise NotDeclared(
        f"the skill {who.skill} calls {host}, but its skill.yml does not name it: add it to capabilities.network"
    )


def _names(declared: str, host: str, port: int | None) -> bool:
    name, _, only = declared.partition(":")
    if only and port is not None and int(only) != port:
        return False
    return host.endswith(name[1:]) if name.startswith("*.") else host == name


@functools.cache
def _watch() -> None:
    sys.addaudithook(_heard)
    _guard_aiohttp()


def _heard(event: str, arguments: tuple[Any, ...]) -> None:
    if event != "socket.getaddrinfo" or asker() is None:
        return
    host, port = arguments[0], arguments[1]
    named = host.decode(errors="replace") if isinstance(host, bytes) else host
    if named is not None:
        allow_host(str(named), int(port) if str(port or "").isdigit() else None)


def _guard_aiohttp() -> None:
    """Its look-ups may go past Python (uvloop), so it is asked where every request and redirect passes."""
    from aiohttp import BaseConnector

    connect = BaseConnector.connect

    @functools.wraps(connect)
    async def guarded(self: Any, req: Any, *arguments: Any, **named: Any) -> Any:
        if asker() is not None:
            allow_host(req.url.host or "", req.url.port)
        return await connect(self, req, *arguments, **named)

    BaseConnector.connect = guarded  # type: ignore[method-assign]
