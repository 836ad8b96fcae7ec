"""M-Pesa as a business meets it: Daraja over HTTP, callbacks to a server of its own, people with PINs."""

import re
from typing import Any

import pytest

from channels.emulator.client import EmulatorRefused
from channels.emulator.fixture import RunningEmulator
from tests.channels.emulator.bot import ASHA, BRIAN
from tests.channels.emulator.shop import PASSKEY, SHORTCODE, TILL, Shop, items_of

NOBODY = "254799999999"


async def test_who_enters_the_pin_has_paid(mpesa: RunningEmulator, shop: Shop) -> None:
    checkout_id = await shop.asked_for(ASHA)
    assert re.fullmatch(r"ws_CO_\d{17}711000001", checkout_id)
    (prompt,) = await mpesa.client.mpesa_prompts(ASHA)
    assert (prompt["amount"], prompt["business"], prompt["reference"]) == (1300, "Organization 1", "TICKET-9")
    status, answer = await shop.query(checkout_id)
    assert (status, answer["errorCode"]) == (500, "500.001.1001")  # nobody has answered the prompt
    await mpesa.client.mpesa_pay(ASHA, "1234")
    (callback,) = await shop.got(1)
    items = items_of(callback)
    assert (callback["CheckoutRequestID"], callback["ResultCode"]) == (checkout_id, 0)
    assert (items["Amount"], items["PhoneNumber"], items["Balance"]) == (1300.0, int(ASHA), None)
    assert re.fullmatch(r"[A-Z][A-Z0-9]{9}", items["MpesaReceiptNumber"])
    assert len(str(items["TransactionDate"])) == 14
    status, answer = await shop.query(checkout_id)
    assert (status, answer["ResultCode"], answer["CheckoutRequestID"]) == (200, "0", checkout_id)
    assert (await mpesa.client.mpesa_wallet(ASHA))["balance"] == 48_700
    assert await mpesa.client.mpesa_prompts(ASHA) == []


@pytest.mark.parametrize(
    ("act", "arguments", "code"),
    [
        ("mpesa_cancel", {}, 1032),
        ("mpesa_pay", {"pin": "0000"}, 2001),
        ("mpesa_ignore", {}, 1037),
    ],
)
async def test_what_was_not_paid_has_its_code_and_no_metadata(
    mpesa: RunningEmulator, shop: Shop, act: str, arguments: dict[str, Any], code: int
) -> None:
    checkout_id = await shop.asked_for(ASHA)
    await getattr(mpesa.client, act)(ASHA, **arguments)
    (callback,) = await shop.got(1)
    assert callback["ResultCode"] == code
    assert "CallbackMetadata" not in callback
    assert (await shop.query(checkout_id))[1]["ResultCode"] == str(code)
    assert (await mpesa.client.mpesa_wallet(ASHA))["balance"] == 50_000
    with pytest.raises(EmulatorRefused, match="no M-Pesa prompt"):
        await mpesa.client.mpesa_pay(ASHA, timeout_s=0)


async def test_who_has_too_little_pays_nothing(mpesa: RunningEmulator, shop: Shop) -> None:
    await mpesa.client.mpesa_wallet(ASHA, balance=1299)
    await shop.asked_for(ASHA)
    await mpesa.client.mpesa_pay(ASHA)
    assert (await shop.got(1))[0]["ResultCode"] == 1
    assert (await mpesa.client.mpesa_ledger())["payments"] == []


async def test_a_prompt_that_nobody_answers_runs_out(mpesa: RunningEmulator, shop: Shop) -> None:
    await mpesa.client.mpesa_pace(prompt_timeout_s=0.1)
    await shop.asked_for(ASHA)
    assert (await shop.got(1))[0]["ResultCode"] == 1037


@pytest.mark.parametrize("phone", [NOBODY, BRIAN])
async def test_a_phone_that_cannot_be_reached_runs_out_without_a_prompt(
    mpesa: RunningEmulator, shop: Shop, phone: str
) -> None:
    await mpesa.client.mpesa_pace(prompt_timeout_s=0.1)
    await mpesa.client.change_user(BRIAN, online=False)
    await shop.asked_for(phone)
    assert await mpesa.client.mpesa_prompts() == []
    assert (await shop.got(1))[0]["ResultCode"] == 1037


async def test_a_second_push_to_a_phone_finds_it_locked(mpesa: RunningEmulator, shop: Shop) -> None:
    first, second = await shop.asked_for(ASHA), await shop.asked_for(ASHA, 20)
    (refused,) = await shop.got(1)
    assert (refused["CheckoutRequestID"], refused["ResultCode"]) == (second, 1001)
    await mpesa.client.mpesa_pay(ASHA)
    assert (await shop.got(2))[1]["CheckoutRequestID"] == first
    await mpesa.client.mpesa_pace(busy="sync")
    await shop.asked_for(ASHA)
    status, answer = await shop.push(ASHA)
    assert (status, answer["errorCode"]) == (500, "500.001.1001")
    await shop.asked_for(BRIAN)  # another phone is free


async def test_a_till_is_paid_as_goods(mpesa: RunningEmulator, shop: Shop) -> None:
    await shop.asked_for(ASHA, TransactionType="CustomerBuyGoodsOnline", PartyB=TILL)
    await mpesa.client.mpesa_pay(ASHA)
    await shop.got(1)
    (payment,) = (await mpesa.client.mpesa_ledger())["payments"]
    assert (payment["shortcode"], payment["paid_to"]) == (SHORTCODE, TILL)


