"""What skills bring in their `knowledge/` folders: read once per process and shared by all organizations that have the skill on.

`knowledge/refunds.md` serves every language, `knowledge/sw/refunds.md` and `knowledge/refunds.sw.md` people who speak Swahili.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bot.knowledge.cut import cut
from bot.knowledge.read import Unsupported, read

__all__ = ["ShelfPassage", "passages_of", "shelf_of"]

log = logging.getLogger(__name__)

_LOCALE = re.compile(r"^[a-z]{2,3}(-[A-Z]{2})?$")


@dataclass(frozen=True, slots=True)
class ShelfPassage:
    skill: str
    title: str
    heading: str
    text: str
    locale: str


def shelf_of(folders: Mapping[str, Path]) -> list[ShelfPassage]:
    """A file that cannot be read is left out, and said: it must not stop the worker of all the others."""
    return [passage for skill, folder in folders.items() for passage in _of_skill(skill, folder / "knowledge")]


def passages_of(skill: str, files: Mapping[str, str]) -> Iterable[ShelfPassage]:
    """The same of an organization's own files: path within the skill to text."""
    for path, text in sorted(files.items()):
        locale = _locale_of(Path(path).relative_to("knowledge"))
        yield from _passages(skill, text.encode(), locale, name=f"{skill}/{path}")


def _of_skill(skill: str, folder: Path) -> Iterable[ShelfPassage]:
    for path in sorted(folder.rglob("*.md")):
        try:
            data = path.read_bytes()
        except OSError as e:
            log.error("knowledge of a skill left out", extra={"skill": skill, "problem": str(e)})
            continue
        yield from _passages(skill, data, _locale_of(path.relative_to(folder)), name=str(path))


def _passages(skill: str, data: bytes, locale: str, *, name: str) -> Iterable[ShelfPassage]:
    try:
        document = read(data, "text/markdown", name=name)
    except Unsupported as e:
        log.error("knowledge of a skill left out", extra={"skill": skill, "problem": str(e)})
        return
    for each in cut(document.markdown):
        yield ShelfPassage(skill, document.title, each.heading, each.text, locale)


def _locale_of(path: Path) -> str:
    """`path` below `knowledge/`."""
    parts = (*path.parts[:-1], path.stem.rpartition(".")[2] if "." in path.stem else "")
    return next((part for part in parts if _LOCALE.match(part)), "")
