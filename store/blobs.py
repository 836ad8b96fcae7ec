"""Media by content hash, apart per organization: a local directory, or anything S3-compatible.

    <url>/<organization>/<first two characters>/<sha256>         the bytes
    <url>/<organization>/<first two characters>/<sha256>.type    their MIME type

A blob is written whole or not at all, and the same bytes are kept once. Which blobs are still needed is the rows' business (`MediaBlob`).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import struct
import tempfile
from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import IO, Any
from uuid import UUID

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, NotFoundError
from obstore.store import from_url

from store.errors import Permanent, Retryable

__all__ = [
    "BlobDamaged",
    "BlobHead",
    "BlobNotFound",
    "BlobSpool",
    "BlobStore",
    "BlobStoreAway",
    "BlobTooLarge",
    "BlobUrls",
]

DEFAULT_MAX_BYTES = 100 * 1024 * 1024  # Meta's largest medium, a document
IN_MEMORY_BYTES = 1024 * 1024  # a larger stream waits on disk until its hash is known
# S3 takes parts of 5 MiB or more; so much times the parts on the way at once is held in memory.
PART_BYTES, PARTS_AT_ONCE = 5 * 1024 * 1024, 2
UNKNOWN_TYPE = "application/octet-stream"
_BLOB = re.compile(r"[0-9a-f]{64}")


class BlobNotFound(Permanent):
    """There is no such blob in this organization."""


class BlobTooLarge(Permanent):
    """The medium has more bytes than allowed."""


class BlobDamaged(Permanent):
    """What is stored does not have the hash that it is stored under."""


class BlobStoreAway(Retryable):
    """The directory or the S3 service did not do what it was asked."""


@dataclass(frozen=True, slots=True)
class BlobHead:
    """What is known without reading it."""

    blob: str
    size_bytes: int
    mime_type: str


class BlobSpool:
    """Bytes on their way into the store: hashed as they come, a large file on disk and not in memory, never more than `max_bytes`.

    with BlobSpool(max_bytes) as spool:
        spool.write(chunk)          # once per chunk
        blob = await blobs.put(organization_id, spool, "image/png")
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._digest = hashlib.sha256()
        self.file: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY_BYTES)  # noqa: SIM115 - closed by __exit__
        self.size_bytes = 0

    def __enter__(self) -> BlobSpool:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    @property
    def sha256(self) -> bytes:
        return self._digest.digest()

    def write(self, chunk: bytes) -> None:
        """
        Raises:
            BlobTooLarge: with this chunk it would be; nothing of it is kept.
        """
        if self.size_bytes + len(chunk) > self._max_bytes:
            raise BlobTooLarge(f"more than {self._max_bytes} bytes")
        self.size_bytes += len(chunk)
        self._digest.update(chunk)
        self.file.write(chunk)


