"""Files of the page: a person's upload, and the bytes of any media for showing it."""

from aiohttp import BodyPartReader, web

from channels.emulator.control.frame import answer
from channels.emulator.keys import EMULATOR
from channels.emulator.validate.media_types import INBOUND_BYTES, kind_of

_INLINE = ("image/jpeg", "image/png", "image/webp", "image/gif", "audio/", "video/", "application/pdf")


async def upload(request: web.Request) -> web.Response:
    """Multipart with `file`; answers the id that `send` takes as `media.id`."""
    emulator = request.app[EMULATOR]
    async for part in await request.multipart():
        if isinstance(part, BodyPartReader) and part.name == "file":
            content = bytes(await part.read())
            if len(content) > INBOUND_BYTES:
                raise ValueError(f"a person cannot send more than {INBOUND_BYTES} bytes")
            mime_type = part.headers.get("Content-Type", "application/octet-stream")
            media = emulator.world.add_media(content, mime_type, filename=part.filename)
            emulator.touch("media", media)
            return answer(
                {"id": media.id, "kind": kind_of(mime_type) or "document", "mime_type": mime_type}, status=201
            )
    raise ValueError("the upload has no part named file")


async def content(request: web.Request) -> web.Response:
    """The bytes; types that a browser would run are only offered as a download."""
    media = request.app[EMULATOR].world.media[request.match_info["media_id"]]
    plain = media.mime_type.split(";")[0]
    headers = {
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox",
        "Cache-Control": "private, max-age=3600",
    }
    if not plain.startswith(_INLINE):
        headers["Content-Disposition"] = "attachment"
        plain = "application/octet-stream"
    return web.Response(body=media.content, content_type=plain, headers=headers)
