"""Files become passages: nothing of the text is lost, and a file that cannot be read is said to be one, and why."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.knowledge import Unsupported, cut, read
from bot.knowledge.cut import MAX_CHARS
from bot.knowledge.read import type_of

PAGE = b"""<html><head><title>Getting there</title><style>p{}</style></head><body><nav>Home</nav><main>
<h1>By bus</h1><p>Route <b>23</b> stops at the gate.</p><h2>At night</h2><p>Take a taxi.</p></main><script>x()</script></body></html>"""


def test_markdown_is_cut_at_its_headings_and_each_passage_knows_where_it_stood() -> None:
    passages = cut("Before.\n\n# A\n\nOne.\n\n## B\n\nTwo.\n\n# C\n\n```\n# no heading\n```\n")
    assert [(each.heading, each.text) for each in passages] == [
        ("", "Before."),
        ("A", "One."),
        ("A > B", "Two."),
        ("C", "```\n# no heading\n```"),
    ]


def test_a_wrapped_paragraph_is_one_line_and_a_list_keeps_its_lines() -> None:
    [passage] = cut("One\ntwo.\n\n- a\n  b\n- c\n\nd  \ne\n")
    assert passage.text == "One two.\n\n- a b\n- c\n\nd  \ne"


@given(st.lists(st.text(alphabet="ab .!\n#", max_size=1500), max_size=4))
def test_no_word_is_lost_and_no_passage_is_longer_than_a_screen(paragraphs: list[str]) -> None:
    markdown = "\n\n".join(paragraphs)
    passages = cut(markdown)
    kept = "".join("".join(each.text.split()) for each in passages)
    headings = [line for line in markdown.splitlines() if line.startswith("#") and line.lstrip("#").startswith(" ")]
    if not headings:
        assert kept == "".join(markdown.split())
    assert all(len(each.text) <= MAX_CHARS + 62 for each in passages)


def test_a_web_page_is_read_without_its_frame() -> None:
    document = read(PAGE, "text/html", name="there.html")
    assert document.title == "Getting there"
    assert [(each.heading, each.text) for each in cut(document.markdown)] == [
        ("By bus", "Route **23** stops at the gate."),
        ("By bus > At night", "Take a taxi."),
    ]


def test_a_pdf_is_read() -> None:
    document = read(_pdf("Parking is free for guests."), "application/pdf", name="house rules.pdf")
    assert document.title == "house rules"
    assert "Parking is free for guests." in document.markdown


@pytest.mark.parametrize(
    ("data", "mime_type", "said"),
    [
        (b"%PDF-1.7 torn", "application/pdf", "notes cannot be read as PDF"),
        (b"one\ntwo \xff", "text/plain", "notes:2:1 is not UTF-8 text"),
        (b"  \n", "text/markdown", "notes has no text in it"),
        (b"GIF89a", "image/gif", "notes is of type image/gif"),
        (b"x" * (20 * 1024 * 1024 + 1), "text/plain", "notes has 20 MB; allowed are 20"),
    ],
)
def test_what_cannot_be_read_is_said_with_the_reason(data: bytes, mime_type: str, said: str) -> None:
    with pytest.raises(Unsupported, match=said):
        read(data, mime_type, name="notes")


def test_a_scan_without_text_says_what_to_do() -> None:
    with pytest.raises(Unsupported, match="OCR"):
        read(_pdf(""), "application/pdf", name="scan.pdf")


def test_the_kind_is_told_by_the_files_name() -> None:
    assert type_of("a/B.PDF") == "application/pdf"
    with pytest.raises(Unsupported, match=r"sheet.xlsx: bring Markdown"):
        type_of("sheet.xlsx")


def _pdf(text: str) -> bytes:
    """The smallest PDF with one line of text."""
    stream = f"BT /F1 12 Tf 72 720 Td ({text}) Tj ET".encode()
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    out, places = io.BytesIO(), []
    out.write(b"%PDF-1.4\n")
    for number, body in enumerate(objects, start=1):
        places.append(out.tell())
        out.write(b"%d 0 obj\n%s\nendobj\n" % (number, body))
    start = out.tell()
    out.write(b"xref\n0 6\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % place for place in places))
    out.write(b"trailer << /Root 1 0 R /Size 6 >>\nstartxref\n%d\n%%%%EOF" % start)
    return out.getvalue()
