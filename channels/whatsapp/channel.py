"""WhatsApp behind the Channel port: rendering, media upload, the Graph API, and what its answers mean for the queue."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import aiohttp

from bot.errors import Permanent
from bot.messages import MediaOut, Outbound
from bot.ports import (
    Address,
    Blobs,
    DeliveryAccount,
    NotUploaded,
    SendRefused,
    SendResult,
    SendThrottled,
    SendUnknown,
    Sent,
    UploadResult,
)
from bot.render import Rendered, RMedia, render
from channels.settings import WhatsAppSettings
from channels.whatsapp.client import GraphClient
from channels.whatsapp.errors import ACTIONS, MEDIA_UNUSABLE, classify, meaning
from channels.whatsapp.media import check_outbound_media
from channels.whatsapp.outbound import to_json
from channels.whatsapp.outcomes import Accepted, Refused, Throttled, Unknown, Unreached, Uploaded
from store.blobs import BlobTooLarge
from store.db import execute, fetchval
from store.ids import uuid7
from store.tenancy import organization_scope

if TYPE_CHECKING:
    from bot.runtime import Runtime

__all__ = ["WhatsAppChannel", "open_channel"]

log = logging.getLogger(__name__)

UPLOAD_LIVES = timedelta(days=29)  # Meta keeps an upload for 30 days
IDLE_CONNECTION_S = 10.0  # shorter than any server's keep-alive: a send must not meet a dying connection

_WORDS = {
    "en": {"more_label": "More…", "first_label": "« Back to the start", "list_label": "Choose"},
    "sw": {"more_label": "Zaidi…", "first_label": "« Rudi mwanzo", "list_label": "Chagua"},
}


async def open_channel(runtime: Runtime) -> WhatsAppChannel:
    settings = runtime.configuration.section(WhatsAppSettings, "whatsapp")
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=IDLE_CONNECTION_S)
    session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
    client = GraphClient(
        session,
        base_url=settings.graph_url,
        version=settings.version,
        timeout_s=min(settings.timeout_s, runtime.turn.unknown_grace_s * 0.5),
        media_hosts=frozenset(settings.media_hosts),
    )
    return WhatsAppChannel(session, client, runtime.blobs)


class WhatsAppChannel:
    def __init__(self, session: aiohttp.ClientSession, client: GraphClient, blobs: Blobs) -> None:
        self._session = session
        self._client = client
        self._blobs = blobs

    async def close(self) -> None:
        await self._session.close()

    def pieces(self, part: Outbound) -> int:
        return len(_rendered(part, option_id=_unsealed, locale="en"))

    async def send(
        self,
        account: DeliveryAccount,
        to: Address,
        part: Outbound,
        index: int,
        *,
        option_id: Callable[[str], str],
        locale: str,
        opaque: str,
        reply_to: str | None,
    ) -> SendResult:
        try:
            rendered = _rendered(part, option_id=option_id, locale=locale)[index]
        except IndexError:
            return SendRefused(0, f"the message has no piece {index}; it was made by another version")
        media_id = ""
        if isinstance(part, MediaOut) and part.blob and index == 0:
            media_id = await _uploaded_id(account, part)
            if not media_id:
                return NotUploaded()
        try:
            payload = to_json(
                _with_media(rendered, media_id), to=to.phone, recipient=to.user_id, reply_to=reply_to, opaque=opaque
            )
        except ValueError as e:
            # One of a library quotes what it was given.
            return SendRefused(0, str(e) if type(e) is ValueError else type(e).__name__)
        answer = await self._client.send(account.external_id, account.token, payload)
        if media_id and isinstance(part, MediaOut) and _is_file_unknown(answer):
            await self.forget_upload(account, part)
            return NotUploaded("the provider does not know its file any more")
        return _result(answer)

    async def mark_read(self, account: DeliveryAccount, external_id: str, *, typing: bool) -> None:
        await self._client.mark_read(account.external_id, account.token, external_id, typing=typing)

    async def fetch_media(
        self, account: DeliveryAccount, media_id: str, *, max_bytes: int, sink: Callable[[bytes], object]
    ) -> str:
        info = await self._client.media_info(media_id, account.token, phone_number_id=account.external_id)
        if info.file_size > max_bytes:
            raise BlobTooLarge(f"a medium of {info.file_size} bytes, {max_bytes} are taken")
        await self._client.download_media(info.url, account.token, max_bytes=max_bytes, sink=sink, sha256=info.sha256)
        return info.mime_type

    async def forget_upload(self, account: DeliveryAccount, part: MediaOut) -> None:
        with organization_scope(account.organization_id):
            await execute(
                "UPDATE media_files SET expires_at = now(), reason = 'the provider does not know it any more' WHERE organization_id = $1"
                " AND account_id = $2 AND blob = $3 AND direction = 'out' AND expires_at > now()",
                account.organization_id,
                account.account_id,
                part.blob,
            )

    async def upload(self, account: DeliveryAccount, part: MediaOut) -> UploadResult:
        if await _uploaded_id(account, part):
            return None
        # On disk, since it may have 100 MB and several are on their way at a time.
        with tempfile.TemporaryFile() as content:
            async for chunk in self._blobs.stream(account.organization_id, part.blob):
                content.write(chunk)
            size_bytes = content.tell()
            if problems := check_outbound_media(part.kind, part.mime_type, size_bytes):
                raise Permanent(problems[0].message)
            content.seek(0)
            uploaded = await self._client.upload_media(
                account.external_id, account.token, content, part.mime_type, part.filename or "file"
            )
        if not isinstance(uploaded, Uploaded):
            failed = _result(uploaded)
            assert isinstance(failed, SendRefused | SendThrottled | SendUnknown)
            return failed
        await _note_uploaded(account, part, uploaded.media_id, size_bytes)
        return None


async def _uploaded_id(account: DeliveryAccount, part: MediaOut) -> str:
    """The provider's id of our blob for this number, "" without one: uploaded once, remembered for as long as the provider keeps it."""
    with organization_scope(account.organization_id):
        known = await fetchval(
            "SELECT external_id FROM media_files WHERE organization_id = $1 AND account_id = $2 AND blob = $3"
            " AND direction = 'out' AND expires_at > now() ORDER BY expires_at DESC LIMIT 1",
            account.organization_id,
            account.account_id,
            part.blob,
        )
    return str(known or "")


