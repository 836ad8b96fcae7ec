"""A file as somebody brings it -> its title and Markdown. Markdown, text, PDF and a web page saved as a file."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import dataclass

from bot.errors import ChatNationError

__all__ = ["MAX_BYTES", "Document", "Unsupported", "read", "type_of"]

MAX_BYTES = 20 * 1024 * 1024
MAX_CHARS = 2_000_000  # some 700 pages; more is a library, not an answer
_TYPES = {
    ".md": "text/markdown",
    ".markdown": "text/markdown",
    ".txt": "text/plain",
    ".pdf": "application/pdf",
    ".html": "text/html",
    ".htm": "text/html",
}
_HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*\s*$", re.MULTILINE)


class Unsupported(ChatNationError):
    """The file cannot be read as knowledge; the message says why, for the person who brought it."""


@dataclass(frozen=True, slots=True)
class Document:
    title: str
    markdown: str


def type_of(name: str) -> str:
    """
    Raises:
        Unsupported: no file of a kind we read.
    """
    for ending, mime_type in _TYPES.items():
        if name.lower().endswith(ending):
            return mime_type
    raise Unsupported(f"{name}: bring Markdown, text, PDF or a web page saved as HTML")


def read(data: bytes, mime_type: str, *, name: str) -> Document:
    """`name` is the file's, for messages, and the title of a file that says none.

    Raises:
        Unsupported: of another type, damaged, locked, or without any text (a scanned PDF).
    """
    if len(data) > MAX_BYTES:
        raise Unsupported(f"{name} has {len(data) // 1024 // 1024} MB; allowed are {MAX_BYTES // 1024 // 1024}")
    reader = _READERS.get(mime_type.partition(";")[0].strip())
    if reader is None:
        raise Unsupported(f"{name} is of type {mime_type}; bring Markdown, text, PDF or HTML")
    title, markdown = reader(data, name)
    markdown = markdown.replace("\x00", "").strip()[:MAX_CHARS]
    if not markdown:
        raise Unsupported(f"{name} has no text in it; a scanned document has to be recognised (OCR) first")
    if not title:
        heading = _HEADING.search(markdown)
        title = heading.group(1) if heading else name.rsplit("/", 1)[-1].rsplit(".", 1)[0]
    return Document(" ".join(title.split())[:300], markdown)


def _text(data: bytes, name: str) -> tuple[str, str]:
    try:
        return "", data.decode("utf-8-sig")
    except UnicodeDecodeError as e:
        line = data[: e.start].count(b"\n") + 1
        raise Unsupported(f"{name}:{line}:1 is not UTF-8 text; save it as UTF-8") from e


def _html(data: bytes, name: str) -> tuple[str, str]:
    from bs4 import BeautifulSoup  # only where documents are taken in
    from markdownify import MarkdownConverter

    page = BeautifulSoup(data, "html.parser")
    title = page.title.get_text(" ", strip=True) if page.title else ""
    for tag in page(["script", "style", "noscript", "template", "nav", "footer", "aside", "form", "svg"]):
        tag.decompose()
    body = page.find("main") or page.find("article") or page.body or page
    return title, str(MarkdownConverter(heading_style="ATX", strip=["img", "a"]).convert_soup(body))


def _pdf(data: bytes, name: str) -> tuple[str, str]:
    from pypdf import PdfReader  # only where documents are taken in
    from pypdf.errors import PyPdfError

    try:
        reader = PdfReader(io.BytesIO(data))
        if reader.is_encrypted and not reader.decrypt(""):
            raise Unsupported(f"{name} is locked with a password; save it without")
        pages = [page.extract_text() for page in reader.pages]
        title = (reader.metadata.title or "") if reader.metadata else ""
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as e:
        raise Unsupported(f"{name} cannot be read as PDF ({type(e).__name__}); save it again and retry") from e
    return str(title), "\n\n".join(_unwrapped(page) for page in pages)


def _unwrapped(page: str) -> str:
    """Lines of a paragraph put together again: a PDF ends them where its column does."""
    return re.sub(r"(?<![.!?:\n])\n(?=[^\n\-•*\d])", " ", page)


_READERS: dict[str, Callable[[bytes, str], tuple[str, str]]] = {
    "text/markdown": _text,
    "text/plain": _text,
    "text/html": _html,
    "application/pdf": _pdf,
}
