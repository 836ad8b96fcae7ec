"""Webhooks out: from what happens to a real receiver, with all that receivers do wrong."""

from __future__ import annotations

import asyncio
import socket
import string
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import jsonschema
import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult

from bot.conversations import give_back, take_over
from bot.hooks import HookSettings, desk, reasons
from bot.hooks.guard import Unsafe, check_url
from bot.hooks.post import Poster
from bot.hooks.told import TESTING, catalogue
from bot.identity import Principal
from bot.testing import Stage
from bot.testing.fakes import Letterbox
from bot.testing.people import enrol
from bot.testing.stage import Person
from bot.unit import open_unit
from channels.api import openapi
from scheduler.hooks import put_hook_jobs
from scheduler.jobs import run_job
from skills.events.events import OrderPlaced
from store.models import Contact, HookDelivery, HookEndpoint, HookState
from store.notifications import Board
from store.tenancy import organization_scope
from tests.scheduler.receiver import Receiver, documented, receiving
from tests.support.database import Database

SETTINGS = {
    "CHATNATION__HOOKS__ALLOW_PRIVATE": "true",
    "CHATNATION__HOOKS__TIMEOUT_S": "0.5",
    "CHATNATION__HOOKS__RETRIES_S": "[0.01, 0.01]",
    "CHATNATION__HOOKS__HOLD_S": "0.01",
    "CHATNATION__HOOKS__OFF_AFTER_FAILURES": "4",
    "CHATNATION__HOOKS__OFF_AFTER_H": "0",
}