@pytest.mark.parametrize(
    ("changes", "status", "code", "message"),
    [
        ({"Amount": 0}, 400, "400.002.02", "Bad Request - Invalid Amount"),
        ({"Amount": 13.5}, 400, "400.002.02", "Bad Request - Invalid Amount"),
        ({"Amount": 250_001}, 400, "400.002.02", "Bad Request - Invalid Amount"),
        ({"PhoneNumber": "0711000001"}, 400, "400.002.02", "Bad Request - Invalid PhoneNumber"),
        ({"PartyA": "254711000009"}, 400, "400.002.02", "Bad Request - Invalid PartyA"),
        ({"PartyB": TILL}, 400, "400.002.02", "Bad Request - Invalid PartyB"),
        ({"TransactionType": "Gift"}, 400, "400.002.02", "Bad Request - Invalid TransactionType"),
        ({"CallBackURL": "http://example.org/paid"}, 400, "400.002.02", "Bad Request - Invalid CallBackURL"),
        ({"AccountReference": "x" * 13}, 400, "400.002.02", "Bad Request - Invalid AccountReference"),
        ({"TransactionDesc": "x" * 14}, 400, "400.002.02", "Bad Request - Invalid TransactionDesc"),
        ({"Timestamp": "20261331000000"}, 400, "400.002.02", "Bad Request - Invalid Timestamp"),
        ({"Password": "d3Jvbmc="}, 500, "500.001.1001", "Wrong credentials"),
        ({"BusinessShortCode": "600000"}, 500, "500.001.1001", "Merchant does not exist"),  # another's token
    ],
)
async def test_a_bad_push_is_refused_in_safaricoms_words(
    mpesa: RunningEmulator, shop: Shop, changes: dict[str, Any], status: int, code: str, message: str
) -> None:
    found, answer = await shop.push(ASHA, **changes)
    assert (found, answer["errorCode"], answer["errorMessage"]) == (status, code, message)
    assert answer["requestId"]
    assert await mpesa.client.mpesa_prompts() == []


async def test_plain_http_to_this_machine_can_be_refused_as_safaricom_does(mpesa: RunningEmulator, shop: Shop) -> None:
    await mpesa.client.mpesa_pace(loopback_http=False)
    assert (await shop.push(ASHA))[1]["errorMessage"] == "Bad Request - Invalid CallBackURL"


async def test_tokens_need_the_right_keys_and_age(mpesa: RunningEmulator, shop: Shop) -> None:
    status, answer = await shop.authorize()
    assert (status, answer["expires_in"]) == (200, "3599")
    assert (await shop.authorize(("demo-consumer-key", "wrong")))[1]["errorCode"] == "400.008.01"
    assert (await shop.authorize(grant="password"))[1]["errorCode"] == "400.008.02"
    path = "stkpush/v1/processrequest"
    assert (await shop.call(path, {}, token=""))[1]["errorCode"] == "404.001.04"
    assert (await shop.call(path, {}, token="stale"))[1]["errorCode"] == "404.001.03"
    await mpesa.client.shift_clock("+2h")
    assert (await shop.push(ASHA))[1]["errorCode"] == "404.001.03"


async def test_a_query_knows_only_its_own_pushes(mpesa: RunningEmulator, shop: Shop) -> None:
    unknown = (400, "400.002.02")
    status, answer = await shop.query("ws_CO_unknown")
    assert (status, answer["errorCode"]) == unknown
    token = (await shop.authorize(("other-key", "other-secret")))[1]["access_token"]
    signed = shop.signed("600000", CheckoutRequestID=await shop.asked_for(ASHA))
    status, answer = await shop.call("stkpushquery/v1/query", signed, token=token)
    assert (status, answer["errorCode"]) == unknown


async def test_no_key_is_on_the_wire_or_in_the_state(mpesa: RunningEmulator, shop: Shop) -> None:
    password = shop.signed()["Password"]
    await shop.asked_for(ASHA)
    shown = str(await mpesa.client.wire()) + str(await mpesa.client._call("GET", "mpesa"))
    assert "stkpush" in shown
    assert not any(secret in shown for secret in (password[:20], PASSKEY, shop.token, "consumer-secret"))


async def test_callbacks_are_posted_once_unless_the_pace_says_otherwise(mpesa: RunningEmulator, shop: Shop) -> None:
    shop.codes = [500]
    await shop.asked_for(ASHA)
    await mpesa.client.mpesa_cancel(ASHA)
    await shop.got(1)
    await mpesa.client.wait_until_idle()
    assert len(shop.raw) == 1
    (push,) = (await mpesa.client.mpesa_ledger())["pushes"]
    assert [p["code"] for p in push["callbacks"]] == [500]


async def test_a_reset_forgets_prompts_and_money(mpesa: RunningEmulator, shop: Shop) -> None:
    await shop.asked_for(ASHA)
    await mpesa.client.mpesa_pay(ASHA)
    await shop.asked_for(BRIAN)
    await mpesa.client.reset()
    assert await mpesa.client.mpesa_prompts() == []
    assert (await mpesa.client.mpesa_ledger())["payments"] == []
    assert (await mpesa.client.mpesa_wallet(ASHA))["balance"] == 50_000
