"""Which files Meta takes as which kind of media, and how large."""

from typing import Final

from channels.emulator.errors import GraphError

MB: Final = 1024 * 1024

SIZES: Final = {"audio": 16 * MB, "image": 5 * MB, "video": 16 * MB, "document": 100 * MB, "sticker": 500 * 1024}
VOICE_NOTE_BYTES: Final = 512 * 1024  # above it a voice note shows no play icon
INBOUND_BYTES: Final = 100 * MB

_TYPES: Final[dict[str, frozenset[str]]] = {
    "audio": frozenset({"audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/ogg"}),
    "image": frozenset({"image/jpeg", "image/png"}),
    "video": frozenset({"video/mp4", "video/3gpp", "video/3gp"}),
    "sticker": frozenset({"image/webp"}),
}
_DOCUMENTS: Final = frozenset({
    "text/plain", "text/csv", "application/pdf", "application/vnd.ms-powerpoint", "application/msword",
    "application/vnd.ms-excel", "application/zip", "application/json", "text/calendar", "text/vcard",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
})  # fmt: skip

_MAGIC: Final = {
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/webp": (b"RIFF",),
    "audio/ogg": (b"OggS",),
    "application/pdf": (b"%PDF",),
}


def bare(mime_type: str) -> str:
    """`audio/ogg; codecs=opus` is `audio/ogg`."""
    return mime_type.split(";", 1)[0].strip().lower()


def kind_of(mime_type: str) -> str | None:
    """The kind under which Meta files a type; None when it takes no such file."""
    plain = bare(mime_type)
    for kind, types in _TYPES.items():
        if plain in types:
            return kind
    return "document" if plain in _DOCUMENTS else None


def check_upload(mime_type: str, content: bytes) -> None:
    """Raises GraphError 100 for a type Meta does not list, 131053 for a file that is too large or is not what it says."""
    kind = kind_of(mime_type)
    if kind is None:
        raise GraphError(100, f"Param file must be a file with one of the listed types; received {bare(mime_type)}.")
    if not content:
        raise GraphError(100, "Param file must not be empty.")
    if len(content) > SIZES[kind]:
        raise GraphError(131053, f"{kind} of {len(content)} bytes is larger than the {SIZES[kind]} allowed.")
    magic = _MAGIC.get(bare(mime_type))
    if magic and not content.startswith(magic):
        raise GraphError(131053, f"The file is not {bare(mime_type)}.")


def fits(kind: str, mime_type: str, size: int) -> str | None:
    """Why media of this type and size cannot go out as `kind`; None when it can."""
    if kind != "document" and bare(mime_type) not in _TYPES[kind]:
        return f"Unsupported {kind} mime type {bare(mime_type)}."
    if size > SIZES[kind]:
        return f"{kind} of {size} bytes is larger than the {SIZES[kind]} allowed."
    return None
