"""Rows that tests of events begin with."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from bot.testing import Stage
from skills.events import service
from skills.events.models import Event, EventStatus, Ticket, TicketType
from store import db
from store.crypto import keyring
from store.ids import uuid7
from store.models import Contact
from store.tenancy import organization_scope

NOW = datetime(2026, 6, 1, 6, tzinfo=UTC)


async def new_event(*, capacity: int = 100, price_minor: int = 0, title: str = "Book fair") -> tuple[Event, TicketType]:
    event = await Event.create(
        slug=uuid7().hex,
        title=title,
        venue="KICC",
        starts_at=NOW + timedelta(days=10),
        ends_at=NOW + timedelta(days=10, hours=8),
        status=EventStatus.PUBLISHED,
    )
    return event, await TicketType.create(event_id=event.id, name="Entry", capacity=capacity, price_minor=price_minor)


async def new_registrant(stage: Stage, name: str = "Ann Njeri") -> service.Registrant:
    contact = await Contact.create(name=name)
    return service.Registrant(contact.id, stage.account_id, name, "ann@example.com")


async def register(
    stage: Stage, kind: TicketType, who: service.Registrant, *, key: str = "", seats: service.Seats | None = None
) -> Ticket:
    """In a transaction of its own, as a turn has one."""
    with organization_scope(stage.organization_id):
        async with db.transaction():
            return await service.register(kind.id, who, key=key or uuid7().hex, now=NOW, seats=seats)


async def put_holders(stage: Stage, event: Event, kind: TicketType, n: int, *, opted_in: bool = True) -> list[UUID]:
    """`n` people with a valid ticket, a number and a conversation that is open; in few statements."""
    keys = (await keyring().keys(stage.organization_id)).seal_text
    contacts = [uuid7() for _ in range(n)]
    orders = [uuid7() for _ in range(n)]
    phones = [f"+2541{number:08d}" for number in range(n)]
    organization_id, now = stage.organization_id, stage.clock.now()
    sealed = [keys(phone, table="contact_identities", column="value_sealed") for phone in phones]
    email = keys("a@example.com", table="events_orders", column="email")
    statements: Sequence[tuple[str, list[list[object]]]] = (
        (
            "INSERT INTO contacts (id, organization_id, name, country, opted_in_at, created_at) VALUES ($1, $2, 'N', 'KE', $3, now())",
            [[contact, organization_id, now if opted_in else None] for contact in contacts],
        ),
        (
            "INSERT INTO contact_identities (id, organization_id, contact_id, portfolio, kind, value_index, value_sealed,"
            " value_masked, valid_from) VALUES ($1, $2, $3, '', 'phone', $4, $5, '', now())",
            [[uuid7(), organization_id, c, p.encode(), s] for c, p, s in zip(contacts, phones, sealed, strict=True)],
        ),
        (
            "INSERT INTO sessions (id, organization_id, account_id, contact_id, phase, revision, last_user_at, created_at,"
            " updated_at) VALUES ($1, $2, $3, $4, 'IDLE', 0, $5, now(), now())",
            [[uuid7(), organization_id, stage.account_id, contact, now] for contact in contacts],
        ),
        (
            "INSERT INTO events_orders (id, organization_id, event_id, contact_id, account_id, key, name, email, total_minor,"
            " currency, status, created_at) VALUES ($1, $2, $3, $4, $5, 'key:' || $1::uuid::text, 'N', $6, 0, 'KES', 'confirmed', now())",
            [[o, organization_id, event.id, c, stage.account_id, email] for o, c in zip(orders, contacts, strict=True)],
        ),
        (
            "INSERT INTO events_tickets (id, organization_id, order_id, event_id, ticket_type_id, contact_id, account_id,"
            " holder_name, code, status, picture, picture_due, created_at)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, 'N', left(md5($1::uuid::text), 4) || '-' || right(md5($1::uuid::text), 4), 'valid', '', 'not', now())",
            [
                [uuid7(), organization_id, o, event.id, kind.id, c, stage.account_id]
                for o, c in zip(orders, contacts, strict=True)
            ],
        ),
    )
    with organization_scope(organization_id):
        async with db.transaction() as tx:
            for sql, rows in statements:
                await tx.executemany(sql, rows)
    return contacts
