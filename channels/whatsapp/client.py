"""The Graph API over aiohttp. One try per call: queues decide about another. Logs nothing, since all it sees is private."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Any, BinaryIO

import aiohttp
import orjson
from aiohttp.abc import AbstractStreamWriter
from aiohttp.payload import BytesPayload

from channels.whatsapp.download import (
    MEDIA_HOSTS,
    Downloaded,
    MediaCorrupt,
    MediaExpired,
    MediaGone,
    MediaRefused,
    MediaUnavailable,
    download,
)
from channels.whatsapp.lenient import as_dict, as_list, text
from channels.whatsapp.outbound import mark_read
from channels.whatsapp.outcomes import (
    Accepted,
    Answer,
    Done,
    Failure,
    MediaInfo,
    Refused,
    Throttled,
    Unknown,
    Unreached,
    Uploaded,
    failure_of,
)

__all__ = [
    "Accepted",
    "Answer",
    "Done",
    "Downloaded",
    "Failure",
    "GraphClient",
    "MediaCorrupt",
    "MediaExpired",
    "MediaGone",
    "MediaInfo",
    "MediaRefused",
    "MediaUnavailable",
    "Refused",
    "Throttled",
    "Unknown",
    "Unreached",
    "Uploaded",
]

_MAX_ANSWER_BYTES = 1024 * 1024  # Meta's answers have a few hundred
_ID = re.compile(r"[A-Za-z0-9_:=-]{1,255}")  # what may stand in a path: no slash, no dots
_OBJECT_GONE = (100, 33)


class GraphClient:
    """Calls for any number and token; the session belongs to the caller.

    The session's connector should close idle connections sooner than the server does, or a send meets a dying one and
    ends `Unknown`.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        base_url: str = "https://graph.facebook.com",
        version: str = "v25.0",
        timeout_s: float = 15.0,
        connect_timeout_s: float = 5.0,
        transfer_timeout_s: float = 300.0,
        media_hosts: frozenset[str] = MEDIA_HOSTS,
    ) -> None:
        """`media_hosts`: who besides `base_url` may hand out media, and so sees the token."""
        self._session = session
        self._base_url = base_url.rstrip("/")
        self._version = version
        self._timeout = aiohttp.ClientTimeout(total=timeout_s, sock_connect=min(connect_timeout_s, timeout_s))
        # Slow links may take minutes for 100 MB; a silent one is given up after the ordinary time.
        self._transfer = aiohttp.ClientTimeout(
            total=transfer_timeout_s, sock_connect=connect_timeout_s, sock_read=timeout_s
        )
        self._media_hosts = media_hosts

    async def send(
        self, phone_number_id: str, token: str, payload: dict[str, Any]
    ) -> Accepted | Refused | Throttled | Unknown | Unreached:
        """Sends one message (`outbound.to_json`). `Unknown` only when the request may have reached Meta."""
        answer = await self._post(self._url(phone_number_id, "messages"), token, payload)
        if not isinstance(answer, Answer):
            return answer
        if not answer.is_success:
            return failure_of(answer)
        return _accepted(answer.body or {})

    async def mark_read(
        self, phone_number_id: str, token: str, message_id: str, *, typing: bool = False
    ) -> Done | Refused | Throttled | Unknown | Unreached:
        """Blue ticks for this and all earlier messages, and "typing" if wished. Harmless to repeat, harmless to lose."""
        payload = mark_read(message_id, typing)
        answer = await self._post(self._url(phone_number_id, "messages"), token, payload)
        if not isinstance(answer, Answer):
            return answer
        return Done() if answer.is_success and (answer.body or {}).get("success") is True else failure_of(answer)

    async def upload_media(
        self, phone_number_id: str, token: str, content: bytes | BinaryIO, mime_type: str, filename: str
    ) -> Uploaded | Refused | Throttled | Unknown | Unreached:
        """Uploads a file. Harmless to repeat: an upload that nobody uses costs nothing and goes after 30 days."""
        form = aiohttp.FormData({"messaging_product": "whatsapp", "type": mime_type})
        stream = io.BytesIO(content) if isinstance(content, bytes) else content
        form.add_field("file", stream, filename=filename, content_type=mime_type)
        answer = await self._call("POST", self._url(phone_number_id, "media"), token, data=form, timeout=self._transfer)
        if not isinstance(answer, Answer):
            return answer
        media_id = text((answer.body or {}).get("id"))
        return Uploaded(media_id) if answer.is_success and media_id else failure_of(answer)

    async def media_info(self, media_id: str, token: str, *, phone_number_id: str = "") -> MediaInfo:
        """Where the bytes of a medium are, for the next 5 minutes.

        Raises:
            MediaGone: the id expired (7 days for what people send) or belongs to another number.
            MediaUnavailable: anything else; try again later.
        """
        params = {"phone_number_id": phone_number_id} if phone_number_id else {}
        answer = await self._call("GET", self._url(media_id), token, params=params, timeout=self._timeout)
        if not isinstance(answer, Answer):
            raise MediaUnavailable(f"asking for a medium: {answer.reason}")
        body = answer.body or {}
        url = text(body.get("url"))
        if answer.is_success and url:
            file_size = text(body.get("file_size"))
            return MediaInfo(
                url=url,
                mime_type=text(body.get("mime_type")),
                sha256=text(body.get("sha256")),
                file_size=int(file_size) if file_size.isascii() and file_size.isdigit() else 0,
            )
        raise _media_error(failure_of(answer))

    async def read(
        self, token: str, *path: str, params: dict[str, str] | None = None
    ) -> Answer | Refused | Throttled | Unknown | Unreached:
        """Asks for an object or a list of the management side; an `Answer` is a success. 200 an hour are free for an app and account."""
        answer = await self._call("GET", self._url(*path), token, timeout=self._timeout, params=params or {})
        if not isinstance(answer, Answer) or answer.is_success:
            return answer
        return failure_of(answer)

    async def write(
        self, token: str, *path: str, payload: dict[str, Any] | None = None
    ) -> Answer | Refused | Throttled | Unknown | Unreached:
        """Changes something of the management side; an `Answer` is a success."""
        answer = await self._post(self._url(*path), token, payload or {})
        if not isinstance(answer, Answer) or answer.is_success:
            return answer
        return failure_of(answer)

    async def download_media(
        self, url: str, token: str, *, max_bytes: int, sink: Callable[[bytes], object], sha256: str = ""
    ) -> Downloaded:
        """Streams the bytes at `url` (of `media_info`) into `sink`, chunk by chunk. What it got before an error is rubbish.

        The token goes to `base_url` and `media_hosts` only, never along a redirect elsewhere.

        Raises:
            MediaExpired: the url's 5 minutes are over; ask `media_info` again.
            BlobTooLarge: more than `max_bytes`.
            MediaCorrupt: not the `sha256` (base64 or hex) that was promised.
            MediaRefused: the url is on a host that must not see the token.
            MediaUnavailable: the network or the server failed.
        """
        return await download(
            self._session,
            url,
            token,
            base_url=self._base_url,
            media_hosts=self._media_hosts,
            max_bytes=max_bytes,
            sink=sink,
            sha256=sha256,
            timeout=self._transfer,
        )

    def _url(self, *segments: str) -> str:
        for segment in segments:
            if not _ID.fullmatch(segment):
                raise ValueError("an id for the Graph API holds characters that no id has")
        return "/".join((self._base_url, self._version, *segments))

    async def _post(self, url: str, token: str, payload: dict[str, Any]) -> Answer | Unknown | Unreached:
        body = _TracedPayload(orjson.dumps(payload), content_type="application/json")
        return await self._call("POST", url, token, data=body, timeout=self._timeout, traced=body)

    async def _call(
        self,
        method: str,
        url: str,
        token: str,
        *,
        timeout: aiohttp.ClientTimeout,
        traced: _TracedPayload | None = None,
        **arguments: Any,
    ) -> Answer | Unknown | Unreached:
        headers = {"Authorization": f"Bearer {token}"}
        try:
            async with self._session.request(
                method, url, headers=headers, timeout=timeout, allow_redirects=False, **arguments
            ) as response:
                raw = await _read_at_most(response, _MAX_ANSWER_BYTES)
                return Answer(response.status, response.headers, Answer.parse(raw))
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as e:
            return Unreached(type(e).__name__)
        except (TimeoutError, aiohttp.ClientError, OSError) as e:
            if traced is not None and not traced.has_left:
                return Unreached(type(e).__name__)
            return Unknown(type(e).__name__)


