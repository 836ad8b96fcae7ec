"""Cutting text where it hurts least: never within what a reader sees as one character."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from bot.render.limits import size

__all__ = ["ELLIPSIS", "is_blank", "numbered", "one_line", "safe", "shorten", "split_text"]

ELLIPSIS = "…"
_ZERO_WIDTH_JOINER = "\u200d"
_SURROGATE = re.compile("[\ud800-\udfff]")
_CONTROL = re.compile("[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]")

# Ways to cut, the kindest first: after a blank line, a line, a sentence, a word.
_PARAGRAPH = re.compile(r"\n[^\S\n]*\n\s*")
_LINE = re.compile(r"\n\s*")
_SENTENCE = re.compile(r"(?<=[.!?…؟۔])[\"'”’»)\]]*\s+|(?<=[。！？।])")
_WORD = re.compile(r"\s+")
# A kinder cut is not worth a piece of less than this share of what fits.
_LEAST_SHARE = 0.5


def safe(text: str) -> str:
    """Without what the wire or the database refuses: NUL and control characters go, half surrogates become U+FFFD."""
    if text.isascii() and text.isprintable():
        return text
    text = text.replace("\x00", "").replace("\r\n", "\n").replace("\r", "\n")
    return _SURROGATE.sub("\ufffd", _CONTROL.sub("", text))


def one_line(text: str) -> str:
    return " ".join(safe(text).split())


def is_blank(text: str) -> bool:
    """Nothing to see: empty, blanks, or only invisible characters. WhatsApp refuses such texts."""
    return not any(_is_seen(ch) for ch in text)


# Characters without a shape. What this Python does not know yet (Cn) is a new emoji rather than nothing.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zs", "Zl", "Zp"})
_BLANK_LETTERS = "\u115f\u1160\u2800\u3164\uffa0"


def _is_seen(ch: str) -> bool:
    return unicodedata.category(ch) not in _UNSEEN and ch not in _BLANK_LETTERS


def split_text(text: str, limit: int, *, last_limit: int | None = None) -> list[str]:
    """`text` in pieces of at most `limit`, the last of at most `last_limit`; together all that was visible, in order.

    White space at the cuts is dropped. Blank text has no pieces.
    """
    end_limit = limit if last_limit is None else min(limit, last_limit)
    rest, pieces = safe(text).strip(), []
    while size(rest) > end_limit:
        # The rest fits a common piece but not the last one: leave about half of a last piece for it.
        at = _cut_at(rest, limit if size(rest) > limit else max(size(rest) - end_limit // 2, 1))
        if is_blank(rest[at:]):
            # Nothing to see follows, so what stands before it is the last piece.
            rest = rest[:at].rstrip()
            continue
        pieces.append(rest[:at].rstrip())
        rest = rest[at:].lstrip()
    return [piece for piece in (*pieces, rest) if not is_blank(piece)]


def _cut_at(text: str, limit: int) -> int:
    window = _fitting(text, limit)
    for pattern in (_PARAGRAPH, _LINE, _SENTENCE, _WORD):
        ends = [match.end() for match in pattern.finditer(text, 0, window + 1) if match.start() <= window]
        # A word is cut only when it does not fit any piece.
        kind = ends if pattern is _WORD else [end for end in ends if end >= window * _LEAST_SHARE]
        if kind:
            return kind[-1]
    return _character_boundary(text, window)


def _fitting(text: str, limit: int) -> int:
    """How many code points of `text` fit; at least one."""
    used = 0
    for index, ch in enumerate(text[: limit + 1]):
        used += 2 if ch > "\uffff" else 1
        if used > limit:
            return max(index, 1)
    return len(text)


def _character_boundary(text: str, at: int) -> int:
    """The last place up to `at` that is not within one visible character; `at` when there is none."""
    if at >= len(text):
        return len(text)
    place = at
    while place > 0 and _continues(text, place):
        place -= 1
    return place or at


def _continues(text: str, at: int) -> bool:
    """Whether `text[at]` belongs to the visible character before it."""
    before, ch = text[at - 1], text[at]
    if ch == _ZERO_WIDTH_JOINER or before == _ZERO_WIDTH_JOINER:
        return True
    if unicodedata.category(ch) in {"Mn", "Me", "Mc"}:  # accents, variation selectors, keycaps, vowel signs
        return True
    if "\U0001f3fb" <= ch <= "\U0001f3ff" or "\U000e0020" <= ch <= "\U000e007f":  # skin tones, flag tags
        return True
    if _is_flag_letter(ch) and _is_flag_letter(before):
        return _flag_letters_before(text, at) % 2 == 1
    return _is_hangul_part(before) and "\u1160" <= ch <= "\u11ff"


def _is_flag_letter(ch: str) -> bool:
    return "\U0001f1e6" <= ch <= "\U0001f1ff"


def _flag_letters_before(text: str, at: int) -> int:
    count = 0
    while at - count > 0 and _is_flag_letter(text[at - count - 1]):
        count += 1
    return count


def _is_hangul_part(ch: str) -> bool:
    return "\u1100" <= ch <= "\u11ff" or "\uac00" <= ch <= "\ud7a3"


def shorten(text: str, limit: int) -> str:
    """`text` when it fits, else its beginning with an ellipsis, cut at a word where that leaves enough."""
    if size(text) <= limit:
        return text
    window = _fitting(text, limit - size(ELLIPSIS))
    at = _character_boundary(text, window)
    words = [match.start() for match in _WORD.finditer(text, 0, at + 1) if match.start() >= at * _LEAST_SHARE]
    return text[: words[-1] if words else at].rstrip() + ELLIPSIS


def numbered(base: str, limit: int) -> Iterator[str]:
    """`base`, then `base (2)`, `base (3)`, ... each within `limit`."""
    yield shorten(base, limit)
    number = 1
    while True:
        number += 1
        mark = f" ({number})"
        yield shorten(base, limit - size(mark)) + mark
