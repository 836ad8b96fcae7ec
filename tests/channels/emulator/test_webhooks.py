"""What the bot is told: bytes, signatures, shapes, retries."""

import pytest

from channels.emulator.fixture import RunningEmulator, StartEmulator
from tests.channels.emulator.bot import ASHA, BRIAN, NUMBER, OTHER_NUMBER, Bot


async def test_bodies_are_ascii_with_lower_case_escapes_and_signed_over_the_bytes(
    emulator: RunningEmulator, bot: Bot
) -> None:
    await emulator.client.text(BRIAN, "Habari ya asubuhi ☀ ñ")
    await emulator.client.wait_until_idle()
    (delivery,) = bot.deliveries
    assert rb"\u2600 \u00f1" in delivery.raw
    assert delivery.raw.isascii()
    assert delivery.is_signed_with("app-secret-1")
    assert not delivery.is_signed_with("app-secret-2")


async def test_each_app_signs_with_its_own_secret(emulator: RunningEmulator, bot: Bot) -> None:
    await emulator.client.text(ASHA, "hi", phone_number_id=OTHER_NUMBER)
    await emulator.client.wait_until_idle()
    assert bot.deliveries[0].is_signed_with("app-secret-2")
    assert bot.deliveries[0].values[0]["metadata"]["phone_number_id"] == OTHER_NUMBER


async def test_a_message_is_posted_until_it_is_answered_200(emulator: RunningEmulator, bot: Bot) -> None:
    bot.codes = [500, 403, 302]
    sent = await emulator.client.text(ASHA, "hi")
    await emulator.client.wait_until_idle()
    assert [m["id"] for m in bot.messages] == [sent["id"]] * 4
    assert len({d.raw for d in bot.deliveries}) == 1
    (row,) = (await emulator.client.ledger())["users"][ASHA]["sent"]
    assert [a["code"] for a in row["attempts"]] == [500, 403, 302, 200]


async def test_a_server_that_is_not_up_yet_gets_everything_later(bot: Bot, whatsapp: StartEmulator) -> None:
    url = bot.url
    await bot.close()
    running = await whatsapp(url)
    await running.client.text(ASHA, "are you there")
    assert [row["text"] for row in (await running.client.ledger())["unacked"]] == ["are you there"]
    await bot.start()
    await running.client.change_business_number(NUMBER, webhook_url=bot.url)
    await running.client.text(ASHA, "now")
    with pytest.raises(TimeoutError):  # the first still knocks at the old address
        await running.client.wait_until_idle(timeout_s=0.3)
    assert [m["text"]["body"] for m in bot.messages] == ["now"]


async def test_the_challenge_is_sent_and_checked(emulator: RunningEmulator) -> None:
    answers = (await emulator.client.verify_webhook())["numbers"]
    assert answers[NUMBER] == {"verified": True, "code": 200}
    assert answers[OTHER_NUMBER] == {"verified": False, "code": 403}


async def test_statuses_climb_with_pricing_contacts_and_opaque_data(emulator: RunningEmulator, bot: Bot) -> None:
    await emulator.client.text(ASHA, "hi")
    wamid = await bot.text("hello", opaque="outbox-7")
    await emulator.client.wait_until_idle()
    assert bot.ladder(wamid) == ["sent", "delivered", "read"]
    for delivery in bot.deliveries[1:]:
        (value,) = delivery.values
        (status,) = value["statuses"]
        assert status["biz_opaque_callback_data"] == "outbox-7"
        assert value["contacts"][0]["user_id"] == status["recipient_user_id"]
        assert ("pricing" in status) == (status["status"] != "read")
    assert next(s for s in bot.statuses if s["status"] == "sent")["pricing"] == {
        "billable": False,
        "pricing_model": "PMP",
        "type": "free_customer_service",
        "category": "service",
    }


async def test_a_failure_comes_without_contacts(emulator: RunningEmulator, bot: Bot) -> None:
    await emulator.client.text(ASHA, "hi")
    await emulator.client.change_user(ASHA, on_whatsapp=False)
    wamid = await bot.text("hello")
    await emulator.client.wait_until_idle()
    assert bot.ladder(wamid) == ["failed"]
    assert bot.statuses[0]["errors"][0]["code"] == 131026
    assert "contacts" not in bot.deliveries[-1].values[0]


