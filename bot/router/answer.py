"""An answer from knowledge: quoted, or written by a model and held against the passages it names."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot.flows import Answer
from bot.ports import JSON, Passage

__all__ = ["ANSWER", "grounded", "quote"]

MAX_QUOTE = 700
MAX_ANSWER = 1_200
_SENTENCE = re.compile(r"(?<=[.!?])\s+")

# What must not be made up: figures, prices, dates, times; addresses of the web and of mail.
_FACT = re.compile(
    r"(?:https?://|www\.)\S+|[\w.+-]+@[\w-]+\.[\w.-]+|\b[\w-]+\.(?:com|org|net|ke|co|io|info)\b\S*|\d[\d.,:/-]*",
    re.IGNORECASE,
)

ANSWER: JSON = {
    "type": "object",
    "properties": {
        "answer": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "sources": {"type": "array", "items": {"type": "integer"}},
    },
    "required": ["answer", "sources"],
    "additionalProperties": False,
}


def quote(passage: Passage) -> Answer:
    """The passage, at most MAX_QUOTE characters, cut after a sentence."""
    text = passage.text.strip()
    if len(text) > MAX_QUOTE:
        kept = ""
        for sentence in _SENTENCE.split(text):
            if len(kept) + len(sentence) >= MAX_QUOTE:
                break
            kept = f"{kept} {sentence}".strip()
        text = kept or text[: MAX_QUOTE - 1].rstrip() + "…"
    return Answer(text, (passage.source,))


def grounded(data: JSON, passages: Sequence[Passage], question: str) -> Answer | None:
    """The written answer, with its sources; None when it names none of the passages, or a fact that they do not hold."""
    text, numbers = data.get("answer"), data.get("sources")
    if not isinstance(text, str) or not 0 < len(text.strip()) <= MAX_ANSWER or not isinstance(numbers, list):
        return None
    named = [n for n in numbers if isinstance(n, int) and not isinstance(n, bool) and 1 <= n <= len(passages)]
    used = [passages[n - 1] for n in dict.fromkeys(named)]
    if not used or not _facts(text) <= _facts(" ".join([question, *(each.text for each in used)])):
        return None
    return Answer(text.strip(), tuple(dict.fromkeys(each.source for each in used)))


def _facts(text: str) -> set[str]:
    return {_plain(found) for found in _FACT.findall(text)} - {""}


def _plain(fact: str) -> str:
    """ "1,500." is "1500"."""
    bare = fact.rstrip(".,:;!?/-)_*").casefold()
    return re.sub(r"[,\s]", "", bare) if bare[:1].isdigit() else bare
