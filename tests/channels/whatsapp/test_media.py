"""Files are what they are, not what they say; names hide nothing; what WhatsApp refuses is known before the upload."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.messages import MediaKind
from channels.whatsapp.media import check_outbound_media, sanitise_filename, sniff_mime

MIB = 1024 * 1024


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("invoice.pdf", "invoice.pdf"),
        ("Ankara – ödev 3.docx", "Ankara – ödev 3.docx"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Windows\\system.ini", "system.ini"),
        ("..", "file"),
        ("", "file"),
        (".htaccess", "htaccess"),
        ("a\x00b\n.txt", "ab.txt"),
        ("photo\u202egnp.exe", "photognp.exe"),
        ('a:b*c?"d<e>|.png', "a_b_c__d_e__.png"),
        ("CON.txt", "_CON.txt"),
        ("report.pdf . ", "report.pdf"),
    ],
)
def test_a_file_name_is_one_harmless_component(name: str, safe: str) -> None:
    assert sanitise_filename(name) == safe


def test_a_long_file_name_keeps_its_extension() -> None:
    safe = sanitise_filename("é" * 500 + ".pdf")

    assert safe.endswith("é.pdf")
    assert len(safe.encode()) <= 200


@given(st.text(st.characters()))
def test_any_file_name_can_be_used(name: str) -> None:
    safe = sanitise_filename(name)

    assert 1 <= len(safe.encode()) <= 201
    assert not set(safe) & set('\\/:*?"<>|\x00\n')
    assert not safe.startswith(".")
    assert sanitise_filename(safe) == safe


@pytest.mark.parametrize(
    ("head", "mime_type"),
    [
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n\x00", "image/png"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"GIF89a", "image/gif"),
        (b"OggS\x00\x02", "audio/ogg"),
        (b"#!AMR\n", "audio/amr"),
        (b"ID3\x04", "audio/mpeg"),
        (b"\xff\xfb\x90\x00", "audio/mpeg"),
        (b"\xff\xf1\x50\x80", "audio/aac"),
        (b"\x00\x00\x00\x20ftypM4A ", "audio/mp4"),
        (b"\x00\x00\x00\x20ftypisom", "video/mp4"),
        (b"\x00\x00\x00\x20ftyp3gp5", "video/3gpp"),
        (b"\x00\x00\x00\x20ftypheic", "image/heic"),
        (b"%PDF-1.7", "application/pdf"),
        (b"PK\x03\x04....word/document.xml", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        (b"PK\x03\x04....xl/workbook.xml", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        (b"PK\x03\x04....readme.txt", "application/zip"),
        (b"  <!DOCTYPE html><html>", "text/html"),
        (b"<svg xmlns=''>", "text/html"),
        (b"MZ\x90\x00", "application/vnd.microsoft.portable-executable"),
        (b"Habari ya asubuhi", None),
        (b"", None),
    ],
)
def test_the_first_bytes_tell_the_type(head: bytes, mime_type: str | None) -> None:
    assert sniff_mime(head) == mime_type


@pytest.mark.parametrize(
    ("kind", "mime_type", "largest"),
    [
        (MediaKind.IMAGE, "image/png", 5 * MIB),
        (MediaKind.VIDEO, "video/mp4", 16 * MIB),
        (MediaKind.AUDIO, "audio/ogg; codecs=opus", 16 * MIB),
        (MediaKind.VOICE, "audio/ogg", 512 * 1024),
        (MediaKind.DOCUMENT, "application/x-anything", 100 * MIB),
        (MediaKind.STICKER, "image/webp", 500 * 1024),
    ],
)
def test_a_file_is_taken_up_to_its_limit(kind: MediaKind, mime_type: str, largest: int) -> None:
    assert check_outbound_media(kind, mime_type, largest) == []
    assert [problem.field for problem in check_outbound_media(kind, mime_type, largest + 1)] == ["size_bytes"]
    assert [problem.field for problem in check_outbound_media(kind, mime_type, 0)] == ["size_bytes"]


@pytest.mark.parametrize(
    ("kind", "mime_type"),
    [
        (MediaKind.IMAGE, "image/webp"),
        (MediaKind.VIDEO, "video/webm"),
        (MediaKind.STICKER, "image/png"),
        (MediaKind.VOICE, "audio/mpeg"),
        (MediaKind.IMAGE, ""),
    ],
)
def test_a_type_that_whatsapp_does_not_take_is_named(kind: MediaKind, mime_type: str) -> None:
    problems = check_outbound_media(kind, mime_type, 1000)

    assert [problem.field for problem in problems] == ["mime_type"]
    assert kind.value in problems[0].message
