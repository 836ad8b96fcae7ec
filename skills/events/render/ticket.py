"""Draws a ticket: 1080 x 1350 JPEG, the QR code large enough to be read from a cracked screen in the sun."""

from __future__ import annotations

import io
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from typing import Any

import pyvips
import segno

from skills.events.render.coverage import drawable
from skills.events.render.fonts import FAMILY, load_fonts

__all__ = ["TicketFace", "draw_ticket"]

Image = Any  # pyvips brings no types

WIDTH, HEIGHT = 1080, 1350
CARD = (60, 150, 960, 1120)  # left, top, width, height
MARGIN = 64  # from the card's edge to its text
TEAR = 680  # where the dashed line runs
QR_SIZE = 500  # with its quiet zone, which reaches into the margin
QR_BORDER = 4  # quiet zone in modules (ISO/IEC 18004)
QUALITY = 88

INK, FAINT, ACCENT = "#0f172a", "#64748b", "#0f766e"
ELLIPSIS = "…"


@dataclass(frozen=True, slots=True)
class TicketFace:
    """What stands on a ticket. All of it is text as people wrote it; the labels are in the holder's language."""

    organization: str
    title: str
    date: str
    time: str
    venue: str
    holder: str
    ticket_type: str
    code: str
    qr: str
    labels: tuple[str, str, str, str, str, str]  # date, time, venue, name, ticket, code
    footer: str


def draw_ticket(face: TicketFace) -> bytes:
    """A JPEG of about 120 kB, in about 50 ms once warm. Too long a text shrinks, then loses its end to an ellipsis."""
    load_fonts()
    left, inner = CARD[0] + MARGIN, CARD[2] - 2 * MARGIN
    layers: list[tuple[Image, int, int]] = []

    def write(image: Image, x: int, y: int) -> int:
        layers.append((image, x, y))
        return y + int(image.height)

    write(_fitted(face.organization, "SemiBold", (34, 28, 24), "#ffffff", width=CARD[2], lines=1), CARD[0], 74)
    bottom = write(_fitted(face.title, "Bold", (62, 54, 46, 40), INK, width=inner, lines=3), left, CARD[1] + 72)
    y = max(bottom + 54, 420)
    half = inner // 2
    for index, value in enumerate((face.date, face.time)):
        x = left + index * (half + 90)
        write(_label(face.labels[index]), x, y)
        write(
            _fitted(value, "SemiBold", (33, 29, 25), INK, width=half + (60 if index == 0 else -90), lines=1), x, y + 36
        )
    write(_label(face.labels[2]), left, y + 106)
    write(_fitted(face.venue, "SemiBold", (33, 29, 25), INK, width=inner, lines=1), left, y + 142)

    code, quiet = _qr(face.qr)
    top = (TEAR + CARD[1] + CARD[3] - code.height) // 2
    x = left + code.width - 2 * quiet + 56
    width = CARD[0] + CARD[2] - MARGIN - x
    y = write(_label(face.labels[3]), x, top + quiet)
    y = write(_fitted(face.holder, "SemiBold", (36, 31, 27), INK, width=width, lines=2), x, y + 14)
    y = write(_label(face.labels[4]), x, y + 44)
    y = write(_fitted(face.ticket_type, "SemiBold", (33, 28, 25), ACCENT, width=width, lines=2), x, y + 14)
    y = write(_label(face.labels[5]), x, y + 44)
    write(_text(face.code, "Bold", 42, INK), x, y + 16)
    write(_fitted(face.footer, "Regular", (25, 22, 20), "#d1fae5", width=CARD[2], lines=1), CARD[0], HEIGHT - 60)

    ground = _ground().insert(code, left - quiet, top)
    picture = ground.composite(
        [layer for layer, _, _ in layers], "over", x=[x for _, x, _ in layers], y=[y for _, _, y in layers]
    )
    jpeg: bytes = picture.flatten().write_to_buffer(".jpg", Q=QUALITY, subsample_mode="off", strip=True)
    return jpeg


