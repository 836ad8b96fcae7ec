"""What must not be in any log, looked for as a stranger would: known secrets in every spelling, and what only looks like a number or a key."""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["leaks", "spellings"]

# Written apart from bot.redaction: whoever shares its blind spots finds nothing.
SHAPES = {
    "phone": re.compile(
        r"(?<![\w.:+/-])\+?254[\s-]?\d{3}[\s-]?\d{3}[\s-]?\d{3}(?!\d)|(?<![\w.:/-])0[17]\d{2}[\s-]?\d{3}[\s-]?\d{3}(?!\d)"
    ),
    "e-mail": re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+\.[A-Za-z]{2,}"),
    "token": re.compile(r"\bEAA\w{12,}|\beyJ[\w-]+\.[\w-]+\.|(?i:bearer) [\w.-]{8,}|sha256=[0-9a-f]{32,}"),
    "password": re.compile(r"://[^\s/@:]*:[^\s/@]+@"),
}


def leaks(lines: Iterable[str], secrets: Iterable[str]) -> list[str]:
    """What was found, with its line; nothing is the only good answer."""
    sought = [(secret, secret.casefold()) for secret in secrets if secret]
    found = []
    for line in lines:
        folded = line.casefold()
        found += [f"{secret!r}: {line}" for secret, low in sought if low in folded]
        found += [f"{kind}: {line}" for kind, shape in SHAPES.items() if shape.search(line)]
    return found


def spellings(wa_id: str) -> list[str]:
    """How people and libraries write one Kenyan number; the last nine digits are in most of them."""
    national = wa_id.removeprefix("254")
    return [
        national,
        f"{national[:3]} {national[3:6]} {national[6:]}",
        f"{national[:3]}-{national[3:6]}-{national[6:]}",
    ]
