"""Rules with state: window, pair, throughput, tier, opt-out, blocks; each can be switched off and is counted all the same."""

import asyncio

from channels.emulator.fixture import RunningEmulator, StartEmulator
from tests.channels.emulator.bot import ASHA, BRIAN, NUMBER, OTHER_NUMBER, Bot, code_of

TEXT = {"type": "text", "text": {"body": "hello"}}


async def test_free_text_needs_a_window_and_a_day_later_it_is_closed(emulator: RunningEmulator, bot: Bot) -> None:
    _, answer = await bot.send(TEXT)
    assert code_of(answer) == 131047
    await emulator.client.text(ASHA, "hi")
    assert (await bot.send(TEXT))[0] == 200
    await emulator.client.shift_clock("+23h")
    assert (await bot.send(TEXT))[0] == 200
    await emulator.client.shift_clock("+2h")
    _, answer = await bot.send(TEXT)
    assert code_of(answer) == 131047
    await emulator.client.reset_clock()
    assert (await bot.send(TEXT))[0] == 200
    assert (await emulator.client.ledger())["outside_window"] == {"accepted": [], "tried": 2}


async def test_the_window_is_of_one_pair(emulator: RunningEmulator, bot: Bot) -> None:
    await emulator.client.text(ASHA, "hi", phone_number_id=NUMBER)
    assert code_of((await bot.send(TEXT, number=OTHER_NUMBER))[1]) == 131047
    assert code_of((await bot.send(TEXT, to=BRIAN))[1]) == 131047


async def test_a_closed_window_may_also_be_told_later(emulator: RunningEmulator, bot: Bot) -> None:
    await emulator.client.set_limits(window_error="async")
    wamid = await bot.text("hello")
    await emulator.client.wait_until_idle()
    assert [(s["status"], s["errors"][0]["code"]) for s in bot.statuses if s["id"] == wamid] == [("failed", 131047)]


async def test_without_the_window_rule_the_ledger_still_counts(emulator: RunningEmulator, bot: Bot) -> None:
    await emulator.client.set_limits(enforce_window=False)
    wamid = await bot.text("hello")
    assert [row["id"] for row in (await emulator.client.ledger())["outside_window"]["accepted"]] == [wamid]


async def test_a_pair_has_a_burst_of_45_and_then_waits(emulator: RunningEmulator, bot: Bot) -> None:
    await emulator.client.text(ASHA, "hi")
    await emulator.client.text(BRIAN, "hi")
    codes = [(await bot.send(TEXT))[0] for _ in range(45)]
    assert codes == [200] * 45
    _, answer = await bot.send(TEXT)
    assert code_of(answer) == 131056
    assert (await bot.send(TEXT, to=BRIAN))[0] == 200  # others go on
    await emulator.client.shift_clock(6.5)
    assert (await bot.send(TEXT))[0] == 200
    assert code_of((await bot.send(TEXT))[1]) == 131056
    await emulator.client.set_limits(enforce_pair=False)
    assert (await bot.send(TEXT))[0] == 200
    assert (await emulator.client.ledger())["rates"][NUMBER]["over_pair"] == 3


async def test_more_than_the_throughput_is_refused(emulator: RunningEmulator, bot: Bot) -> None:
    await emulator.client.set_limits(enforce_pair=False, rate_tolerance=0.0)
    await emulator.client.change_business_number(NUMBER, throughput_per_s=20)
    await emulator.client.text(ASHA, "hi")
    answers = await asyncio.gather(*(bot.send(TEXT) for _ in range(30)))
    refused = [answer for status, answer in answers if status != 200]
    assert {code_of(answer) for answer in refused} == {130429}
    rates = (await emulator.client.ledger())["rates"][NUMBER]
    assert rates["accepted"] == 30 - len(refused)
    assert rates["sliding_second_max"] == 20
    assert rates["tried_sliding_second_max"] > 20
    assert rates["over_rate"] == len(refused)


async def test_without_the_rate_rule_the_worst_second_is_still_known(emulator: RunningEmulator, bot: Bot) -> None:
    await emulator.client.set_limits(enforce_pair=False, enforce_rate=False)
    await emulator.client.change_business_number(NUMBER, throughput_per_s=20)
    await emulator.client.text(ASHA, "hi")
    answers = await asyncio.gather(*(bot.send(TEXT) for _ in range(30)))
    assert {status for status, _ in answers} == {200}
    rates = (await emulator.client.ledger())["rates"][NUMBER]
    assert (rates["accepted"], rates["over_rate"]) == (30, 10)
    assert rates["sliding_second_max"] == 30


async def test_the_tier_counts_people_outside_the_window_over_a_rolling_day(bot: Bot, whatsapp: StartEmulator) -> None:
    body = {"type": "BODY", "text": "Doors open at nine."}
    running = await whatsapp(bot.url, templates=[{"waba_id": "102290129340391", "name": "doors", "components": [body]}])
    bot.graph_url = running.base_url
    await running.client.change_business_number(NUMBER, messaging_limit=1)
    template = {"type": "template", "template": {"name": "doors", "language": {"code": "en"}}}
    assert (await bot.send(template))[0] == 200
    assert (await bot.send(template))[0] == 200  # the same person
    assert code_of((await bot.send(template, to=BRIAN))[1]) == 131048
    await running.client.text(BRIAN, "hi")  # inside the window nobody counts
    assert (await bot.send(template, to=BRIAN))[0] == 200
    await running.client.shift_clock("+25h")
    assert (await bot.send(template, to=BRIAN))[0] == 200


