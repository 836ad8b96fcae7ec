"""Fakes at the ports: a channel that keeps what was sent, a clock that is set, limits that never bite, hints that go nowhere."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from bot.errors import Permanent, Retryable
from bot.messages import Media, MediaOut, Outbound
from bot.ports import Address, DeliveryAccount, Lane, Letter, SendResult, Sent, UploadResult
from bot.provider import Finding, Introduced, Known, Line, Outcome, TemplateFacts
from bot.render import RButtons, RCta, Rendered, RList, RLocationRequest, RMedia, RText, render
from store.blobs import BlobHead, BlobSpool

__all__ = [
    "AwayProvider",
    "Letterbox",
    "MemoryBlobs",
    "NoDispatcher",
    "OpenPacer",
    "Received",
    "RecordingChannel",
    "SettableClock",
    "received",
]


class SettableClock:
    def __init__(self, now: datetime) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def move(self, by: timedelta) -> None:
        self._now += by

    def set(self, now: datetime) -> None:
        self._now = now


@dataclass(slots=True)
class Letterbox:
    """Keeps letters and texts instead of sending them."""

    letters: list[Letter] = field(default_factory=list)
    texts: list[tuple[str, str]] = field(default_factory=list)

    async def email(self, letter: Letter) -> None:
        self.letters.append(letter)

    async def sms(self, phone: str, text: str) -> None:
        self.texts.append((phone, text))


@dataclass(frozen=True, slots=True)
class Received:
    """One message on somebody's phone. `options` are (title, id) of buttons and list rows, as WhatsApp shows them."""

    part: Outbound
    text: str
    options: tuple[tuple[str, str], ...] = ()
    opaque: str = ""

    @property
    def titles(self) -> tuple[str, ...]:
        return tuple(title for title, _ in self.options)

    @property
    def media(self) -> MediaOut | None:
        return self.part if isinstance(self.part, MediaOut) else None


@dataclass(slots=True)
class RecordingChannel:
    """Renders as WhatsApp would and keeps what arrived, by phone or user id."""

    phones: dict[str, list[Received]] = field(default_factory=dict)
    files: dict[str, tuple[bytes, str]] = field(default_factory=dict)  # what people sent, by media id
    sent: int = 0

    def pieces(self, part: Outbound) -> int:
        return len(_render(part, str))

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
        self.sent += 1
        address = to.phone or to.user_id or ""
        self.phones.setdefault(address, []).append(_received(_render(part, option_id)[index], part, opaque))
        return Sent(f"wamid.out.{self.sent}")

    async def mark_read(self, account: DeliveryAccount, external_id: str, *, typing: bool) -> None:
        return None

    async def upload(self, account: DeliveryAccount, part: MediaOut) -> UploadResult:
        return None

    async def forget_upload(self, account: DeliveryAccount, part: MediaOut) -> None:
        return None

    async def fetch_media(
        self, account: DeliveryAccount, media_id: str, *, max_bytes: int, sink: Callable[[bytes], object]
    ) -> str:
        if media_id not in self.files:
            raise Permanent(f"there is no medium {media_id}")
        data, mime_type = self.files[media_id]
        sink(data)
        return mime_type

    async def close(self) -> None:
        return None

    def offer_file(self, media: Media, data: bytes) -> None:
        self.files[media.media_id] = (data, media.mime_type)


class NoDispatcher:
    """Hints are only hints: the stage looks at the rows itself."""

    async def hint(self, organization_id: UUID, session_id: UUID, *, attempt: str) -> None:
        return None

    async def kick(self, organization_id: UUID, job_id: UUID, *, queue: str, attempt: int) -> None:
        return None

    async def deliver(self, organization_id: UUID, *, lane: Lane, attempt: str) -> None:
        return None


class OpenPacer:
    async def number(self, account: DeliveryAccount, lane: Lane) -> None:
        return None

    async def pair(self, account: DeliveryAccount, session_id: UUID) -> float:
        return 0.0


class MemoryBlobs:
    """By content hash, as the store has it."""

    def __init__(self) -> None:
        self._kept: dict[tuple[UUID, str], bytes] = {}

    async def put(self, organization_id: UUID, data: bytes | BlobSpool, mime_type: str) -> str:
        if isinstance(data, BlobSpool):
            data.file.seek(0)
            data = data.file.read()
        blob = hashlib.sha256(data).hexdigest()
        self._kept[organization_id, blob] = data
        return blob

    async def get(self, organization_id: UUID, blob: str) -> bytes:
        try:
            return self._kept[organization_id, blob]
        except KeyError as e:
            raise Permanent(f"organization {organization_id} has no blob {blob}") from e

    async def head(self, organization_id: UUID, blob: str) -> BlobHead | None:
        data = self._kept.get((organization_id, blob))
        return None if data is None else BlobHead(blob, len(data), "application/octet-stream")

    async def stream(self, organization_id: UUID, blob: str) -> AsyncIterator[bytes]:
        yield await self.get(organization_id, blob)


def received(part: Outbound) -> list[Received]:
    """A part as it arrives, without a channel: an option's id is its place among the options, `p2` turns to a page."""
    return [_received(each, part, "") for each in _render(part, str)]


def _render(part: Outbound, option_id: Callable[[str], str]) -> list[Rendered]:
    return render(part, option_id=lambda n: option_id(str(n)), page_id=lambda n: option_id(f"p{n}"))


def _received(rendered: Rendered, part: Outbound, opaque: str) -> Received:
    match rendered:
        case RText(body):
            return Received(part, body, opaque=opaque)
        case RButtons():
            return Received(part, rendered.body, tuple((each.title, each.id) for each in rendered.buttons), opaque)
        case RList():
            return Received(part, rendered.body, tuple((row.title, row.id) for row in rendered.rows), opaque)
        case RMedia():
            return Received(part, rendered.caption, opaque=opaque)
        case RCta() | RLocationRequest():
            return Received(part, rendered.body, opaque=opaque)
    return Received(part, "", opaque=opaque)


class AwayProvider:
    """A provider that nobody reaches."""

    checks: Mapping[str, Mapping[str, str]] = {"token": {"en": "The access token lives", "sw": "Tokeni iko hai"}}

    async def introduce(self, line: Line) -> Introduced:
        raise Retryable("asking the provider: it is away")

    async def templates(self, line: Line) -> Sequence[TemplateFacts]:
        raise Retryable("asking the provider: it is away")

    async def examine(self, line: Line, check: str, known: Known) -> Finding:
        away = {"en": "It is away", "sw": "Haipatikani"}
        return Finding(check=check, outcome=Outcome.WARN, tried=away, came=away, at=known.now)

    async def subscribe(self, line: Line) -> None:
        raise Retryable("asking the provider: it is away")

    async def greet(self, line: Line, phone: str, template: tuple[str, str] | None) -> tuple[str, Finding]:
        away = {"en": "It is away", "sw": "Haipatikani"}
        return "", Finding(check="message", outcome=Outcome.WARN, tried=away, came=away)

    async def close(self) -> None:
        pass
