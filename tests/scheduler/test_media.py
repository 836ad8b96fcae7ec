"""Files that people send, fetched by the job that accepting a message leaves behind."""

from __future__ import annotations

import base64
import hashlib
import tracemalloc
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from bot.bodies import decode_outbound
from bot.demo.load import create
from bot.demo.people import DemoOrganization, prepare
from bot.errors import Permanent, Retryable
from bot.messages import MediaKind
from bot.ports import DeliveryAccount
from bot.runtime import Runtime
from scheduler.jobs import run_job
from store import db
from store.crypto import keyring
from store.tenancy import organization_scope, unscoped
from tests.scheduler import world
from tests.scheduler.conftest import open_probe_runtime
from tests.scheduler.office import put_picture

PICTURE = b"\xff\xd8\xff a picture"
CHUNK_BYTES = 65_536


class Provider:
    """The part of a channel that fetches files: gives out `answers`, one per call, the last one for ever."""

    def __init__(self, *answers: bytes | Exception) -> None:
        self.answers = list(answers)
        self.given = 0
        self.asked: list[tuple[str, str, int]] = []

    async def fetch_media(
        self, account: DeliveryAccount, media_id: str, *, max_bytes: int, sink: Callable[[bytes], object]
    ) -> str:
        self.asked.append((account.token, media_id, max_bytes))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        self.given = 0
        for start in range(0, len(answer), CHUNK_BYTES):
            sink(answer[start : start + CHUNK_BYTES])
            self.given += len(answer[start : start + CHUNK_BYTES])
        return "image/jpeg"

    def pieces(self, part: object) -> int:
        return 1

    async def close(self) -> None:
        return


@pytest.fixture
async def opened(environment: dict[str, str]) -> AsyncIterator[tuple[Runtime, DemoOrganization]]:
    runtime = await open_probe_runtime(environment)
    person = prepare(Path(environment["CHATNATION__DATA"]))[0]
    await create(person, runtime.master)
    yield runtime, person
    await runtime.close()


async def fetch(runtime: Runtime, provider: Provider, person: DemoOrganization, job_id: UUID) -> Any:
    runtime.channel = provider  # type: ignore[assignment]
    with organization_scope(person.id):
        await run_job(runtime, person.id, job_id)
    return await world.row("jobs", job_id)


async def file_of(message_id: UUID) -> Any:
    with unscoped("test"):
        return await db.fetchrow("SELECT * FROM media_files WHERE message_id = $1", message_id)


async def said(person: DemoOrganization) -> list[tuple[str, str]]:
    """Key and text of what was sent."""
    with unscoped("test"):
        rows = await db.fetch("SELECT key, body FROM messages WHERE direction = 'out'")
    keys = await keyring().keys(person.id)
    return [(row["key"], decode_outbound(row["body"], keys).part.text) for row in rows]


async def make_due(job_id: UUID) -> None:
    with unscoped("test"):
        await db.execute("UPDATE jobs SET run_at = now() WHERE id = $1", job_id)


async def test_the_file_is_stored_once_however_often_the_job_runs(opened: tuple[Runtime, DemoOrganization]) -> None:
    runtime, person = opened
    digest = base64.b64encode(hashlib.sha256(PICTURE).digest()).decode()
    message_id, job_id = await put_picture(person, sha256=digest)
    provider = Provider(PICTURE)
    job = await fetch(runtime, provider, person, job_id)
    with unscoped("test"):
        await db.execute("UPDATE jobs SET state = 'ready' WHERE id = $1", job_id)
    await fetch(runtime, provider, person, job_id)

    file = await file_of(message_id)
    assert job["state"] == "done"
    assert (file["state"], file["mime_type"], file["size_bytes"]) == ("stored", "image/jpeg", len(PICTURE))
    assert await runtime.blobs.get(person.id, file["blob"]) == PICTURE
    assert provider.asked == [(person.access_token, "media-1", 5 * 1024 * 1024)]


