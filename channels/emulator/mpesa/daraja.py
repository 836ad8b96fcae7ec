"""The endpoints that a business calls, as Daraja answers them."""

import asyncio
import base64
import binascii
import hmac
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

import orjson
from aiohttp import web

from channels.emulator.graph.access import Handler
from channels.emulator.graph.messages import hang
from channels.emulator.keys import EMULATOR
from channels.emulator.mpesa.checks import (
    DESCRIPTION_CHARS,
    REFERENCE_CHARS,
    amount_of,
    c2b_url,
    callback_url,
    check_password,
    check_type,
    phone_of,
    short_text,
    text_of,
)
from channels.emulator.mpesa.errors import DarajaError, bad_field, internal
from channels.emulator.mpesa.mpesa import TOKEN_LIFE_S, Mpesa
from channels.emulator.mpesa.settings import BusinessSettings
from channels.emulator.mpesa.state import Registration
from channels.emulator.person import CannotDo
from channels.emulator.stream import WireEntry

PREFIXES = ("/oauth/", "/mpesa/")
_HTML = "<!DOCTYPE html><html><head><title>Error {0}</title></head><body><h1>Service unavailable</h1><p>HTTP {0}</p></body></html>"
_HIDDEN = ("Password", "access_token")


class Call:
    """One request: its JSON, and the business whose token came with it."""

    def __init__(self, request: web.Request, mpesa: Mpesa, raw: bytes) -> None:
        self.request = request
        self.mpesa = mpesa
        self.raw = raw
        self.marks: list[str] = []

    @property
    def data(self) -> Mapping[str, Any]:
        """Raises DarajaError: it is not a JSON object."""
        found = _loaded(self.raw)
        if found is None:
            raise DarajaError(400, "400.002.05", "Invalid Request Payload")
        return found

    @property
    def shortcode(self) -> str:
        found = _loaded(self.raw) or {}
        return str(found.get("BusinessShortCode") or found.get("ShortCode") or "")

    def strike(self, fault: str, part: str) -> Any:
        found = _loaded(self.raw) or {}
        phone = str(found.get("PhoneNumber") or found.get("Msisdn") or "")
        params = self.request.app[EMULATOR].faults.draw(fault, self.shortcode, phone, part=part)
        if params is not None:
            self.marks.append(fault)
        return params

    def business(self, name: str) -> BusinessSettings:
        """The one with the shortcode in this field, when the token is its own."""
        caller = self.caller()
        if text_of(self.data, name) not in (caller.shortcode, *caller.tills):
            raise internal("Merchant does not exist")
        return caller

    def caller(self) -> BusinessSettings:
        scheme, _, token = self.request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or not token.strip():
            raise DarajaError(404, "404.001.04", "Invalid Authentication Header")
        business = self.mpesa.business_of_token(token.strip())
        if business is None:
            raise DarajaError(404, "404.001.03", "Invalid Access Token")
        return business


Work = Callable[[Call], Awaitable[dict[str, Any]]]


def add_routes(app: web.Application) -> None:
    c2b = "/mpesa/c2b/{version:v[12]}/"
    app.router.add_routes(
        [
            web.get("/oauth/v1/generate", endpoint("token", token)),
            web.post("/mpesa/stkpush/v1/processrequest", endpoint("push", push)),
            web.post("/mpesa/stkpushquery/v1/query", endpoint("query", query)),
            web.post(c2b + "registerurl", endpoint("register", register)),
            web.post(c2b + "simulate", endpoint("simulate", simulate)),
        ]
    )


async def token(call: Call) -> dict[str, Any]:
    """Client credentials by Basic authentication; `expires_in` is a string."""
    if call.request.query.get("grant_type") != "client_credentials":
        raise DarajaError(400, "400.008.02", "Invalid grant type passed")
    scheme, _, encoded = call.request.headers.get("Authorization", "").partition(" ")
    try:
        key, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        key = secret = ""
    for business in call.mpesa.settings.businesses:
        is_right = hmac.compare_digest(business.consumer_secret.encode(), secret.encode())
        if scheme == "Basic" and key == business.consumer_key and is_right:
            return {"access_token": call.mpesa.token_for(business), "expires_in": str(TOKEN_LIFE_S)}
    raise DarajaError(400, "400.008.01", "Invalid Authentication passed")


async def push(call: Call) -> dict[str, Any]:
    """Accepted means that the phone is asked, not that anything was paid."""
    business, data = call.business("BusinessShortCode"), call.data
    kind = check_type(data)
    amount, phone = amount_of(data), phone_of(data, "PhoneNumber")
    if phone_of(data, "PartyA") != phone:
        raise bad_field("PartyA")
    paid_to = text_of(data, "PartyB")
    if paid_to not in ((business.shortcode,) if kind == "CustomerPayBillOnline" else business.tills):
        raise bad_field("PartyB")
    url = callback_url(data, "CallBackURL", loopback_http=call.mpesa.settings.loopback_http)
    reference = short_text(data, "AccountReference", REFERENCE_CHARS)
    description = short_text(data, "TransactionDesc", DESCRIPTION_CHARS)
    check_password(data, business)
    made = call.mpesa.push(
        business,
        paid_to=paid_to,
        phone=phone,
        amount=amount,
        reference=reference,
        description=description,
        callback_url=url,
    )
    if first := call.strike("mpesa_callback_first", "push"):
        with suppress(TimeoutError):  # when nobody acts on the prompt the answer comes all the same
            async with asyncio.timeout(float(first["hold_s"])):
                await made.told.wait()
    return {
        "MerchantRequestID": made.merchant_id,
        "CheckoutRequestID": made.checkout_id,
        "ResponseCode": "0",
        "ResponseDescription": "Success. Request accepted for processing",
        "CustomerMessage": "Success. Request accepted for processing",
    }


