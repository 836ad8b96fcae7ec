"""Rows of what people are told: of an organization, or (`None`) of the platform's own people."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from store.db import Tx, execute, fetch
from store.jsonb import from_jsonb, to_jsonb
from store.tenancy import organization_scope, unscoped

__all__ = ["Board", "Notice", "Pin", "Tally", "pin"]

Words = str | Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Notice:
    id: UUID
    kind: str
    subject: Words
    link: str
    times: int
    at: datetime
    read_at: datetime | None


@dataclass(frozen=True, slots=True)
class Tally:
    """`print` changes whenever something was told or read."""

    unread: int
    print: str


@dataclass(frozen=True, slots=True)
class Pin:
    """What is told. Of a `key` one line is unread at a time."""

    kind: str
    subject: Words
    link: str
    key: str


_PIN = """
INSERT INTO notifications (id, organization_id, user_id, kind, subject, link, key, times, at)
SELECT cn_uuid7(), $1, u, $3, $4::jsonb, $5, $6, 1, $7 FROM unnest($2::uuid[]) u
ON CONFLICT (organization_id, user_id, key) WHERE read_at IS NULL DO UPDATE
SET times = notifications.times + 1, at = EXCLUDED.at, subject = EXCLUDED.subject, link = EXCLUDED.link
"""
_PIN_OF_PLATFORM = """
INSERT INTO platform_notifications (id, user_id, kind, subject, link, key, times, at)
SELECT cn_uuid7(), u, $2, $3::jsonb, $4, $5, 1, $6 FROM unnest($1::uuid[]) u
ON CONFLICT (user_id, key) WHERE read_at IS NULL DO UPDATE
SET times = platform_notifications.times + 1, at = EXCLUDED.at, subject = EXCLUDED.subject, link = EXCLUDED.link
"""


async def pin(tx: Tx, organization_id: UUID, people: Collection[UUID], what: Pin, at: datetime) -> None:
    """For each of them, in the transaction of what it tells of."""
    await tx.execute(_PIN, organization_id, sorted(people), what.kind, to_jsonb(what.subject), what.link, what.key, at)


@dataclass(frozen=True, slots=True)
class Board:
    """`organization_id` None: that of the platform's own people."""

    organization_id: UUID | None

    async def put(self, people: Collection[UUID], what: Pin, at: datetime) -> None:
        """Only of the platform: an organization's are put by `pin`, with the work they tell of."""
        assert self.organization_id is None
        with self._bound():
            await execute(_PIN_OF_PLATFORM, sorted(people), what.kind, to_jsonb(what.subject), what.link, what.key, at)

    async def tallies(self, people: Collection[UUID]) -> dict[UUID, Tally]:
        """Of those who were ever told something."""
        with self._bound():
            rows = await fetch(
                "SELECT user_id, count(*) FILTER (WHERE read_at IS NULL) AS unread, max(at) AS last, sum(times) AS times"  # noqa: S608 - constants
                f" FROM {self._table} WHERE {self._mine} AND user_id = ANY($2) GROUP BY user_id",
                self.organization_id,
                list(people),
            )
        return {row["user_id"]: Tally(row["unread"], f"{row['last']}:{row['times']}:{row['unread']}") for row in rows}

    async def latest(self, user_id: UUID, *, offset: int = 0, limit: int = 20) -> Sequence[Notice]:
        with self._bound():
            rows = await fetch(
                f"SELECT id, kind, subject, link, times, at, read_at FROM {self._table}"  # noqa: S608 - constants
                f" WHERE {self._mine} AND user_id = $2 ORDER BY at DESC, id DESC OFFSET $3 LIMIT $4",
                self.organization_id,
                user_id,
                offset,
                limit,
            )
        return [Notice(**{**row, "subject": from_jsonb(row["subject"])}) for row in rows]

    async def mark_read(self, user_id: UUID, notice_id: UUID | None, now: datetime) -> int:
        """One of hers, or all."""
        with self._bound():
            tag = await execute(
                f"UPDATE {self._table} SET read_at = $4 WHERE {self._mine} AND user_id = $2 AND read_at IS NULL"  # noqa: S608 - constants
                " AND ($3::uuid IS NULL OR id = $3)",
                self.organization_id,
                user_id,
                notice_id,
                now,
            )
        return int(tag.split()[-1])

    @property
    def _table(self) -> str:
        return "notifications" if self.organization_id else "platform_notifications"

    @property
    def _mine(self) -> str:
        return "organization_id = $1" if self.organization_id else "$1::uuid IS NULL"

    @contextmanager
    def _bound(self) -> Iterator[None]:
        if self.organization_id is not None:
            with organization_scope(self.organization_id):
                yield
            return
        with unscoped("what the platform's own people are told"):
            yield