async def test_an_offline_phone_is_sent_to_and_delivered_later(emulator: RunningEmulator, bot: Bot) -> None:
    await emulator.client.text(ASHA, "hi")
    await emulator.client.change_user(ASHA, online=False, auto_read=False)
    wamid = await bot.text("hello")
    await emulator.client.wait_until_idle()
    assert bot.ladder(wamid) == ["sent"]
    await emulator.client.change_user(ASHA, online=True)
    await emulator.client.wait_until_idle()
    assert bot.ladder(wamid) == ["sent", "delivered"]
    await emulator.client.read(ASHA)
    await emulator.client.wait_until_idle()
    assert bot.ladder(wamid) == ["sent", "delivered", "read"]


async def test_a_hidden_phone_appears_nowhere_and_is_reached_by_its_bsuid(emulator: RunningEmulator, bot: Bot) -> None:
    await emulator.client.change_user(ASHA, hide_phone=True)
    await emulator.client.text(ASHA, "hi")
    await emulator.client.wait_until_idle()
    (message,) = bot.messages
    assert "from" not in message
    status, answer = await bot.send(
        {"to": "", "recipient": message["from_user_id"], "type": "text", "text": {"body": "hello"}}
    )
    assert status == 200
    assert answer["contacts"] == [{"input": message["from_user_id"], "user_id": message["from_user_id"]}]
    await emulator.client.wait_until_idle()
    assert ASHA.encode() not in b"".join(d.raw for d in bot.deliveries)


async def test_a_bsuid_means_nothing_to_another_portfolio(emulator: RunningEmulator, bot: Bot) -> None:
    ids = (await emulator.client.state())["users"][0]["user_ids"]
    assert len(set(ids.values())) == 2
    assert all(value.startswith("KE.") for value in ids.values())
    await emulator.client.text(ASHA, "hi", phone_number_id=OTHER_NUMBER)
    foreign = ids["waba:102290129340391"]
    await emulator.client.set_limits(enforce_window=False)
    _, answer = await bot.send(
        {"to": "", "recipient": foreign, "type": "text", "text": {"body": "x"}}, number=OTHER_NUMBER
    )
    await emulator.client.wait_until_idle()
    assert bot.ladder(answer["messages"][0]["id"]) == ["failed"]


async def test_every_inbound_type_can_be_sent(emulator: RunningEmulator, bot: Bot) -> None:
    client = emulator.client
    first = await client.text(ASHA, "hi", referral={"source_id": "1", "source_type": "ad", "ctwa_clid": "c"})
    await client.send(ASHA, location={"latitude": -1.2, "longitude": 36.8})
    await client.send(ASHA, contacts=[{"name": {"formatted_name": "B"}, "phones": [{"phone": "+1"}]}])
    await client.send(ASHA, reaction={"message_id": first["id"], "emoji": "👍"})
    await client.send(ASHA, order={"catalog_id": "1", "product_items": []})
    await client.send(ASHA, edit={"message_id": first["id"], "text": "hello"})
    await client.send(ASHA, revoke=first["id"])
    await client.send(ASHA, request_welcome=True)
    await client.send(ASHA, unsupported={"type": "poll_creation"})
    await client.send(ASHA, raw={"type": "hologram", "hologram": {"depth": 3}})
    await client.send(ASHA, text="again", reply_to=first["id"], forwarded=True)
    await client.wait_until_idle()
    by_type = {m["type"]: m for m in bot.messages}
    assert set(by_type) == {
        "text", "location", "contacts", "reaction", "order", "edit", "revoke", "request_welcome", "unsupported", "hologram",
    }  # fmt: skip
    assert bot.messages[0]["referral"]["ctwa_clid"] == "c" or any("referral" in m for m in bot.messages)
    assert by_type["reaction"]["reaction"] == {"message_id": first["id"], "emoji": "👍"}
    assert by_type["unsupported"]["errors"][0]["code"] == 131051
    assert by_type["edit"]["edit"]["message"]["text"]["body"] == "hello"
    assert by_type["hologram"]["hologram"] == {"depth": 3}
    again = next(m for m in bot.messages if m.get("text", {}).get("body") == "again")
    assert again["context"] == {"from": "254700000001", "id": first["id"], "forwarded": True}


