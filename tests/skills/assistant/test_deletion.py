"""Asking for one's data to be deleted: kept where organizers find it, until one of them says that it is done."""

from __future__ import annotations

import pytest

from bot.contacts import erasure
from bot.contacts.errors import NoSuchContact
from bot.contacts.timeline import timeline
from bot.conversations.listing import View, conversations
from bot.identity import Principal, Role, permissions_of
from bot.testing import Stage
from bot.unit import open_unit
from store.crypto import keyring
from store.ids import uuid7
from store.tenancy import organization_scope


async def test_a_request_waits_for_people_ends_messages_and_is_open_until_somebody_settles_it(stage: Stage) -> None:
    ann = stage.person("Ann")
    await ann.say("delete my data")
    assert ann.contact_id is not None
    viewer = Principal("user", uuid7(), stage.organization_id, permissions_of(Role.VIEWER))
    with organization_scope(stage.organization_id):
        assert await erasure.open_requests() == (0, None), "nobody has said yes"
        await ann.say("yes")
        assert await erasure.open_requests() == (1, await erasure.asked_at(ann.contact_id))
        keys = await keyring().keys(stage.organization_id)
        assert [each.id for each in (await conversations(View.WAITING, me=uuid7(), keys=keys)).rows] == [ann.session_id]
        told = await timeline(stage.runtime, viewer, [ann.contact_id])
        assert {"erasure", "consent"} == {each.kind for each in told.entries}
    [said] = await ann.say("delete my data")
    assert said.text.startswith("Your request of ")
    async with open_unit(stage.runtime, stage.organization_id, actor="user:test") as work:
        await erasure.settle(work, ann.contact_id)
    [said] = await ann.say("delete my data")
    assert said.text.startswith("Shall I ask *Savanna Events*")
    async with open_unit(stage.runtime, stage.organization_id, actor="user:test") as work:
        with pytest.raises(NoSuchContact):
            await erasure.settle(work, ann.contact_id)
