"""A provider's no beyond the one message: a number that stops and goes on by itself, pauses that grow and end, a person who wants no marketing."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from bot.messages import Template
from bot.ports import Lane
from channels.whatsapp.errors import ACTIONS, Action, ErrorClass, Stops
from store.crypto import keyring
from store.directory import tokens_aad
from tests.bot.test_delivery import ASHA, BRIAN, Desk, desk
from tests.support.clockwork import rows, tick, value

__all__ = ["desk"]

EXPIRED = 463


async def seen(desk: Desk, person: str = ASHA) -> list[str]:
    await desk.world.client.wait_until_idle(20)
    return await desk.seen(person)


async def account(desk: Desk) -> Any:
    [row] = await rows(desk.world, "SELECT * FROM channel_accounts WHERE id = $1", desk.account_id)
    return row


async def tries(desk: Desk) -> int:
    """Requests to send a message that reached the provider, from any number."""
    wire = await desk.world.client.wire(limit=1000)
    return sum(_is_send(each) for each in wire)


def _is_send(entry: dict[str, Any]) -> bool:
    text = str(entry)
    return "/messages" in text and "biz_opaque_callback_data" in text


async def break_token(desk: Desk) -> None:
    await desk.world.client.change_business_number(desk.world.people[0].phone_number_id, token_problem=EXPIRED)


async def mend_token(desk: Desk) -> None:
    await desk.world.client.change_business_number(desk.world.people[0].phone_number_id, token_problem=None)


async def set_token(desk: Desk, token: str) -> None:
    keys = await keyring().keys(desk.organization_id)
    sealed = keys.seal(token.encode(), tokens_aad(desk.organization_id))
    await rows(desk.world, "UPDATE channel_accounts SET sealed_token = $2 WHERE id = $1", desk.account_id, sealed)


async def make_probe_due(desk: Desk) -> None:
    await rows(desk.world, "UPDATE channel_accounts SET probe_at = now() WHERE id = $1", desk.account_id)


async def actions(desk: Desk) -> list[str]:
    found = await rows(desk.world, "SELECT action FROM audit_entries WHERE action LIKE 'channel_account.%' ORDER BY at")
    return [row["action"] for row in found]


# -- a number that is stopped


async def test_a_dead_token_stops_the_number_and_costs_no_message(desk: Desk) -> None:
    desk.world.dispatcher.lost = True
    await break_token(desk)
    keys = [*await desk.put("one", "two"), *await desk.put("three", to=BRIAN)]
    await desk.deliver()
    keys += await desk.put("four", to=BRIAN)  # the number is known to be stopped
    before = await tries(desk)
    assert await desk.deliver() == 0

    found = await account(desk)
    assert found["state"] == "stopped"
    assert "190" in found["state_reason"]
    for key in keys:
        fate = await desk.fate(key)
        assert (fate["status"], fate["state"], fate["attempts"]) == ("queued", "held", 0)
        assert "190" in fate["last_error"] or "expired" in fate["last_error"].lower()
    assert await tries(desk) == before, "a stopped number is left alone"
    assert await actions(desk) == ["channel_account.stopped"]


async def test_a_reply_in_a_turn_waits_too_and_the_other_number_answers(desk: Desk) -> None:
    await break_token(desk)
    for text in ("menu", "help"):
        await desk.world.client.text(ASHA, text)
        await desk.world.client.wait_until_idle(20)
        await desk.world.dispatcher.settle()
    assert await value(desk.world, "SELECT count(*) FROM outbox WHERE state = 'held'") >= 2
    assert await value(desk.world, "SELECT count(*) FROM outbox WHERE state <> 'held'") == 0
    other = desk.world.people[1].phone_number_id
    assert await desk.world.client.ask(BRIAN, "hi", phone_number_id=other, timeout_s=20)

    await mend_token(desk)
    await make_probe_due(desk)
    await desk.all_gone()
    assert len(await seen(desk)) >= 2


@pytest.mark.parametrize("code", [190, 131031, 133010, 131042, 10, 368])
async def test_one_message_tries_a_stopped_number_and_when_it_passes_all_go_in_order(desk: Desk, code: int) -> None:
    desk.world.dispatcher.lost = True
    await desk.world.client.set_fault("error", probability=1.0, params={"code": code})
    await desk.put("one", "two", "three")
    await desk.put("brian", to=BRIAN)
    await desk.deliver()
    desk.world.dispatcher.lost = False
    for _ in range(3):
        await tick(desk.world)
    assert await seen(desk) == []
    first = await account(desk)

    before = await tries(desk)
    await make_probe_due(desk)
    await tick(desk.world)
    await tick(desk.world)
    again = await account(desk)
    assert await tries(desk) == before + 1, "one probe, not all"
    assert (first["probe_steps"], again["probe_steps"], again["state"]) == (0, 1, "stopped")
    now = await value(desk.world, "SELECT clock_timestamp()")
    assert again["probe_at"] - now > timedelta(seconds=55), "each pause is longer than the one before"

    await desk.world.client.clear_faults()
    await make_probe_due(desk)
    await desk.all_gone()
    assert await seen(desk) == ["one", "two", "three"]
    assert await seen(desk, BRIAN) == ["brian"]
    assert (await account(desk))["state"] == "connected"
    assert await actions(desk) == ["channel_account.stopped", "channel_account.resumed"]
    assert (await desk.world.client.ledger())["duplicates"] == []


async def test_a_changed_token_lets_everything_go_at_once(desk: Desk) -> None:
    desk.world.dispatcher.lost = True
    await set_token(desk, "wrong")
    desk.world.runtime.directory.forget()
    await desk.put("one", "two")
    await desk.deliver()
    assert (await account(desk))["state"] == "stopped"
    await set_token(desk, desk.world.people[0].access_token)
    desk.world.dispatcher.lost = False
    await desk.all_gone()
    assert await seen(desk) == ["one", "two"]


async def test_a_process_that_still_holds_the_old_token_does_not_stop_the_new_one(desk: Desk) -> None:
    desk.world.dispatcher.lost = True
    await set_token(desk, "wrong")
    desk.world.runtime.directory.forget()
    await desk.world.runtime.directory.account(desk.organization_id, desk.account_id)
    await set_token(desk, desk.world.people[0].access_token)
    await desk.put("one")
    await desk.deliver()
    assert (await account(desk))["state"] == "connected"
    desk.world.dispatcher.lost = False
    await desk.all_gone()
    assert await seen(desk) == ["one"]


async def test_a_probe_that_the_gate_refuses_is_followed_by_another(desk: Desk) -> None:
    desk.world.dispatcher.lost = True
    await break_token(desk)
    [old] = await desk.put("too late")
    await desk.put("in time", to=BRIAN)
    await desk.deliver()
    await mend_token(desk)
    await rows(
        desk.world,
        "UPDATE sessions SET last_user_at = now() - interval '25 hours' WHERE contact_id = $1",
        desk.contacts[ASHA],
    )
    await make_probe_due(desk)
    desk.world.dispatcher.lost = False
    await desk.all_gone()
    assert (await desk.fate(old))["reason"] == "window_closed"
    assert await seen(desk, BRIAN) == ["in time"]


async def test_a_send_that_went_is_marked_though_its_number_could_not_be_let_go_on(desk: Desk) -> None:
    """Else it would go twice where no status comes."""
    desk.world.dispatcher.lost = True
    await break_token(desk)
    [key] = await desk.put("one")
    await desk.deliver()
    await mend_token(desk)
    await make_probe_due(desk)
    await rows(desk.world, "ALTER FUNCTION cn_resume_account(uuid, uuid) RENAME TO cn_gone")
    await tick(desk.world)
    await desk.deliver()
    fate = await desk.fate(key)
    assert (fate["status"], fate["state"]) == ("accepted", None)
    assert (await account(desk))["state"] == "stopped"


async def test_a_no_to_one_person_stops_nobody_else(desk: Desk) -> None:
    """The control: only the classes that concern the number stop it."""
    await desk.world.client.set_fault("error", next_n=1, params={"code": 131026})
    await desk.put("one")
    await desk.put("brian", to=BRIAN)
    await desk.all_gone()
    assert (await account(desk))["state"] == "connected"
    assert len([*await seen(desk), *await seen(desk, BRIAN)]) == 1


async def test_without_its_class_a_dead_token_would_cost_every_message(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control of the above: what stops the number is the table of the channel."""
    desk.world.dispatcher.lost = True
    monkeypatch.setitem(ACTIONS, ErrorClass.AUTH, Action(Stops.MESSAGE))
    await break_token(desk)
    keys = [*await desk.put("one"), *await desk.put("two", to=BRIAN)]
    await desk.deliver()
    assert [(await desk.fate(key))["state"] for key in keys] == ["dead", "dead"]
    assert (await account(desk))["state"] == "connected"