async def test_taps_and_forms_answer_the_message_they_belong_to(emulator: RunningEmulator, bot: Bot) -> None:
    await emulator.client.text(ASHA, "hi")
    replies = [{"type": "reply", "reply": {"id": f"id-{t}", "title": t}} for t in ("Yes", "No")]
    await bot.send(
        {
            "type": "interactive",
            "interactive": {"type": "button", "body": {"text": "?"}, "action": {"buttons": replies}},
        }
    )
    await emulator.client.tap(ASHA, "/^no/")
    sections = [{"rows": [{"id": "r1", "title": "One", "description": "first"}, {"id": "r2", "title": "Two"}]}]
    await bot.send(
        {
            "type": "interactive",
            "interactive": {"type": "list", "body": {"text": "?"}, "action": {"button": "Go", "sections": sections}},
        }
    )
    await emulator.client.tap(ASHA, 0)
    parameters = {"flow_message_version": "3", "flow_id": "1", "flow_cta": "Open", "flow_token": "secret-token"}
    await bot.send(
        {
            "type": "interactive",
            "interactive": {
                "type": "flow",
                "body": {"text": "?"},
                "action": {"name": "flow", "parameters": parameters},
            },
        }
    )
    await emulator.client.send(ASHA, flow={"name": "Asha"})
    await emulator.client.send(ASHA, flow="{broken")
    await emulator.client.wait_until_idle()
    taps = [m["interactive"] for m in sorted(bot.messages, key=lambda m: len(m["id"])) if m["type"] == "interactive"]
    assert {"type": "button_reply", "button_reply": {"id": "id-No", "title": "No"}} in taps
    assert {"type": "list_reply", "list_reply": {"id": "r1", "title": "One", "description": "first"}} in taps
    forms = [t["nfm_reply"]["response_json"] for t in taps if "nfm_reply" in t]
    assert any('"flow_token": "secret-token"' in f and '"name": "Asha"' in f for f in forms)
    assert "{broken" in forms


async def test_a_number_change_is_told_with_both_ids(emulator: RunningEmulator, bot: Bot) -> None:
    await emulator.client.text(ASHA, "hi")
    old = (await emulator.client.state())["users"][0]["user_ids"]["waba:102290129340391"]
    await emulator.client.change_number(ASHA, "254711999999")
    await emulator.client.wait_until_idle()
    (system,) = [m for m in bot.messages if m["type"] == "system"]
    assert (system["system"]["wa_id"], system["system"]["previous_user_id"]) == ("254711999999", old)
    assert system["system"]["user_id"] != old
    assert "contacts" not in bot.deliveries[-1].values[0]


async def test_any_field_can_be_posted_by_hand(emulator: RunningEmulator, bot: Bot) -> None:
    await emulator.client.webhook(NUMBER, field="account_update", value={"event": "ACCOUNT_RESTRICTION"})
    echo = {
        "from": "254700000001",
        "to": ASHA,
        "id": "wamid.e",
        "timestamp": "1",
        "type": "text",
        "text": {"body": "staff"},
    }
    await emulator.client.webhook(NUMBER, field="smb_message_echoes", part="message_echoes", items=[echo])
    await emulator.client.wait_until_idle()
    fields = {c["field"]: c["value"] for d in bot.deliveries for e in d.body["entry"] for c in e["changes"]}
    assert fields["account_update"] == {"event": "ACCOUNT_RESTRICTION"}
    assert fields["smb_message_echoes"]["message_echoes"] == [echo]


async def test_with_ordered_delivery_the_next_message_waits_for_the_one_before(
    whatsapp: StartEmulator, bot: Bot
) -> None:
    running = await whatsapp(bot.url, ordered_per_user=True)
    bot.codes = [500, 500]
    for i in range(4):
        await running.client.text(ASHA, f"n-{i}")
    await running.client.wait_until_idle()
    assert [m["text"]["body"] for m in bot.messages] == ["n-0", "n-0", "n-0", "n-1", "n-2", "n-3"]