async def test_a_provider_that_is_away_is_asked_again_and_meanwhile_the_reason_is_seen(
    opened: tuple[Runtime, DemoOrganization],
) -> None:
    runtime, person = opened
    message_id, job_id = await put_picture(person)
    provider = Provider(Retryable("the network"), PICTURE)
    waiting = await fetch(runtime, provider, person, job_id)
    pending = await file_of(message_id)
    await make_due(job_id)
    await fetch(runtime, provider, person, job_id)

    assert waiting["state"] == "ready"
    assert (pending["state"], pending["reason"]) == ("pending", "the network")
    assert (await file_of(message_id))["state"] == "stored"


async def test_a_file_that_is_gone_is_failed_with_the_reason_and_not_asked_for_again(
    opened: tuple[Runtime, DemoOrganization],
) -> None:
    runtime, person = opened
    message_id, job_id = await put_picture(person)
    job = await fetch(runtime, Provider(Permanent("WhatsApp keeps it no longer")), person, job_id)
    file = await file_of(message_id)
    assert job["state"] == "done"
    assert (file["state"], file["reason"]) == ("failed", "WhatsApp keeps it no longer")


async def test_a_file_larger_than_its_kind_may_be_is_refused(opened: tuple[Runtime, DemoOrganization]) -> None:
    runtime, person = opened
    message_id, job_id = await put_picture(person, kind=MediaKind.STICKER)
    provider = Provider(PICTURE + bytes(2**20))
    await fetch(runtime, provider, person, job_id)
    file = await file_of(message_id)
    assert file["state"] == "failed"
    assert "more than 512000 bytes" in file["reason"]
    assert provider.given <= 500 * 1024, "what is too much must not be fetched to its end"
    assert await said(person) == [
        (f"media_failed:{message_id}:0", "The file you sent is too large for me. Please send one of at most 500 kB.")
    ]


@pytest.mark.parametrize("size_bytes", [100, 1024 * 1024])
async def test_a_file_of_another_type_than_declared_is_refused_as_soon_as_it_shows(
    opened: tuple[Runtime, DemoOrganization], size_bytes: int
) -> None:
    runtime, person = opened
    message_id, job_id = await put_picture(person)
    provider = Provider(b"MZ\x90\x00" + bytes(size_bytes))
    await fetch(runtime, provider, person, job_id)
    file = await file_of(message_id)
    assert (file["state"], file["reason"]) == ("failed", "the file is no image of type image/jpeg")
    assert provider.given <= CHUNK_BYTES
    assert await said(person) == [
        (
            f"media_failed:{message_id}:0",
            "The file you sent is not what its name says, so I cannot use it. Please send another one.",
        )
    ]


async def test_bytes_other_than_the_promised_ones_are_not_stored(opened: tuple[Runtime, DemoOrganization]) -> None:
    runtime, person = opened
    digest = base64.b64encode(hashlib.sha256(PICTURE).digest()).decode()
    message_id, job_id = await put_picture(person, sha256=digest)
    job = await fetch(runtime, Provider(PICTURE + b" and more"), person, job_id)
    assert job["state"] == "ready"
    assert (await file_of(message_id))["state"] == "pending"


async def test_a_large_file_never_lies_in_memory_as_a_whole(opened: tuple[Runtime, DemoOrganization]) -> None:
    """Seventy megabytes, with a few in memory: what the transfer holds, a part or two on the way to the store."""
    runtime, person = opened
    message_id, job_id = await put_picture(person, kind=MediaKind.DOCUMENT)
    size_bytes = 70 * 1024 * 1024
    chunk = PICTURE + bytes(CHUNK_BYTES - len(PICTURE))

    class Streaming(Provider):
        async def fetch_media(
            self, account: DeliveryAccount, media_id: str, *, max_bytes: int, sink: Callable[[bytes], object]
        ) -> str:
            for _ in range(size_bytes // CHUNK_BYTES):
                sink(chunk)
            return "image/jpeg"

    tracemalloc.start()
    try:
        await fetch(runtime, Streaming(b""), person, job_id)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    file = await file_of(message_id)
    assert (file["state"], file["size_bytes"]) == ("stored", size_bytes)
    assert peak_bytes < 24 * 1024 * 1024
    stored = hashlib.sha256()
    async for piece in runtime.blobs.stream(person.id, file["blob"]):
        stored.update(piece)
    assert stored.hexdigest() == file["blob"]
