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

__all__ = ["ShelfPassage", "shelf_of"]

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


def _of_skill(skill: str, folder: Path) -> Iterable[ShelfPassage]:
    for path in sorted(folder.rglob("*.md")):
        try:
            document = read(path.read_bytes(), "text/markdown", name=str(path))
        except (Unsupported, OSError) as e:
            log.error("knowledge of a skill left out", extra={"skill": skill, "problem": str(e)})
            continue
        for each in cut(document.markdown):
            yield ShelfPassage(skill, document.title, each.heading, each.text, _locale_of(path, folder))


def _locale_of(path: Path, folder: Path) -> str:
    parts = (*path.relative_to(folder).parts[:-1], path.stem.rpartition(".")[2] if "." in path.stem else "")
    return next((part for part in parts if _LOCALE.match(part)), "")
