"""Markdown -> passages: small enough to be read in a chat, whole enough to answer."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["MAX_CHARS", "Cut", "cut"]

MAX_CHARS = 900  # a screen of WhatsApp on a phone; an embedding of e5 sees 512 tokens
MIN_CHARS = 60  # a shorter one joins the next under the same heading

_HEADING = re.compile(r"^(#{1,6})\s+(.+?)\s*#*\s*$")
_FENCE = re.compile(r"^\s*(```|~~~)")
# Within a paragraph; not after a line that asks for its break, nor before what is a line of its own: lists, tables, quotes, code.
_WRAP = re.compile(r"(?<! {2})(?<!\\)\n(?! {4}|\t|\s*(?:[-*+•|>#~`]|\d+[.)]|$)) {0,3}")
_SENTENCE = re.compile(r"(?<=[.!?…])\s+")


@dataclass(frozen=True, slots=True)
class Cut:
    """`heading` is the path of headings above the text, "Tickets > Refunds"."""

    heading: str
    text: str


def cut(markdown: str) -> list[Cut]:
    """In the order of the document. No word is lost but the headings, which stand in `heading`."""
    passages: list[Cut] = []
    for heading, paragraphs in _sections(markdown):
        passages += [Cut(heading, text) for text in _packed(paragraphs)]
    return passages


def _sections(markdown: str) -> list[tuple[str, list[str]]]:
    sections: list[tuple[str, list[str]]] = []
    path: list[tuple[int, str]] = []
    lines: list[str] = []
    in_code = False

    def close() -> None:
        paragraphs = [p for p in re.split(r"\n\s*\n", "\n".join(lines)) if p.strip()]
        if paragraphs:
            sections.append((" > ".join(title for _, title in path), [_flowing(p.strip("\n")) for p in paragraphs]))
        lines.clear()

    for line in markdown.splitlines():
        if _FENCE.match(line):
            in_code = not in_code
        found = None if in_code else _HEADING.match(line)
        if found is None:
            lines.append(line)
            continue
        close()
        level = len(found.group(1))
        path = [each for each in path if each[0] < level]
        path.append((level, found.group(2)))
    close()
    return sections


def _flowing(paragraph: str) -> str:
    """On one line, as Markdown means it: a chat shows every line break that stands in the file."""
    if _FENCE.search(paragraph):
        return paragraph
    return _WRAP.sub(" ", paragraph)


def _packed(paragraphs: list[str]) -> list[str]:
    """Paragraphs put together up to MAX_CHARS; one that is longer is cut between sentences, and a sentence between words."""
    packed: list[str] = []
    for piece in (piece for paragraph in paragraphs for piece in _pieces(paragraph)):
        if packed and (len(packed[-1]) + len(piece) + 2 <= MAX_CHARS or len(piece) < MIN_CHARS):
            packed[-1] = f"{packed[-1]}\n\n{piece}"
        else:
            packed.append(piece)
    return packed


def _pieces(paragraph: str) -> list[str]:
    if len(paragraph) <= MAX_CHARS:
        return [paragraph]
    pieces = [""]
    for sentence in _SENTENCE.split(paragraph):
        for part in _words(sentence):
            joined = f"{pieces[-1]} {part}".strip()
            if len(joined) <= MAX_CHARS:
                pieces[-1] = joined
            else:
                pieces.append(part)
    return [piece for piece in pieces if piece]


def _words(sentence: str) -> list[str]:
    parts = [""]
    for word in sentence.split():
        for chunk in (word[i : i + MAX_CHARS] for i in range(0, len(word), MAX_CHARS)):
            joined = f"{parts[-1]} {chunk}".strip()
            if len(joined) <= MAX_CHARS:
                parts[-1] = joined
            else:
                parts.append(chunk)
    return parts
