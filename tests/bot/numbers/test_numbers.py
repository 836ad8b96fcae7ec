"""Numbers, their connection doctor and their templates, against the emulator and our own webhook over real HTTP."""

from __future__ import annotations

import asyncio
import time
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import aiohttp
import pytest

from bot.contacts.errors import NotPossible
from bot.demo.people import DemoOrganization
from bot.errors import Refused
from bot.identity import NotAllowed, Principal
from bot.identity.roles import Role, permissions_of
from bot.numbers import (
    NotConnected,
    Outcome,
    approved_templates,
    connect,
    examine,
    examine_all,
    fetch_templates,
    find_number,
    list_numbers,
    list_templates,
    renew_token,
    send_test,
    subscribe,
)
from bot.numbers.doctor import refresh
from channels.whatsapp.signature import HEADER, sign
from store.ids import uuid7
from store.models import ChannelAccount
from store.tenancy import organization_scope
from tests.channels.posts import delivery, item
from tests.support.clockwork import rows, tick
from tests.support.world import World


def owner(person: DemoOrganization, role: Role = Role.OWNER) -> Principal:
    return Principal("user", uuid7(), person.id, permissions_of(role), name="Ann")


async def findings(world: World) -> dict[str, Outcome]:
    person = world.people[0]
    found = await examine_all(world.runtime, person.id, UUID(person.account_id))
    return {each.check: each.outcome for each in found}


async def knob(world: World, **changes: Any) -> None:
    await world.client.change_business_number(world.people[0].phone_number_id, **changes)


async def heard(world: World) -> None:
    """A person has written, and it arrived."""
    await world.client.text("254711000001", "hi", phone_number_id=world.people[0].phone_number_id)
    await world.client.wait_until_idle(timeout_s=10)
    await world.dispatcher.settle()


async def test_the_doctor_finds_a_sound_number_sound(world: World) -> None:
    await heard(world)
    found = await findings(world)
    wrong = {check: outcome for check, outcome in found.items() if outcome is not Outcome.GOOD}
    assert wrong == {"templates": Outcome.WARN}  # the demo has one that was refused
    with organization_scope(world.people[0].id):
        number = await find_number(world.people[0].id, UUID(world.people[0].account_id))
    assert set(number.findings) == set(found)
    assert (number.facts.quality, number.facts.messaging_limit) == ("GREEN", "TIER_100K")
    assert number.token_expires_at is None
    assert number.heard_at is not None
    assert number.findings["registered"].came == {
        "en": "Status: connected, platform: Cloud API, mode: live",
        "sw": "Hali: imeunganishwa, jukwaa: Cloud API, namna: halisi",
    }
    assert number.templates_at is not None
    at = number.templates_at.astimezone(ZoneInfo("Africa/Nairobi"))
    assert f"(fetched on {at:%Y-%m-%d %H:%M})" in number.findings["templates"].came["en"]


ON_THE_TOKEN = {"token", "number", "account", "registered", "quality", "subscribed", "secret"}
FAULTS: dict[str, tuple[dict[str, Any], set[str]]] = {
    "expired token": ({"token_problem": 463}, ON_THE_TOKEN),
    "token of nobody": ({"access_token": "another"}, ON_THE_TOKEN | {"permissions"}),
    "permission missing": ({"scopes": ["whatsapp_business_messaging"]}, {"permissions", "account", "subscribed"}),
    "wrong account": ({"waba_id": "999000111"}, {"permissions", "account", "subscribed"}),
    "unsubscribed": ({"subscribed": False}, {"subscribed"}),
    "override": ({"webhook_url": "http://127.0.0.1:9/elsewhere"}, {"subscribed"}),
    "fields": ({"fields": ["account_update"]}, {"fields"}),
    "secret": ({"app_secret": "changed"}, {"fields", "secret"}),
    "banned": ({"status": "BANNED"}, {"registered", "quality"}),
    "blocked by many": ({"quality": "RED"}, {"quality"}),
}


async def test_each_fault_is_found_where_it_is(world: World) -> None:
    await heard(world)
    number = world.emulator.emulator.world.numbers[world.people[0].phone_number_id]
    sound = {
        "token_problem": None,
        "webhook_url": number.webhook_url,
        "status": number.status,
        "quality": number.quality,
        "subscribed": True,
        **{
            name: getattr(number.settings, name)
            for name in ("access_token", "scopes", "waba_id", "fields", "app_secret")
        },
    }
    found = {}
    for name, (change, _) in FAULTS.items():
        await knob(world, **change)
        found[name] = {check for check, outcome in (await findings(world)).items() if outcome is Outcome.BAD}
        await knob(world, **{key: sound[key] for key in change})
    assert found == {name: broken for name, (_, broken) in FAULTS.items()}


