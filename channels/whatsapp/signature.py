"""Meta's webhook signature: HMAC-SHA256 of the raw body under the app secret, as `sha256=<hex>`.

Always over the bytes as they came: Meta escapes non-ASCII before signing, so a body that was parsed and dumped again
never has the same signature.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence

__all__ = ["HEADER", "sign", "verify"]

HEADER = "X-Hub-Signature-256"
_PREFIX = b"sha256="


def sign(body: bytes, secret: bytes) -> str:
    """The header's value for `body`, lower-case hex."""
    return "sha256=" + hmac.digest(secret, body, "sha256").hex()


def verify(body: bytes, header: str | None, secrets: Sequence[bytes]) -> int | None:
    """The index in `secrets` of the one that signed `body`; None when none did. Never raises.

    The index tells which Meta app sent the delivery. Hex digits may be of either case. All secrets are tried and bytes
    are compared in constant time; `hmac.compare_digest` of two str would raise on a non-ASCII header.
    """
    if header is None:
        return None
    given = header.strip().encode("utf-8", "replace").lower()
    if not given.startswith(_PREFIX):
        return None
    found: int | None = None
    for index, secret in enumerate(secrets):
        expected = sign(body, secret).encode()
        if hmac.compare_digest(expected, given) and found is None:
            found = index
    return found
