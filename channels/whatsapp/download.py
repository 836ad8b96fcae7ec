"""Fetching the bytes of a medium, with a cap on size and an eye on who sees the token."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import aiohttp
from yarl import URL

from bot.errors import Permanent, Retryable
from store.blobs import BlobTooLarge

__all__ = [
    "MEDIA_HOSTS",
    "Downloaded",
    "MediaCorrupt",
    "MediaExpired",
    "MediaGone",
    "MediaRefused",
    "MediaUnavailable",
    "download",
]

MEDIA_HOSTS = frozenset({"lookaside.fbsbx.com"})
_MAX_REDIRECTS = 3
_CHUNK_BYTES = 65_536


class MediaUnavailable(Retryable):
    """The network or Meta failed; try again later."""


class MediaExpired(MediaUnavailable):
    """The url's 5 minutes are over: ask for a new one at once."""


class MediaCorrupt(MediaUnavailable):
    """The bytes are not those that were promised."""


class MediaGone(Permanent):
    """Meta keeps it no longer, or never for this number."""


class MediaRefused(Permanent):
    """The url lies where the token must not go."""


@dataclass(frozen=True, slots=True)
class Downloaded:
    size_bytes: int
    sha256: str  # hex
    mime_type: str  # as the server says


async def download(
    session: aiohttp.ClientSession,
    url: str,
    token: str,
    *,
    base_url: str,
    media_hosts: frozenset[str],
    max_bytes: int,
    sink: Callable[[bytes], object],
    sha256: str,
    timeout: aiohttp.ClientTimeout,
) -> Downloaded:
    """See `GraphClient.download_media`."""
    origin = URL(base_url).origin()
    target = _parsed(url)
    if not _may_see_token(target, origin, media_hosts):
        raise MediaRefused("a medium's url is on a host that is neither the API nor Meta's media host")
    try:
        for _ in range(_MAX_REDIRECTS + 1):
            # A host that may not see the token is only ever reached by a redirect; it gets none.
            headers = {"Authorization": f"Bearer {token}"} if _may_see_token(target, origin, media_hosts) else {}
            async with session.get(target, headers=headers, timeout=timeout, allow_redirects=False) as response:
                if response.status not in {301, 302, 303, 307, 308}:
                    return await _receive(response, max_bytes=max_bytes, sink=sink, sha256=sha256)
                target = _followed(target, response.headers.get("Location", ""), origin)
    except (TimeoutError, aiohttp.ClientError, OSError) as e:
        raise MediaUnavailable(f"fetching a medium: {type(e).__name__}") from e
    raise MediaUnavailable(f"fetching a medium: more than {_MAX_REDIRECTS} redirects")


def _parsed(url: str) -> URL:
    try:
        parsed = URL(url)
    except (ValueError, TypeError) as e:
        raise MediaRefused("a medium's url cannot be read") from e
    if parsed.scheme not in {"http", "https"} or not parsed.host:
        raise MediaRefused("a medium's url is no web address")
    return parsed


def _may_see_token(target: URL, origin: URL, media_hosts: frozenset[str]) -> bool:
    if target.origin() == origin:
        return True
    return target.scheme == "https" and target.host in media_hosts


def _followed(source: URL, location: str, origin: URL) -> URL:
    target = _parsed(str(source.join(_parsed_reference(location))))
    # Never from https to http; a local API without TLS may point at its own kind.
    if target.scheme != "https" and origin.scheme == "https":
        raise MediaRefused("a medium's url is redirected to an open connection")
    return target


def _parsed_reference(location: str) -> URL:
    try:
        return URL(location)
    except ValueError as e:
        raise MediaRefused("a medium's url is redirected to what cannot be read") from e


async def _receive(
    response: aiohttp.ClientResponse, *, max_bytes: int, sink: Callable[[bytes], object], sha256: str
) -> Downloaded:
    if response.status == 404:
        raise MediaExpired("a medium's url is not valid any more", after_s=0)
    if response.status != 200:
        raise MediaUnavailable(f"fetching a medium: HTTP {response.status}")
    if (response.content_length or 0) > max_bytes:
        raise BlobTooLarge(f"a medium of {response.content_length} bytes, {max_bytes} are taken")
    digest, total = hashlib.sha256(), 0
    async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
        total += len(chunk)
        if total > max_bytes:
            raise BlobTooLarge(f"a medium of more than {max_bytes} bytes")
        digest.update(chunk)
        sink(chunk)
    if sha256 and digest.digest() != _digest(sha256):
        raise MediaCorrupt("a medium's bytes do not have the promised hash")
    return Downloaded(total, digest.hexdigest(), response.content_type)


def _digest(sha256: str) -> bytes:
    """Webhooks give base64, the media endpoint was seen to give hex."""
    try:
        return bytes.fromhex(sha256) if len(sha256) == 64 else base64.b64decode(sha256, validate=True)
    except (ValueError, binascii.Error):
        return b""
