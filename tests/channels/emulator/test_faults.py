"""Each fault does what it says, and is marked on the wire."""

import asyncio
import json
from typing import Any

import aiohttp
import pytest

from channels.emulator.client import EmulatorRefused
from channels.emulator.fixture import RunningEmulator, StartEmulator
from tests.channels.emulator.bot import ASHA, BRIAN, NUMBER, OTHER_NUMBER, Bot, code_of

HELLO: dict[str, Any] = {"type": "text", "text": {"body": "hello"}, "biz_opaque_callback_data": "o-1"}


async def write(emulator: RunningEmulator, *texts: str, wa_id: str = ASHA) -> None:
    for text in texts:
        await emulator.client.text(wa_id, text)
    await emulator.client.wait_until_idle()


def texts(bot: Bot) -> list[str]:
    return [m["text"]["body"] for m in bot.messages if m["type"] == "text"]


async def test_a_duplicate_has_the_same_bytes(emulator: RunningEmulator, bot: Bot) -> None:
    await emulator.client.set_fault("duplicate", next_n=1, params={"times": 2})
    await write(emulator, "a", "b")
    assert sorted(texts(bot)) == ["a", "a", "a", "b"]
    assert len({d.raw for d in bot.deliveries}) == 2


async def test_a_reserialised_duplicate_has_other_bytes_and_a_right_signature(
    emulator: RunningEmulator, bot: Bot
) -> None:
    await emulator.client.set_fault("duplicate", next_n=1, params={"mode": "reserialised"})
    await write(emulator, "a")
    first, second = bot.deliveries
    assert first.raw != second.raw
    assert first.body == second.body
    assert second.is_signed_with("app-secret-1")


async def test_a_regrouped_duplicate_stands_among_others(emulator: RunningEmulator, bot: Bot) -> None:
    await write(emulator, "a")
    await emulator.client.set_fault("duplicate", next_n=1, params={"mode": "regrouped"})
    await write(emulator, "b")
    assert [[m["text"]["body"] for v in d.values for m in v["messages"]] for d in bot.deliveries] == [
        ["a"],
        ["b"],
        ["a", "b"],
    ]


async def test_concurrent_posts_arrive_together(emulator: RunningEmulator, bot: Bot) -> None:
    bot.pause_s = 0.1
    await emulator.client.set_fault("concurrent", next_n=1)
    sent = await emulator.client.text(ASHA, "a")
    await asyncio.sleep(0.05)
    assert [m["id"] for m in bot.messages] == [sent["id"]] * 2  # both before either was answered


async def test_reorder_lets_the_next_one_pass(emulator: RunningEmulator, bot: Bot) -> None:
    await emulator.client.set_fault("reorder", next_n=1)
    await write(emulator, "a", "b", "c")
    assert texts(bot)[0] == "b"
    assert sorted(texts(bot)) == ["a", "b", "c"]


async def test_a_held_update_comes_even_when_nothing_follows(emulator: RunningEmulator, bot: Bot) -> None:
    await emulator.client.set_fault("reorder", next_n=1, params={"hold_s": 0.05})
    await write(emulator, "a")
    assert texts(bot) == ["a"]


async def test_delay_holds_one_update_back(emulator: RunningEmulator, bot: Bot) -> None:
    await emulator.client.set_fault("delay", next_n=1, params={"delay_s": 0.2})
    await write(emulator, "a", "b")
    assert texts(bot) == ["b", "a"]


async def test_batch_spreads_updates_over_one_body(emulator: RunningEmulator, bot: Bot) -> None:
    await emulator.client.set_fault("batch", probability=1.0, params={"size": 6, "wait_s": 0.3})
    await write(emulator, "a", "b", "c", "d", "e", "f", "late")
    assert len(bot.deliveries) == 2
    assert sorted(texts(bot)) == ["a", "b", "c", "d", "e", "f", "late"]
    body = bot.deliveries[0].body
    assert len(body["entry"]) > 1
    assert sum(len(e["changes"]) for e in body["entry"]) > len(body["entry"])


async def test_a_dropped_200_is_tried_again(emulator: RunningEmulator, bot: Bot) -> None:
    await emulator.client.set_fault("drop_ack", next_n=1)
    await write(emulator, "a")
    assert texts(bot) == ["a", "a"]
    (row,) = (await emulator.client.ledger())["users"][ASHA]["sent"]
    assert [a["code"] for a in row["attempts"]] == [200, 200]
    assert row["first_200_at"] < row["acked_at"]


