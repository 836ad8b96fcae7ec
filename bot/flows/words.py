"""One way to make two spellings of the same words equal."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

__all__ = ["normalise"]

_PUNCTUATION = re.compile(r"[^\w\s+#@]|_", re.UNICODE)
_SPACE = re.compile(r"\s+")


@lru_cache(maxsize=4096)
def normalise(text: str) -> str:
    """Lower case, no accents, no punctuation, single spaces; `#`, `+` and `@` stay, they carry meaning."""
    if text.isascii() and text.isalpha():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text[:2_000].casefold())
    bare = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    return _SPACE.sub(" ", _PUNCTUATION.sub(" ", bare)).strip()
