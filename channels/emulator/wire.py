"""Bytes of a webhook: escaped as Meta escapes them, signed as Meta signs them."""

import hmac
import json
from typing import Any

SIGNATURE_HEADER = "X-Hub-Signature-256"
MAX_BODY_BYTES = 3 * 1024 * 1024  # Meta's cap of one webhook POST

_encode = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"), check_circular=False).encode


def body_of(value: Any) -> bytes:
    r"""JSON with every non-ASCII character as `\uXXXX` in lower-case hex, so that parse-and-dump never reproduces the signed bytes."""
    return _encode(value).encode("ascii")


def signature_of(secret: bytes, body: bytes) -> str:
    return "sha256=" + hmac.digest(secret, body, "sha256").hex()
