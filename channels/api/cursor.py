"""Cursors: the last key of a page, signed together with what was asked, so that one fits its own list, filter and organization only."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import orjson

__all__ = ["Cursors"]

MAC_BYTES = 16


class Cursors:
    def __init__(self, key: bytes) -> None:
        self._key = key

    def write(self, last: UUID, *, route: str, organization_id: UUID, filters: Mapping[str, Any]) -> str:
        mac = self._mac(last.bytes, route, organization_id, filters)
        return base64.urlsafe_b64encode(last.bytes + mac).decode().rstrip("=")

    def read(self, token: str, *, route: str, organization_id: UUID, filters: Mapping[str, Any]) -> UUID | None:
        """None: forged, damaged, or of another list."""
        try:
            raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        except ValueError:
            return None
        last, mac = raw[:16], raw[16:]
        if len(last) != 16 or not hmac.compare_digest(mac, self._mac(last, route, organization_id, filters)):
            return None
        return UUID(bytes=last)

    def _mac(self, last: bytes, route: str, organization_id: UUID, filters: Mapping[str, Any]) -> bytes:
        asked = orjson.dumps([route, str(organization_id), filters], option=orjson.OPT_SORT_KEYS, default=str)
        return hmac.digest(self._key, last + hashlib.sha256(asked).digest(), "sha256")[:MAC_BYTES]
