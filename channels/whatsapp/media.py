"""What WhatsApp takes as media, and names that are safe to keep. Pure: fetching is a job's work."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from bot.messages import MediaKind

__all__ = [
    "LIMITS",
    "MediaLimit",
    "MediaProblem",
    "base_mime",
    "check_outbound_media",
    "sanitise_filename",
]

KIB, MIB = 1024, 1024 * 1024


@dataclass(frozen=True, slots=True)
class MediaLimit:
    """`mime_types` empty: any. Source: Cloud API, supported media types (contract section 7)."""

    max_bytes: int
    mime_types: frozenset[str]


LIMITS: dict[MediaKind, MediaLimit] = {
    MediaKind.AUDIO: MediaLimit(
        16 * MIB, frozenset({"audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/ogg"})
    ),
    # A larger voice note is taken too, but shown as a file to download instead of a play button.
    MediaKind.VOICE: MediaLimit(512 * KIB, frozenset({"audio/ogg"})),
    MediaKind.IMAGE: MediaLimit(5 * MIB, frozenset({"image/jpeg", "image/png"})),
    MediaKind.VIDEO: MediaLimit(16 * MIB, frozenset({"video/mp4", "video/3gpp"})),
    MediaKind.DOCUMENT: MediaLimit(100 * MIB, frozenset()),
    MediaKind.STICKER: MediaLimit(500 * KIB, frozenset({"image/webp"})),  # 100 KB when it does not move
}


@dataclass(frozen=True, slots=True)
class MediaProblem:
    field: str  # "mime_type" or "size_bytes"
    limit: str
    message: str


def base_mime(mime_type: str) -> str:
    """Without parameters, lower case: "audio/ogg; codecs=opus" -> "audio/ogg"."""
    return mime_type.partition(";")[0].strip().lower()


def check_outbound_media(kind: MediaKind, mime_type: str, size_bytes: int) -> list[MediaProblem]:
    """Why WhatsApp would refuse the file (it says so only later, with 131053); empty when it would not."""
    limit = LIMITS[kind]
    problems = []
    if limit.mime_types and base_mime(mime_type) not in limit.mime_types:
        allowed = ", ".join(sorted(limit.mime_types))
        problems.append(
            MediaProblem("mime_type", allowed, f"{kind} must be one of {allowed}, not {mime_type or 'nothing'}")
        )
    if not 0 < size_bytes <= limit.max_bytes:
        problems.append(
            MediaProblem(
                "size_bytes", str(limit.max_bytes), f"{kind} has {size_bytes} bytes, allowed are 1 to {limit.max_bytes}"
            )
        )
    return problems


_MAX_FILENAME_BYTES = 200  # file systems take 255; leaves room for a prefix
_FORBIDDEN = re.compile(r'[\\/:*?"<>|]')
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\.|$)")


def sanitise_filename(name: str, *, fallback: str = "file") -> str:
    """A name that is one path component on every system and hides nothing; its extension is kept.

    Directories, control and direction-changing characters, leading dots and trailing dots or blanks go;
    at most 200 bytes of UTF-8 stay.
    """
    component = re.split(r"[\\/]", name)[-1]
    visible = "".join(" " if ch.isspace() else ch for ch in component if ch.isspace() or _is_visible(ch))
    safe = _FORBIDDEN.sub("_", " ".join(visible.split())).lstrip(".").strip(" .")
    if not safe:
        return fallback
    if _RESERVED.match(safe):
        safe = f"_{safe}"
    return _shorten(safe)


def _is_visible(ch: str) -> bool:
    return unicodedata.category(ch) not in {"Cc", "Cf", "Cs", "Co"}


def _shorten(name: str) -> str:
    stem, dot, extension = name.rpartition(".")
    if not dot or len(extension) > 16:
        stem, dot, extension = name, "", ""
    room = _MAX_FILENAME_BYTES - len((dot + extension).encode())
    return stem.encode()[:room].decode("utf-8", "ignore").rstrip(" .") + dot + extension