@pytest.mark.parametrize("mode", ["wrong", "missing", "non_ascii", "upper"])
async def test_a_wrong_signature_comes_once_and_then_the_right_one(
    emulator: RunningEmulator, bot: Bot, mode: str
) -> None:
    await emulator.client.set_fault("wrong_signature", next_n=1, params={"mode": mode})
    bot.codes = [403]
    await write(emulator, "a")
    assert [d.is_signed_with("app-secret-1") for d in bot.deliveries] == [False, True]


async def test_unknown_types_and_fields_stand_beside_the_good_ones(emulator: RunningEmulator, bot: Bot) -> None:
    await emulator.client.set_fault("unknown_type", next_n=1)
    await emulator.client.set_fault("unknown_field", next_n=1)
    await write(emulator, "a")
    (delivery,) = bot.deliveries
    assert [m["type"] for m in bot.messages] == ["hologram", "text"]
    assert "mood_update" in [c["field"] for e in delivery.body["entry"] for c in e["changes"]]
    assert "quantum_state" in delivery.values[0]


async def test_a_big_body_has_its_size(emulator: RunningEmulator, bot: Bot) -> None:
    await emulator.client.set_fault("big_body", next_n=1, params={"size_bytes": 2_000_000})
    await write(emulator, "a")
    assert len(bot.deliveries[0].raw) == 2_000_000
    assert bot.deliveries[0].is_signed_with("app-secret-1")


async def test_a_slow_body_arrives_whole(emulator: RunningEmulator, bot: Bot) -> None:
    await emulator.client.set_fault("slow_body", next_n=1, params={"chunks": 4, "pause_s": 0.03})
    await write(emulator, "a")
    assert texts(bot) == ["a"]
    assert (await emulator.client.wire())[0]["latency_ms"] > 80


@pytest.mark.parametrize("kind", ["reaction", "edit", "revoke"])
async def test_what_refers_to_a_message_may_come_before_it(emulator: RunningEmulator, bot: Bot, kind: str) -> None:
    await emulator.client.set_fault("early", next_n=1, params={"kind": kind, "after_s": 0.05})
    await write(emulator, "a")
    await asyncio.sleep(0.1)
    early, late = bot.messages
    assert (early["type"], late["type"]) == (kind, "text")
    assert late["id"] in json.dumps(early[kind])


async def test_standby_messages_come_on_their_own_field(emulator: RunningEmulator, bot: Bot) -> None:
    await emulator.client.set_fault("standby", next_n=1)
    await write(emulator, "a")
    assert bot.deliveries[0].body["entry"][0]["changes"][0]["field"] == "standby"


async def test_faults_keep_to_their_number_and_person(emulator: RunningEmulator, bot: Bot) -> None:
    await emulator.client.set_fault("duplicate", probability=1.0, phone_number_id=OTHER_NUMBER)
    await emulator.client.set_fault("duplicate", probability=1.0, phone_number_id=NUMBER, wa_id=BRIAN)
    await write(emulator, "once")
    await write(emulator, "twice", wa_id=BRIAN)
    assert sorted(texts(bot)) == ["once", "twice", "twice"]


async def test_a_script_says_which_events_are_struck(emulator: RunningEmulator, bot: Bot) -> None:
    await emulator.client.set_fault("duplicate", script=[False, True, False, True])
    await write(emulator, "a", "b", "c", "d", "e")
    assert sorted(texts(bot)) == ["a", "b", "b", "c", "d", "d", "e"]


async def test_the_same_seed_strikes_the_same_events(emulator: RunningEmulator, bot: Bot) -> None:
    struck = []
    for _ in range(2):
        await emulator.client.reset()
        bot.deliveries.clear()
        await emulator.client.set_fault("duplicate", seed=7, probability=0.5)
        await write(emulator, *(f"{i}" for i in range(12)))
        struck.append(sorted(texts(bot)))
    assert struck[0] == struck[1]
    assert 12 < len(struck[0]) < 24


async def test_accept_then_hang_accepts_and_never_answers(emulator: RunningEmulator, bot: Bot) -> None:
    await write(emulator, "hi")
    await emulator.client.set_fault("accept_then_hang", next_n=1)
    with pytest.raises(TimeoutError):
        await bot.send(HELLO, timeout_s=0.3)
    await emulator.client.wait_until_idle()
    assert [s["biz_opaque_callback_data"] for s in bot.statuses] == ["o-1"] * 3
    (row,) = (await emulator.client.ledger())["unanswered_sends"]
    assert (row["opaque"], row["marks"]) == ("o-1", ["accept_then_hang"])