async def test_marketing_to_who_stopped_it_fails_and_the_stop_is_told(bot: Bot, whatsapp: StartEmulator) -> None:
    body = {"type": "BODY", "text": "Half price today."}
    running = await whatsapp(
        bot.url,
        templates=[{"waba_id": "102290129340391", "name": "sale", "category": "MARKETING", "components": [body]}],
    )
    bot.graph_url = running.base_url
    await running.client.set_marketing(ASHA, NUMBER, stop=True)
    template = {"type": "template", "template": {"name": "sale", "language": {"code": "en"}}}
    stopped = (await bot.send(template))[1]["messages"][0]["id"]
    other = (await bot.send(template, to=BRIAN))[1]["messages"][0]["id"]
    await running.client.wait_until_idle()
    assert bot.ladder(stopped) == ["failed"]
    assert next(s for s in bot.statuses if s["id"] == stopped)["errors"][0]["code"] == 131050
    assert bot.ladder(other)[0] == "sent"
    preferences = [p for d in bot.deliveries for v in d.values for p in v.get("user_preferences", [])]
    assert [(p["value"], p["category"]) for p in preferences] == [("stop", "marketing_messages")]
    sent = next(s for s in bot.statuses if s["id"] == other)
    assert sent["pricing"] == {"billable": True, "pricing_model": "PMP", "type": "regular", "category": "marketing"}


async def test_only_marketing_goes_through_the_marketing_api(bot: Bot, whatsapp: StartEmulator) -> None:
    running = await whatsapp(
        bot.url,
        templates=[{"waba_id": "102290129340391", "name": "note", "components": [{"type": "BODY", "text": "A note."}]}],
    )
    bot.graph_url = running.base_url
    body = {
        "messaging_product": "whatsapp",
        "to": ASHA,
        "type": "template",
        "template": {"name": "note", "language": {"code": "en"}},
    }
    assert code_of((await bot.call("POST", f"{NUMBER}/marketing_messages", body))[1]) == 131055


async def test_a_blocked_person_reaches_nobody(emulator: RunningEmulator, bot: Bot) -> None:
    body = {"messaging_product": "whatsapp", "block_users": [{"user": ASHA}]}
    _, answer = await bot.call("POST", f"{NUMBER}/block_users", body)
    assert answer["block_users"]["failed_users"][0]["errors"][0]["code"] == 131047  # has not written in 24 hours
    await emulator.client.text(ASHA, "hi")
    _, answer = await bot.call("POST", f"{NUMBER}/block_users", body)
    assert answer["block_users"]["added_users"] == [{"input": ASHA, "wa_id": ASHA}]
    await emulator.client.text(ASHA, "can you hear me")
    await emulator.client.wait_until_idle()
    assert [m["text"]["body"] for m in bot.messages] == ["hi"]
    assert (await bot.call("GET", f"{NUMBER}/block_users"))[1]["data"] == [
        {"messaging_product": "whatsapp", "wa_id": ASHA}
    ]


async def test_numbers_and_accounts_can_be_read(emulator: RunningEmulator, bot: Bot) -> None:
    fields = "quality_rating,throughput,health_status,whatsapp_business_manager_messaging_limit"
    _, node = await bot.call("GET", f"{NUMBER}?fields={fields}")
    assert (node["quality_rating"], node["throughput"], node["health_status"]["can_send_message"]) == (
        "GREEN",
        {"level": "STANDARD"},
        "AVAILABLE",
    )
    assert node["whatsapp_business_manager_messaging_limit"] == "TIER_100K"
    assert (await bot.call("GET", "102290129340391"))[1]["name"] == "Organization 1"
    assert [n["id"] for n in (await bot.call("GET", "102290129340391/phone_numbers"))[1]["data"]] == [NUMBER]
    assert code_of((await bot.call("GET", "102290129340392"))[1]) == 100
    await emulator.client.change_business_number(NUMBER, quality="RED")
    assert (await bot.call("GET", f"{NUMBER}?fields=quality_rating"))[1]["quality_rating"] == "RED"


async def test_what_is_not_subscribed_is_not_told(emulator: RunningEmulator, bot: Bot) -> None:
    assert await bot.call("DELETE", "102290129340391/subscribed_apps") == (200, {"success": True})
    await emulator.client.text(ASHA, "hi")
    await emulator.client.wait_until_idle()
    assert bot.deliveries == []
    await bot.call("POST", "102290129340391/subscribed_apps", {})
    await emulator.client.text(ASHA, "hi again")
    await emulator.client.wait_until_idle()
    assert [m["text"]["body"] for m in bot.messages] == ["hi again"]
