"""The last resort of the logs: what looks like a phone number, a token or a signature is blotted out. Nobody should log one in the first place."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

__all__ = ["redacted"]

BLOT = "[redacted]"

# Meta's own ids have the length of a phone number, trace ids that of a key; under these keys they are meant.
KNOWN_IDS = frozenset({"phone_number_id", "waba_id", "app_id", "trace_id"})
SECRET_KEYS = re.compile(r"(^|_)(password|secret|token|api_key|signature|authorization|dsn)$", re.IGNORECASE)

PATTERNS = (
    re.compile(r"\b[A-Za-z][A-Za-z0-9+.-]*://[^\s/@]*(?=@)"),  # user and password of an address
    re.compile(r"\bBearer\s+[^\s\"',]+", re.IGNORECASE),
    re.compile(r"\bsha(?:1|256)=[0-9a-fA-F]{16,}"),  # X-Hub-Signature-256
    re.compile(r"\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*"),  # JSON web tokens
    re.compile(r"\b(?:EAA[A-Za-z0-9]{16,}|[sp]k[-_][\w-]{16,}|whsec_\w{16,})"),  # Meta, OpenAI and Stripe
    re.compile(r"(?<![\w-])[0-9a-fA-F]{32,}(?![\w-])"),  # app secrets and keys; UUIDs have dashes
    re.compile(r"(?<![\w-])(?=[\w-]*\d)(?=[\w-]*[A-Z])(?=[\w-]*[a-z])[\w-]{40,}"),  # anything long and random
    re.compile(r"(?<![\w.])\+\d(?:[\s().-]?\d){7,14}(?!\w)"),  # +254 722 000 000
    re.compile(r"(?<![\w.:+-])0\d{2,3}[\s-]?\d{3}[\s-]?\d{3,4}(?![\w:-])"),  # 0722 000 000
    re.compile(r"(?<![\w.:/+-])[1-9]\d{9,14}(?![\w:-]|\.\d)"),  # 254722000000, a wa_id
)


def redacted(value: Any, key: str = "") -> Any:
    """The same value without what must not be in a log. Numbers that are numbers, not text, are left alone: they count things."""
    if key in KNOWN_IDS or value is None or isinstance(value, bool | int | float):
        return value
    if key and SECRET_KEYS.search(key):
        return BLOT
    if isinstance(value, Mapping):
        return {str(name): redacted(inner, str(name)) for name, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [redacted(inner, key) for inner in value]
    text = str(value)
    for pattern in PATTERNS:
        text = pattern.sub(_blot, text)
    return text


def _blot(found: re.Match[str]) -> str:
    scheme, separator, _ = found.group().partition("://")
    return f"{scheme}://{BLOT}" if separator else BLOT