async def query(call: Call) -> dict[str, Any]:
    """`ResultCode` is a string here; a push that is still live is an error."""
    business, data = call.business("BusinessShortCode"), call.data
    check_password(data, business)
    call.mpesa.queries += 1
    found = call.mpesa.pushes.get(text_of(data, "CheckoutRequestID"))
    if found is None or found.business is not business:
        raise bad_field("CheckoutRequestID")
    if found.result is None:
        raise internal("The transaction is being processed")
    code, text = found.result
    return {
        "ResponseCode": "0",
        "ResponseDescription": "The service request has been accepted successsfully",
        "MerchantRequestID": found.merchant_id,
        "CheckoutRequestID": found.checkout_id,
        "ResultCode": str(code),
        "ResultDesc": text,
    }


async def register(call: Call) -> dict[str, Any]:
    business, data, pace = call.business("ShortCode"), call.data, call.mpesa.settings
    response_type = text_of(data, "ResponseType")
    if response_type not in ("Completed", "Cancelled"):
        raise bad_field("ResponseType")
    confirmation = c2b_url(data, "ConfirmationURL", loopback_http=pace.loopback_http)
    validation = c2b_url(data, "ValidationURL", loopback_http=pace.loopback_http)
    if pace.c2b_register_once and business.shortcode in call.mpesa.registrations:
        raise DarajaError(500, "500.003.1001", "Urls are already registered.")
    is_masked = call.request.match_info["version"] == "v2"
    call.mpesa.registrations[business.shortcode] = Registration(confirmation, validation, response_type, is_masked)
    return _c2b_accepted(call, "Success")


async def simulate(call: Call) -> dict[str, Any]:
    """A payment by hand, asked for by the business: the sandbox's stand-in for a person."""
    business, data = call.business("ShortCode"), call.data
    if text_of(data, "CommandID") not in ("CustomerPayBillOnline", "CustomerBuyGoodsOnline"):
        raise bad_field("CommandID")
    amount, phone = amount_of(data), phone_of(data, "Msisdn")
    paid_to = text_of(data, "ShortCode")
    account = text_of(data, "BillRefNumber") if paid_to == business.shortcode else ""  # a till has no accounts
    with suppress(CannotDo):  # accepted all the same; what was not paid is not confirmed
        call.mpesa.pay_by_hand(phone, paid_to, account, amount, None)
    return _c2b_accepted(call, "Accept the service request successfully.")


def _c2b_accepted(call: Call, description: str) -> dict[str, Any]:
    # The name of the first field is misspelt at Safaricom, too.
    return {
        "OriginatorCoversationID": call.mpesa.request_id(),
        "ResponseCode": "0",
        "ResponseDescription": description,
    }


def endpoint(part: str, work: Work) -> Handler:
    """The frame of an endpoint: faults of the API, Safaricom's error envelope, the wire pane."""

    async def handle(request: web.Request) -> web.StreamResponse:
        emulator = request.app[EMULATOR]
        started = emulator.clock.real()
        call = Call(request, emulator.mpesa, await request.read())
        try:
            response = await _misbehave(call, part) or _json(await work(call))
            if response.status == 200 and (p := call.strike("mpesa_accept_then_hang", part)):
                response = await hang(request, float(p["hang_s"]))
        except DarajaError as error:
            emulator.mpesa.refused[error.code] += 1
            response = _json(error.envelope(emulator.mpesa.request_id()), status=error.status)
        emulator.hub.log_wire(_entry(call, response, started, emulator.clock.real()))
        return response

    return handle


async def _misbehave(call: Call, part: str) -> web.Response | None:
    if p := call.strike("mpesa_latency", part):
        await asyncio.sleep(float(p["delay_s"]))
    if p := call.strike("mpesa_hang", part):
        return await hang(call.request, float(p["hang_s"]))
    if p := call.strike("mpesa_html", part):
        return web.Response(text=_HTML.format(p["status"]), status=int(p["status"]), content_type="text/html")
    if p := call.strike("mpesa_error", part):
        raise DarajaError(int(p["status"]), str(p["code"]), str(p["message"]))
    return None


def _json(data: dict[str, Any], *, status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(data), status=status, content_type="application/json")


def _entry(call: Call, response: web.Response, started: float, ended: float) -> WireEntry:
    request = call.request
    shown = {str(k): v for k, v in request.headers.items() if k in ("Content-Type", "User-Agent")}
    return WireEntry(
        0,
        started,
        "api",
        request.method,
        request.path_qs,
        shown | {"Authorization": "…"},
        _without_secrets(call.raw),
        response.status,
        (ended - started) * 1000,
        _without_secrets(response.body if isinstance(response.body, bytes) else b""),
        tuple(call.marks),
        phone_number_id=call.shortcode,
    )


def _without_secrets(raw: bytes) -> bytes:
    found = _loaded(raw)
    if found is None or not any(name in found for name in _HIDDEN):
        return raw
    return orjson.dumps({k: "…" if k in _HIDDEN else v for k, v in found.items()})


def _loaded(raw: bytes) -> dict[str, Any] | None:
    try:
        found = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None
