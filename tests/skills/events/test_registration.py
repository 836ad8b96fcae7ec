"""Seats: never one too many, once per person, given back once."""

from __future__ import annotations

import asyncio

import pytest

from bot.messages import Text
from bot.testing import Stage, found_organization
from bot.turn.runner import process_session
from skills.events import service
from skills.events.models import Order, OrderStatus, Ticket, TicketStatus, TicketType
from skills.events.testing import given
from store import db
from store.fields import reveal
from store.tenancy import organization_scope
from tests.skills.events.people import NOW, new_event, new_registrant, register

AT_ONCE = 50
SLOW_READ_S = 0.05


class UnlockedSeats(service.Seats):
    """Looks without locking, and takes its time: what the lock is there to prevent."""

    async def of(self, ticket_type_id):  # type: ignore[no-untyped-def]
        row = await TicketType.filter(id=ticket_type_id).first()
        await asyncio.sleep(SLOW_READ_S)
        return row


async def rush_for_the_last_seat(stage: Stage, seats: service.Seats) -> tuple[int, int, int]:
    """(tickets got, told sold out, valid tickets in the end)."""
    with organization_scope(stage.organization_id):
        _, kind = await new_event(capacity=1)
        people = [await new_registrant(stage) for _ in range(AT_ONCE)]
        results = await asyncio.gather(
            *(register(stage, kind, who, seats=seats) for who in people), return_exceptions=True
        )
        got = [each for each in results if isinstance(each, Ticket)]
        told = [each for each in results if isinstance(each, service.SoldOut)]
        assert len(got) + len(told) == AT_ONCE, [each for each in results if each not in got and each not in told]
        return len(got), len(told), await Ticket.filter(ticket_type_id=kind.id, status=TicketStatus.VALID).count()


async def test_fifty_at_once_for_the_last_seat_and_one_gets_it(stage: Stage) -> None:
    assert await rush_for_the_last_seat(stage, service.Seats()) == (1, AT_ONCE - 1, 1)


async def test_without_the_lock_the_seat_is_sold_more_than_once(stage: Stage) -> None:
    """The positive control: the test above can see the race."""
    got, _, valid = await rush_for_the_last_seat(stage, UnlockedSeats())
    assert got > 1
    assert valid == got


async def test_many_chats_confirm_at_once_and_one_gets_the_last_seat(stage: Stage) -> None:
    with organization_scope(stage.organization_id):
        await given([{"slug": "gig", "types": [{"name": "Entry", "capacity": 1}]}], now=stage.clock.now())
    people = [stage.person(f"Person {n}", key=str(n)) for n in range(10)]
    for person in people:
        for text in ("register", "Njeri Otieno", "njeri@example.com"):
            await person.say(text)
    for person in people:
        await stage.accept(person, Text(text="yes"))
    sessions = [person.session_id for person in people]
    await asyncio.gather(*(process_session(stage.runtime, stage.organization_id, each) for each in sessions if each))
    await stage.settle()
    winners = [person for person in people if any("You are in" in each.text for each in person.heard)]
    losers = [person for person in people if any("no free seats left" in each.text for each in person.heard)]
    assert (len(winners), len(losers)) == (1, 9)


async def test_the_same_turn_again_gets_the_same_ticket(stage: Stage) -> None:
    with organization_scope(stage.organization_id):
        _, kind = await new_event()
        who = await new_registrant(stage)
        first = await register(stage, kind, who, key="turn:1")
        again = await register(stage, kind, who, key="turn:1")
        await kind.refresh_from_db()
    assert again.id == first.id
    assert kind.sold == 1


async def test_nobody_holds_two_valid_tickets_of_one_type(stage: Stage) -> None:
    with organization_scope(stage.organization_id):
        _, kind = await new_event()
        who = await new_registrant(stage)
        first = await register(stage, kind, who)
        with pytest.raises(service.AlreadyRegistered) as refused:
            await register(stage, kind, who)
    assert refused.value.ticket.id == first.id


async def test_paid_types_and_closed_sales_are_refused(stage: Stage) -> None:
    with organization_scope(stage.organization_id):
        event, paid = await new_event(price_minor=150_000)
        closed = await TicketType.create(event_id=event.id, name="Closed", capacity=5, closes_at=NOW)
        who = await new_registrant(stage)
        for kind in (paid, closed):
            with pytest.raises(service.NotOnSale):
                await register(stage, kind, who)
            await kind.refresh_from_db()
            assert kind.sold == 0


async def test_a_cancelled_seat_is_free_once_and_one_may_come_back(stage: Stage) -> None:
    with organization_scope(stage.organization_id):
        _, kind = await new_event(capacity=1)
        who = await new_registrant(stage)
        ticket = await register(stage, kind, who)
        async with db.transaction():
            assert await service.cancel_ticket(ticket.id, who.contact_id, now=NOW) is not None
        async with db.transaction():
            assert await service.cancel_ticket(ticket.id, who.contact_id, now=NOW) is None
        await kind.refresh_from_db()
        assert kind.sold == 0
        assert (await Order.get(id=ticket.order_id)).status is OrderStatus.CANCELLED
        await register(stage, kind, who)


async def test_a_ticket_is_cancelled_by_its_holder_only(stage: Stage) -> None:
    with organization_scope(stage.organization_id):
        _, kind = await new_event()
        ticket = await register(stage, kind, await new_registrant(stage))
        stranger = await new_registrant(stage)
        async with db.transaction():
            assert await service.cancel_ticket(ticket.id, stranger.contact_id, now=NOW) is None


async def test_the_database_itself_refuses_one_seat_too_many(stage: Stage) -> None:
    with organization_scope(stage.organization_id):
        _, kind = await new_event(capacity=1)
        with pytest.raises(Exception, match="events_never_oversold"):
            await TicketType.filter(id=kind.id).update(sold=2)


async def test_e_mail_addresses_are_sealed(stage: Stage) -> None:
    with organization_scope(stage.organization_id):
        _, kind = await new_event()
        ticket = await register(stage, kind, await new_registrant(stage))
        order = await Order.get(id=ticket.order_id)
    assert reveal(order, "email") == "ann@example.com"
    [row] = await stage.rows("SELECT email FROM events_orders")
    assert b"ann@" not in bytes(row["email"])


async def test_another_organization_sees_and_takes_nothing(stage: Stage) -> None:
    with organization_scope(stage.organization_id):
        event, kind = await new_event()
        ticket = await register(stage, kind, await new_registrant(stage))
        token = await service.ticket_token(ticket.id)
    neighbour, account_id = await found_organization("Pwani", "sw", ("events",))
    with organization_scope(neighbour):
        assert await service.list_upcoming(now=NOW) == []
        assert await service.event_view(event.id, now=NOW) is None
        assert await service.ticket_view(ticket.id) is None
        assert await service.verify_ticket(token) is None
        who = service.Registrant(ticket.contact_id, account_id, "Eve", "eve@example.com")
        with pytest.raises(service.NotOnSale):
            async with db.transaction():
                await service.register(kind.id, who, key="x", now=NOW)


async def test_an_event_is_found_by_slug_id_or_part_of_its_title(stage: Stage) -> None:
    with organization_scope(stage.organization_id):
        fair, _ = await new_event(title="Book fair")
        await new_event(title="Night gig")
        await new_event(title="Night market")
        for text in (str(fair.id), fair.slug, "book"):
            assert (await service.find_event(text)).id == fair.id
        for text in ("night", "opera"):
            with pytest.raises(Exception, match="say one of"):
                await service.find_event(text)
