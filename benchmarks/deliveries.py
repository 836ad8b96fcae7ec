"""Webhook deliveries as Meta writes them, signed: one text message each, from many people in turn."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from typing import Any

__all__ = ["Deliveries"]


class Deliveries:
    """Args:
    number: `phone_number_id`, `waba_id` and `app_secret` of the receiving number.
    run: Tells the ids of this run from those of others.
    people: How many write in turn, beginning with number `first`.
    """

    def __init__(self, number: dict[str, str], *, run: str, people: int, first: int = 0, text: str = "menu") -> None:
        self._secret = number["app_secret"].encode()
        self._run = run
        self._people = people
        self._first = first
        self._made = 0
        self._template = json.dumps(_delivery(number, text)).encode()
        self._now = str(int(time.time())).encode()

    def following(self) -> tuple[bytes, bytes, str]:
        """(body, signature, the sender's wa_id)."""
        n, self._made = self._made, self._made + 1
        wa_id = f"2547{10_000_000 + self._first + n % self._people}"
        body = (
            self._template.replace(b"@wamid@", f"wamid.{self._run}.{n}".encode())
            .replace(b"@wa_id@", wa_id.encode())
            .replace(b"@now@", self._now)
        )
        signature = "sha256=" + hmac.digest(self._secret, body, hashlib.sha256).hex()
        return body, signature.encode(), wa_id

    def request(self, path: str) -> tuple[bytes, str]:
        """A whole HTTP request, and the sender's wa_id."""
        body, signature, wa_id = self.following()
        head = (
            b"POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            b"X-Hub-Signature-256: %s\r\nContent-Length: %d\r\n\r\n"
        )
        return head % (path.encode(), signature, len(body)) + body, wa_id


def _delivery(number: dict[str, str], text: str) -> dict[str, Any]:
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "254700000001", "phone_number_id": number["phone_number_id"]},
        "contacts": [{"profile": {"name": "Amina Otieno"}, "wa_id": "@wa_id@", "user_id": "KE.@wa_id@"}],
        "messages": [
            {
                "from": "@wa_id@",
                "from_user_id": "KE.@wa_id@",
                "id": "@wamid@",
                "timestamp": "@now@",
                "type": "text",
                "text": {"body": text},
            }
        ],
    }
    return {
        "object": "whatsapp_business_account",
        "entry": [{"id": number["waba_id"], "changes": [{"field": "messages", "value": value}]}],
    }
