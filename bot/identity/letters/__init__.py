"""What we write to people, in their language: `en.yml`, `sw.yml`. A paragraph a line; `button` is the link's."""

from __future__ import annotations

import functools
import html
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from bot.ports import Letter

__all__ = ["LOCALES", "role_name", "write"]

LOCALES = ("en", "sw")

_PAGE = """<!doctype html><html lang="{locale}"><body style="margin:0;background:#f4f5f7;padding:24px;font-family:system-ui,-apple-system,'Segoe UI',\
Roboto,sans-serif;color:#1f2430;line-height:1.5"><div style="max-width:520px;margin:auto;background:#fff;border-radius:12px;padding:32px">\
{paragraphs}{button}<p style="margin:24px 0 0;font-size:13px;color:#5b6270">{footer}</p></div></body></html>"""
_BUTTON = """<p style="margin:24px 0"><a href="{link}" style="background:#0b6b53;color:#fff;text-decoration:none;padding:12px 20px;\
border-radius:8px;display:inline-block;font-weight:600">{label}</a></p>"""


def write(kind: str, to: str, locale: str, *, link: str = "", **values: str) -> Letter:
    """
    Args:
        kind: a key of the files: invitation, reset, verify ...
        locale: another than ours: English.
    """
    words = _words(locale if locale in LOCALES else "en")
    found = words[kind]
    subject, body = found["subject"].format(**values), found["text"].format(**values).strip().split("\n")
    footer = found.get("footer", words["footer"])
    label = found.get("button", "").format(**values)
    text = "\n\n".join([*body, *([f"{label}: {link}"] if link else []), "-- ", footer])
    page = _PAGE.format(
        locale=locale if locale in LOCALES else "en",
        paragraphs="".join(f'<p style="margin:0 0 12px">{html.escape(each)}</p>' for each in body if each.strip()),
        button=_BUTTON.format(link=html.escape(link), label=html.escape(label)) if link else "",
        footer=html.escape(footer),
    )
    return Letter(to, subject, text, page)


@functools.cache
def _words(locale: str) -> dict[str, Any]:
    found: dict[str, Any] = YAML(typ="safe").load((Path(__file__).parent / f"{locale}.yml").read_text())
    return found


def role_name(role: str, locale: str) -> str:
    found: str = _words(locale if locale in LOCALES else "en")["roles"].get(role, role)
    return found
