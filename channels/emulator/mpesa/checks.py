"""What Daraja checks of a request before it accepts it."""

import base64
import ipaddress
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from channels.emulator.mpesa.bodies import EAT
from channels.emulator.mpesa.errors import DarajaError, bad_field, internal
from channels.emulator.mpesa.settings import BusinessSettings

MOST_KES = 250_000  # of one transaction
REFERENCE_CHARS = 12
DESCRIPTION_CHARS = 13
FORBIDDEN_IN_C2B_URLS = ("mpesa", "m-pesa", "safaricom", "exe", "exec", "cmd", "sql", "query")
_TYPES = ("CustomerPayBillOnline", "CustomerBuyGoodsOnline")


def text_of(data: Mapping[str, Any], name: str) -> str:
    """A field as text; numbers are taken for their digits, as Daraja does. Raises DarajaError when it is absent."""
    value = data.get(name)
    if isinstance(value, bool) or not isinstance(value, (str, int)) or str(value).strip() == "":
        raise bad_field(name)
    return str(value)


def phone_of(data: Mapping[str, Any], name: str) -> str:
    phone = text_of(data, name)
    if not re.fullmatch(r"254(7|1)[0-9]{8}", phone):
        raise bad_field(name)
    return phone


def amount_of(data: Mapping[str, Any]) -> int:
    """Whole shillings from 1 to 250,000."""
    amount = text_of(data, "Amount")
    if not re.fullmatch(r"[0-9]{1,6}", amount) or not 1 <= int(amount) <= MOST_KES:
        raise bad_field("Amount")
    return int(amount)


def check_type(data: Mapping[str, Any]) -> str:
    kind = text_of(data, "TransactionType")
    if kind not in _TYPES:
        raise bad_field("TransactionType")
    return kind


def short_text(data: Mapping[str, Any], name: str, most: int) -> str:
    text = text_of(data, name)
    if len(text) > most:
        raise bad_field(name)
    return text


def check_password(data: Mapping[str, Any], business: BusinessSettings) -> None:
    """Password is base64(shortcode + passkey + Timestamp), and the Timestamp is a moment.

    Raises:
        DarajaError: 400.002.02 for the form, 500.001.1001 for a wrong passkey.
    """
    timestamp, password = text_of(data, "Timestamp"), text_of(data, "Password")
    try:
        if not re.fullmatch(r"[0-9]{14}", timestamp):
            raise ValueError
        datetime.strptime(timestamp, "%Y%m%d%H%M%S").replace(tzinfo=EAT)
    except ValueError as error:
        raise bad_field("Timestamp") from error
    right = base64.b64encode(f"{business.shortcode}{business.passkey}{timestamp}".encode()).decode()
    if password != right:
        raise internal("Wrong credentials")


def callback_url(data: Mapping[str, Any], name: str, *, loopback_http: bool) -> str:
    """https, or plain http to this machine where that is allowed."""
    url = text_of(data, name)
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError as error:
        raise bad_field(name) from error
    if parts.scheme == "https" and host:
        return url
    if parts.scheme == "http" and loopback_http and is_loopback(host):
        return url
    raise bad_field(name)


def c2b_url(data: Mapping[str, Any], name: str, *, loopback_http: bool) -> str:
    """As `callback_url`, and without the words that Safaricom refuses in one."""
    url = callback_url(data, name, loopback_http=loopback_http)
    if any(word in url.lower() for word in FORBIDDEN_IN_C2B_URLS):
        raise DarajaError(400, "400.003.02", f"Bad Request - Invalid {name}")
    return url


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