async def _note_uploaded(account: DeliveryAccount, part: MediaOut, media_id: str, size_bytes: int) -> None:
    with organization_scope(account.organization_id):
        await execute(
            "INSERT INTO media_files (id, organization_id, account_id, direction, external_id, blob, kind, mime_type, filename, size_bytes,"
            " state, reason, expires_at, created_at) VALUES ($1, $2, $3, 'out', $4, $5, $6, $7, $8, $9, 'stored', '', $10, now())",
            uuid7(),
            account.organization_id,
            account.account_id,
            media_id,
            part.blob,
            part.kind.value,
            part.mime_type,
            part.filename,
            size_bytes,
            datetime.now(UTC) + UPLOAD_LIVES,
        )


def _is_file_unknown(answer: object) -> bool:
    """The id expired sooner than it should, or its file was not usable: it is worth another upload."""
    return isinstance(answer, Refused) and (
        answer.code in (33, MEDIA_UNUSABLE) or (answer.code, answer.subcode) == (100, 33)
    )


def _rendered(part: Outbound, *, option_id: Callable[[str], str], locale: str) -> list[Rendered]:
    words = _WORDS.get(locale.partition("-")[0], _WORDS["en"])
    return render(part, option_id=lambda i: option_id(str(i)), page_id=lambda n: option_id(f"p{n}"), **words)


def _unsealed(number: str) -> str:
    return number


def _with_media(rendered: Rendered, media_id: str) -> Rendered:
    if not media_id or not isinstance(rendered, RMedia):
        return rendered
    return replace(rendered, media_id=media_id, link="")


def _result(answer: object) -> SendResult:
    match answer:
        case Accepted(message_id):
            return Sent(message_id)
        case Throttled(after_s, scope, code):
            growth = ACTIONS[classify(code)].growth if code else 2.0
            return SendThrottled(after_s, scope, code or 0, growth=growth)
        case Unknown(reason):
            return SendUnknown(reason)
        case Unreached(reason):
            return SendThrottled(1.0, "unreached", reason=reason)
        case Refused(code=code, error_class=error_class, message=message, details=details):
            action = ACTIONS[error_class]
            return SendRefused(
                code or 0,
                meaning(code) or f"refused with code {code}",  # ours: the provider's words may quote the message
                details or message,
                action.after_s,
                stops=action.stops.value,
                growth=action.growth,
                tries=action.tries,
            )
    raise AssertionError(f"unknown outcome {type(answer).__name__}")
