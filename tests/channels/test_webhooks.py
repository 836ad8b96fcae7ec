"""What the webhook promises a provider: who is let in, what is kept, and that 200 means it is on disk."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import asyncpg
import orjson
import pytest

from channels.whatsapp.signature import sign
from store.directory import seal_app
from store.metrics import REGISTRY
from store.queue_state import unparsed_deliveries
from store.tenancy import unscoped
from tests.channels.posts import delivery, item, post, status
from tests.support.clockwork import rows, tick, until, value
from tests.support.world import World

KEPT = "SELECT count(*) FROM webhook_deliveries"
INCOMING = "SELECT count(*) FROM messages WHERE direction = 'in'"


async def answered(world: World, expected: int) -> None:
    """Until every accepted message has been handled."""

    async def done() -> Any:
        return (
            await value(world, INCOMING) == expected
            and await value(world, "SELECT count(*) FROM inbox WHERE state = 'ready'") == 0
        )

    await until(world, done, f"{expected} messages handled")


# -- the challenge


async def challenge(world: World, **query: str) -> tuple[int, str]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{world.web_url}/webhooks/whatsapp", params=query) as answer,
    ):
        return answer.status, await answer.text()


async def test_the_challenge_comes_back_for_a_token_of_ours_only(world: World) -> None:
    good = {"hub.mode": "subscribe", "hub.challenge": "1158201444", "hub.verify_token": world.people[1].verify_token}
    assert await challenge(world, **good) == (200, "1158201444")
    for wrong in ({"hub.verify_token": "guess"}, {"hub.verify_token": ""}, {"hub.mode": "unsubscribe"}):
        assert (await challenge(world, **{**good, **wrong}))[0] == 403
    assert (await challenge(world))[0] == 403


async def test_the_provider_can_verify_both_paths(world: World) -> None:
    verified = await world.client.verify_webhook()
    assert all(each["verified"] for each in verified["numbers"].values())


# -- signatures


BAD_SIGNATURES = ("", "sha256=" + "0" * 64, "sha256=", "nonsense", "sha1=" + "0" * 40, "sha256=ünïcode")


async def test_a_bad_signature_is_refused_and_leaves_nothing_behind(world: World) -> None:
    body = delivery((world.people[0], {"messages": [item()]}))
    for header in BAD_SIGNATURES:
        assert await post(world, body, header=header) == 403, header
    assert await value(world, KEPT) == 0
    assert await value(world, "SELECT count(*) FROM contacts") == 0
    assert await post(world, body) == 200  # the very same bytes, signed
    assert await value(world, KEPT) == 1


async def test_a_signature_of_raw_non_ascii_header_bytes_is_refused(world: World) -> None:
    body = delivery((world.people[0], {"messages": [item()]}))
    reader, writer = await asyncio.open_connection("127.0.0.1", int(world.web_url.rpartition(":")[2]))
    writer.write(
        b"POST /webhooks/whatsapp HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Hub-Signature-256: sha256=\xff\xfe\r\n"
        b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
    )
    answer = await reader.read()
    writer.close()
    assert answer.split(b" ", 2)[1] == b"403"
    assert await value(world, KEPT) == 0


async def test_hex_digits_of_either_case_and_escaped_bytes_are_accepted(world: World) -> None:
    body = delivery((world.people[0], {"messages": [item("Habari ñ 😀")]}))
    escaped = orjson.dumps(orjson.loads(body)).decode().encode("ascii", "backslashreplace")
    assert await post(world, body, header=sign(body, world.people[0].app_secret.encode()).upper()) == 200
    assert await post(world, escaped) in (200,)


async def test_while_a_secret_is_rotated_both_are_valid(world: World) -> None:
    first = world.people[0]
    sealed = seal_app(world.runtime.master, secrets=["the-new-one", first.app_secret], verify_token=first.verify_token)
    await rows(world, "UPDATE meta_apps SET sealed = $2 WHERE app_id = $1", first.app_id, sealed)
    for secret in ("the-new-one", first.app_secret):
        assert await post(world, delivery((first, {"messages": [item()]})), secret=secret) == 200
    assert await post(world, delivery((first, {"messages": [item()]})), secret="the-old-one") == 403
    await answered(world, 2)


async def test_the_secret_of_one_app_does_not_speak_for_the_numbers_of_another(world: World) -> None:
    """Decision 11: whoever runs one app must not put words into the mouths of another's people."""
    first, second = world.people
    body = delivery((first, {"messages": [item()]}))
    assert await post(world, body, secret=second.app_secret) == 200
    assert await value(world, INCOMING) == 0
    assert await value(world, "SELECT outcome FROM webhook_deliveries") == "unrouted"
    assert await post(world, body, secret=first.app_secret) == 200
    assert await value(world, INCOMING) == 1