async def test_a_token_that_ends_soon_is_told_before(world: World) -> None:
    await knob(world, token_expires_at=time.time() + 3 * 86_400)
    assert (await findings(world))["token"] is Outcome.WARN
    with organization_scope(world.people[0].id):
        (number,) = await list_numbers(world.people[0].id)
    assert number.token_expires_at is not None


async def test_our_own_webhook_is_asked_as_meta_asks(world: World) -> None:
    person = world.people[0]
    who, account_id = owner(person), UUID(person.account_id)
    world.runtime.provider._webhook_url = f"{world.web_url}/healthz"  # type: ignore[attr-defined]
    with organization_scope(person.id):
        assert (await examine(world.runtime, who, account_id, "challenge")).outcome is Outcome.BAD
        world.runtime.provider._webhook_url = "http://127.0.0.1:9/"  # type: ignore[attr-defined]
        away = await examine(world.runtime, who, account_id, "challenge")
    assert away.outcome is Outcome.BAD
    assert "No answer" in away.came["en"]


async def test_a_wrong_signature_is_told_until_a_right_one_comes(world: World) -> None:
    person = world.people[0]
    body = delivery((person, {"messages": [item("hi")]}))
    async with aiohttp.ClientSession() as session:
        for secret, code in (("wrong", 403), (person.app_secret, 200)):
            signature = {HEADER: sign(body, secret.encode())}
            async with session.post(f"{world.web_url}/webhooks/whatsapp", data=body, headers=signature) as answer:
                assert answer.status == code
            found = await findings(world)
            assert found["signature"] is (Outcome.BAD if code == 403 else Outcome.GOOD)


async def test_subscribing_mends_what_the_doctor_found(world: World) -> None:
    person = world.people[0]
    who, account_id = owner(person), UUID(person.account_id)
    await knob(world, subscribed=False)
    with organization_scope(person.id):
        assert (await examine(world.runtime, who, account_id, "subscribed")).outcome is Outcome.BAD
        await subscribe(world.runtime, who, account_id)
        assert (await examine(world.runtime, who, account_id, "subscribed")).outcome is Outcome.GOOD


async def test_a_test_message_goes_the_whole_circle(world: World) -> None:
    person = world.people[0]
    who, account_id = owner(person), UUID(person.account_id)
    with organization_scope(person.id):
        await fetch_templates(world.runtime, person.id, account_id)
        found = await send_test(world.runtime, who, account_id, "0711 000 001")
        assert (found.outcome, "hello_world" in found.tried["en"]) == (Outcome.GOOD, True)
        with pytest.raises(NotPossible):
            await send_test(world.runtime, who, account_id, "nobody")
        await knob(world, subscribed=False)
        silent = await send_test(world.runtime, who, account_id, "0711 000 001", within_s=0.6)
    assert silent.outcome is Outcome.BAD
    assert "nothing came to our webhook" in silent.came["en"]


async def test_nobody_who_wrote_stop_gets_a_test(world: World) -> None:
    person = world.people[0]
    await world.client.text("254711000001", "STOP", phone_number_id=person.phone_number_id)
    await world.client.wait_until_idle(timeout_s=10)
    await world.dispatcher.settle()
    with organization_scope(person.id), pytest.raises(Refused, match="STOP"):
        await send_test(world.runtime, owner(person), UUID(person.account_id), "0711 000 001")


# -- connecting -----------------------------------------------------------------------------------


async def disconnected(world: World) -> DemoOrganization:
    """The first organization without its number."""
    person = world.people[0]
    with organization_scope(person.id):
        await ChannelAccount.all().delete()
    return person


def given(person: DemoOrganization, **changes: str) -> dict[str, str]:
    return {
        "phone_number_id": person.phone_number_id,
        "waba_id": person.waba_id,
        "token": person.access_token,
        "app_secret": person.app_secret,
        "verify_token": person.verify_token,
    } | changes


async def test_a_number_is_connected_when_meta_confirms_all_of_it(world: World) -> None:
    person = await disconnected(world)
    with organization_scope(person.id):
        account_id = await connect(world.runtime, owner(person), **given(person))
        number = await find_number(person.id, account_id)
        assert (number.name, number.display_phone_number) == (person.name, person.display_phone_number)
        stored = await ChannelAccount.get(id=account_id)
        assert person.access_token.encode() not in stored.sealed_token
    account = await world.runtime.directory.account(person.id, account_id)
    assert account.token == person.access_token
    (audited,) = await rows(world, "SELECT after::text FROM audit_entries WHERE action = 'channel.connected'")
    assert person.access_token not in audited[0]


async def test_what_meta_does_not_confirm_is_named_and_nothing_is_kept(world: World) -> None:
    person = await disconnected(world)
    wrong = (
        ("token", "EAAnonsense"),
        ("phone_number_id", "123456789"),
        ("waba_id", "123456789"),
        ("app_secret", "nonsense"),
        ("verify_token", ""),
        ("phone_number_id", "+254 700"),
    )
    for field, value in wrong:
        with organization_scope(person.id):
            with pytest.raises(NotConnected) as refused:
                await connect(world.runtime, owner(person), **given(person, **{field: value}))
            assert (refused.value.field, "sw" in refused.value.why) == (field, True)
            assert await list_numbers(person.id) == []


