"""Which characters our fonts can draw; a word with any other is written in Latin letters, never as boxes."""

from __future__ import annotations

import logging
import struct
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from anyascii import anyascii

from skills.events.render.fonts import FONTS, system_folders

__all__ = ["characters_of", "drawable"]

log = logging.getLogger(__name__)

FONT_FILES = ("*.ttf", "*.otf", "*.ttc", "*.otc")


def drawable(text: str) -> str:
    """`text` with every word that no font covers as a whole in Latin letters: `李小龙` is `LiXiaoLong`."""
    return " ".join(filter(None, (_word(each) for each in text.split())))


def _word(word: str) -> str:
    letters = set(map(ord, word))
    if letters <= _bundled() or letters <= _bundled() | _of_system():
        return word
    latin = "".join(each for each in anyascii(word) if ord(each) in _bundled()).strip()
    return latin[:1].upper() + latin[1:] if word.upper() == word.lower() else latin  # scripts without capitals


@cache
def _bundled() -> frozenset[int]:
    return _of_files(FONTS.glob("*.ttf"))


@cache
def _of_system() -> frozenset[int]:
    """Read once, and only when somebody's name needs it."""
    return _of_files(path for folder in system_folders() for kind in FONT_FILES for path in folder.rglob(kind))


def _of_files(paths: Iterable[Path]) -> frozenset[int]:
    found: set[int] = set()
    for path in paths:
        try:
            found.update(characters_of(path))
        except (OSError, struct.error, IndexError) as e:
            log.warning("font not readable", extra={"font": str(path), "reason": str(e)})
    return frozenset(found)


def characters_of(path: Path) -> Iterator[int]:
    """The code points of a font's `cmap` table (OpenType specification), formats 4 and 12; of a collection those of all its fonts."""
    data = path.read_bytes()
    starts = [0]
    if data[:4] == b"ttcf":
        (count,) = struct.unpack_from(">I", data, 8)
        starts = list(struct.unpack_from(f">{count}I", data, 12))
    for start in starts:
        (tables,) = struct.unpack_from(">H", data, start + 4)
        for n in range(tables):
            tag, _, offset, _ = struct.unpack_from(">4sIII", data, start + 12 + 16 * n)
            if tag == b"cmap":
                yield from _of_cmap(data, offset)


def _of_cmap(data: bytes, cmap: int) -> Iterator[int]:
    (count,) = struct.unpack_from(">H", data, cmap + 2)
    for n in range(count):
        platform, _, offset = struct.unpack_from(">HHI", data, cmap + 4 + 8 * n)
        table = cmap + offset
        (form,) = struct.unpack_from(">H", data, table)
        if platform not in (0, 3):  # Unicode, Windows
            continue
        if form == 4:
            yield from _format_4(data, table)
        elif form == 12:
            yield from _format_12(data, table)


def _format_4(data: bytes, table: int) -> Iterator[int]:
    (twice,) = struct.unpack_from(">H", data, table + 6)
    half = twice // 2
    ends = struct.unpack_from(f">{half}H", data, table + 14)
    starts = struct.unpack_from(f">{half}H", data, table + 16 + twice)
    deltas = struct.unpack_from(f">{half}H", data, table + 16 + 2 * twice)
    ranges = table + 16 + 3 * twice
    for n, (start, end, delta) in enumerate(zip(starts, ends, deltas, strict=True)):
        (offset,) = struct.unpack_from(">H", data, ranges + 2 * n)
        for code in range(start, min(end, 0xFFFE) + 1):
            if offset == 0:
                glyph = (code + delta) & 0xFFFF
            else:
                (glyph,) = struct.unpack_from(">H", data, ranges + 2 * n + offset + 2 * (code - start))
            if glyph:  # 0 is the box
                yield code


def _format_12(data: bytes, table: int) -> Iterator[int]:
    (groups,) = struct.unpack_from(">I", data, table + 12)
    for n in range(groups):
        first, last, _ = struct.unpack_from(">III", data, table + 16 + 12 * n)
        yield from range(first, last + 1)
