"""Who is in the crowd and what they said, as rows. The same for the same seed; only the dates count back from `until`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from bot.bodies import OutBody, encode_inbound, encode_outbound
from bot.demo.crowd.talks import filled, talks, values_of
from bot.demo.history import FIRST, LAST
from bot.errors import Permanent
from bot.messages import Choices, Text
from store.crypto import OrganizationKeys, mask_phone
from store.ids import uuid7_of

__all__ = ["COLUMNS", "LABELS", "Cast", "Rows", "phone_of"]

DAYS = 180
MOST = 80_000  # the numbers that no operator gives out
LABELS = (
    ("vip", "VIP", "info"),
    ("speaker", "Speaker", "good"),
    ("press", "Press", "plain"),
    ("volunteer", "Volunteer", "plain"),
    ("vendor", "Vendor", "warn"),
)
TOPICS = ("refund", "invoice", "lost ticket", "stand", "access", "complaint")

COLUMNS: dict[str, Sequence[str]] = {
    "contacts": ("id", "organization_id", "name", "locale", "country", "opted_in_at", "opted_out_at", "created_at", "labels", "custom"),
    "contact_identities": ("id", "organization_id", "contact_id", "portfolio", "kind", "value_index", "value_sealed", "value_masked", "valid_from"),
    "consents": ("id", "organization_id", "contact_id", "purpose", "state", "source", "wording", "at"),
    "sessions": ("id", "organization_id", "account_id", "contact_id", "phase", "revision", "last_user_at", "started_at", "created_at", "updated_at"),
    "messages": (
        "id", "organization_id", "session_id", "account_id", "contact_id", "direction", "external_id", "type", "body", "origin", "status",
        "provider_at", "created_at", "sent_at", "delivered_at", "read_at", "failed_at", "error",
    ),
    "conversation_notes": ("id", "organization_id", "conversation_id", "kind", "author_id", "created_at"),
}  # fmt: skip

_UNDELIVERABLE = '{"code": 131026, "reason": "Message undeliverable", "details": ""}'


@dataclass(slots=True)
class Rows:
    """Of some conversations, by table; `desk` is (id, assignee, labels, unread, waiting_at, taken_over_at, taken_over_by, closed_at) of the inbox."""

    tables: dict[str, list[tuple[Any, ...]]] = field(default_factory=lambda: {table: [] for table in COLUMNS})
    desk: list[tuple[Any, ...]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Cast:
    organization_id: UUID
    account_id: UUID
    seed: int
    conversations: int
    messages: int
    until: datetime
    staff: tuple[UUID, ...]  # who answers

    def lengths(self) -> list[int]:
        """How many messages each conversation has: most few, some very many, together exactly `messages`.

        Raises:
            Permanent: there cannot be such a crowd.
        """
        if not 1 <= self.conversations <= MOST or self.messages < 2 * self.conversations:
            raise Permanent(f"1 to {MOST:,} conversations, and at least two messages for each")
        chance = Random(f"crowd {self.seed}")
        weights = [min(chance.paretovariate(1.2), 40) for _ in range(self.conversations)]
        spare, whole = self.messages - 2 * self.conversations, sum(weights)
        found = [2 + int(spare * weight / whole) for weight in weights]
        for number in range(self.messages - sum(found)):  # what rounding left over
            found[number % self.conversations] += 1
        return found

    def rows(self, numbers: Iterator[tuple[int, int]] | Sequence[tuple[int, int]], keys: OrganizationKeys) -> Rows:
        """Of these conversations: (number, length)."""
        found = Rows()
        for number, length in numbers:
            _Conversation(self, number, keys, found).write(length)
        return found


class _Conversation:
    def __init__(self, cast: Cast, number: int, keys: OrganizationKeys, into: Rows) -> None:
        self._cast, self._number, self._keys, self._into = cast, number, keys, into
        self._chance = Random(f"crowd {cast.seed} {number}")
        self._name = f"{self._chance.choice(FIRST)} {self._chance.choice(LAST)}"

    def write(self, length: int) -> None:
        said = self._said(length)
        began, ended = said[0][2], said[-1][2]
        contact_id = self._id("contact", began)
        session_id = self._id("session", began)
        self._person(contact_id, began)
        last_user_at = next((at for direction, _, at in reversed(said) if direction == "in"), began)
        tables, cast = self._into.tables, self._cast
        tables["sessions"].append(
            (session_id, cast.organization_id, cast.account_id, contact_id, "IDLE", 0, last_user_at, last_user_at, began, ended)
        )  # fmt: skip
        for position, (direction, what, at) in enumerate(said):
            tables["messages"].append(self._message(position, direction, what, at, session_id, contact_id))
        self._desk(session_id, said, ended)

    def _said(self, length: int) -> list[tuple[str, str | Choices, datetime]]:
        """Talks on some days between the first and the last, each within minutes; the last ends at the last."""
        chance, until = self._chance, self._cast.until
        every, weights = talks()
        quiet_days = 1.0 if length > 60 else 4.0 if length > 20 else 14.0  # who writes much wrote lately
        ended = until - min(
            timedelta(days=chance.expovariate(1 / quiet_days), seconds=chance.uniform(20, 900)),
            timedelta(days=DAYS - 5),
        )
        span_s = min(chance.uniform(0.2, 3.0) * length, DAYS - 1) * 86_400 - (until - ended).total_seconds()
        found: list[tuple[str, str | Choices, float]] = []
        starts = sorted(chance.uniform(0, max(span_s, 60.0)) for _ in range(1 + length // 3))
        second = 0.0
        for start, talk in zip(starts, chance.choices(every, weights, k=len(starts)), strict=True):
            second = max(second, start)
            values = values_of(self._name, chance.getrandbits(24))
            for direction, what in talk:
                second += {"in": chance.uniform(4, 70), "out": chance.uniform(0.6, 1.6), "us": chance.uniform(40, 900)}[
                    direction
                ]
                found.append((direction, filled(what, values), second))
            if len(found) >= length:
                break
        while len(found) < length:
            second += chance.uniform(20, 4000)
            found.append(("in", chance.choice(("sawa", "ok", "asante", "👍", "thanks", "nimeelewa")), second))
        last = found[length - 1][2]
        return [(direction, what, ended - timedelta(seconds=last - at)) for direction, what, at in found[:length]]

    def _person(self, contact_id: UUID, began: datetime) -> None:
        chance, cast, tables = self._chance, self._cast, self._into.tables
        labels = chance.sample([key for key, *_ in LABELS], chance.choice((1, 1, 2))) if chance.random() < 0.3 else []
        left_at = began + timedelta(hours=1) if chance.random() < 0.03 else None
        phone = phone_of(self._number)
        tables["contacts"].append(
            (
                contact_id, cast.organization_id, self._name, chance.choice(("en", "en", "sw")), chance.choice(("KE",) * 8 + ("TZ", "UG")),
                began, left_at, began, "[" + ", ".join(f'"{each}"' for each in labels) + "]", "{}",
            )
        )  # fmt: skip
        tables["contact_identities"].append(
            (
                self._id("identity", began), cast.organization_id, contact_id, "", "phone", self._keys.blind_index(phone),
                self._keys.seal_text(phone, table="contact_identities", column="value_sealed"), mask_phone(phone), began,
            )
        )  # fmt: skip
        tables["consents"].append(
            (
                self._id("consent", began),
                cast.organization_id,
                contact_id,
                "messages",
                "granted",
                "chat",
                "wrote first",
                began,
            )
        )
        if left_at is not None:
            tables["consents"].append(
                (
                    self._id("stop", left_at),
                    cast.organization_id,
                    contact_id,
                    "messages",
                    "withdrawn",
                    "chat",
                    "STOP",
                    left_at,
                )
            )

    def _message(
        self, position: int, direction: str, what: str | Choices, at: datetime, session_id: UUID, contact_id: UUID
    ) -> tuple[Any, ...]:
        chance, cast = self._chance, self._cast
        message_id = self._id(f"message {position}", at)
        part = Text(text=what) if isinstance(what, str) else what
        status, origin, incoming = "received", "", False
        if direction == "in" and isinstance(part, Text):
            body, incoming = encode_inbound(part, self._keys), True
        else:
            body = encode_outbound(OutBody(part, 0, message_id.hex), self._keys)
        if not incoming:
            status = chance.choices(("read", "delivered", "sent", "failed"), (76, 19, 3, 2))[0]
            origin = f"inbox/user:{chance.choice(cast.staff)}" if direction == "us" and cast.staff else "assistant:menu"
        later = at + timedelta(seconds=2)
        return (
            message_id, cast.organization_id, session_id, cast.account_id, contact_id, "in" if incoming else "out", f"wamid.crowd.{message_id.hex}",
            part.type, body, origin, status, at, at, None if incoming else at, later if status in ("delivered", "read") else None,
            later + timedelta(minutes=3) if status == "read" else None, later if status == "failed" else None,
            _UNDELIVERABLE if status == "failed" else None,
        )  # fmt: skip

    def _desk(self, session_id: UUID, said: Sequence[tuple[str, str | Choices, datetime]], ended: datetime) -> None:
        """What people of the organization made of it: old ones are closed, some of the new ones wait or are somebody's."""
        chance, cast = self._chance, self._cast
        age = cast.until - ended
        closed = age > timedelta(days=2) and chance.random() < 0.7
        waits = not closed and chance.random() < 0.04
        assignee = chance.choice(cast.staff) if cast.staff and chance.random() < 0.2 else None
        taken = assignee if not closed and chance.random() < 0.3 else None
        trailing = 0
        for direction, *_ in reversed(said):
            if direction != "in":
                break
            trailing += 1
        unread = max(trailing, 1) if waits else trailing if not closed and age < timedelta(days=6) else 0
        labels = (
            "[" + ", ".join(f'"{each}"' for each in chance.sample(TOPICS, chance.choice((1, 1, 2)))) + "]"
            if chance.random() < 0.22
            else "[]"
        )
        self._into.desk.append(
            (
                session_id, assignee, labels, unread, ended if waits else None, ended if taken else None, taken,
                ended + timedelta(hours=1) if closed else None,
            )
        )  # fmt: skip
        if assignee is not None or closed:
            kind, at = ("closed", ended + timedelta(hours=1)) if closed else ("taken_over", ended)
            self._into.tables["conversation_notes"].append(
                (self._id("note", at), cast.organization_id, session_id, kind, assignee, at)
            )

    def _id(self, what: str, at: datetime) -> UUID:
        return _id(self._cast, f"{self._number} {what}", at)


def phone_of(number: int) -> str:
    """Numbers of a range that no operator gives out; those of the demo's history stand below."""
    return f"+2547000{10_000 + number:05d}"


def _id(cast: Cast, what: str, at: datetime) -> UUID:
    tail = hashlib.blake2b(f"{cast.organization_id} {cast.seed} {what}".encode(), digest_size=10).digest()
    return uuid7_of(int(at.timestamp() * 1000), tail)