# -- what is kept


async def test_an_unknown_number_is_kept_counted_told_and_answered_200(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    counted = _unrouted()
    body = delivery((world.people[0], {"messages": [item()]})).replace(
        world.people[0].phone_number_id.encode(), b"000000000000000"
    )
    assert await post(world, body) == 200
    assert [row["outcome"] for row in await rows(world, "SELECT outcome FROM webhook_deliveries")] == ["unrouted"]
    assert _unrouted() == counted + 1
    [alarm] = [each for each in caplog.records if each.levelname == "ERROR"]
    assert alarm.getMessage() == "delivery for an unknown number kept"
    assert await value(world, INCOMING) == 0


def _unrouted() -> float:
    return REGISTRY.get_sample_value("webhook_deliveries_total", {"outcome": "unrouted"}) or 0


async def test_what_came_for_a_number_before_it_was_added_is_answered_once_it_is(world: World) -> None:
    first = world.people[0]
    await rows(world, "UPDATE channel_accounts SET external_id = 'later' WHERE external_id = $1", first.phone_number_id)
    assert await post(world, delivery((first, {"messages": [item()]}))) == 200
    await tick(world)
    assert await value(world, "SELECT (outcome, attempts)::text FROM webhook_deliveries") == "(unrouted,0)"

    await rows(
        world,
        "UPDATE channel_accounts SET external_id = $1, created_at = now() WHERE external_id = 'later'",
        first.phone_number_id,
    )
    with unscoped("test"):
        [delivery_id] = await unparsed_deliveries(6, 20)
    await world.runtime.reparse(delivery_id)
    assert await value(world, INCOMING) == 1
    assert await value(world, "SELECT outcome FROM webhook_deliveries") == "accepted"


MALFORMED = (
    b"",
    b"{",
    b"[]",
    b"null",
    b"17",
    b'{"a": NaN}',
    b"\xff\xfe{}",
    b"[" * 100_000,
    b'{"a":' * 300 + b"1" + b"}" * 300,
)


async def test_a_malformed_body_is_kept_and_answered_200(world: World) -> None:
    for body in MALFORMED:
        assert await post(world, body) == 200, body[:20]
    kept = await rows(world, "SELECT outcome, size_bytes FROM webhook_deliveries ORDER BY id")
    assert [tuple(row) for row in kept] == [("malformed", len(body)) for body in MALFORMED]


async def test_an_object_without_entries_is_kept(world: World) -> None:
    assert await post(world, b"{}") == 200
    assert await post(world, b'{"entry": [{"id": "0", "changes": [{"field": "x"}]}, 3]}') == 200
    assert await value(world, KEPT) == 2


async def test_raw_bytes_are_sealed(world: World) -> None:
    await post(world, delivery((world.people[0], {"messages": [item("a secret word")]})))
    sealed = await value(world, "SELECT sealed_body FROM webhook_deliveries")
    assert b"secret word" not in sealed


async def test_the_size_limit_is_three_megabytes_whether_announced_or_not(world: World) -> None:
    limit = 3 * 1024 * 1024
    empty = delivery((world.people[0], {"messages": [], "padding": ""}))

    def sized(size: int) -> bytes:
        return empty.replace(b'"padding":""', b'"padding":"' + b"x" * (size - len(empty)) + b'"')

    async def chunked(body: bytes) -> AsyncIterator[bytes]:
        for start in range(0, len(body), 65536):
            yield body[start : start + 65536]

    fits, exceeds = sized(limit), sized(limit + 1)
    assert await post(world, exceeds) == 413
    secret = world.people[0].app_secret.encode()
    assert await post(world, chunked(exceeds), header=sign(exceeds, secret)) == 413
    assert await value(world, KEPT) == 0
    assert await post(world, fits) == 200
    assert await post(world, chunked(fits), header=sign(fits, secret)) == 200


# -- dedupe and order


async def test_the_same_delivery_three_times_at_once_is_one_turn(world: World) -> None:
    body = delivery((world.people[0], {"messages": [item("hi")]}))
    assert await asyncio.gather(*(post(world, body) for _ in range(3))) == [200, 200, 200]
    assert await post(world, body) == 200
    await answered(world, 1)
    assert await value(world, KEPT) == 4
    assert await value(world, "SELECT count(*) FROM messages WHERE direction = 'out'") == 1


async def test_the_same_message_in_other_bytes_and_regrouped_is_one_turn(world: World) -> None:
    first = world.people[0]
    one, two, three = item("one"), item("two", phone="254711000002"), item("three")
    assert await post(world, delivery((first, {"messages": [one, two]}))) == 200
    assert await post(world, delivery((first, {"messages": [two]}), (first, {"messages": [three, one]}))) == 200
    assert await post(world, orjson.dumps(orjson.loads(delivery((first, {"messages": [one]}))) | {"new": "key"})) == 200
    await answered(world, 3)


async def test_regrouped_messages_at_once_in_opposite_order_are_all_accepted_once(world: World) -> None:
    first = world.people[0]
    items = [item(f"m{n}", phone=f"2547110{n:05d}", user_id=f"KE.u{n:05d}") for n in range(20)]
    bodies = [delivery((first, {"messages": each})) for each in (items, items[::-1], items[5:], items[:15][::-1])]
    assert set(await asyncio.gather(*(post(world, body) for body in bodies))) == {200}
    await answered(world, 20)
    assert await value(world, "SELECT count(*) FROM contacts") == 20


async def test_a_thousand_items_of_two_organizations_with_strange_ones_among_them(world: World) -> None:
    first, second = world.people
    items = [item(f"n-{n}", phone=f"25471{n:07d}") for n in range(500)]
    strange: list[Any] = [7, {"id": "x"}, {"type": "hologram", "id": "wamid.h", "from": "254711000009", "hologram": {}}]
    body = delivery(
        (first, {"messages": [*items[:300], *strange, *items[300:]]}),
        (second, {"messages": [item(f"n-{n}", phone=f"25471{n:07d}") for n in range(497)]}),
    )
    # The second number belongs to another app, so nothing of it counts under the first one's signature.
    world.dispatcher.lost = True
    assert await post(world, body) == 200
    by_organization = await rows(world, f"{INCOMING} AND organization_id = $1", first.id)
    assert by_organization[0][0] == 501
    assert await value(world, f"{INCOMING} AND organization_id = $1", second.id) == 0


async def test_one_post_may_bring_messages_of_two_organizations_of_one_app(world: World) -> None:
    first, second = world.people
    await rows(
        world,
        "UPDATE channel_accounts SET meta_app_id = (SELECT id FROM meta_apps WHERE app_id = $1) WHERE external_id = $2",
        first.app_id,
        second.phone_number_id,
    )
    world.dispatcher.lost = True
    body = delivery(
        (first, {"messages": [item(phone=f"25471{n:07d}") for n in range(500)]}),
        (second, {"messages": [item(phone=f"25471{n:07d}") for n in range(500)]}),
    )
    assert await post(world, body) == 200
    for person in world.people:
        assert await value(world, f"{INCOMING} AND organization_id = $1", person.id) == 500


async def test_an_item_that_the_database_refuses_does_not_take_the_others_along(world: World) -> None:
    first = world.people[0]
    world.dispatcher.lost = True
    await rows(world, "ALTER TABLE messages ADD CONSTRAINT no_poison CHECK (external_id <> 'wamid.poison')")
    poison = item("poison", id="wamid.poison")
    body = delivery((first, {"messages": [item("a"), poison, item("b", phone="254711000002")]}))
    assert await post(world, body) == 200
    assert await value(world, INCOMING) == 2
    kept = await rows(world, "SELECT id, outcome, detail FROM webhook_deliveries")
    assert [row["outcome"] for row in kept] == ["unparsed"]

    await rows(world, "ALTER TABLE messages DROP CONSTRAINT no_poison")
    await world.runtime.reparse(kept[0]["id"])
    assert await value(world, INCOMING) == 3
    assert await value(world, "SELECT outcome FROM webhook_deliveries") == "accepted"


async def test_a_poisoned_delivery_does_not_take_its_group_along(world: World) -> None:
    first = world.people[0]
    await rows(world, "ALTER TABLE messages ADD CONSTRAINT no_poison CHECK (external_id <> 'wamid.poison')")
    bodies = [delivery((first, {"messages": [item(phone=f"25471{n:07d}")]})) for n in range(20)]
    bodies.insert(7, delivery((first, {"messages": [item("poison", id="wamid.poison")]})))
    assert set(await asyncio.gather(*(post(world, body) for body in bodies))) == {200}
    await answered(world, 20)
    outcomes = await rows(
        world, "SELECT outcome, count(*) AS n FROM webhook_deliveries GROUP BY outcome ORDER BY outcome"
    )
    assert [tuple(row) for row in outcomes] == [("accepted", 20), ("unparsed", 1)]


async def test_nul_and_half_surrogate_pairs_in_every_text_are_accepted(world: World) -> None:
    first = world.people[0]
    odd = "a\\u0000b\\ud83dc"
    body = delivery(
        (first, {"messages": [item("TEXT", context={"id": "CTX"})], "statuses": [status("wamid.s", "sent")]}),
        contacts=[{"profile": {"name": "NAME"}, "wa_id": "254711000001"}],
    )
    for word in (b"TEXT", b"CTX", b"NAME"):
        body = body.replace(word, odd.encode())
    assert await post(world, body) == 200
    assert await value(world, "SELECT outcome FROM webhook_deliveries") == "accepted"
    await answered(world, 1)


async def test_ids_longer_than_any_column_are_accepted(world: World) -> None:
    long = "wamid." + "x" * 5000
    body = delivery(
        (
            world.people[0],
            {
                "messages": [item(id=long, context={"id": long + "c"})],
                "statuses": [status(long, "s" * 500, recipient_participant_id="p" * 900)],
            },
        )
    )
    assert await post(world, body) == 200
    assert await value(world, "SELECT outcome FROM webhook_deliveries") == "accepted"
    await answered(world, 1)


# -- when the database is away


@asynccontextmanager
async def database_away(world: World) -> AsyncIterator[None]:
    """Nobody of ours may connect, and whoever was connected is cut off."""
    connection = await asyncpg.connect(world.database.superuser_dsn)
    try:
        await connection.execute("ALTER ROLE chatnation_app CONNECTION LIMIT 0")
        # Ending takes a moment: asked again until nobody is left.
        while await connection.fetch(  # noqa: ASYNC110  # PostgreSQL has no event for it
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND usename = 'chatnation_app'",
            world.database.name,
        ):
            await asyncio.sleep(0.01)
        yield
    finally:
        await connection.execute("ALTER ROLE chatnation_app CONNECTION LIMIT -1")
        await connection.close()


async def test_without_the_database_the_answer_is_503_and_the_retry_heals(world: World) -> None:
    person = "254711000001"
    async with database_away(world):
        body = delivery((world.people[0], {"messages": [item("hi")]}))
        assert await post(world, body) == 503
        assert await post(world, body, header="sha256=" + "0" * 64) == 403
        assert await ready(world) == 503
        written = await world.client.text(person, "hi")
        assert (await attempts(world, person))[0] == 503
    assert await post(world, body) == 200
    assert await ready(world) == 200

    async def replies() -> Any:
        found = await world.client.messages(person, direction="out", after=written["seq"])
        return (
            len([each for each in found if each["visible_at"]]) == 2
        )  # to what was posted by hand and to what was written

    await until(world, replies, "both answered")
    assert (await attempts(world, person))[-1] == 200


async def attempts(world: World, person: str) -> list[int]:
    """The answers that the emulator had for the person's message, once there are any."""

    async def answers() -> list[int]:
        report = await world.client.ledger()
        return [each["code"] for each in report["users"][person]["sent"][0]["attempts"]]

    found: list[int] = await until(world, answers, ticking=False)
    return found


async def ready(world: World) -> int:
    async with aiohttp.ClientSession() as session, session.get(f"{world.web_url}/readyz") as answer:
        return answer.status


async def test_two_paths_one_handler(world: World) -> None:
    assert await post(world, delivery((world.people[0], {"messages": [item()]})), path="/webhooks/waba-status") == 200
    assert await value(world, INCOMING) == 1
