"""One of everything that a path can name, in an organization: parameter of a path -> its value."""

from __future__ import annotations

import itertools
from datetime import timedelta
from uuid import uuid4

from bot.bodies import OutBody, encode_outbound
from bot.identity import Role
from bot.messages import Text
from bot.testing.people import enrol
from store.crypto import keyring, mask_phone
from store.models import ChannelAccount, Contact, ContactIdentity, Message, Session
from store.tenancy import organization_scope
from tests.channels.api.office import Office

__all__ = ["PHONE", "SECRET", "make_things"]

SECRET = "Zawadi"  # in the names of all that is made: what others must never see
PHONE = "+254722{:06d}"

_people = itertools.count(10)


async def make_things(office: Office, organization: int = 0) -> dict[str, str]:
    token = await office.token(Role.OWNER, organization)
    contact_id, conversation_id = await _conversation(office, organization)
    start = office.runtime.clock.now()

    async def post(path: str, **sent: object) -> dict[str, str]:
        made: dict[str, str] = (await office.call("POST", path, token=token, **sent)).data
        return made

    event = await post(
        "/v1/events",
        json={
            "title": f"{SECRET} Summit",
            "starts_at": (start + timedelta(days=9)).isoformat(),
            "ends_at": (start + timedelta(days=10)).isoformat(),
            "status": "published",
        },
    )
    kind = await post(f"/v1/events/{event['id']}/tickets", json={"name": f"{SECRET} pass", "capacity": 500})
    ticket = await post(
        "/v1/tickets/purchase",
        json={
            "ticket_type_id": kind["id"],
            "contact_id": contact_id,
            "name": f"{SECRET} Mwangi",
            "email": f"{SECRET}@example.org",
        },
    )
    media = await post(f"/v1/media?filename={SECRET}.txt", data=b"words", headers={"Content-Type": "text/plain"})
    document = await post(
        f"/v1/knowledge/documents?source={SECRET}.md",
        data=b"# Bread\n\nAt nine.",
        headers={"Content-Type": "text/markdown"},
    )
    key = await post("/v1/api-keys", json={"name": f"{SECRET} key", "scopes": ["events.view"]})
    webhook = await post(
        "/v1/webhooks",
        json={
            "url": f"https://{SECRET}.example.org/in",
            "event_types": ["skill.published"],
            "description": f"{SECRET} hook",
        },
    )
    delivery = await post(f"/v1/webhooks/{webhook['id']}/test")
    role = await post("/v1/roles", json={"name": f"{SECRET} role {next(_people)}", "permissions": ["events.view"]})
    invitation = await post("/v1/invitations", json={"email": f"{SECRET}{next(_people)}@example.org", "role": "viewer"})
    member = await enrol(
        office.runtime,
        office.people[organization].id,
        f"{SECRET.lower()}{next(_people)}@example.net",
        "viewer",
        name=SECRET,
    )
    return {
        "event_id": event["id"],
        "ticket_type_id": kind["id"],
        "order_id": ticket["order_id"],
        "ticket_id": ticket["id"],
        "contact_id": contact_id,
        "conversation_id": conversation_id,
        "media_id": media["id"],
        "document_id": document["id"],
        "key_id": key["id"],
        "webhook_id": webhook["id"],
        "delivery_id": delivery["id"],
        "role_id": role["id"],
        "invitation_id": invitation["id"],
        "user_id": str(member),
        "skill": "events",
        "webhook": "none-of-its-own",
        "channel_id": office.people[organization].account_id,
    }


async def _conversation(office: Office, organization: int) -> tuple[str, str]:
    """A person who wrote a minute ago."""
    organization_id = office.people[organization].id
    keys = await keyring().keys(organization_id)
    now, phone = office.runtime.clock.now(), PHONE.format(next(_people))
    with organization_scope(organization_id):
        account = await ChannelAccount.first()
        assert account is not None
        contact = await Contact.create(name=f"{SECRET} Mwangi")
        await ContactIdentity.create(
            contact_id=contact.id,
            kind="phone",
            value_index=keys.blind_index(phone),
            value_sealed=keys.seal_text(phone, table="contact_identities", column="value_sealed"),
            value_masked=mask_phone(phone),
        )
        session = await Session.create(account_id=account.id, contact_id=contact.id, last_user_at=now)
        await Message.create(
            session_id=session.id,
            account_id=account.id,
            contact_id=contact.id,
            direction="out",
            type="text",
            body=encode_outbound(OutBody(Text(text=f"{SECRET}, good morning"), 0, uuid4().hex), keys),
            status="sent",
        )
    return str(contact.id), str(session.id)
