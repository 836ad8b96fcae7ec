"""Paying by hand: registration, validation, confirmation."""

import pytest

from channels.emulator.client import EmulatorRefused
from channels.emulator.fixture import RunningEmulator
from tests.channels.emulator.bot import ASHA
from tests.channels.emulator.shop import SHORTCODE, Shop

BILL = ("c2b/v2/simulate", {"ShortCode": SHORTCODE, "CommandID": "CustomerPayBillOnline", "Amount": 250})


async def test_a_person_pays_the_paybill_and_it_is_confirmed(mpesa: RunningEmulator, shop: Shop) -> None:
    assert (await shop.register())[1]["ResponseCode"] == "0"
    await mpesa.client.mpesa_paybill(ASHA, SHORTCODE, "inv 9", 2500)
    (confirmation,) = await shop.got_confirmed(1)
    assert (confirmation["TransAmount"], confirmation["BillRefNumber"]) == ("2500.00", "inv 9")
    assert (confirmation["MSISDN"], confirmation["FirstName"]) == ("25471****001", "Asha")
    assert (confirmation["BusinessShortCode"], confirmation["OrgAccountBalance"]) == (SHORTCODE, "2500.00")
    assert [a["TransID"] for a in shop.asked] == [confirmation["TransID"]]
    (payment,) = (await mpesa.client.mpesa_ledger())["payments"]
    assert (payment["source"], payment["receipt"]) == ("c2b", confirmation["TransID"])


async def test_v1_shows_the_number(mpesa: RunningEmulator, shop: Shop) -> None:
    await shop.register("v1")
    path, data = BILL
    status, answer = await shop.call(path, data | {"Msisdn": ASHA, "BillRefNumber": "INV-9"})
    assert (status, answer["ResponseCode"]) == (200, "0")
    assert (await shop.got_confirmed(1))[0]["MSISDN"] == ASHA


@pytest.mark.parametrize(
    ("said", "response_type", "paid"),
    [
        ('{"ResultCode": "C2B00012", "ResultDesc": "Rejected"}', "Completed", 0),
        ('{"ResultCode": 0, "ResultDesc": "Accepted"}', "Cancelled", 1),
        ("<html>", "Completed", 1),
        ("<html>", "Cancelled", 0),
    ],
)
async def test_validation_decides_and_without_it_what_was_registered(
    mpesa: RunningEmulator, shop: Shop, said: str, response_type: str, paid: int
) -> None:
    shop.validation = said
    await shop.register(response_type=response_type)
    await mpesa.client.mpesa_paybill(ASHA, SHORTCODE, "INV-9", 100)
    await mpesa.client.wait_until_idle()
    assert len(shop.confirmed) == paid
    assert (await mpesa.client.mpesa_wallet(ASHA))["balance"] == 50_000 - 100 * paid


async def test_a_confirmation_may_be_lost_or_come_twice(mpesa: RunningEmulator, shop: Shop) -> None:
    await shop.register()
    await mpesa.client.set_fault("mpesa_no_callback", next_n=1)
    await mpesa.client.mpesa_paybill(ASHA, SHORTCODE, "INV-1", 100)
    await mpesa.client.wait_until_idle()
    await mpesa.client.set_fault("mpesa_callback_twice", next_n=1)
    await mpesa.client.mpesa_paybill(ASHA, SHORTCODE, "INV-2", 100)
    confirmed = await shop.got_confirmed(2)
    assert [c["BillRefNumber"] for c in confirmed] == ["INV-2", "INV-2"]
    assert (await mpesa.client.mpesa_ledger())["received"] == {SHORTCODE: 200}


async def test_bad_registrations_are_refused(mpesa: RunningEmulator, shop: Shop) -> None:
    assert (await shop.register(ResponseType="Maybe"))[1]["errorMessage"] == "Bad Request - Invalid ResponseType"
    status, answer = await shop.register(ConfirmationURL=f"{shop.url}/mpesa/confirm")
    assert (status, answer["errorCode"]) == (400, "400.003.02")
    await mpesa.client.mpesa_pace(c2b_register_once=True)
    assert (await shop.register())[0] == 200
    assert (await shop.register())[1]["errorCode"] == "500.003.1001"


async def test_who_cannot_pay_by_hand_is_told(mpesa: RunningEmulator, shop: Shop) -> None:
    with pytest.raises(EmulatorRefused, match="has only KES 50000"):
        await mpesa.client.mpesa_paybill(ASHA, SHORTCODE, "", 50_001)
    with pytest.raises(EmulatorRefused, match="the PIN is wrong"):
        await mpesa.client.mpesa_paybill(ASHA, SHORTCODE, "", 1, pin="0000")
    with pytest.raises(EmulatorRefused, match=r"404.*999999"):
        await mpesa.client.mpesa_paybill(ASHA, "999999", "", 1)
