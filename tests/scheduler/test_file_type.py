"""The first bytes against what was declared: every type that WhatsApp takes is known, and a disguise is seen."""

from __future__ import annotations

import io
import zipfile

import pytest

from bot.messages import MediaKind
from scheduler.file_type import is_as_declared

OFFICE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


def zipped(name: str) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr(name, "<a/>")
    return target.getvalue()


REAL = {
    "image/jpeg": b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01" + bytes(50),
    "image/png": b"\x89PNG\r\n\x1a\n" + bytes(64),
    "image/webp": b"RIFF\x10\0\0\0WEBPVP8 " + bytes(60),
    "video/mp4": b"\0\0\0\x18ftypmp42" + bytes(40),
    "video/3gpp": b"\0\0\0\x18ftyp3gp4" + bytes(40),
    "audio/ogg; codecs=opus": b"OggS\x00\x02" + bytes(20) + b"\x01\x13OpusHead" + bytes(20),
    "audio/mp4": b"\0\0\0\x18ftypM4A " + bytes(40),
    "audio/mpeg": b"ID3\x03\0\0" + bytes(30),
    "audio/aac": b"\xff\xf1\x50\x80" + bytes(30),
    "audio/amr": b"#!AMR\n\x3c" + bytes(20),
    "application/pdf": b"%PDF-1.7\n%abc",
    "application/msword": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(60),
    OFFICE: zipped("word/document.xml"),
}
KINDS = {"image": MediaKind.IMAGE, "video": MediaKind.VIDEO, "audio": MediaKind.AUDIO}
PROGRAM = b"MZ\x90\x00\x03\x00\x00\x00" + bytes(60)


def kind_of(mime_type: str) -> MediaKind:
    return KINDS.get(mime_type.partition("/")[0], MediaKind.DOCUMENT)


@pytest.mark.parametrize("mime_type", REAL)
def test_a_file_that_is_what_it_says_passes_also_as_a_document(mime_type: str) -> None:
    assert is_as_declared(kind_of(mime_type), mime_type, REAL[mime_type])
    assert is_as_declared(MediaKind.DOCUMENT, mime_type, REAL[mime_type])


@pytest.mark.parametrize("head", [PROGRAM, b"<!DOCTYPE html><html><script>", b"nothing in particular"])
@pytest.mark.parametrize("mime_type", [each for each in REAL if each.partition("/")[0] != "audio"])
def test_a_file_in_disguise_is_seen(mime_type: str, head: bytes) -> None:
    assert not is_as_declared(kind_of(mime_type), mime_type, head)


def test_one_kind_is_not_another() -> None:
    assert not is_as_declared(MediaKind.IMAGE, "image/png", REAL["image/jpeg"])
    assert not is_as_declared(MediaKind.STICKER, "image/webp", REAL["image/png"])
    assert not is_as_declared(MediaKind.IMAGE, "video/mp4", REAL["video/mp4"])
    assert not is_as_declared(MediaKind.VOICE, "audio/ogg", REAL["application/pdf"])


@pytest.mark.parametrize("mime_type", ["text/plain", "text/csv", "application/octet-stream", ""])
def test_a_document_without_a_mark_of_its_own_passes(mime_type: str) -> None:
    assert is_as_declared(MediaKind.DOCUMENT, mime_type, b"a,b,c\n1,2,3\n")


def test_a_program_is_no_text() -> None:
    assert not is_as_declared(MediaKind.DOCUMENT, "text/plain", PROGRAM)
