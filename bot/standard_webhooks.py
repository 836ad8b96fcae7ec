"""Signatures of webhooks as standardwebhooks.com has them, ours and other systems': HMAC-SHA256 over `id.timestamp.body`, `v1,<base64>`.

Several are separated by spaces: one for each secret that is good.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from collections.abc import Iterable
from datetime import datetime

__all__ = ["make_secret", "signature", "signed", "verify"]

PREFIX = "whsec_"
SECRET_BYTES = 32


def make_secret() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def signed(delivery_id: str, at: datetime, body: bytes, good: Iterable[str]) -> dict[str, str]:
    """The headers. `at` is the moment of this try: receivers refuse what is older than some minutes."""
    timestamp = str(int(at.timestamp()))
    return {
        "webhook-id": delivery_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(signature(secret, delivery_id, timestamp, body) for secret in good),
    }


def verify(given: str, good: Iterable[str], delivery_id: str, timestamp: str, body: bytes) -> bool:
    """Whether one of the signatures is by one of the secrets. Takes as long for a wrong one as for a right one."""
    right = [signature(secret, delivery_id, timestamp, body).encode() for secret in good]
    found = False
    for each in given.split():
        sent = each.encode("utf-8", "surrogateescape")  # raw bytes of a header
        for one in right:
            found |= hmac.compare_digest(sent, one)
    return found


def signature(secret: str, delivery_id: str, timestamp: str, body: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(PREFIX))
    content = b".".join((delivery_id.encode("utf-8", "surrogateescape"), timestamp.encode(), body))
    return "v1," + base64.b64encode(hmac.digest(key, content, "sha256")).decode()
