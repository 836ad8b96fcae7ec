"""The last resort of the logs: what looks like a phone number, a token or a signature is blotted out. Nobody should log one in the first place."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

__all__ = ["LEFT_OUT", "quoting_messages", "redacted"]

BLOT = "[redacted]"
LEFT_OUT = "[message left out]"

# What these say of a value that they refuse quotes it: a message's text, a row of the database, a prompt.
QUOTING = frozenset(("asyncpg", "httpx", "jinja2", "openai", "pydantic_core", "ruamel"))

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

# Most of what is logged: our own ids, and words too short to hide anything. Ten patterns for each would be half of a record's time.
UUID_TEXT = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
PLAIN_WORDS = re.compile(r"(?:(?!bearer)[A-Za-z_]{1,10}(?:[ .,;:'()]+|$))*", re.IGNORECASE)


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
    if UUID_TEXT.fullmatch(text) or PLAIN_WORDS.fullmatch(text):
        return text
    for pattern in PATTERNS:
        text = pattern.sub(_blot, text)
    return text


def quoting_messages(error: BaseException | None) -> set[str]:
    """What an exception, and those that it stands on, say where that may quote what people wrote."""
    seen: set[int] = set()
    found: set[str] = set()
    waiting = [error]
    while waiting:
        each = waiting.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        waiting += [each.__cause__, each.__context__, *getattr(each, "exceptions", ())]
        if isinstance(each, ValueError) or type(each).__module__.partition(".")[0] in QUOTING:
            found.add(str(each))
    return found - {""}


def _blot(found: re.Match[str]) -> str:
    scheme, separator, _ = found.group().partition("://")
    return f"{scheme}://{BLOT}" if separator else BLOT
