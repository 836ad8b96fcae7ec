"""What a file is by its first bytes, and whether that is what the sender's side said. Pure."""

from __future__ import annotations

import mimetypes

import puremagic

from bot.messages import MediaKind

__all__ = ["HEAD_BYTES", "is_as_declared"]

HEAD_BYTES = 4096

# Types that one look at the first bytes cannot, or need not, tell apart.
_ALIKE = (
    (
        "video/mp4",
        "audio/mp4",
        "audio/x-m4a",
        "audio/m4a",
        "video/3gpp",
        "audio/3gpp",
        "video/3gpp2",
        "video/quicktime",
    ),
    ("audio/ogg", "application/ogg", "video/ogg", "audio/opus"),
    ("audio/mpeg", "audio/mp3"),
    ("audio/aac", "audio/x-aac", "audio/aacp", "audio/x-hx-aac-adts"),
    ("image/heic", "image/heif"),
    ("image/jpeg", "image/jpg"),
    ("application/pdf", "application/x-pdf"),
    ("application/msword", "application/vnd.ms-excel", "application/vnd.ms-powerpoint", "application/x-ole-storage"),
    (
        "application/zip",
        "application/x-zip-compressed",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ),
)
_GROUP = {name: group[0] for group in _ALIKE for name in group}
# A document of one of these always begins with its mark; of other types the first bytes prove nothing.
_MARKED = {"application/pdf", "application/zip", "application/msword"}
_FAMILIES = {
    MediaKind.IMAGE: ("image/",),
    MediaKind.STICKER: ("image/",),
    MediaKind.VIDEO: ("video/",),
    MediaKind.AUDIO: ("audio/", "video/mp4"),
    MediaKind.VOICE: ("audio/", "video/mp4"),
}


def is_as_declared(kind: MediaKind, mime_type: str, head: bytes) -> bool:
    """Whether `head` (`HEAD_BYTES`, or the whole of a shorter file) is of the declared type, and the type of the kind."""
    declared = _group(mime_type.partition(";")[0].strip().lower())
    found = _types(head)
    if kind is MediaKind.DOCUMENT:
        if declared.startswith("text/"):
            return b"\x00" not in head
        is_marked = declared in _MARKED or declared.startswith(("image/", "video/", "audio/"))
        return not is_marked or declared in found
    families = _FAMILIES[kind]
    if declared and not declared.startswith(families):
        return False
    # Some audio begins with nothing in particular.
    if not found and kind in (MediaKind.AUDIO, MediaKind.VOICE):
        return b"\x00" in head or len(head) == 0
    return declared in found if declared else any(each.startswith(families) for each in found)


def _types(head: bytes) -> set[str]:
    """All that it may be: a container says what it is, and not always what is in it."""
    try:
        candidates = puremagic.magic_string(head)
    except (puremagic.PureError, ValueError):
        return set()
    names = {each.mime_type for each in candidates}
    names |= {mimetypes.guess_type(f"file{each.extension}")[0] or "" for each in candidates}
    if head.startswith(b"#!AMR"):  # which the library knows by its extension only
        names.add("audio/amr")
    return {_group(name) for name in names if name}


def _group(mime_type: str) -> str:
    return _GROUP.get(mime_type, mime_type)