class _TracedPayload(BytesPayload):
    """A body that remembers whether a byte of it was handed to a living connection.

    Without a body the server has no message to act on, whatever it read of the headers; so a timeout while waiting for a
    connection, or a pooled one that died meanwhile, is told apart from one after sending.
    """

    has_left = False

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:
        transport = getattr(writer, "transport", None)
        self.has_left = transport is None or not transport.is_closing()
        await super().write_with_length(writer, content_length)


async def _read_at_most(response: aiohttp.ClientResponse, limit: int) -> bytes | None:
    chunks, total = [], 0
    async for chunk in response.content.iter_chunked(65_536):
        total += len(chunk)
        if total > limit:
            return None
        chunks.append(chunk)
    return b"".join(chunks)


def _accepted(body: dict[str, Any]) -> Accepted | Unknown:
    message = as_dict(next(iter(as_list(body.get("messages"))), None))
    contact = as_dict(next(iter(as_list(body.get("contacts"))), None))
    message_id = text(message.get("id"))
    if not message_id:
        return Unknown("an answer that names no message")
    return Accepted(
        message_id=message_id,
        wa_id=text(contact.get("wa_id")),
        user_id=text(contact.get("user_id")),
        message_status=text(message.get("message_status")),
    )


def _media_error(failure: Refused | Throttled | Unknown) -> MediaGone | MediaUnavailable:
    match failure:
        case Refused(code=code, subcode=subcode) if (code, subcode) == _OBJECT_GONE or code == 33:
            return MediaGone("the medium expired or belongs to another number")
        case Refused(code=code, http_status=status):
            return MediaUnavailable(f"asking for a medium: code {code}, HTTP {status}")
        case Throttled(after_s=after_s):
            return MediaUnavailable("asking for a medium: throttled", after_s=after_s)
        case Unknown(reason=reason):
            return MediaUnavailable(f"asking for a medium: {reason}")
