"""One conversation with everything around it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from bot.conversations.errors import NoConversation
from bot.conversations.summary import Summary, filled, open_summary
from bot.flows import FlowState
from bot.policy import window_closes_at
from store.crypto import OrganizationKeys
from store.db import fetch, fetchrow
from store.jsonb import from_jsonb

__all__ = ["Conversation", "Person", "conversation", "people_of"]

_ONE = """
SELECT v.id, v.contact_id, v.account_id, v.assignee_id, v.labels, v.unread, v.waiting_at, v.sealed_summary, v.taken_over_at, v.taken_over_by,
       v.closed_at, v.version, v.last_at, s.state, s.phase, s.last_user_at, c.name, c.locale, c.country, c.opted_in_at, c.opted_out_at,
       c.created_at AS known_since, COALESCE(NULLIF(a.name, ''), a.display_phone_number) AS account, a.state AS account_state, a.state_reason,
       (SELECT COALESCE(NULLIF(u.name, ''), u.email) FROM users u WHERE u.id = v.assignee_id) AS assignee,
       (SELECT COALESCE(NULLIF(u.name, ''), u.email) FROM users u WHERE u.id = v.taken_over_by) AS taker,
       (SELECT i.value_masked FROM contact_identities i WHERE i.organization_id = $1 AND i.contact_id = v.contact_id AND i.kind = 'phone'
          AND i.valid_to IS NULL ORDER BY i.valid_from DESC LIMIT 1) AS masked,
       (SELECT i.value_sealed FROM contact_identities i WHERE i.organization_id = $1 AND i.contact_id = v.contact_id AND i.kind = 'phone'
          AND i.valid_to IS NULL ORDER BY i.valid_from DESC LIMIT 1) AS phone_sealed
FROM conversations v JOIN sessions s ON s.organization_id = $1 AND s.id = v.id
JOIN contacts c ON c.organization_id = $1 AND c.id = v.contact_id
JOIN channel_accounts a ON a.organization_id = $1 AND a.id = v.account_id
WHERE v.organization_id = $1 AND v.id = $2
"""
_PEOPLE = """
SELECT u.id, COALESCE(NULLIF(u.name, ''), u.email) AS name FROM memberships m JOIN users u ON u.id = m.user_id
WHERE m.organization_id = $1 AND m.role <> ALL($2::text[]) ORDER BY 2 LIMIT 200
"""
_NOT_OF_THE_INBOX = ("viewer", "participant", "exhibitor_admin", "exhibitor_staff")


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of the organization who may be given a conversation."""

    id: UUID
    name: str


@dataclass(frozen=True, slots=True)
class Conversation:
    id: UUID
    contact_id: UUID
    account_id: UUID
    name: str
    masked: str
    phone: str  # the whole number: only for those with `contacts.phone`
    locale: str
    country: str
    known_since: datetime
    opted_in_at: datetime | None
    opted_out_at: datetime | None
    account: str
    account_state: str
    account_reason: str
    assignee_id: UUID | None
    assignee: str
    labels: tuple[str, ...]
    unread: int
    waiting_at: datetime | None
    summary: Summary | None
    taken_over_at: datetime | None
    taken_over_by: UUID | None
    taker: str
    closed_at: datetime | None
    phase: str
    flows: tuple[str, ...]  # ids of the flows that are open, uppermost first
    slots: dict[str, str]
    last_user_at: datetime | None
    last_at: datetime
    version: int

    @property
    def window_closes_at(self) -> datetime | None:
        return window_closes_at(self.last_user_at)

    def is_window_open(self, now: datetime) -> bool:
        closes_at = self.window_closes_at
        return closes_at is not None and now < closes_at


async def conversation(conversation_id: UUID, keys: OrganizationKeys) -> Conversation:
    """
    Raises:
        NoConversation: not in this organization.
    """
    row = await fetchrow(_ONE, keys.organization_id, conversation_id)
    if row is None:
        raise NoConversation(conversation_id)
    state = FlowState.from_json(from_jsonb(row["state"]) if row["state"] else None)
    phone = row["phone_sealed"]
    return Conversation(
        row["id"],
        row["contact_id"],
        row["account_id"],
        row["name"],
        row["masked"] or "",
        keys.open_text(phone, table="contact_identities", column="value_sealed") if phone else "",
        row["locale"] or "",
        row["country"],
        row["known_since"],
        row["opted_in_at"],
        row["opted_out_at"],
        row["account"],
        row["account_state"],
        row["state_reason"] or "",
        row["assignee_id"],
        row["assignee"] or "",
        tuple(from_jsonb(row["labels"]) or ()),
        row["unread"],
        row["waiting_at"],
        open_summary(row["sealed_summary"], keys),
        row["taken_over_at"],
        row["taken_over_by"],
        row["taker"] or "",
        row["closed_at"],
        row["phase"],
        _open_flows(state),
        filled(state.slots),
        row["last_user_at"],
        row["last_at"],
        row["version"],
    )


async def people_of(organization_id: UUID) -> list[Person]:
    """Who may be given a conversation: everybody whose role has the inbox."""
    rows: list[Any] = await fetch(_PEOPLE, organization_id, list(_NOT_OF_THE_INBOX))
    return [Person(row["id"], row["name"]) for row in rows]


def _open_flows(state: FlowState) -> tuple[str, ...]:
    return tuple(frame.flow for frame in reversed(state.stack) if frame.kind not in ("call", "pattern"))
