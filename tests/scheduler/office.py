"""An organization with its keys and a number, and a picture that somebody sent it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

from bot.bodies import encode_inbound
from bot.config import Configuration
from bot.demo.load import create
from bot.demo.people import DemoOrganization, prepare
from bot.messages import Media, MediaKind
from bot.runtime import open_store
from store import db
from store.crypto import install_keyring, keyring
from store.tenancy import unscoped
from tests.scheduler import world


@asynccontextmanager
async def opened_office(environment: dict[str, str]) -> AsyncIterator[DemoOrganization]:
    """Connects the store as a process with this environment does."""
    configuration = Configuration.read(environment)
    master = await open_store(configuration, "test")
    try:
        person = prepare(Path(environment["CHATNATION__DATA"]))[0]
        await create(person, master)
        yield person
    finally:
        install_keyring(None)
        await db.close()


async def put_picture(
    person: DemoOrganization, *, sha256: str = "", kind: MediaKind = MediaKind.IMAGE
) -> tuple[UUID, UUID]:
    """The ids of the message and of the job that fetches its file."""
    talk = await world.new_conversation(person.id, UUID(person.account_id))
    message_id = await world.put_message(talk, "in", status="received")
    part = Media(kind=kind, media_id="media-1", mime_type="image/jpeg", sha256=sha256, filename="me.jpg")
    body = encode_inbound(part, await keyring().keys(person.id))
    with unscoped("test"):
        await db.execute("UPDATE messages SET body = $2, type = 'media' WHERE id = $1", message_id, body)
    return message_id, await world.put_job(person.id, "core.fetch_media", f'{{"message_id": "{message_id}"}}')
