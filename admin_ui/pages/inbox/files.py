"""Files of messages, for those who may see the inbox of their organization."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from urllib.parse import quote
from uuid import UUID

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from admin_ui.scope import Desk
from bot.conversations import file_of
from bot.errors import Permanent
from store.crypto import keyring
from store.tenancy import organization_scope

__all__ = ["PATH", "answer_with_file"]

PATH = "/inbox/file/{message_id}"
# Shown in the page; anything else is only ever downloaded, so that no file of a stranger runs as a page of ours.
SHOWN = ("image/jpeg", "image/png", "image/webp", "image/gif", "audio/", "video/")


async def answer_with_file(request: Request, find_desk: Callable[[Request], Awaitable[Desk | None]]) -> Response:
    desk = await find_desk(request)
    try:
        message_id = UUID(request.path_params["message_id"])
    except ValueError:
        return PlainTextResponse("not found", 404)
    if desk is None or not desk.may("inbox.view"):
        return PlainTextResponse("not found", 404)
    with organization_scope(desk.organization.id):
        found = await file_of(message_id, await keyring().keys(desk.organization.id))
        if found is None:
            return PlainTextResponse("not found", 404)
        blob, mime_type, filename = found
        try:
            data = await desk.runtime.blobs.get(desk.organization.id, blob)
        except Permanent:
            return PlainTextResponse("gone", 410)
    kind = mime_type.partition(";")[0].strip()
    way = "inline" if kind.startswith(SHOWN) else "attachment"
    headers = {
        "Cache-Control": "private, max-age=3600",
        "Content-Disposition": f"{way}; filename*=UTF-8''{quote(filename or 'file')}",
    }
    return Response(data, media_type=kind or "application/octet-stream", headers=headers)