class BlobStore:
    """The port `Blobs`, on obstore.

    `url` is `file:///folder`, `s3://bucket/prefix` or `memory:///`; `options` go to the S3 client (endpoint, region, access_key_id,
    secret_access_key).
    """

    def __init__(self, url: str, *, options: dict[str, str] | None = None, max_bytes: int = DEFAULT_MAX_BYTES) -> None:
        self._store: Any = from_url(url, mkdir=True) if url.startswith("file:") else from_url(url, **(options or {}))  # type: ignore[call-overload]
        self._max_bytes = max_bytes

    async def put(self, organization_id: UUID, data: bytes | BlobSpool | AsyncIterable[bytes], mime_type: str) -> str:
        """The blob's id, the SHA-256 of its bytes in hex. Putting the same again changes nothing.

        Raises:
            BlobTooLarge: nothing is written; a stream is not read further than the limit.
            BlobStoreAway: nothing usable is written.
        """
        if isinstance(data, bytes):
            if len(data) > self._max_bytes:
                raise BlobTooLarge(f"{len(data)} bytes, allowed are {self._max_bytes}")
            blob = hashlib.sha256(data).hexdigest()
            await self._write(organization_id, blob, data, len(data), mime_type)
            return blob
        if isinstance(data, BlobSpool):
            return await self._put_spool(organization_id, data, mime_type)
        with BlobSpool(self._max_bytes) as spool:
            async for chunk in data:
                spool.write(chunk)
            return await self._put_spool(organization_id, spool, mime_type)

    async def get(self, organization_id: UUID, blob: str) -> bytes:
        """
        Raises:
            BlobNotFound: also for a blob of another organization.
            BlobDamaged: the bytes changed on disk.
        """
        path = _path(organization_id, blob)
        try:
            data = bytes(await (await obstore.get_async(self._store, path)).bytes_async())
        except (NotFoundError, FileNotFoundError) as e:
            raise BlobNotFound(f"blob {blob}") from e
        except BaseError as e:
            raise BlobStoreAway(f"reading blob {blob}") from e
        if hashlib.sha256(data).hexdigest() != blob:
            raise BlobDamaged(f"blob {blob}")
        return data

    async def stream(self, organization_id: UUID, blob: str, *, chunk_bytes: int = 256 * 1024) -> AsyncIterator[bytes]:
        """The bytes in pieces of at least `chunk_bytes` but the last, unchecked: for the /media route."""
        try:
            result = await obstore.get_async(self._store, _path(organization_id, blob))
            async for chunk in result.stream(min_chunk_size=chunk_bytes):
                yield bytes(chunk)
        except (NotFoundError, FileNotFoundError) as e:
            raise BlobNotFound(f"blob {blob}") from e
        except BaseError as e:
            raise BlobStoreAway(f"reading blob {blob}") from e

    async def head(self, organization_id: UUID, blob: str) -> BlobHead | None:
        """None when there is no such blob."""
        path = _path(organization_id, blob)
        try:
            meta = await obstore.head_async(self._store, path)
            kind = await (await obstore.get_async(self._store, f"{path}.type")).bytes_async()
        except (NotFoundError, FileNotFoundError):
            return None
        except BaseError as e:
            raise BlobStoreAway(f"looking at blob {blob}") from e
        return BlobHead(blob, meta["size"], bytes(kind).decode() or UNKNOWN_TYPE)

    async def delete(self, organization_id: UUID, blob: str) -> None:
        """Harmless when it is gone already."""
        path = _path(organization_id, blob)
        for each in (path, f"{path}.type"):
            try:
                await obstore.delete_async(self._store, each)
            except (NotFoundError, FileNotFoundError):
                continue
            except BaseError as e:
                raise BlobStoreAway(f"deleting blob {blob}") from e

    async def _put_spool(self, organization_id: UUID, spool: BlobSpool, mime_type: str) -> str:
        if spool.size_bytes > self._max_bytes:
            raise BlobTooLarge(f"{spool.size_bytes} bytes, allowed are {self._max_bytes}")
        blob = spool.sha256.hex()
        spool.file.seek(0)
        if spool.size_bytes <= PART_BYTES:
            await self._write(organization_id, blob, spool.file.read(), spool.size_bytes, mime_type)
        else:
            await self._write_parts(organization_id, blob, spool, mime_type)
        return blob

    async def _write_parts(self, organization_id: UUID, blob: str, spool: BlobSpool, mime_type: str) -> None:
        """Part by part; it is seen when the last one is there. Twice the same at once is harmless: the bytes are those of its name."""
        path = _path(organization_id, blob)
        try:
            await obstore.put_async(self._store, f"{path}.type", mime_type.encode())
            if await self._size(path) == spool.size_bytes:
                return
            await obstore.put_async(
                self._store,
                path,
                spool.file,
                use_multipart=True,
                chunk_size=PART_BYTES,
                max_concurrency=PARTS_AT_ONCE,
            )
        except (BaseError, OSError) as e:
            raise BlobStoreAway(f"writing blob {blob}") from e

    async def _size(self, path: str) -> int | None:
        try:
            size: int = (await obstore.head_async(self._store, path))["size"]
        except (NotFoundError, FileNotFoundError):
            return None
        return size

    async def _write(self, organization_id: UUID, blob: str, data: bytes, size_bytes: int, mime_type: str) -> None:
        path = _path(organization_id, blob)
        try:
            # The type first: a blob that can be read has one.
            await obstore.put_async(self._store, f"{path}.type", mime_type.encode())
            try:
                await obstore.put_async(self._store, path, data, mode="create", use_multipart=False)
            except AlreadyExistsError:
                if await self._size(path) == size_bytes:
                    return
                # Cut short by a power failure before its bytes reached the disk.
                await obstore.put_async(self._store, path, data, use_multipart=False)
        except (BaseError, OSError) as e:
            raise BlobStoreAway(f"writing blob {blob}") from e


class BlobUrls:
    """Addresses of blobs that anyone who holds one may read until it expires: `<base>/media/<token>`.

    A token is `organization (16) | sha256 (32) | expiry in epoch seconds (8) | HMAC-SHA256 (32)`, base64url.
    """

    _BODY = struct.Struct(">16s32sQ")

    def __init__(self, key: bytes, base_url: str = "") -> None:
        self._key = key
        self._base = base_url.rstrip("/") + "/media/"

    def sign_url(self, organization_id: UUID, blob: str, expires_at: datetime) -> str:
        body = self._BODY.pack(organization_id.bytes, bytes.fromhex(blob), int(expires_at.timestamp()))
        return self._base + base64.urlsafe_b64encode(body + self._mac(body)).decode().rstrip("=")

    def verify(self, token: str, *, now: datetime | None = None) -> tuple[UUID, str] | None:
        """The organization and the blob; None for a token that is forged, damaged or expired. `token` is the URL's last part."""
        try:
            raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        except ValueError:
            return None
        body, mac = raw[: self._BODY.size], raw[self._BODY.size :]
        if len(body) != self._BODY.size or not hmac.compare_digest(mac, self._mac(body)):
            return None
        organization, digest, expires_at = self._BODY.unpack(body)
        if expires_at <= (now or datetime.now(UTC)).timestamp():
            return None
        return UUID(bytes=organization), digest.hex()

    def _mac(self, body: bytes) -> bytes:
        return hmac.digest(self._key, b"chatnation media url:" + body, "sha256")


def _path(organization_id: UUID, blob: str) -> str:
    """An id that is no SHA-256 never becomes a path."""
    if not _BLOB.fullmatch(blob):
        raise BlobNotFound(f"{blob[:80]!r} is no blob id")
    return f"{organization_id}/{blob[:2]}/{blob}"