@lru_cache(maxsize=1)
def _ground() -> Image:
    """All that is the same on every ticket, drawn once: gradient, card with its two notches, the dashed line."""
    x, y, width, height = CARD
    svg = f"""<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}">
    <defs>
      <linearGradient id="sky" x1="0" y1="0" x2="1" y2="1">
        <stop offset="0" stop-color="#0f766e"/><stop offset="0.55" stop-color="#115e59"/><stop offset="1" stop-color="#1e3a8a"/>
      </linearGradient>
      <linearGradient id="ribbon" x1="0" y1="0" x2="1" y2="0">
        <stop offset="0" stop-color="#f59e0b"/><stop offset="0.5" stop-color="#ef4444"/><stop offset="1" stop-color="#8b5cf6"/>
      </linearGradient>
      <mask id="torn">
        <rect x="{x}" y="{y}" width="{width}" height="{height}" rx="44" fill="#fff"/>
        <circle cx="{x}" cy="{TEAR}" r="30" fill="#000"/><circle cx="{x + width}" cy="{TEAR}" r="30" fill="#000"/>
      </mask>
    </defs>
    <rect width="{WIDTH}" height="{HEIGHT}" fill="url(#sky)"/>
    <circle cx="{WIDTH - 90}" cy="40" r="260" fill="#fff" fill-opacity=".06"/>
    <circle cx="80" cy="{HEIGHT - 60}" r="220" fill="#fff" fill-opacity=".05"/>
    <g mask="url(#torn)">
      <rect x="{x}" y="{y}" width="{width}" height="{height}" fill="#fff"/>
      <rect x="{x}" y="{y}" width="{width}" height="16" fill="url(#ribbon)"/>
    </g>
    <line x1="{x + 60}" y1="{TEAR}" x2="{x + width - 60}" y2="{TEAR}" stroke="#cbd5e1" stroke-width="4"
          stroke-dasharray="2 16" stroke-linecap="round"/>
    </svg>"""
    return pyvips.Image.svgload_buffer(svg.encode())[0:3].copy(interpretation="srgb").copy_memory()


def _qr(content: str) -> tuple[Image, int]:
    """The code with its quiet zone, and how wide that is. Whole pixels per module, so that no edge is blurred."""
    code = segno.make(content, error="m", micro=False)
    scale = max(1, QR_SIZE // int(code.symbol_size(scale=1, border=QR_BORDER)[0]))
    png = io.BytesIO()
    code.save(png, kind="png", scale=scale, border=QR_BORDER)
    return pyvips.Image.new_from_buffer(png.getvalue(), "").colourspace("srgb")[0:3], QR_BORDER * scale


def _label(text: str) -> Image:
    return _text(text.upper(), "SemiBold", 21, FAINT)


def _fitted(text: str, weight: str, sizes: tuple[int, ...], colour: str, *, width: int, lines: int) -> Image:
    """The largest size at which `text` keeps within `lines`; else the smallest with the end cut off."""
    clean = _printable(text)
    for size in sizes:
        image = _text(clean, weight, size, colour, width=width)
        if _fits(image, size, width, lines):
            return image
    size, low, high = sizes[-1], 1, len(clean)
    while low < high:
        middle = (low + high + 1) // 2
        if _fits(_text(clean[:middle].rstrip() + ELLIPSIS, weight, size, colour, width=width), size, width, lines):
            low = middle
        else:
            high = middle - 1
    return _text(clean[:low].rstrip() + ELLIPSIS, weight, size, colour, width=width)


LINE_HEIGHT = 1.62  # of Poppins and of taller fallback scripts, measured: 1.5 to 1.6 times the size


def _fits(image: Image, size: int, width: int, lines: int) -> bool:
    return bool(image.width <= width and image.height <= size * LINE_HEIGHT * lines)


def _text(text: str, weight: str, size: int, colour: str, *, width: int | None = None) -> Image:
    wrapped = {"width": width, "wrap": "word-char"} if width else {}
    markup = f'<span foreground="{colour}">{escape(text or " ")}</span>'
    image = pyvips.Image.text(markup, font=f"{FAMILY} {weight} {size}", dpi=72, rgba=True, **wrapped)
    return image.copy(interpretation="srgb")


MAX_TEXT = 300  # nothing that long is legible on a ticket, and Pango must not be fed a novel


def _printable(text: str) -> str:
    """One line of what our fonts can show: no control characters, no emoji, no private or unassigned ones."""
    shown = (" " if letter.isspace() else letter for letter in unicodedata.normalize("NFC", text[: 2 * MAX_TEXT]))
    kept = "".join(each for each in shown if each == " " or unicodedata.category(each) not in _UNSHOWN)
    return drawable(" ".join(kept.split())[:MAX_TEXT])[:MAX_TEXT] or "–"


_UNSHOWN = {"Cc", "Cf", "Cn", "Co", "Cs", "So", "Sk"}
