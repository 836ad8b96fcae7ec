"""A full house: many people who have agreed to hear from the organization and hold a ticket."""

from __future__ import annotations

import asyncio
import time
from uuid import UUID

from channels.emulator.client import EmulatorClient
from store.ids import uuid7
from tests.e2e.stack import Stack

__all__ = ["invite"]


async def invite(stack: Stack, client: EmulatorClient, count: int, *, opted_out: int, event: str) -> list[str]:
    """They write START themselves, the first `opted_out` of them STOP later; the tickets are put in by hand. Answers their numbers."""
    await client.set_fault(
        "no_status", probability=1.0
    )  # nobody asks for the statuses of these answers, and they are most of the work
    begun = await client.bulk(count=count, prefix="25478", text="start", messages_each=1)
    guests = list(begun["wa_ids"])
    await _until(stack, "SELECT count(*) FROM contacts WHERE opted_in_at IS NOT NULL", count)
    await client.bulk(wa_ids=guests[:opted_out], text="stop", messages_each=1)
    await _until(stack, "SELECT count(*) FROM contacts WHERE opted_out_at IS NOT NULL", opted_out)
    await client.wait_until_idle(timeout_s=60)
    await client.clear_faults()
    await _give_tickets(stack, event)
    return guests


async def _until(stack: Stack, sql: str, wanted: int, *, timeout_s: float = 120) -> None:
    until = time.monotonic() + timeout_s
    while (found := await stack.count(sql)) < wanted:
        assert time.monotonic() < until, f"{found} of {wanted}: {sql}"
        await asyncio.sleep(0.2)


async def _give_tickets(stack: Stack, slug: str) -> None:
    async with stack.database() as connection, connection.transaction():
        event = await connection.fetchrow("SELECT id, organization_id FROM events_events WHERE slug = $1", slug)
        kind: UUID = await connection.fetchval(
            "SELECT id FROM events_ticket_types WHERE event_id = $1 ORDER BY position LIMIT 1", event["id"]
        )
        holders = await connection.fetch(
            "SELECT s.contact_id, s.account_id FROM sessions s JOIN contacts c ON c.id = s.contact_id"
            " WHERE c.opted_in_at IS NOT NULL OR c.opted_out_at IS NOT NULL"
        )
        organization: UUID = event["organization_id"]
        orders = [uuid7() for _ in holders]
        await connection.executemany(
            "INSERT INTO events_orders (id, organization_id, event_id, contact_id, account_id, key, name, email, total_minor, currency,"
            " status, created_at) VALUES ($1, $2, $3, $4, $5, $1::uuid::text, 'A guest', ''::bytea, 0, 'KES', 'confirmed', now())",
            [
                (o, organization, event["id"], h["contact_id"], h["account_id"])
                for o, h in zip(orders, holders, strict=True)
            ],
        )
        await connection.executemany(
            "INSERT INTO events_tickets (id, organization_id, order_id, event_id, ticket_type_id, contact_id, account_id, holder_name, code,"
            " status, picture, picture_due, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, 'A guest', $8, 'valid', '', 'not', now())",
            [
                (uuid7(), organization, o, event["id"], kind, h["contact_id"], h["account_id"], f"T{n:08d}")
                for n, (o, h) in enumerate(zip(orders, holders, strict=True))
            ],
        )
        await connection.execute(
            "UPDATE events_ticket_types SET capacity = capacity + $2, sold = sold + $2 WHERE id = $1",
            kind,
            len(holders),
        )
