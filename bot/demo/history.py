"""Two weeks of conversations for the demo organizations, so that the admin app has something to show.

The same every time but for the dates, which count back from today; loading it again adds nothing. No message of it waits for anything: no
worker, clock or phone ever hears of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from uuid import UUID

from bot.bodies import OutBody, encode_inbound, encode_outbound
from bot.demo.people import DemoOrganization
from bot.messages import Choices, Option, Text
from store.crypto import OrganizationKeys, keyring, mask_phone
from store.db import transaction
from store.models import Consent, Contact, ContactIdentity, Conversation, Message, Session
from store.tenancy import organization_scope

__all__ = ["DAYS", "Past", "write_history"]

DAYS = 14
FRESH_H = 12
HANDED_ON = "I have told our team. Somebody answers here, Monday to Friday from 9:00."
PEOPLE = {"savanna": 84, "pwani": 26}
FIRST = [
    "Achieng",
    "Wanjiku",
    "Kamau",
    "Otieno",
    "Njeri",
    "Mutua",
    "Chebet",
    "Barasa",
    "Wairimu",
    "Omondi",
    "Zawadi",
    "Kiptoo",
    "Amani",
    "Fatuma",
    "Juma",
    "Neema",
    "Baraka",
    "Halima",
    "Salim",
    "Mwende",
    "Naliaka",
    "Kevin",
    "Grace",
    "Faith",
    "Dennis",
]
LAST = [
    "Mwangi",
    "Odhiambo",
    "Kariuki",
    "Hassan",
    "Mutiso",
    "Cheruiyot",
    "Wafula",
    "Njoroge",
    "Ali",
    "Kimani",
    "Akinyi",
    "Ndegwa",
    "Rotich",
    "Maina",
    "Abdi",
    "Muthoni",
]

_MENU = Choices(
    text="Habari! 👋 I am the assistant of Savanna Events. What can I do for you?",
    options=(
        Option(title="Upcoming events", payload="/start events_list"),
        Option(title="My tickets", payload="/start events_my_tickets"),
        Option(title="Talk to a person", payload="/start assistant_person"),
    ),
)
_HELLO: tuple[tuple[str, str | Choices], ...] = (("in", "hi"), ("out", _MENU))
# What people say, and what they hear.
TALKS: Sequence[Sequence[tuple[str, str | Choices]]] = (
    (
        *_HELLO,
        ("in", "Upcoming events"),
        (
            "out",
            "*Makers' Night Market*\nSaturday, 17:00 at The Alchemist\n\n*Nairobi AI & Data Summit*\nThursday, 9:00 at Sarit Expo Centre",
        ),
        ("in", "the summit please"),
        (
            "out",
            "One day, thirty speakers, and the people who build with data in East Africa. Shall I get you a ticket?",
        ),
        ("in", "yes"),
        ("out", "Under which name shall I register you?"),
        ("in", "{name}"),
        ("out", "Done, {first}! 🎟️ Your ticket comes in a moment. Show its code at the gate."),
        ("in", "asante sana"),
    ),
    (
        ("in", "Is there parking?"),
        ("out", "Yes: 300 places behind the hall, free until 20:00.\n_Source: Visiting us_"),
        ("in", "great 👍"),
    ),
    (
        ("in", "naomba kubadilisha tiketi"),
        ("out", "Sawa. Ungependa kughairi tiketi ipi?"),
        ("in", "ya soko"),
        ("out", "Tiketi yako imeghairiwa."),
    ),
    (
        ("in", "can my kids come along?"),
        ("out", "Children under twelve come in free with an adult.\n_Source: Visiting us_"),
    ),
    (
        ("in", "my tickets"),
        ("out", "You have one ticket: *Makers' Night Market*, Entry. Shall I send it again?"),
        ("in", "yes please"),
        ("out", "Here it is again."),
    ),
    (
        ("in", "I want to talk to a person"),
        ("out", HANDED_ON),
    ),
    (*_HELLO, ("in", "what does it cost?"), ("out", "Entry is free, we only need your name.\n_Source: Visiting us_")),
    (("in", "STOP"), ("out", "You get no more announcements from us. Write START to change that.")),
)
WEIGHTS = (22, 15, 8, 10, 14, 6, 20, 3)


@dataclass(frozen=True, slots=True)
class Past:
    """Who has written, for skills that have a past too."""

    contact_id: UUID
    name: str
    email: str
    first_at: datetime


async def write_history(organization: DemoOrganization, *, now: datetime) -> list[Past]:
    """Returns everybody in it, in the same order each time."""
    chance = Random(organization.slug)
    keys = await keyring().keys(organization.id)
    with organization_scope(organization.id):
        people = [_person(organization, number, chance, now) for number in range(PEOPLE.get(organization.slug, 20))]
        known = await ContactIdentity.filter(value_index=keys.blind_index(_phone(organization, 0))).first()
        if known is not None:
            return [
                Past(each.id, each.name, _email(each.name), each.created_at)
                for each in await _those_of(organization, keys)
            ]
        async with transaction():
            await _write(organization, people, keys, chance, now)
        return [
            Past(each.id, each.name, _email(each.name), each.created_at) for each in await _those_of(organization, keys)
        ]


async def _those_of(organization: DemoOrganization, keys: OrganizationKeys) -> list[Contact]:
    found = []
    for number in range(PEOPLE.get(organization.slug, 20)):
        identity = await ContactIdentity.filter(value_index=keys.blind_index(_phone(organization, number))).first()
        if identity is not None and (contact := await Contact.filter(id=identity.contact_id).first()) is not None:
            found.append(contact)
    return found


def _person(organization: DemoOrganization, number: int, chance: Random, now: datetime) -> Contact:
    days_ago = chance.triangular(0.1, DAYS, 3)
    at = now - timedelta(days=days_ago)
    name = f"{FIRST[number % len(FIRST)]} {LAST[(number * 7 + number // len(FIRST)) % len(LAST)]}"
    return Contact(
        id=_id(organization, f"contact:{number}", at),
        name=name,
        locale=chance.choice(("en", "en", "sw")),
        country="KE",
        opted_in_at=at,
        created_at=at,
    )


async def _write(
    organization: DemoOrganization, people: Sequence[Contact], keys: OrganizationKeys, chance: Random, now: datetime
) -> None:
    account_id = UUID(organization.account_id)
    sessions, messages, identities, consents = [], [], [], []
    waiting: list[tuple[UUID, datetime]] = []
    for number, contact in enumerate(people):
        phone = _phone(organization, number)
        identities.append(
            ContactIdentity(
                id=_id(organization, f"identity:{number}", contact.created_at),
                contact_id=contact.id,
                kind="phone",
                value_index=keys.blind_index(phone),
                value_sealed=keys.seal_text(phone, table="contact_identities", column="value_sealed"),
                value_masked=mask_phone(phone),
                valid_from=contact.created_at,
            )
        )
        session_id = _id(organization, f"session:{number}", contact.created_at)
        said: list[Message] = []
        words: list[str | Choices] = []
        at = contact.created_at
        for talk in chance.choices(TALKS, WEIGHTS, k=chance.choice((1, 1, 2, 2, 3, 5))):
            for direction, what in talk:
                at += timedelta(seconds=chance.uniform(0.6, 1.6) if direction == "out" else chance.uniform(4, 70))
                if at >= now:
                    break
                words.append(what)
                said.append(
                    _message(
                        organization,
                        contact,
                        session_id,
                        account_id,
                        direction,
                        what,
                        f"{number}:{len(said)}",
                        at,
                        keys,
                        chance,
                    )
                )
            at += timedelta(hours=chance.expovariate(1 / 40))
            if at >= now:
                break
        stopped = next((each for each, what in zip(said, words, strict=True) if what == "STOP"), None)
        if stopped is not None:
            contact.opted_out_at = stopped.created_at
        messages += said
        if words and words[-1] == HANDED_ON and said[-1].created_at > now - timedelta(days=3):
            waiting.append((session_id, said[-1].created_at))
        last = max((each.created_at for each in said if each.direction == "in"), default=contact.created_at)
        sessions.append(
            Session(
                id=session_id,
                account_id=account_id,
                contact_id=contact.id,
                phase="IDLE",
                last_user_at=last,
                started_at=last,
                created_at=contact.created_at,
                updated_at=last,
            )
        )
        consents.append(
            Consent(
                id=_id(organization, f"consent:{number}", contact.created_at),
                contact_id=contact.id,
                state="granted",
                source="chat",
                wording="wrote first",
                at=contact.created_at,
            )
        )
    await Contact.bulk_create(people)
    await ContactIdentity.bulk_create(identities)
    await Consent.bulk_create(consents)
    await Session.bulk_create(sessions)
    await Message.bulk_create(messages, batch_size=500)
    # As a team leaves its inbox: what is older is read, and some of today waits.
    await Conversation.filter(last_at__lt=now - timedelta(hours=FRESH_H)).update(unread=0)
    for session_id, at in waiting:
        await Conversation.filter(id=session_id).update(waiting_at=at)


def _message(
    organization: DemoOrganization,
    contact: Contact,
    session_id: UUID,
    account_id: UUID,
    direction: str,
    what: str | Choices,
    name: str,
    at: datetime,
    keys: OrganizationKeys,
    chance: Random,
) -> Message:
    identity = _id(organization, f"message:{name}", at)
    part = Text(text=what.format(name=contact.name, first=contact.name.split()[0])) if isinstance(what, str) else what
    body = (
        encode_inbound(part, keys)
        if direction == "in" and isinstance(part, Text)
        else encode_outbound(OutBody(part, 0, identity.hex), keys)
    )
    status = (
        "received" if direction == "in" else chance.choices(("read", "delivered", "sent", "failed"), (70, 22, 5, 3))[0]
    )
    later = at + timedelta(seconds=2)
    return Message(
        id=identity,
        session_id=session_id,
        account_id=account_id,
        contact_id=contact.id,
        direction=direction,
        external_id=f"wamid.demo.{identity.hex}",
        type=part.type,
        body=body,
        origin="" if direction == "in" else "assistant:menu",
        status=status,
        provider_at=at,
        created_at=at,
        sent_at=at if direction == "out" else None,
        delivered_at=later if status in ("delivered", "read") else None,
        read_at=later + timedelta(minutes=3) if status == "read" else None,
        failed_at=later if status == "failed" else None,
        error={"code": 131026, "reason": "Message undeliverable", "details": ""} if status == "failed" else None,
    )


def _id(organization: DemoOrganization, what: str, at: datetime) -> UUID:
    """A UUIDv7 of that time, the same in every run."""
    tail = int.from_bytes(
        hashlib.blake2b(f"{organization.organization_id}:{what}".encode(), digest_size=10).digest(), "big"
    )
    value = (int(at.timestamp() * 1000) << 80) | (tail & ((1 << 80) - 1))
    value = value & ~(0xF << 76) | (0x7 << 76)
    return UUID(int=value & ~(0b11 << 62) | (0b10 << 62))


def _phone(organization: DemoOrganization, number: int) -> str:
    """Numbers of a range that no operator gives out."""
    return f"+25470000{1000 + number + 4000 * (organization.slug == 'pwani')}"


def _email(name: str) -> str:
    return f"{name.lower().replace(' ', '.')}@example.com"
