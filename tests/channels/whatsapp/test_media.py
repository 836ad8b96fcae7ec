"""Names hide nothing; what WhatsApp refuses is known before the upload."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.messages import MediaKind
from channels.whatsapp.media import check_outbound_media, sanitise_filename

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
