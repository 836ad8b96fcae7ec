"""`/media/<token>`: a stored file for whoever holds a signed address that has not expired (`store.blobs.BlobUrls`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from bot.errors import Permanent, Retryable
from store.blobs import BlobUrls
from store.crypto import keyring

if TYPE_CHECKING:
    from bot.runtime import Runtime

__all__ = ["add_media", "media_urls"]

# What came from people is shown, never run, whatever it says it is.
SAFE = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cache-Control": "private, max-age=300",
}
SHOWN = ("image/", "video/", "audio/")


def media_urls(base_url: str = "") -> BlobUrls:
    return BlobUrls(keyring().master.derive("media urls"), base_url)


def add_media(app: web.Application, runtime: Runtime) -> None:
    async def show(request: web.Request) -> web.StreamResponse:
        found = media_urls().verify(request.match_info["token"], now=runtime.clock.now())
        if found is None:
            return web.Response(status=404, text="this address has expired or was never one; ask for a new one")
        organization_id, blob = found
        try:
            head = await runtime.blobs.head(organization_id, blob)
            if head is None:
                return web.Response(status=404, text="this file is gone")
            response = web.StreamResponse(headers=SAFE)
            response.content_type = head.mime_type
            response.content_length = head.size_bytes
            if not head.mime_type.startswith(SHOWN) or "svg" in head.mime_type:
                response.headers["Content-Disposition"] = "attachment"
            await response.prepare(request)
            async for chunk in runtime.blobs.stream(organization_id, blob):
                await response.write(chunk)
        except Retryable:
            return web.Response(status=503, headers={"Retry-After": "1"})
        except Permanent:
            return web.Response(status=404)
        await response.write_eof()
        return response

    app.router.add_get("/media/{token:[A-Za-z0-9_-]{80,200}}", show)
