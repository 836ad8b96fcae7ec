"""Headers of a webhook, as standardwebhooks.com has them: HMAC-SHA256 over `id.timestamp.body`, one signature per secret that is good."""

from __future__ import annotations

import base64
import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime

__all__ = ["new_secret", "signed"]

PREFIX = "whsec_"
SECRET_BYTES = 32


def new_secret() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def signed(event_id: str, at: datetime, body: bytes, good: Sequence[str]) -> dict[str, str]:
    """`at` is the moment of this try: receivers refuse what is older than some minutes."""
    timestamp = str(int(at.timestamp()))
    content = b".".join((event_id.encode(), timestamp.encode(), body))
    return {
        "webhook-id": event_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"v1,{_mac(secret, content)}" for secret in good),
    }


def _mac(secret: str, content: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(PREFIX))
    return base64.b64encode(hmac.digest(key, content, "sha256")).decode()
