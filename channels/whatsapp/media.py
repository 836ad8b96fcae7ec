"""What WhatsApp takes as media, what a file is, and names that are safe to keep. Pure: fetching is a job's work."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from bot.messages import MediaKind

__all__ = [
    "INBOUND_MAX_BYTES",
    "LIMITS",
    "MediaLimit",
    "MediaProblem",
    "base_mime",
    "check_outbound_media",
    "sanitise_filename",
    "sniff_mime",
]

KIB, MIB = 1024, 1024 * 1024
INBOUND_MAX_BYTES = 100 * MIB  # larger never arrives: error 131052 instead


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


_ZIP_KINDS = (
    (b"word/", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    (b"xl/", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    (b"ppt/", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
)
_MAGIC = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"OggS", "audio/ogg"),
    (b"#!AMR", "audio/amr"),
    (b"ID3", "audio/mpeg"),
    (b"\x1a\x45\xdf\xa3", "video/webm"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),  # Office before 2007
    (b"MZ", "application/vnd.microsoft.portable-executable"),
    (b"\x7fELF", "application/x-elf"),
)


def sniff_mime(head: bytes) -> str | None:
    """The type by the file's first bytes (4 KiB are plenty); None when they say nothing, as for plain text."""
    for magic, mime_type in _MAGIC:
        if head.startswith(magic):
            return mime_type
    if head[:4] == b"RIFF":
        return {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}.get(head[8:12])
    if head[4:8] == b"ftyp":
        return _iso_media(head[8:12])
    if head[:4] == b"PK\x03\x04":
        return next((mime for marker, mime in _ZIP_KINDS if marker in head), "application/zip")
    # An MPEG audio frame: 11 set bits, then layer 0 is AAC in ADTS.
    if len(head) > 1 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0:
        return "audio/aac" if head[1] & 0x06 == 0 else "audio/mpeg"
    lowered = head[:512].lstrip().lower()
    return "text/html" if lowered.startswith((b"<!doctype html", b"<html", b"<script", b"<svg")) else None


def _iso_media(brand: bytes) -> str:
    if brand.startswith((b"M4A", b"M4B")):
        return "audio/mp4"
    if brand.startswith((b"3gp", b"3g2")):
        return "video/3gpp"
    if brand in {b"heic", b"heix", b"mif1", b"msf1"}:
        return "image/heic"
    return "video/mp4"