# -- pauses


async def end_pause(desk: Desk) -> None:
    await rows(
        desk.world,
        "UPDATE channel_accounts SET hold_until = now() - interval '1 ms', bulk_hold_until = now() - interval '1 ms'",
    )
    await rows(desk.world, "UPDATE outbox SET next_attempt_at = now() WHERE state = 'ready'")
    desk.world.runtime.holds = type(desk.world.runtime.holds)()


async def pause_s(desk: Desk, column: str = "hold_until") -> float:
    left: float = await value(
        desk.world,
        f"SELECT extract(epoch FROM {column} - clock_timestamp())::float8 FROM channel_accounts WHERE id = $1",
        desk.account_id,
    )
    return left


@pytest.mark.parametrize("code", [130429, 131057])
async def test_pauses_of_a_number_grow_and_end_with_the_first_success(desk: Desk, code: int) -> None:
    desk.world.dispatcher.lost = True
    await desk.world.client.set_fault("error", next_n=4, params={"code": code})
    await desk.put("one")
    lasted = []
    for _ in range(4):
        await desk.deliver()
        lasted.append(await pause_s(desk))
        await end_pause(desk)
    for want_s, got_s in zip((1, 2, 4, 8), lasted, strict=True):
        assert want_s * 0.8 < got_s <= want_s * 1.25, lasted
    await desk.deliver()
    assert (await account(desk))["hold_steps"] == 0
    assert await seen(desk) == ["one"]

    await desk.world.client.set_fault("error", next_n=1, params={"code": code})
    await desk.put("two")
    await desk.deliver()
    assert await pause_s(desk) < 1.3, "it begins anew"


