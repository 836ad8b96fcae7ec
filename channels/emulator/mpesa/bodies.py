"""The bodies that Safaricom posts."""

import hashlib
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from channels.emulator.mpesa.state import Payment, Push

EAT = timezone(timedelta(hours=3))


def east_african(at: float) -> str:
    """yyyyMMddHHmmss in Nairobi, as Daraja writes every time."""
    return datetime.fromtimestamp(at, UTC).astimezone(EAT).strftime("%Y%m%d%H%M%S")


def masked(phone: str) -> str:
    return f"{phone[:5]}****{phone[-3:]}"


def hashed(phone: str) -> str:
    return hashlib.sha256(phone.encode()).hexdigest()


def stk_callback(
    push: Push,
    result: tuple[int | str, str],
    *,
    as_strings: bool,
    amount: float | None = None,
    phone: str | None = None,
) -> dict[str, Any]:
    """`amount` and `phone` replace what is true, for faults. What failed has no CallbackMetadata."""
    code, text = result
    callback: dict[str, Any] = {
        "MerchantRequestID": push.merchant_id,
        "CheckoutRequestID": push.checkout_id,
        "ResultCode": code,
        "ResultDesc": text,
    }
    if code == 0 and push.payment is not None:
        paid_at, payer = east_african(push.payment.at), phone or push.phone
        numeric = not as_strings and payer.isdigit()
        callback["CallbackMetadata"] = {
            "Item": [
                {"Name": "Amount", "Value": float(push.amount if amount is None else amount)},
                {"Name": "MpesaReceiptNumber", "Value": push.payment.receipt},
                {"Name": "Balance"},
                {"Name": "TransactionDate", "Value": paid_at if as_strings else int(paid_at)},
                {"Name": "PhoneNumber", "Value": int(payer) if numeric else payer},
            ]
        }
    return {"Body": {"stkCallback": callback}}


def c2b_body(
    payment: Payment, *, phone: str, first_name: str, amount: float | None = None, balance: str = ""
) -> dict[str, Any]:
    """Validation and confirmation have one shape; only a confirmation knows the organization's `balance`."""
    return {
        "TransactionType": "Pay Bill" if payment.paid_to == payment.shortcode else "Buy Goods",
        "TransID": payment.receipt,
        "TransTime": east_african(payment.at),
        "TransAmount": f"{payment.amount if amount is None else amount:.2f}",
        "BusinessShortCode": payment.paid_to,
        "BillRefNumber": payment.reference,
        "InvoiceNumber": "",
        "OrgAccountBalance": balance,
        "ThirdPartyTransID": "",
        "MSISDN": phone,
        "FirstName": first_name,
    }
