"""The ledger's judgement of numbered conversations, with bots that lose, double and reorder as positive controls."""

import asyncio
from collections import defaultdict
from typing import Any

import pytest

from channels.emulator.fixture import RunningEmulator
from tests.channels.emulator.bot import ASHA, BRIAN, Bot


class Answering:
    """Answers each message once, in order; `wrong` says what it does to message 3."""

    def __init__(self, bot: Bot, wrong: str = "") -> None:
        self.bot = bot
        self.wrong = wrong
        self.seen: set[str] = set()
        self.locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self.parked: list[str] = []

    async def __call__(self, message: dict[str, Any], number: str) -> None:
        if message["id"] in self.seen and self.wrong != "no_dedupe":
            return
        self.seen.add(message["id"])
        async with self.locks[message["from"]]:
            await self.reply(message["from"], message["text"]["body"])

    async def reply(self, to: str, text: str) -> None:
        if text == "n-3" and self.wrong == "lose":
            return
        if text == "n-3" and self.wrong == "park":
            self.parked.append(text)
            return
        await self.bot.text(f"got {text}", to=to, opaque=f"{to}:{text}")
        if text == "n-3" and self.wrong == "double":
            await self.bot.text(f"got {text}", to=to, opaque=f"{to}:{text}")
        if text == "n-4" and self.parked:
            await self.bot.text(f"got {self.parked.pop()}", to=to)


async def converse(emulator: RunningEmulator, bot: Bot, wrong: str = "") -> dict[str, Any]:
    bot.answer = Answering(bot, wrong)
    for i in range(1, 6):
        await emulator.client.bulk(wa_ids=[ASHA, BRIAN], text="n-{i}", start=i, wait=True)
        await emulator.client.wait_until_idle()
        await asyncio.sleep(0.05)
    await emulator.client.wait_until_idle()
    return await emulator.client.analyse(r"n-(\d+)")


async def test_a_good_bot_is_clean(emulator: RunningEmulator, bot: Bot) -> None:
    report = await converse(emulator, bot)
    assert report["clean"]
    assert (report["asked"], report["answered"]) == (10, 10)
    assert (await emulator.client.ledger())["duplicates"] == []


async def test_a_good_bot_is_clean_under_duplicates_and_lost_answers(emulator: RunningEmulator, bot: Bot) -> None:
    await emulator.client.set_fault("duplicate", seed=3, probability=0.5, on="messages")
    await emulator.client.set_fault("drop_ack", probability=0.3)
    assert (await converse(emulator, bot))["clean"]


async def test_a_lost_message_is_found(emulator: RunningEmulator, bot: Bot) -> None:
    report = await converse(emulator, bot, "lose")
    assert (report["lost"], report["duplicated"], report["misordered"]) == (2, 0, 0)
    assert [t["lost"] for t in report["threads"]] == [["3"], ["3"]]


async def test_a_doubled_reply_is_found(emulator: RunningEmulator, bot: Bot) -> None:
    report = await converse(emulator, bot, "double")
    assert (report["lost"], report["duplicated"], report["misordered"]) == (0, 2, 0)
    assert sorted(d["opaque"] for d in (await emulator.client.ledger())["duplicates"]) == [
        f"{ASHA}:n-3",
        f"{BRIAN}:n-3",
    ]


async def test_a_bot_without_dedupe_is_found(emulator: RunningEmulator, bot: Bot) -> None:
    await emulator.client.set_fault("duplicate", next_n=1, on="messages")
    assert (await converse(emulator, bot, "no_dedupe"))["duplicated"] == 1


async def test_a_reply_out_of_order_is_found(emulator: RunningEmulator, bot: Bot) -> None:
    report = await converse(emulator, bot, "park")
    assert (report["lost"], report["duplicated"], report["misordered"]) == (0, 0, 2)
    assert report["threads"][0]["misordered"] == [{"earlier": "3", "overtaken_by": "4"}]


async def test_messages_that_were_in_the_air_together_have_no_order(emulator: RunningEmulator, bot: Bot) -> None:
    await emulator.client.set_fault("delay", next_n=1, params={"delay_s": 0.2})
    bot.answer = Answering(bot)
    await emulator.client.bulk(wa_ids=[ASHA], text="n-{i}", messages_each=2, wait=True)
    await emulator.client.wait_for_reply(ASHA, count=2)
    report = await emulator.client.analyse()
    assert report["clean"]
    assert report["out_of_sent_order"] == 1


async def test_a_message_never_answered_200_is_not_called_lost(emulator: RunningEmulator, bot: Bot) -> None:
    bot.codes = [503] * 1000
    await emulator.client.text(ASHA, "n-1")
    await asyncio.sleep(0.1)
    report = await emulator.client.analyse()
    assert (report["lost"], report["unacked"], report["clean"]) == (0, 1, False)


async def test_many_people_write_at_a_set_rate(emulator: RunningEmulator, bot: Bot) -> None:
    began = asyncio.get_running_loop().time()
    run = await emulator.client.bulk(count=20, messages_each=2, rate_per_s=200, wait=True)
    assert asyncio.get_running_loop().time() - began == pytest.approx(0.2, abs=0.15)
    await emulator.client.wait_until_idle()
    assert (len(run["wa_ids"]), len(bot.messages)) == (20, 40)
    assert (await emulator.client.ledger(details=False))["latency_ms"]["webhook_ack"]["n"] == 40
