"""Keeps our requests off this machine and private networks: what an organization writes as an address must not reach what only we can.

A name is looked up once for each connection, all its addresses are checked, and it is those that are connected to: nothing is looked up again
in between. One private address among them refuses the name as a whole.
"""

from __future__ import annotations

import ipaddress
import socket
from urllib.parse import urlsplit

from aiohttp import ThreadedResolver
from aiohttp.abc import AbstractResolver, ResolveResult

from bot.errors import ChatNationError
from bot.hooks import reasons

__all__ = ["Guarded", "Unsafe", "check_url"]

NAT64 = ipaddress.ip_network("64:ff9b::/96")


class Unsafe(ChatNationError):
    """The address is none that we call; says why, and what would be one."""


class Guarded(AbstractResolver):
    def __init__(self, names: AbstractResolver | None = None) -> None:
        self._real = names or ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await self._real.resolve(host, port, family)
        for each in found:
            _check_ip(each["host"], host)
        return found

    async def close(self) -> None:
        await self._real.close()


def check_url(url: str, *, allow_private: bool) -> None:
    """What can be said without a look-up; the rest is said when it is connected to.

    Raises:
        Unsafe: what is wrong with it.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as e:
        raise Unsafe(reasons.NO_ADDRESS) from e
    if parts.scheme not in (("https", "http") if allow_private else ("https",)) or not host:
        raise Unsafe(reasons.NOT_HTTPS)
    if parts.username is not None or parts.password is not None:
        raise Unsafe(reasons.WITH_USER)
    if parts.fragment or any(ord(each) <= 32 or ord(each) == 127 for each in url):
        raise Unsafe(reasons.SPACES)
    if allow_private:
        return
    host = host.rstrip(".")
    if host == "localhost" or host.endswith((".localhost", ".local", ".internal")):
        raise Unsafe(reasons.NAMED_PRIVATE)
    try:
        _check_ip(host, host)
    except ValueError:
        return  # a name


def _check_ip(text: str, host: str) -> None:
    """
    Raises:
        Unsafe: not of the public network.
        ValueError: no IP address.
    """
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if inner is None and address in NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            address = inner
    if not address.is_global or address.is_multicast:
        raise Unsafe(reasons.IS_PRIVATE.format(host=host, address=address))
