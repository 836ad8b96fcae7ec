"""An organization's colour, made fit for both themes: text on it and in it keeps a contrast of 4.5 (WCAG 2.2 AA)."""

from __future__ import annotations

import colorsys
import re

__all__ = ["AA", "accent_css", "contrast", "is_colour"]

AA = 4.5
LIGHT_PAPER, DARK_PANEL = "#f7f6f3", "#191c1e"


def is_colour(text: str) -> bool:
    return re.fullmatch(r"#[0-9a-fA-F]{6}", text) is not None


def accent_css(colour: str) -> str:
    """The tokens that follow from it; "" for what is no colour."""
    if not is_colour(colour):
        return ""
    light, dark = _towards(colour, LIGHT_PAPER, darker=True), _towards(colour, DARK_PANEL, darker=False)
    return (
        f":root{{{_tokens(light, '#ffffff', 'black')}--accent-soft:color-mix(in srgb,{light} 12%,#fff);}}"
        f"html[data-theme=dark]{{{_tokens(dark, '#0b0f10', 'white')}--accent-soft:color-mix(in srgb,{dark} 20%,{DARK_PANEL});}}"
    )


def _tokens(accent: str, on: str, towards: str) -> str:
    stronger = f"color-mix(in srgb,{accent} 82%,{towards})"
    return f"--accent:{accent};--on-accent:{on};--accent-hover:{stronger};--accent-ink:{stronger};--chart-1:{accent};"


def _towards(colour: str, ground: str, *, darker: bool) -> str:
    hue, light, saturation = colorsys.rgb_to_hls(*_rgb(colour))
    while contrast(colour, ground) < AA + 0.6:  # black and white are far enough from either ground
        light = max(0.0, light - 0.02) if darker else min(1.0, light + 0.02)
        colour = _hex(colorsys.hls_to_rgb(hue, light, saturation))
    return colour


def contrast(one: str, other: str) -> float:
    """WCAG's ratio, from 1 to 21."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    red, green, blue = (each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in _rgb(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _rgb(colour: str) -> tuple[float, float, float]:
    return int(colour[1:3], 16) / 255, int(colour[3:5], 16) / 255, int(colour[5:7], 16) / 255


def _hex(rgb: tuple[float, float, float]) -> str:
    return "#" + "".join(f"{round(each * 255):02x}" for each in rgb)
