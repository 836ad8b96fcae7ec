"""The timeline of a contact tells of tickets to who may see events, and to nobody else."""

from __future__ import annotations

from bot.contacts.timeline import timeline
from bot.identity import Principal
from bot.identity.roles import Role, permissions_of
from bot.testing import Stage
from store.ids import uuid7
from store.tenancy import organization_scope
from tests.skills.events.people import new_event, new_registrant, register


async def test_tickets_stand_in_the_timeline_of_their_holder(stage: Stage) -> None:
    with organization_scope(stage.organization_id):
        _, kind = await new_event()
        who = await new_registrant(stage)
        stranger = await new_registrant(stage, "Somebody")
    ticket = await register(stage, kind, who)

    async def told(contact_id: object, permissions: dict[str, str]) -> list[str]:
        principal = Principal("user", uuid7(), stage.organization_id, permissions_of(Role.VIEWER, permissions))
        with organization_scope(stage.organization_id):
            found = await timeline(stage.runtime, principal, [contact_id])  # type: ignore[list-item]
        return [each.text for each in found.entries if each.kind == "ticket"]

    assert await told(who.contact_id, {"events.view": "viewer"}) == [f"Book fair · Entry · {ticket.code}"]
    assert await told(who.contact_id, {}) == []
    assert await told(stranger.contact_id, {"events.view": "viewer"}) == []