async def test_accept_then_reset_accepts_and_cuts_the_line(emulator: RunningEmulator, bot: Bot) -> None:
    await write(emulator, "hi")
    await emulator.client.set_fault("accept_then_reset", next_n=1)
    with pytest.raises(aiohttp.ClientError):
        await bot.send(HELLO)
    await emulator.client.wait_until_idle()
    assert len(await emulator.client.messages(ASHA, direction="out")) == 1
    await bot.send(HELLO)  # a bot that sends again without waiting for the status
    (duplicate,) = (await emulator.client.ledger())["duplicates"]
    assert (duplicate["opaque"], len(duplicate["messages"])) == ("o-1", 2)


@pytest.mark.parametrize("name", ["reset", "hang"])
async def test_a_line_that_breaks_before_accepting_accepts_nothing(
    emulator: RunningEmulator, bot: Bot, name: str
) -> None:
    await write(emulator, "hi")
    await emulator.client.set_fault(name, next_n=1)
    with pytest.raises((aiohttp.ClientError, TimeoutError)):
        await bot.send(HELLO, timeout_s=0.3)
    assert await emulator.client.messages(ASHA, direction="out") == []


async def test_a_5xx_is_html(emulator: RunningEmulator, bot: Bot) -> None:
    await write(emulator, "hi")
    await emulator.client.set_fault("html_5xx", next_n=1, params={"status": 503})
    status, body = await bot.send(HELLO)
    assert status == 503
    assert body.startswith(b"<!DOCTYPE html>")
    assert (await bot.send(HELLO))[0] == 200


async def test_any_error_code_can_be_answered(emulator: RunningEmulator, bot: Bot) -> None:
    await write(emulator, "hi")
    await emulator.client.set_fault("error", next_n=1, params={"code": 131057})
    status, answer = await bot.send(HELLO)
    assert (status, code_of(answer)) == (500, 131057)
    assert (await emulator.client.ledger())["refused"] == {"131057": 1}


async def test_a_slow_answer_is_still_whole(emulator: RunningEmulator, bot: Bot) -> None:
    await write(emulator, "hi")
    await emulator.client.set_fault("slow_response", next_n=1, params={"pause_s": 0.001})
    status, answer = await bot.send(HELLO)
    assert (status, answer["messages"][0]["id"][:6]) == (200, "wamid.")


async def test_the_status_may_be_there_before_the_answer(emulator: RunningEmulator, bot: Bot) -> None:
    await write(emulator, "hi")
    await emulator.client.set_fault("status_before_response", next_n=1)
    _, answer = await bot.send(HELLO)
    assert bot.ladder(answer["messages"][0]["id"]) == ["sent"]
    await emulator.client.wait_until_idle()
    assert bot.ladder(answer["messages"][0]["id"]) == ["sent", "delivered", "read"]


@pytest.mark.parametrize(
    ("name", "ladder"),
    [
        ("read_without_delivered", ["sent", "read"]),
        ("failed_after_sent", ["sent", "failed"]),
        ("no_status", []),
    ],
)
async def test_ladders_can_be_bent(emulator: RunningEmulator, bot: Bot, name: str, ladder: list[str]) -> None:
    await write(emulator, "hi")
    await emulator.client.set_fault(name, next_n=1)
    wamid = await bot.text("hello")
    await emulator.client.wait_until_idle()
    assert bot.ladder(wamid) == ladder


async def test_a_ladder_can_come_upside_down(bot: Bot, whatsapp: StartEmulator) -> None:
    running = await whatsapp(bot.url, sent_after_s=0.0, delivered_after_s=0.15, read_after_s=0.3)
    bot.graph_url = running.base_url
    await write(running, "hi")
    await running.client.set_fault("statuses_reversed", next_n=1)
    await bot.text("hello")
    await running.client.wait_until_idle()
    assert [s["status"] for s in bot.statuses] == ["read", "delivered", "sent"]


async def test_an_unknown_fault_is_refused(emulator: RunningEmulator) -> None:
    with pytest.raises(EmulatorRefused, match="earthquake"):
        await emulator.client.set_fault("earthquake", next_n=1)