async def test_without_growth_in_the_table_a_pause_would_stay_the_same(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control of the above."""
    desk.world.dispatcher.lost = True
    monkeypatch.setitem(ACTIONS, ErrorClass.THROTTLE_NUMBER, Action(Stops.NUMBER, after_s=1, growth=1, tries=None))
    await desk.world.client.set_fault("error", next_n=3, params={"code": 130429})
    await desk.put("one")
    for _ in range(3):
        await desk.deliver()
        assert await pause_s(desk) <= 1.25
        await end_pause(desk)


async def test_while_a_number_pauses_nothing_of_it_is_tried_and_another_number_answers(desk: Desk) -> None:
    desk.world.dispatcher.lost = True
    await desk.world.client.set_fault("error", next_n=1, params={"code": 130429})
    await desk.put("one")
    await desk.deliver()
    await desk.put("brian", to=BRIAN)
    before = await tries(desk)
    assert await desk.deliver() == 0
    assert await desk.deliver(Lane.BULK) == 0
    assert await tries(desk) == before
    desk.world.dispatcher.lost = False
    other = desk.world.people[1].phone_number_id
    assert await desk.world.client.ask(BRIAN, "hi", phone_number_id=other, timeout_s=20)
    await end_pause(desk)
    await desk.all_gone()
    assert (await seen(desk), (await seen(desk, BRIAN))[-1]) == (["one"], "brian")


async def test_many_at_once_that_hear_of_one_pause_make_it_grow_once(desk: Desk) -> None:
    desk.world.dispatcher.lost = True
    await desk.world.client.set_fault("latency", probability=1.0, params={"delay_s": 0.2})
    await desk.world.client.set_fault("error", next_n=2, params={"code": 130429})
    await desk.put("one")
    await desk.put("brian", to=BRIAN)
    await asyncio.gather(desk.deliver(), desk.deliver())
    assert (await account(desk))["hold_steps"] == 1
    await desk.world.client.clear_faults()
    await end_pause(desk)
    desk.world.dispatcher.lost = False
    await desk.all_gone()
    assert (await seen(desk), await seen(desk, BRIAN)) == (["one"], ["brian"])


async def test_a_limit_of_the_business_account_pauses_its_other_numbers_and_no_others(desk: Desk) -> None:
    desk.world.dispatcher.lost = True
    await rows(
        desk.world,
        "INSERT INTO channel_accounts SELECT (jsonb_populate_record(a, jsonb_build_object('id', gen_random_uuid(), 'external_id', n,"
        " 'waba_id', CASE n WHEN 'same' THEN a.waba_id ELSE n END))).* FROM channel_accounts a, unnest(ARRAY['same', 'else']) n WHERE a.id = $1",
        desk.account_id,
    )
    await desk.world.client.set_fault("error", next_n=1, params={"code": 80007})
    await desk.put("one")
    await desk.deliver()
    found = await rows(desk.world, "SELECT external_id, hold_until > now() AS holds FROM channel_accounts")
    holds = {row["external_id"]: bool(row["holds"]) for row in found}
    ours, theirs = (each.phone_number_id for each in desk.world.people)
    assert holds == {ours: True, "same": True, "else": False, theirs: False}


async def test_a_pair_pauses_four_times_longer_each_time_and_no_other_person_waits(desk: Desk) -> None:
    desk.world.dispatcher.lost = True
    await desk.world.client.set_fault("error", next_n=3, params={"code": 131056}, wa_id=ASHA)
    [key] = await desk.put("one")
    await desk.put("brian", to=BRIAN)
    lasted = []
    for _ in range(3):
        await desk.deliver()
        left_s = "SELECT extract(epoch FROM next_attempt_at - clock_timestamp())::float8 FROM outbox"
        lasted.append(await value(desk.world, left_s))
        await rows(desk.world, "UPDATE outbox SET next_attempt_at = now()")
    for want_s, got_s in zip((1, 4, 16), lasted, strict=True):
        assert want_s * 0.8 < got_s <= want_s * 1.25, lasted
    assert await seen(desk, BRIAN) == ["brian"]
    assert (await desk.fate(key))["attempts"] == 0
    await desk.deliver()
    assert await seen(desk) == ["one"]


async def test_a_spam_limit_pauses_what_the_organization_starts_and_lets_replies_go(desk: Desk) -> None:
    desk.world.dispatcher.lost = True
    await rows(desk.world, "UPDATE contacts SET opted_in_at = now()")
    await desk.world.client.set_fault("error", next_n=1, params={"code": 131048})
    await desk.put("news", lane=Lane.BULK)
    await desk.deliver(Lane.BULK)
    await desk.put("more news", to=BRIAN, lane=Lane.BULK)
    assert await desk.deliver(Lane.BULK) == 0
    assert await pause_s(desk, "bulk_hold_until") > 3500
    await desk.put("a reply")
    await desk.deliver()
    assert (await seen(desk), await seen(desk, BRIAN)) == (["a reply"], [])


# -- templates and people


async def test_a_template_that_is_paused_is_not_tried_with_everybody(desk: Desk) -> None:
    desk.world.dispatcher.lost = True
    await rows(desk.world, "UPDATE contacts SET opted_in_at = now()")
    await desk.world.client.set_fault("error", probability=1.0, params={"code": 132015})
    paused = Template(name="sale", language="en", category="marketing")
    [one] = await desk.put(paused, lane=Lane.BULK)
    await desk.deliver(Lane.BULK)
    before = await tries(desk)
    [two] = await desk.put(paused, to=BRIAN, lane=Lane.BULK)
    await desk.deliver(Lane.BULK)
    assert await tries(desk) == before
    assert (await desk.fate(one))["status"] == "failed"
    waiting = await desk.fate(two)
    assert (waiting["status"], waiting["state"], waiting["attempts"]) == ("queued", "ready", 0)
    assert "template sale is held" in waiting["last_error"]
    await desk.world.client.clear_faults()
    await desk.put("not by that template", to=BRIAN)
    await desk.deliver()
    assert await seen(desk, BRIAN) == ["not by that template"]


async def test_whoever_stopped_marketing_in_whatsapp_gets_none_any_more(desk: Desk) -> None:
    desk.world.dispatcher.lost = True
    await rows(desk.world, "UPDATE contacts SET opted_in_at = now()")
    await desk.world.client.set_fault("error", next_n=1, params={"code": 131050})
    await desk.put("news", lane=Lane.BULK)
    [second] = await desk.put("more news", lane=Lane.BULK)
    await desk.put("news", to=BRIAN, lane=Lane.BULK)
    for _ in range(3):
        await desk.deliver(Lane.BULK)
    assert (await desk.fate(second))["reason"] == "opted_out"
    assert (await seen(desk), await seen(desk, BRIAN)) == ([], ["news"])
    found = await rows(desk.world, "SELECT state, source FROM consents WHERE source = 'provider'")
    assert [tuple(row) for row in found] == [("withdrawn", "provider")]


async def test_a_person_whom_meta_spares_is_tried_once_more_a_day_later(desk: Desk) -> None:
    desk.world.dispatcher.lost = True
    await rows(desk.world, "UPDATE contacts SET opted_in_at = now()")
    await desk.world.client.set_fault("error", probability=1.0, params={"code": 131049})
    [news] = await desk.put("news", lane=Lane.BULK)
    [reply] = await desk.put("a reply")
    await desk.deliver(Lane.BULK)
    await desk.deliver()
    wait = await value(desk.world, "SELECT next_attempt_at - now() FROM outbox WHERE lane = 1")
    assert timedelta(hours=23) < wait < timedelta(hours=31)
    assert (await desk.fate(reply))["state"] == "dead", "a conversation is not held back for a day"
    await rows(desk.world, "UPDATE outbox SET next_attempt_at = now() WHERE state = 'ready'")
    await desk.deliver(Lane.BULK)
    assert (await desk.fate(news))["state"] == "dead"