class Hooks:
    """An organization with a stage, and its desk."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        everything = frozenset(
            {
                "webhooks.manage",
                "inbox.view",
                "inbox.reply",
                "contacts.view",
                "contacts.phone",
                "skills.view",
                "events.orders",
            }
        )
        self.owner = Principal("user", UUID(int=7), stage.organization_id, everything, "Olive")

    def unit(self) -> Any:
        return open_unit(self.stage.runtime, self.stage.organization_id, actor=self.owner.actor)

    async def subscribe(self, receiver: Receiver, *types: str, **more: Any) -> tuple[UUID, str]:
        async with self.unit() as work:
            row, secret = await desk.create_endpoint(work, self.owner, url=receiver.url, event_types=types, **more)
        return row.id, secret

    async def place_order(self) -> None:
        async with self.unit() as work:
            await work.publish(
                OrderPlaced(order_id=UUID(int=1), event_id=UUID(int=2), contact_id=UUID(int=3), ticket_ids=[])
            )

    async def talk_over(self, person: Person) -> None:
        for verb in (take_over, give_back):
            async with self.unit() as work:
                await verb(work, self.owner, person.session_id)

    async def send(self, rounds: int = 1) -> None:
        """What clock and workers do: a job for each endpoint with something due, run side by side."""
        for _ in range(rounds):
            await put_hook_jobs(4)
            due = await self.stage.rows("SELECT id FROM jobs WHERE state = 'ready' AND name LIKE 'core.%hook%'")
            await asyncio.gather(*(self._run(row["id"]) for row in due))
            await asyncio.sleep(0.05)

    async def _run(self, job_id: UUID) -> None:
        with organization_scope(self.stage.organization_id):
            await run_job(self.stage.runtime, self.stage.organization_id, job_id)

    async def endpoint(self, endpoint_id: UUID) -> HookEndpoint:
        with organization_scope(self.stage.organization_id):
            return await HookEndpoint.get(id=endpoint_id)

    async def deliveries(self, endpoint_id: UUID) -> Sequence[HookDelivery]:
        with organization_scope(self.stage.organization_id):
            return await HookDelivery.filter(endpoint_id=endpoint_id).order_by("id")


@pytest.fixture
async def hooks(database: Database) -> AsyncIterator[Hooks]:
    async with Stage.open(skills=("assistant", "events"), settings=SETTINGS) as stage:
        yield Hooks(stage)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as opened:
        yield opened


async def test_what_is_said_is_told_and_signed_so_that_the_documented_code_takes_it(
    hooks: Hooks, receiver: Receiver
) -> None:
    types = ("contact.created", "message.received", "message.sent", "contact.opted_out")
    _, secret = await hooks.subscribe(receiver, *types)
    ann = hooks.stage.person("Ann Wanjiku")
    await ann.say("hi")
    await ann.say("STOP")
    await hooks.send()

    assert receiver.types.count("message.received") == 2
    assert set(receiver.types) == set(types)
    verify = documented("verify")
    for each in receiver.came:
        verify(secret, each.headers, each.body)
        assert each.json["id"] == each.headers["webhook-id"]
    [created] = [each.json["data"] for each in receiver.came if each.json["type"] == "contact.created"]
    assert (created["name"], created["phone"]) == ("Ann Wanjiku", "+2547•••••001")
    said = [each.json["data"]["part"]["text"] for each in receiver.came if each.json["type"] == "message.received"]
    assert sorted(said) == ["STOP", "hi"]
    with pytest.raises(ValueError, match="wrong signature"):
        verify(secret, receiver.came[0].headers, receiver.came[0].body + b" ")


def described(hooks: Hooks, type_: str) -> Any:
    """The schema of its body, as /v1/openapi.json has it."""
    document = openapi.document([], [*catalogue(hooks.stage.runtime.registry).values(), TESTING])
    body = document["webhooks"][type_]["post"]["requestBody"]["content"]["application/json"]["schema"]
    return {**body, "components": document["components"]}


async def test_what_is_sent_is_as_openapi_describes_it(hooks: Hooks, receiver: Receiver) -> None:
    types = list(catalogue(hooks.stage.runtime.registry))
    endpoint_id, _ = await hooks.subscribe(receiver, *types, whole_phones=True)
    ann = hooks.stage.person("Ann Wanjiku")
    await ann.say("hi")
    await hooks.place_order()
    await hooks.talk_over(ann)
    async with hooks.unit() as work:
        await desk.send_test(work, hooks.owner, await HookEndpoint.get(id=endpoint_id))
        await Contact.filter(name="Ann Wanjiku").update(locale="sw")
    await hooks.send()
    assert {each.rpartition(".")[2] for each in receiver.types} >= {
        *("received", "sent", "created", "updated", "taken_over", "given_back", "order_placed", "test"),
    }
    for each in receiver.came:
        jsonschema.validate(each.json, described(hooks, each.json["type"]))
    [created] = [each.json["data"] for each in receiver.came if each.json["type"] == "contact.created"]
    assert created["phone"] == ann.phone


async def test_only_what_was_committed_is_told_and_only_who_asked_for_it(hooks: Hooks, receiver: Receiver) -> None:
    endpoint_id, _ = await hooks.subscribe(receiver, "events.order_placed")
    with pytest.raises(RuntimeError):
        async with hooks.unit() as work:
            await work.publish(
                OrderPlaced(order_id=UUID(int=9), event_id=UUID(int=2), contact_id=UUID(int=3), ticket_ids=[])
            )
            await Contact.create(name="Nobody")
            raise RuntimeError("rolled back")
    await hooks.place_order()
    await hooks.stage.person("Ann").say("hi")  # nobody asked for that
    await hooks.send()
    assert [each.json["data"]["order_id"] for each in receiver.came] == [str(UUID(int=1))]
    assert len(await hooks.deliveries(endpoint_id)) == 1


async def test_what_fails_comes_again_with_the_same_id_and_body_until_it_is_dead_and_replayed(
    hooks: Hooks, receiver: Receiver
) -> None:
    endpoint_id, _ = await hooks.subscribe(receiver, "contact.created")
    with organization_scope(hooks.stage.organization_id):
        contact = await Contact.create(name="Asha")
    receiver.answers = [500, 503, 418]
    await hooks.send()
    with organization_scope(hooks.stage.organization_id):
        await Contact.filter(id=contact.id).update(name="Somebody else")
    await hooks.send(rounds=4)

    [delivery] = await hooks.deliveries(endpoint_id)
    assert (delivery.state, delivery.attempts, delivery.last_error) == ("dead", 3, "it answered 418")
    assert [each["status"] for each in delivery.tries] == [500, 503, 418]
    assert {(each.headers["webhook-id"], each.body) for each in receiver.came} == {
        (str(delivery.event_id), receiver.came[0].body)
    }
    async with hooks.unit() as work:
        row = await HookEndpoint.get(id=endpoint_id)
        assert await desk.replay_since(work, hooks.owner, row, datetime.now(UTC) - timedelta(hours=1)) == 1
    await hooks.send()
    [delivery] = await hooks.deliveries(endpoint_id)
    assert delivery.state == "delivered"
    assert receiver.came[-1].body == receiver.came[0].body
    assert (await hooks.endpoint(endpoint_id)).failures == 0


@pytest.mark.parametrize("english", reasons.ALL)
def test_every_reason_is_said_in_swahili(english: str) -> None:
    names = [name for _, name, _, _ in string.Formatter().parse(english) if name]
    values = {name: f"<{name}>" for name in names}
    reason = english.format(**values)
    assert reasons.words_of(reason) == {"en": reason, "sw": reasons.ALL[english].format(**values)}


def test_a_reason_of_another_version_is_said_as_it_is() -> None:
    assert reasons.words_of("the moon is full") == "the moon is full"


async def test_one_that_hangs_holds_up_no_other(hooks: Hooks, receiver: Receiver) -> None:
    async with receiving() as slow:
        slow_id, _ = await hooks.subscribe(slow, "events.order_placed")
        await hooks.subscribe(receiver, "events.order_placed")
        slow.answers = ["hang"] * 20
        for _ in range(10):
            await hooks.place_order()
        sending = asyncio.create_task(hooks.send())
        await asyncio.wait_for(receiver.has(10), 30)
        assert not sending.done(), "the slow one is still waited for"
        await sending
        assert 0 < len(slow.came) <= 5, "four at once, then one at a time"
        [first, *_] = await hooks.deliveries(slow_id)
        assert "no answer within 0.5 seconds" in first.last_error


async def test_410_turns_it_off_and_those_who_may_mend_it_are_told(hooks: Hooks, receiver: Receiver) -> None:
    organization_id = hooks.stage.organization_id
    olive = await enrol(hooks.stage.runtime, organization_id, "olive@example.org", name="Olive")
    viewer = await enrol(hooks.stage.runtime, organization_id, "vera@example.org", "viewer", name="Vera")
    endpoint_id, _ = await hooks.subscribe(receiver, "events.order_placed")
    receiver.answers = [410]
    await hooks.place_order()
    await hooks.send(rounds=2)
    await hooks.place_order()
    await hooks.send()

    assert len(receiver.came) == 1
    assert (await hooks.endpoint(endpoint_id)).state is HookState.GONE
    assert [each.state for each in await hooks.deliveries(endpoint_id)] == ["dead"]
    board = Board(organization_id)
    [notice] = await board.latest(olive)
    assert (notice.kind, notice.link, notice.times) == ("failing", f"/webhooks/{endpoint_id}", 1)
    assert notice.subject == {
        "en": "The webhook 127.0.0.1 is off: it answered 410: it wants nothing more",
        "sw": "Webhook 127.0.0.1 imezimwa: kilijibu 410: hakitaki tena",
    }
    assert await board.latest(viewer) == []
    await hooks.stage.settle()
    letters = hooks.stage.runtime.notifier
    assert isinstance(letters, Letterbox)
    [letter] = letters.letters
    assert letter.to == "olive@example.org"
    assert "410" in letter.subject


async def test_one_that_never_answers_is_turned_off_and_catches_up_when_it_is_on_again(
    hooks: Hooks, receiver: Receiver
) -> None:
    olive = await enrol(hooks.stage.runtime, hooks.stage.organization_id, "olive@example.org", name="Olive")
    endpoint_id, _ = await hooks.subscribe(receiver, "events.order_placed", description="CRM")
    receiver.answers = [500] * 4
    await hooks.place_order()
    await hooks.place_order()
    await hooks.send(rounds=6)
    assert (await hooks.endpoint(endpoint_id)).state is HookState.FAILING
    [notice] = await Board(hooks.stage.organization_id).latest(olive)
    assert notice.subject["sw"] == "Webhook CRM imezimwa: kilijibu 500. Yanayotokea yanatunzwa kwa siku 30"  # type: ignore[index]
    await hooks.place_order()
    await hooks.send()
    assert len(receiver.came) == 4
    async with hooks.unit() as work:
        row = await HookEndpoint.get(id=endpoint_id)
        assert await desk.turn_on(work, hooks.owner, row, catch_up=True) == 3
    await hooks.send()
    assert [each.state for each in await hooks.deliveries(endpoint_id)] == ["delivered"] * 3


async def test_a_redirect_is_not_followed(hooks: Hooks, receiver: Receiver) -> None:
    endpoint_id, _ = await hooks.subscribe(receiver, "events.order_placed")

    async def elsewhere(_: web.Request) -> web.StreamResponse:
        raise web.HTTPFound("/admin")

    receiver.answers = [elsewhere] * 3
    await hooks.place_order()
    await hooks.send()
    [delivery] = await hooks.deliveries(endpoint_id)
    assert (delivery.last_status, receiver.elsewhere) == (302, 0)
    assert "give the address that it leads to" in delivery.last_error


async def test_after_a_rotation_both_secrets_fit_for_a_day(hooks: Hooks, receiver: Receiver) -> None:
    endpoint_id, old = await hooks.subscribe(receiver, "events.order_placed")
    async with hooks.unit() as work:
        new = await desk.rotate_secret(work, hooks.owner, await HookEndpoint.get(id=endpoint_id))
    await hooks.place_order()
    await hooks.send()
    with organization_scope(hooks.stage.organization_id):
        await HookEndpoint.all().update(old_until=datetime.now(UTC) - timedelta(seconds=1))
    await hooks.place_order()
    await hooks.send()
    verify, (first, second) = documented("verify"), receiver.came
    for secret in (old, new):
        verify(secret, first.headers, first.body)
    verify(new, second.headers, second.body)
    with pytest.raises(ValueError, match="wrong signature"):
        verify(old, second.headers, second.body)


async def test_who_dies_with_it_in_hand_leaves_it_to_the_next(hooks: Hooks, receiver: Receiver) -> None:
    from store import hooks as rows

    endpoint_id, _ = await hooks.subscribe(receiver, "events.order_placed")
    await hooks.place_order()
    with organization_scope(hooks.stage.organization_id):
        await rows.claim(endpoint_id, 10, lease_s=0.2)
    await hooks.send()
    assert receiver.came == []
    await asyncio.sleep(0.3)
    await hooks.send()
    assert len(receiver.came) == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/in",
        "https://localhost/in",
        "https://localhost./in",
        "https://127.0.0.1/in",
        "https://10.1.2.3/in",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/in",
        "https://[::ffff:127.0.0.1]/in",
        "https://[64:ff9b::7f00:1]/in",
        "https://[fd00::1]/in",
        "https://user:pass@example.com/in",
        "https://db.internal/in",
        "https://example.com/in#part",
        "ftp://example.com",
        "https://",
    ],
)
def test_such_an_address_is_refused(url: str) -> None:
    with pytest.raises(Unsafe):
        check_url(url, allow_private=False)


class Names(AbstractResolver):
    """A DNS that says what a test says."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = addresses

    async def resolve(self, host: str, port: int = 0, family: Any = 0) -> list[ResolveResult]:
        of: Any = {"hostname": host, "port": port, "family": socket.AF_INET, "proto": 0, "flags": 0}
        return [{**of, "host": each} for each in self.addresses]

    async def close(self) -> None:
        return None


@pytest.mark.parametrize("addresses", [("127.0.0.1",), ("93.184.215.14", "10.0.0.7")])
async def test_a_name_that_leads_home_is_not_connected_to(receiver: Receiver, addresses: tuple[str, ...]) -> None:
    port = receiver.url.split(":")[-1].split("/")[0]
    async with Poster(HookSettings(), Names(*addresses)) as poster:
        answer = await poster.post(f"https://evil.example.com:{port}/in", b"{}", {})
    assert answer.status is None
    assert f"private network ({addresses[-1]})" in answer.error
