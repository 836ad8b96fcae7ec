"""Each fault of M-Pesa does what it says, and the ledger keeps the truth beside it."""

import asyncio
from typing import Any

import aiohttp
import pytest

from channels.emulator.fixture import RunningEmulator
from channels.emulator.mpesa.bodies import hashed
from tests.channels.emulator.bot import ASHA
from tests.channels.emulator.shop import SHORTCODE, Shop, items_of


async def paid(mpesa: RunningEmulator, shop: Shop) -> str:
    checkout_id = await shop.asked_for(ASHA)
    await mpesa.client.mpesa_pay(ASHA)
    return checkout_id


async def test_a_lost_callback_is_found_by_query_and_ledger(mpesa: RunningEmulator, shop: Shop) -> None:
    await mpesa.client.set_fault("mpesa_no_callback", next_n=1)
    checkout_id = await paid(mpesa, shop)
    await mpesa.client.wait_until_idle()
    assert shop.raw == []
    assert (await shop.query(checkout_id))[1]["ResultCode"] == "0"
    ledger = await mpesa.client.mpesa_ledger(SHORTCODE)
    assert ledger["received"] == {SHORTCODE: 1300}
    (push,) = ledger["pushes"]
    assert (push["state"], push["callbacks"], push["marks"]) == ("paid", [], ["mpesa_no_callback"])


async def test_the_callback_can_beat_the_answer_of_the_push(mpesa: RunningEmulator, shop: Shop) -> None:
    await mpesa.client.set_fault("mpesa_callback_first", next_n=1)
    pushing = asyncio.create_task(shop.asked_for(ASHA))
    await mpesa.client.mpesa_pay(ASHA)
    (callback,) = await shop.got(1)
    assert not pushing.done()
    assert callback["CheckoutRequestID"] == await pushing


async def test_a_callback_may_come_twice(mpesa: RunningEmulator, shop: Shop) -> None:
    await mpesa.client.set_fault("mpesa_callback_twice", next_n=1)
    await paid(mpesa, shop)
    await shop.got(2)
    assert shop.raw[0] == shop.raw[1]
    assert len((await mpesa.client.mpesa_ledger())["payments"]) == 1


async def test_a_callback_may_name_another_amount(mpesa: RunningEmulator, shop: Shop) -> None:
    await mpesa.client.set_fault("mpesa_other_amount", next_n=1, params={"amount": 7})
    await paid(mpesa, shop)
    assert items_of((await shop.got(1))[0])["Amount"] == 7.0
    assert (await mpesa.client.mpesa_ledger())["payments"][0]["amount"] == 1300


@pytest.mark.parametrize(("mode", "shown"), [("masked", "25471****001"), ("hashed", hashed(ASHA))])
async def test_the_payers_number_may_be_hidden(mpesa: RunningEmulator, shop: Shop, mode: str, shown: str) -> None:
    await mpesa.client.set_fault("mpesa_masked", next_n=1, params={"mode": mode})
    await paid(mpesa, shop)
    assert items_of((await shop.got(1))[0])["PhoneNumber"] == shown


async def test_numbers_may_come_as_strings(mpesa: RunningEmulator, shop: Shop) -> None:
    await mpesa.client.mpesa_pace(values_as="strings")
    await paid(mpesa, shop)
    items = items_of((await shop.got(1))[0])
    assert items["PhoneNumber"] == ASHA
    assert isinstance(items["TransactionDate"], str)


async def test_what_is_posted_may_be_html(mpesa: RunningEmulator, shop: Shop) -> None:
    await mpesa.client.set_fault("mpesa_html_callback", next_n=1)
    await paid(mpesa, shop)
    await mpesa.client.wait_until_idle()
    assert shop.raw[0].startswith(b"<html>")


async def test_a_late_callback_keeps_its_body(mpesa: RunningEmulator, shop: Shop) -> None:
    await mpesa.client.set_fault("mpesa_late_callback", next_n=1, params={"delay_s": 0.5})
    checkout_id = await paid(mpesa, shop)
    assert (await shop.query(checkout_id))[1]["ResultCode"] == "0"
    assert shop.raw == []
    assert (await shop.got(1))[0]["ResultCode"] == 0


@pytest.mark.parametrize("by", ["fault", "person"])
async def test_a_late_success_follows_1037(mpesa: RunningEmulator, shop: Shop, by: str) -> None:
    if by == "fault":
        await mpesa.client.mpesa_pace(prompt_timeout_s=0.05)
        await mpesa.client.set_fault("mpesa_late_success", next_n=1, params={"after_s": 0.5})
    checkout_id = await shop.asked_for(ASHA)
    if by == "person":
        await mpesa.client.mpesa_ignore(ASHA, late_success_after_s=0.5)
    assert [c["ResultCode"] for c in await shop.got(1)] == [1037]
    assert (await shop.query(checkout_id))[1]["ResultCode"] == "1037"
    assert [c["ResultCode"] for c in await shop.got(2)] == [1037, 0]
    assert (await shop.query(checkout_id))[1]["ResultCode"] == "0"
    (payment,) = (await mpesa.client.mpesa_ledger())["payments"]
    assert (payment["late"], payment["checkout_id"]) == (True, checkout_id)


@pytest.mark.parametrize(("code", "text"), [(1025, None), ("SFC_IC0003", "Odd")])
async def test_a_push_may_end_with_any_code(mpesa: RunningEmulator, shop: Shop, code: Any, text: str | None) -> None:
    await mpesa.client.set_fault("mpesa_result", next_n=1, params={"code": code, "text": text})
    checkout_id = await shop.asked_for(ASHA)
    (callback,) = await shop.got(1)
    assert callback["ResultCode"] == code
    assert callback["ResultDesc"] == (text or "An error occurred while sending a push request")
    assert (await shop.query(checkout_id))[1]["ResultCode"] == str(code)
    assert await mpesa.client.mpesa_prompts() == []


async def test_a_gateway_may_answer_html_and_daraja_may_refuse(mpesa: RunningEmulator, shop: Shop) -> None:
    await mpesa.client.set_fault("mpesa_html", next_n=1, on="push")
    status, answer = await shop.push(ASHA)
    assert (status, str(answer)[:14]) == (503, "<!DOCTYPE html")
    await mpesa.client.set_fault("mpesa_error", next_n=1, phone_number_id=SHORTCODE)
    status, answer = await shop.push(ASHA)
    assert (status, answer["errorCode"]) == (500, "500.003.02")
    await mpesa.client.set_fault("mpesa_error", next_n=1, params={"status": 404, "code": "404.001.03"})
    assert (await shop.query("x"))[0] == 404
    assert await mpesa.client.mpesa_prompts() == []
    assert (await mpesa.client.mpesa_ledger())["refused"] == {"500.003.02": 1, "404.001.03": 1}


@pytest.mark.parametrize(("fault", "prompts"), [("mpesa_hang", 0), ("mpesa_accept_then_hang", 1)])
async def test_a_call_may_never_be_answered(mpesa: RunningEmulator, shop: Shop, fault: str, prompts: int) -> None:
    await mpesa.client.set_fault(fault, next_n=1)
    with pytest.raises((TimeoutError, aiohttp.ClientError)):
        await shop.push(ASHA, timeout_s=0.2)
    assert len(await mpesa.client.mpesa_prompts(ASHA, timeout_s=5.0 * prompts)) == prompts
