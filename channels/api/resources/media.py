"""Files to be sent."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from bot.http import Answer, Ask, Filter, Kind, Listed, Page, Problem, Routes, Upload, found
from bot.messages import MediaKind
from bot.unit import Unit, open_unit
from channels.media import media_urls
from scheduler.file_type import HEAD_BYTES, is_as_declared
from store.ids import uuid7
from store.models import UploadedFile

routes = Routes("Media", "Files to be sent. Their addresses are signed and good for an hour or two.")

NOT_AS_DECLARED = Kind("not-as-declared", 422, "The file is not what it claims to be")
GOOD_FOR = timedelta(hours=1)
KINDS = {
    "image/jpeg": MediaKind.IMAGE,
    "image/png": MediaKind.IMAGE,
    "image/webp": MediaKind.STICKER,
    "video/mp4": MediaKind.VIDEO,
    "audio/mpeg": MediaKind.AUDIO,
    "audio/ogg": MediaKind.AUDIO,
    "application/pdf": MediaKind.DOCUMENT,
    "text/plain": MediaKind.DOCUMENT,
}


class MediaNamed(Filter):
    filename: Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f/\\\"]*$", max_length=240)] = Field(
        "", description="How people see it."
    )


class FileOut(Answer):
    id: UUID
    kind: str
    mime_type: str
    filename: str
    size_bytes: int
    uploaded_by: str
    created_at: datetime


class FileWithUrl(FileOut):
    url: str
    url_until: datetime


@routes.get("/media", permission="media.view")
async def list_media(ask: Ask, page: Page) -> Listed[FileOut]:
    """List uploaded files, the newest first."""
    return await page.of(UploadedFile.all(), lambda row: FileOut(**_values(row)))


@routes.get("/media/{media_id}", permission="media.view")
async def get_media(ask: Ask, media_id: UUID) -> FileWithUrl:
    """Read a file's data and get an address to load it from."""
    return _with_url(ask, found(await UploadedFile.filter(id=media_id).first(), "file"))


@routes.post("/media", permission="media.edit", status=201, accepts=tuple(KINDS), kinds=(NOT_AS_DECLARED,))
async def upload_media(ask: Ask, query: MediaNamed, body: Upload) -> FileWithUrl:
    """Upload a file. The body is its bytes, the Content-Type its type."""
    if not is_as_declared(KINDS[body.mime_type], body.mime_type, body.read(HEAD_BYTES)):
        raise Problem(NOT_AS_DECLARED, f"its first bytes are not those of {body.mime_type}")
    blob = await ask.runtime.blobs.put(ask.organization_id, body.spool, body.mime_type)
    async with open_unit(ask.runtime, ask.organization_id, actor=ask.principal.actor) as work:
        row = await UploadedFile.create(
            id=uuid7(),
            blob=blob,
            mime_type=body.mime_type,
            filename=query.filename,
            size_bytes=body.spool.size_bytes,
            uploaded_by=work.actor[:120],
        )
        work.audit("media.uploaded", subject=f"uploaded_files:{row.id}", after={"type": row.mime_type, "blob": blob})
    return _with_url(ask, row)


@routes.delete("/media/{media_id}", permission="media.edit")
async def delete_media(ask: Ask, work: Unit, media_id: UUID) -> None:
    """Take a file out of the list. Messages that carry it keep it."""
    row = found(await UploadedFile.filter(id=media_id).first(), "file")
    await row.delete()
    work.audit("media.removed", subject=f"uploaded_files:{row.id}", before={"type": row.mime_type, "blob": row.blob})


def _values(row: UploadedFile) -> dict[str, object]:
    values = {name: getattr(row, name) for name in FileOut.model_fields if name != "kind"}
    return {**values, "kind": KINDS[row.mime_type].value}


def _with_url(ask: Ask, row: UploadedFile) -> FileWithUrl:
    until = (
        ask.now.replace(minute=0, second=0, microsecond=0) + 2 * GOOD_FOR
    )  # the same for a while, so that caches and ETags hold
    url = media_urls(ask.base_url).sign_url(ask.organization_id, row.blob, until)
    return FileWithUrl(**_values(row), url=url, url_until=until)
