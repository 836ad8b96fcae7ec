"""Files of an organization over those that a skill ships."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = [
    "MAX_BYTES",
    "MAX_FILES",
    "Overlay",
    "Unfit",
    "differing",
    "knowledge_over",
    "path_problem",
    "read_shipped",
    "text_problem",
]

MAX_FILES = 200
MAX_BYTES = 1_000_000  # of one overlay; our largest skill has 24 kB

_NAME = r"[A-Za-z0-9_][A-Za-z0-9_\-]*(\.[A-Za-z0-9_\-]+)*"
_DIALOGUE = re.compile(
    rf"(flows|domain|nlu)\.yml|(flows|domain|nlu)/{_NAME}\.yml|locales/[A-Za-z0-9\-]+\.yml|locales/[A-Za-z0-9\-]+/{_NAME}\.yml"
)
_KNOWLEDGE = re.compile(rf"knowledge/({_NAME}/)*{_NAME}\.(md|txt)")
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
MAX_PATH = 200


class Unfit(ValueError):
    """A file that no organization may publish. The message says which and why."""


@dataclass(frozen=True, slots=True)
class Overlay:
    """`files`: path to text, or None for a shipped file that is taken away."""

    files: Mapping[str, str | None]

    @property
    def content_hash(self) -> str:
        return _digest(self.files)

    @property
    def dialogue_hash(self) -> str:
        """Of what the engine reads; empty when that is as shipped. Two organizations with the same texts share it."""
        files = {path: text for path, text in self.files.items() if _DIALOGUE.fullmatch(path)}
        return _digest(files) if files else ""

    def over(self, shipped: Mapping[str, str]) -> dict[str, str]:
        merged: dict[str, str | None] = {**shipped, **self.files}
        return {path: text for path, text in merged.items() if text is not None}


def differing(files: Mapping[str, str | None], shipped: Mapping[str, str]) -> dict[str, str | None]:
    """Only what differs from what is shipped."""
    return {path: text for path, text in sorted(files.items()) if text != shipped.get(path)}


def path_problem(path: str) -> str | None:
    """Why this path cannot be written, or None."""
    if len(path) > MAX_PATH:
        return f"longer than {MAX_PATH} characters"
    if _DIALOGUE.fullmatch(path) or _KNOWLEDGE.fullmatch(path):
        return None
    return "an organization writes flows, domain, nlu and locales (.yml), and knowledge (.md, .txt)"


def text_problem(text: str) -> str | None:
    """Why this text cannot be kept, or None; with the line."""
    if found := _UNWRITABLE.search(text):
        return f"line {text.count(chr(10), 0, found.start()) + 1} has a control character (U+{ord(found.group()):04X})"
    return None


def read_shipped(folder: Path, dialogue: Mapping[str, str]) -> dict[str, str]:
    """The files of a skill that can be written over: `dialogue` as it was loaded, and its knowledge."""
    files = dict(dialogue)
    for path in sorted((folder / "knowledge").rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_file() and _KNOWLEDGE.fullmatch(name):
            files[name] = path.read_text("utf-8", "replace")
    return files


def knowledge_over(folder: Path, overlay: Overlay) -> dict[str, str]:
    """path -> text of the knowledge that counts: as shipped in the skill's folder, with the overlay's over it."""
    files = overlay.over(read_shipped(folder, {}))
    return {path: text for path, text in files.items() if _KNOWLEDGE.fullmatch(path)}


def _digest(files: Mapping[str, str | None]) -> str:
    digest = hashlib.sha256()
    for path in sorted(files):
        text = files[path]
        for part in (path, "-" if text is None else f"={text}"):
            encoded = part.encode("utf-8", "surrogatepass")
            digest.update(f"{len(encoded)}:".encode() + encoded)
    return digest.hexdigest()