async def test_nobody_takes_a_number_that_another_has(world: World) -> None:
    first, second = world.people
    with organization_scope(second.id):
        with pytest.raises(NotConnected, match="connected already"):
            await connect(world.runtime, owner(second), **given(first))
        with pytest.raises(NotAllowed):
            await connect(world.runtime, owner(second, Role.EVENT_MANAGER), **given(second))


async def test_a_new_token_is_confirmed_before_the_old_one_goes(world: World) -> None:
    person = world.people[0]
    who, account_id = owner(person), UUID(person.account_id)
    with organization_scope(person.id):
        with pytest.raises(NotConnected):
            await renew_token(world.runtime, who, account_id, token="EAAnonsense")
        assert (await world.runtime.directory.account(person.id, account_id)).token == person.access_token
        await knob(world, access_token="EAAfresh", app_secret="fresh-secret")
        with pytest.raises(NotConnected) as refused:
            await renew_token(world.runtime, who, account_id, token="EAAfresh")
        assert refused.value.field == "app_secret"
        await renew_token(world.runtime, who, account_id, token="EAAfresh", app_secret="fresh-secret")
        assert (await world.runtime.directory.account(person.id, account_id)).token == "EAAfresh"
        assert (await examine(world.runtime, who, account_id, "secret")).outcome is Outcome.GOOD


# -- templates ------------------------------------------------------------------------------------


async def test_templates_are_fetched_by_pages_and_webhooks_keep_them_true(world: World) -> None:
    person = world.people[0]
    account_id = UUID(person.account_id)
    with organization_scope(person.id):
        count = await fetch_templates(world.runtime, person.id, account_id)
        _, total = await list_templates(person.id)
        approved = {(each.name, each.language) for each in await approved_templates(person.id)}
    assert (count, total) == (7, 7)
    assert approved == {("hello_world", "en"), ("ticket_ready", "en"), ("ticket_ready", "sw"), ("doors_open", "en")}
    mine = {each["name"]: each for each in await world.client.templates() if each["waba_id"] == person.waba_id}
    await world.client.change_template(mine["feedback"]["id"], status="APPROVED", quality="GREEN", category="UTILITY")
    await world.client.change_template(mine["hello_world"]["id"], status="PAUSED", reason="FIRST_PAUSE")
    await settled(world)
    with organization_scope(person.id):
        found = {(each.name, each.language): each for each in (await list_templates(person.id))[0]}
    feedback, hello = found["feedback", "en"], found["hello_world", "en"]
    assert (feedback.status, feedback.quality, feedback.category) == ("APPROVED", "GREEN", "UTILITY")
    assert (hello.status, hello.reason) == ("PAUSED", "FIRST_PAUSE")


async def test_a_template_that_nobody_knew_is_fetched_and_one_that_went_stays_as_deleted(world: World) -> None:
    person = world.people[0]
    with organization_scope(person.id):
        await fetch_templates(world.runtime, person.id, UUID(person.account_id))
    graph = f"{world.emulator.base_url}/v25.0/{person.waba_id}/message_templates"
    headers = {"Authorization": f"Bearer {person.access_token}"}
    body = {
        "name": "fresh_one",
        "language": "en",
        "category": "UTILITY",
        "components": [{"type": "BODY", "text": "Doors open."}],
    }
    async with aiohttp.ClientSession(headers=headers) as session:
        async with session.post(graph, json=body) as answer:
            assert answer.status == 200
        async with session.delete(graph, params={"name": "win_a_phone"}) as answer:
            assert answer.status == 200
    await asyncio.sleep(0.2)  # reviewed, and told
    await settled(world)
    with organization_scope(person.id):
        found = {each.name: each.status for each in (await list_templates(person.id))[0]}
    assert found["fresh_one"] == "APPROVED"
    assert found["win_a_phone"] == "DELETED"


async def test_what_meta_says_of_a_number_is_fetched_when_a_webhook_tells_of_a_change(world: World) -> None:
    person = world.people[0]
    await knob(world, quality="RED")
    await settled(world)
    with organization_scope(person.id):
        (number,) = await list_numbers(person.id)
    assert number.facts.quality == "RED"


async def test_an_organization_sees_only_its_own(world: World) -> None:
    first, second = world.people
    for person in (first, second):
        await refresh(world.runtime, person.id, UUID(person.account_id))
    with organization_scope(first.id):
        found, total = await list_templates(second.id)
        assert ([*found], total) == ([], 0)
        assert await list_numbers(second.id) == []


async def settled(world: World) -> None:
    """Webhooks arrived, and the jobs that they made ran, and those that these made."""
    await world.client.wait_until_idle(timeout_s=10)
    for _ in range(3):
        await tick(world)
