"""Media: upload, look-up, the bytes host with its five-minute links."""

import hashlib
import hmac

from aiohttp import BodyPartReader, web

from channels.emulator.errors import GraphError, no_such_object
from channels.emulator.graph.access import json_answer, mark, number_of, numbers_of_token
from channels.emulator.keys import EMULATOR
from channels.emulator.state import Media
from channels.emulator.validate.media_types import check_upload

LINK_LIFE_S = 300  # Meta's five minutes


async def upload(request: web.Request) -> web.Response:
    """Multipart with `messaging_product`, `file` and `type`; answers the media id."""
    emulator = request.app[EMULATOR]
    number = number_of(request)
    _maybe_fail(request, number.id)
    if not request.content_type.startswith("multipart/"):
        raise GraphError(100, "A file must be uploaded as multipart/form-data.")
    fields: dict[str, str] = {}
    content, filename, part_type = b"", None, None
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader):
            continue
        if part.name == "file":
            content, filename, part_type = bytes(await part.read()), part.filename, part.headers.get("Content-Type")
        elif part.name:
            fields[part.name] = (await part.text())[:200]
    if fields.get("messaging_product") != "whatsapp":
        raise GraphError(100, "Param messaging_product must be one of {WHATSAPP}.")
    if part_type is None:
        raise GraphError(100, "Param file is required.")
    mime_type = fields.get("type") or part_type
    check_upload(mime_type, content)
    media = emulator.world.add_media(content, mime_type, filename=filename, phone_number_id=number.id)
    emulator.touch("media", media)
    return json_answer({"id": media.id})


def look_up(request: web.Request, media: Media) -> web.Response:
    """The five-minute link and what hides behind it.

    Raises:
        GraphError: 100/33, the media is another number's or has expired.
    """
    emulator = request.app[EMULATOR]
    allowed = {n.id for n in numbers_of_token(request)}
    wanted = request.query.get("phone_number_id")
    owner_fits = media.phone_number_id is None or (
        media.phone_number_id in allowed and wanted in (None, media.phone_number_id)
    )
    if not owner_fits or media.expires_at <= emulator.clock.now():
        raise no_such_object(media.id)
    _maybe_fail(request, media.phone_number_id or next(iter(allowed)))
    expires = int(emulator.clock.now()) + LINK_LIFE_S
    url = f"{request.scheme}://{request.host}/whatsapp_business/attachments/?mid={media.id}&ext={expires}&hash={_hash(media, expires)}"
    return json_answer(
        {
            "messaging_product": "whatsapp",
            "url": url,
            "mime_type": media.mime_type,
            "sha256": media.sha256,
            "file_size": len(media.content),
            "id": media.id,
        }
    )


async def download(request: web.Request) -> web.Response:
    """The bytes; 401 without the token, 404 when the link is older than five minutes."""
    emulator = request.app[EMULATOR]
    allowed = {n.id for n in numbers_of_token(request)}
    media = emulator.world.media.get(request.query.get("mid", ""))
    if media is None or media.phone_number_id not in (None, *allowed):
        return web.Response(status=404)
    if "ext" in request.query:
        expires = int(request.query["ext"]) if request.query["ext"].isdigit() else 0
        given = request.query.get("hash", "").encode()
        if expires < emulator.clock.now() or not hmac.compare_digest(given, _hash(media, expires).encode()):
            return web.Response(status=404)
    elif emulator.clock.now() > media.expires_at:
        return web.Response(status=404)
    _maybe_fail(request, media.phone_number_id or next(iter(allowed)))
    return web.Response(body=media.content, content_type=media.mime_type.split(";")[0])


def _hash(media: Media, expires: int) -> str:
    return hashlib.sha256(f"{media.id}/{media.sha256}/{expires}".encode()).hexdigest()[:32]


def _maybe_fail(request: web.Request, phone_number_id: str) -> None:
    if request.app[EMULATOR].faults.draw("media_500", phone_number_id) is not None:
        mark(request, "media_500")
        raise GraphError(131000, "Something went wrong.")
