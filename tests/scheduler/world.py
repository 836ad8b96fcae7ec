"""Rows that the scheduler's tests begin with, written past row level security."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from bot.ports import DeliveryAccount, Lane
from store import db
from store.ids import uuid7
from store.tenancy import unscoped


@dataclass(frozen=True, slots=True)
class Conversation:
    organization_id: UUID
    account_id: UUID
    contact_id: UUID
    session_id: UUID


async def new_organization(name: str = "Acme") -> UUID:
    organization_id = uuid7()
    with unscoped("test"):
        await db.execute(
            "INSERT INTO organizations (id, name, slug, country, locale, timezone, settings, created_at)"
            " VALUES ($1, $2, $3, 'KE', 'en', 'Africa/Nairobi', '{}', now())",
            organization_id,
            name,
            organization_id.hex,
        )
    return organization_id


async def new_account(organization_id: UUID, *, number_per_s: float | None = None) -> DeliveryAccount:
    account_id = uuid7()
    with unscoped("test"):
        await db.execute(
            "INSERT INTO channel_accounts (id, organization_id, kind, external_id, waba_id, portfolio, name,"
            " display_phone_number, sealed_token, number_per_s, state, state_reason, created_at)"
            " VALUES ($1, $2, 'whatsapp', $3, '', '', '', '', ''::bytea, $4, 'connected', '', now())",
            account_id,
            organization_id,
            account_id.hex,
            number_per_s,
        )
    return DeliveryAccount(account_id, organization_id, "whatsapp", account_id.hex, "token", "connected", number_per_s)


async def new_conversation(organization_id: UUID | None = None, account_id: UUID | None = None) -> Conversation:
    organization_id = organization_id or await new_organization()
    account_id = account_id or (await new_account(organization_id)).account_id
    contact_id, session_id = uuid7(), uuid7()
    with unscoped("test"):
        await db.execute(
            "INSERT INTO contacts (id, organization_id, name, country, created_at) VALUES ($1, $2, '', 'KE', now())",
            contact_id,
            organization_id,
        )
        await db.execute(
            "INSERT INTO sessions (id, organization_id, account_id, contact_id, phase, revision, created_at, updated_at)"
            " VALUES ($1, $2, $3, $4, 'IDLE', 0, now(), now())",
            session_id,
            organization_id,
            account_id,
            contact_id,
        )
    return Conversation(organization_id, account_id, contact_id, session_id)


async def put_message(
    talk: Conversation, direction: str, *, status: str = "queued", external_id: str | None = None
) -> UUID:
    message_id = uuid7()
    with unscoped("test"):
        await db.execute(
            "INSERT INTO messages (id, organization_id, session_id, account_id, contact_id, direction, external_id, type,"
            " body, origin, status, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, 'text', ''::bytea, '', $8, now())",
            message_id,
            talk.organization_id,
            talk.session_id,
            talk.account_id,
            talk.contact_id,
            direction,
            external_id,
            status,
        )
    return message_id


async def put_inbox(talk: Conversation, *, age_s: float = 0.0) -> UUID:
    message_id = await put_message(talk, "in", status="received")
    inbox_id = uuid7()
    with unscoped("test"):
        await db.execute(
            "INSERT INTO inbox (id, organization_id, session_id, message_id, kind, provider_at, state, attempts,"
            " next_attempt_at, last_error) VALUES ($1, $2, $3, $4, 'message', now(), 'ready', 0,"
            " clock_timestamp() - make_interval(secs => $5), '')",
            inbox_id,
            talk.organization_id,
            talk.session_id,
            message_id,
            age_s,
        )
    return inbox_id


async def put_outbox(
    talk: Conversation, *, lane: Lane = Lane.REPLY, state: str = "ready", due_in_s: float = 0.0
) -> tuple[UUID, UUID]:
    """The ids of the outbox row and of its message."""
    message_id = await put_message(talk, "out")
    outbox_id = uuid7()
    with unscoped("test"):
        await db.execute(
            "INSERT INTO outbox (id, organization_id, message_id, session_id, account_id, contact_id, lane, state, attempts,"
            " next_attempt_at, last_error, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0,"
            " clock_timestamp() + make_interval(secs => $9), '', now())",
            outbox_id,
            talk.organization_id,
            message_id,
            talk.session_id,
            talk.account_id,
            talk.contact_id,
            int(lane),
            state,
            due_in_s,
        )
    return outbox_id, message_id


async def put_job(
    organization_id: UUID, name: str, payload: str = "{}", *, queue: str = "bulk", run_in_s: float = 0.0
) -> UUID:
    job_id = uuid7()
    with unscoped("test"):
        await db.execute(
            "INSERT INTO jobs (id, organization_id, name, queue, payload, state, run_at, attempts, last_error, created_at)"
            " VALUES ($1, $2, $3, $4, $5::jsonb, 'ready', clock_timestamp() + make_interval(secs => $6), 0, '', now())",
            job_id,
            organization_id,
            name,
            queue,
            payload,
            run_in_s,
        )
    return job_id


async def row(table: str, row_id: UUID) -> Any:
    with unscoped("test"):
        return await db.fetchrow(f"SELECT * FROM {table} WHERE id = $1", row_id)
