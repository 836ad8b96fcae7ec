"""Media by content hash."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from store.blobs import BlobDamaged, BlobNotFound, BlobStore, BlobTooLarge, BlobUrls

PICTURE = b"\x89PNG" + bytes(range(256)) * 20


@pytest.fixture(params=["file", "memory"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> BlobStore:
    url = (tmp_path / "blobs").as_uri() if request.param == "file" else "memory:///"
    return BlobStore(url, max_bytes=10_000)


async def _pieces(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def test_what_was_put_comes_back_under_its_hash(blobs: BlobStore, ours: UUID) -> None:
    blob = await blobs.put(ours, PICTURE, "image/png")
    assert blob == hashlib.sha256(PICTURE).hexdigest()
    assert await blobs.get(ours, blob) == PICTURE
    head = await blobs.head(ours, blob)
    assert head is not None
    assert (head.size_bytes, head.mime_type) == (len(PICTURE), "image/png")
    assert b"".join([chunk async for chunk in blobs.stream(ours, blob, chunk_bytes=1000)]) == PICTURE


async def test_a_stream_is_the_same_blob_as_its_bytes(blobs: BlobStore, ours: UUID) -> None:
    streamed = await blobs.put(ours, _pieces(PICTURE[:100], PICTURE[100:]), "image/png")
    assert streamed == await blobs.put(ours, PICTURE, "image/png")
    assert await blobs.get(ours, streamed) == PICTURE


async def test_a_stream_above_the_limit_is_not_read_to_its_end(blobs: BlobStore, ours: UUID) -> None:
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        while True:
            read += 1
            yield b"x" * 1000

    with pytest.raises(BlobTooLarge):
        await blobs.put(ours, endless(), "image/png")
    assert read == 11
    with pytest.raises(BlobTooLarge):
        await blobs.put(ours, b"x" * 10_001, "image/png")


async def test_another_organization_does_not_find_it(blobs: BlobStore, ours: UUID, theirs: UUID) -> None:
    blob = await blobs.put(ours, PICTURE, "image/png")
    assert await blobs.head(theirs, blob) is None
    with pytest.raises(BlobNotFound):
        await blobs.get(theirs, blob)
    await blobs.delete(theirs, blob)
    assert await blobs.get(ours, blob) == PICTURE


@pytest.mark.parametrize("forged", ["../../etc/passwd", "", "a" * 63, "A" * 64, "a" * 64 + "/x"])
async def test_only_a_hash_is_a_blob_id(blobs: BlobStore, ours: UUID, forged: str) -> None:
    with pytest.raises(BlobNotFound):
        await blobs.get(ours, forged)


async def test_deleting_takes_it_away_and_twice_is_harmless(blobs: BlobStore, ours: UUID) -> None:
    blob = await blobs.put(ours, PICTURE, "image/png")
    await blobs.delete(ours, blob)
    await blobs.delete(ours, blob)
    assert await blobs.head(ours, blob) is None


async def test_a_damaged_file_is_noticed_and_a_short_one_replaced(tmp_path: Path, ours: UUID) -> None:
    blobs = BlobStore(tmp_path.as_uri())
    blob = await blobs.put(ours, PICTURE, "image/png")
    _cut_short(tmp_path, blob)
    with pytest.raises(BlobDamaged):
        await blobs.get(ours, blob)
    await blobs.put(ours, _pieces(PICTURE), "image/png")
    assert await blobs.get(ours, blob) == PICTURE


def _cut_short(folder: Path, blob: str) -> None:
    (file,) = (path for path in folder.rglob(blob) if path.is_file())
    file.write_bytes(PICTURE[:50])


def test_a_signed_url_opens_until_it_expires(ours: UUID) -> None:
    urls = BlobUrls(b"k" * 32, "https://chat.example/")
    now = datetime(2026, 11, 22, tzinfo=UTC)
    blob = hashlib.sha256(PICTURE).hexdigest()
    url = urls.sign_url(ours, blob, now + timedelta(minutes=5))
    assert url.startswith("https://chat.example/media/")
    token = url.rsplit("/", 1)[1]
    assert urls.verify(token, now=now) == (ours, blob)
    assert urls.verify(token, now=now + timedelta(minutes=5)) is None


@pytest.mark.parametrize("change", [lambda t: t[:-1], lambda t: "A" + t[1:] if t[0] != "A" else "B" + t[1:], lambda t: "", lambda t: "ü"])  # fmt: skip
def test_a_changed_url_does_not_open(ours: UUID, change: object) -> None:
    urls = BlobUrls(b"k" * 32)
    now = datetime(2026, 11, 22, tzinfo=UTC)
    token = urls.sign_url(ours, "ab" * 32, now + timedelta(hours=1)).rsplit("/", 1)[1]
    assert urls.verify(change(token), now=now) is None  # type: ignore[operator]
    assert BlobUrls(b"j" * 32).verify(token, now=now) is None
