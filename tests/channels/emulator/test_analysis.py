"""The ledger's judgement of numbered conversations, with bots that lose, double and reorder as positive controls."""

import asyncio
from collections import defaultdict
from typing import Any

import pytest

from channels.emulator.analysis import EXCUSED, FAULTS, analyse
from channels.emulator.fixture import RunningEmulator
from channels.emulator.state import UNTAKEN, Attempt, Message
from tests.channels.emulator.bot import ASHA, BRIAN, NUMBER, Bot

PATTERN = r"n-(\d+)"


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
    assert (report["overtaken_in_air"], report["overtaken_in_silence"]) == (1, 0)


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


# -- replies that changed places: whose fault


def numbered(number: int, *attempts: tuple[float, float, int] | tuple[float, float, int, str]) -> Message:
    """What a person wrote as number so-and-so, with each POST that carried it: began, ended, code, mark."""
    message = Message(f"in-{number}", "in", "1", ASHA, "text", {"body": f"n-{number}"}, number, 0.0, 0.0)
    for began, ended, code, *marks in attempts:
        message.attempts.append(Attempt(began, ended, code, tuple(map(str, marks))))
        if code == 200 and message.first_200_at is None:
            message.first_200_at, message.first_200_started_at = ended, began
    return message


def answers(*numbers: int) -> list[Message]:
    return [
        Message(f"out-{i}", "out", "1", ASHA, "text", {"body": f"got n-{number}"}, 100 + i, 9.0, 9.0)
        for i, number in enumerate(numbers)
    ]


ANSWERED_FIRST = numbered(1, (1.0, 2.0, 200))


@pytest.mark.parametrize(
    ("second", "verdict"),
    [
        pytest.param(numbered(2, (3.0, 4.0, 200)), "misordered", id="posted after the first had its 200"),
        pytest.param(numbered(2, (1.5, 1.7, 503), (3.0, 4.0, 200)), "misordered", id="refused meanwhile"),
        pytest.param(numbered(2, (1.5, 1.7, 0, UNTAKEN), (3.0, 4.0, 200)), "misordered", id="met no server meanwhile"),
        pytest.param(numbered(2, (2.1, 2.2, 0), (3.0, 4.0, 200)), "misordered", id="lost on the way, but later"),
        pytest.param(numbered(2, (3.0, 4.0, 503)), "misordered", id="never taken, and answered all the same"),
        pytest.param(numbered(2, (1.9, 4.0, 200)), "overtaken_in_air", id="both in the air"),
        pytest.param(numbered(2, (0.5, 0.7, 200)), "overtaken_in_air", id="taken before the first was posted"),
        pytest.param(numbered(2, (1.9, 2.5, 0), (3.0, 4.0, 200)), "overtaken_in_silence", id="lost on the way"),
        pytest.param(
            numbered(2, (2.5, 2.7, 503), (1.9, 2.9, 0), (3.0, 4.0, 200)), "overtaken_in_silence", id="lost, told late"
        ),
        pytest.param(
            numbered(2, (3.0, 4.0, 200), (1.9, 5.0, 0)), "overtaken_in_silence", id="a copy lost that began before"
        ),
    ],
)
def test_only_what_may_have_been_taken_first_may_be_answered_first(second: Message, verdict: str) -> None:
    report = analyse([ANSWERED_FIRST, second, *answers(2, 1)], PATTERN)
    assert {name: report[name] for name in (*FAULTS, *EXCUSED) if report[name] and name != "unacked"} == {verdict: 1}
    assert report["threads"][0][verdict] == [{"earlier": "1", "overtaken_by": "2"}]
    assert report["clean"] is (verdict != "misordered")
    in_order = analyse([ANSWERED_FIRST, second, *answers(1, 2)], PATTERN)
    assert not any(in_order[name] for name in ("misordered", *EXCUSED)), "the control: nothing changed places"


def test_an_excuse_for_one_pair_does_not_cover_another() -> None:
    """2 was in the air with 1 and may pass it; 3 began after 1 had its 200, and may not."""
    in_the_air, later = numbered(2, (1.5, 2.5, 200)), numbered(3, (3.0, 4.0, 200))
    report = analyse([ANSWERED_FIRST, in_the_air, later, *answers(2, 3, 1)], PATTERN)
    assert (report["misordered"], report["overtaken_in_air"], report["overtaken_in_silence"]) == (1, 0, 0)
    assert report["threads"][0]["misordered"] == [{"earlier": "1", "overtaken_by": "3"}]


def test_a_post_without_an_answer_excuses_neither_a_loss_nor_a_second_answer() -> None:
    silent = numbered(2, (1.9, 2.5, 0), (3.0, 4.0, 200))
    lost = analyse([ANSWERED_FIRST, silent, *answers(1)], PATTERN)
    assert (lost["lost"], lost["clean"]) == (1, False)
    doubled = analyse([ANSWERED_FIRST, silent, *answers(2, 1, 2)], PATTERN)
    assert (doubled["duplicated"], doubled["overtaken_in_silence"], doubled["clean"]) == (1, 1, False)


async def test_a_post_whose_answer_was_lost_is_told_from_one_that_met_no_server(
    emulator: RunningEmulator, bot: Bot
) -> None:
    """The first bot takes the message and drops the connection; the second one's port is closed at first."""
    bot.answer = Answering(bot)
    bot.hang_ups = 1
    await emulator.client.bulk(wa_ids=[ASHA], text="n-{i}", messages_each=1, wait=True)
    await emulator.client.change_business_number(NUMBER, webhook_url="http://127.0.0.1:1/hook")
    await emulator.client.text(BRIAN, "n-1", phone_number_id=NUMBER)
    await asyncio.sleep(0.1)
    users = (await emulator.client.ledger())["users"]
    lost, met_nobody = (users[who]["sent"][0]["attempts"][0] for who in (ASHA, BRIAN))
    assert (lost["code"], lost["marks"]) == (0, [])
    assert (met_nobody["code"], met_nobody["marks"]) == (0, [UNTAKEN])
