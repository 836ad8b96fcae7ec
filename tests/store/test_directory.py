"""Look-ups before the organization is known: they say whose number it is, and no more."""

from __future__ import annotations

import os

import pytest

from store.crypto import Cipher, Unreadable
from store.directory import meta_apps, organizations, route, seal_app, unparsed_delivery
from tests.channels.posts import delivery, item, post
from tests.support.clockwork import rows, value
from tests.support.world import World


async def test_a_number_leads_to_its_organization_and_account(world: World) -> None:
    for person in world.people:
        found = await route("whatsapp", external_id=person.phone_number_id)
        assert found is not None
        assert (found.organization_id, str(found.account_id)) == (person.id, person.account_id)
        by_business = await route("whatsapp", waba_id=person.waba_id)
        assert by_business == found


async def test_what_names_nobody_leads_nowhere(world: World) -> None:
    first, second = world.people
    assert await route("whatsapp", external_id="1") is None
    assert await route("whatsapp") is None
    assert await route("telegram", external_id=first.phone_number_id) is None
    # A number that is unknown is not found by the business account beside it.
    assert await route("whatsapp", external_id="1", waba_id=second.waba_id) is None


async def test_app_secrets_open_with_the_master_key_only(world: World) -> None:
    apps = {app.app_id: app for app in await meta_apps(world.runtime.master)}
    for person in world.people:
        assert apps[person.app_id].secrets == (person.app_secret.encode(),)
        assert apps[person.app_id].verify_token == person.verify_token
    with pytest.raises(Unreadable, match=f"Meta app {world.people[0].app_id}"):
        await meta_apps(Cipher(os.urandom(32)))


async def test_secrets_are_not_in_the_sealed_bytes(world: World) -> None:
    sealed = seal_app(world.runtime.master, secrets=["open sesame"], verify_token="also secret")
    assert b"sesame" not in sealed
    assert b"also" not in sealed


async def test_suspended_organizations_are_left_out(world: World) -> None:
    first, second = world.people
    assert set(await organizations()) == {first.id, second.id}
    await rows(world, "UPDATE organizations SET suspended_at = now() WHERE id = $1", second.id)
    assert await organizations() == [first.id]


async def test_only_a_delivery_that_waits_is_read_again_and_the_sweep_alone_counts(world: World) -> None:
    assert await post(world, delivery((world.people[0], {"messages": [item()]}))) == 200
    delivery_id = await value(world, "SELECT id FROM webhook_deliveries")
    assert await unparsed_delivery(delivery_id) is None
    await rows(world, "UPDATE webhook_deliveries SET outcome = 'unparsed'")
    found = await unparsed_delivery(delivery_id)
    assert found is not None
    assert found[0] == await value(world, "SELECT id FROM meta_apps WHERE app_id = $1", world.people[0].app_id)
    assert await value(world, "SELECT attempts FROM webhook_deliveries") == 0
