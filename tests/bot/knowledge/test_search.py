"""A question finds what answers it, in the person's language, in one's own organization only; what nothing answers stays unanswered."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Literal
from uuid import UUID

import pytest

from bot.embedding.local import LocalEmbedder
from bot.errors import Retryable
from bot.knowledge import KnowledgeStore
from bot.knowledge.evaluate import BadGolden, evaluate, read_golden
from bot.knowledge.shelf import shelf_of
from bot.ports import Embedder
from store import knowledge as rows
from store.db import execute, fetch
from store.tenancy import organization_scope
from tests.scheduler.world import new_organization
from tests.support.database import Database

PROJECT = Path(__file__).parents[3]
DEMO = PROJECT / "bot" / "demo" / "knowledge" / "savanna"
SKILLS = {name: PROJECT / "skills" / name for name in ("events", "assistant")}


class Switchable(LocalEmbedder):
    """The model that comes with the product; it can be away."""

    is_away = False

    async def embed(
        self, texts: Sequence[str], *, background: bool = False, kind: Literal["query", "passage"] = "query"
    ) -> list[list[float]]:
        if self.is_away:
            raise Retryable("away")
        return await super().embed(texts, background=background, kind=kind)


class Held:
    """Answers when it may."""

    model = "held"
    dimension = 2

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.asked = 0

    async def embed(
        self, texts: Sequence[str], *, background: bool = False, kind: Literal["query", "passage"] = "query"
    ) -> list[list[float]]:
        self.asked += 1
        await self.go.wait()
        return [[1.0, float(len(text) % 7)] for text in texts]

    async def close(self) -> None:
        self.go.set()


async def _both(organization_id: UUID) -> Sequence[str]:
    return ("events", "assistant")


def opened(embedder: Embedder | None, *, timeout_s: float | None = None) -> KnowledgeStore:
    return KnowledgeStore(embedder, timeout_s=timeout_s, enabled=_both, folders=SKILLS)


async def put_demo(knowledge: KnowledgeStore, organization_id: UUID) -> None:
    for path, locale in ((DEMO / "visiting.md", "en"), (DEMO / "visiting.sw.md", "sw")):
        await knowledge.put(
            organization_id, path.read_bytes(), "text/markdown", base="faq", source=path.name, locale=locale
        )
    await knowledge.embed(organization_id)


async def test_the_golden_questions_of_the_demo(database: Database) -> None:
    organization_id, knowledge = await new_organization(), opened(Switchable())
    await put_demo(knowledge, organization_id)
    report = await evaluate(knowledge, organization_id, read_golden(DEMO / "golden.yml"))
    assert report.recall(5) >= 0.95
    assert report.answered >= 0.75
    assert report.left_alone >= 0.95


async def test_golden_questions_that_nothing_was_fitted_on(database: Database) -> None:
    organization_id, knowledge = await new_organization(), opened(Switchable())
    await put_demo(knowledge, organization_id)
    report = await evaluate(knowledge, organization_id, read_golden(DEMO / "golden-test.yml"))
    assert report.recall(5) >= 0.95
    assert report.answered >= 0.6
    assert report.left_alone >= 0.9


async def test_without_embeddings_words_find_most_and_still_leave_the_rest_alone(database: Database) -> None:
    organization_id, knowledge = await new_organization(), opened(None)
    await put_demo(knowledge, organization_id)
    report = await evaluate(knowledge, organization_id, read_golden(DEMO / "golden.yml"))
    assert report.recall(5) >= 0.8
    assert report.left_alone >= 0.95
    unseen = await evaluate(knowledge, organization_id, read_golden(DEMO / "golden-test.yml"))
    assert unseen.recall(5) >= 0.65
    assert unseen.left_alone >= 0.85


async def test_an_embedder_that_is_away_leaves_the_words(database: Database) -> None:
    organization_id, embedder = await new_organization(), Switchable()
    knowledge = opened(embedder)
    await put_demo(knowledge, organization_id)
    embedder.is_away = True
    [best, *_] = await knowledge.search(organization_id, "is there parking", locale="en")
    assert best.source == "Visiting our events, Parking"


async def test_a_question_waits_so_long_for_its_meaning_and_what_was_begun_is_finished(database: Database) -> None:
    organization_id, embedder = await new_organization(), Held()
    await put_demo(opened(None), organization_id)
    knowledge = opened(embedder, timeout_s=0.05)
    for _ in range(2):
        [best, *_] = await knowledge.search(organization_id, "is there parking", locale="en")
        assert best.source == "Visiting our events, Parking"
    assert embedder.asked == 1
    embedder.go.set()
    for _ in range(200):
        rated = await knowledge.rated(organization_id, "is there parking")
        if any(each.meaning is not None for each in rated):
            return
        await asyncio.sleep(0.05)
    raise AssertionError("still searched by words alone")


async def test_a_misspelt_word_is_found_by_its_likeness(database: Database) -> None:
    organization_id = await new_organization()
    knowledge = opened(None)
    await put_demo(knowledge, organization_id)
    with organization_scope(organization_id):
        found = await rows.candidates(
            organization_id, ["wheelchare"], "wheelchare access", model="", vector=None, skill="nothing of a skill"
        )
        assert found == []
        found = await rows.candidates(
            organization_id, ["interpretters"], "interpretters", model="", vector=None, skill=""
        )
    assert any("interpreters" in each.text for each in found)


async def test_two_endings_of_a_word_are_one_word(database: Database) -> None:
    organization_id, knowledge = await new_organization(), opened(None)
    await put_demo(knowledge, organization_id)
    [best, *_] = await knowledge.search(organization_id, "recorded")
    assert best.source == "Visiting our events, Slides and recordings"
    assert "Should we cancel an event" in (await knowledge.search(organization_id, "cancelled events"))[0].text


async def test_the_same_question_in_two_languages_is_answered_in_each(database: Database) -> None:
    organization_id, knowledge = await new_organization(), opened(Switchable())
    await put_demo(knowledge, organization_id)
    [english, *_] = await knowledge.search(organization_id, "parking", locale="en")
    [swahili, *_] = await knowledge.search(organization_id, "maegesho", locale="sw-KE")
    assert "The first hour is free" in english.text
    assert "Saa ya kwanza ni bure" in swahili.text


async def test_nothing_of_another_organization_is_found(database: Database) -> None:
    ours, theirs = await new_organization(), await new_organization()
    knowledge = opened(Switchable())
    await knowledge.put(
        theirs, b"# Secret\n\nThe password of the safe is mango.", "text/markdown", base="x", source="s"
    )
    await knowledge.embed(theirs)
    assert [each.skill for each in await knowledge.search(ours, "What is the password of the safe?")] == []
    assert "mango" in (await knowledge.search(theirs, "What is the password of the safe?"))[0].text
    with organization_scope(ours):
        assert await rows.documents("") == []
        asked = {"model": "", "vector": None, "skill": ""}
        assert await rows.candidates(theirs, ["password"], "password", **asked) == []


async def test_a_skill_that_is_off_answers_nothing(database: Database) -> None:
    async def none(organization_id: UUID) -> Sequence[str]:
        return ()

    knowledge = KnowledgeStore(Switchable(), enabled=none, folders=SKILLS)
    assert await knowledge.search(await new_organization(), "Can I print my ticket?") == []


async def test_a_document_comes_in_place_of_the_earlier_one_and_the_same_changes_nothing(database: Database) -> None:
    organization_id, knowledge = await new_organization(), opened(None)

    async def put(text: str) -> bool:
        return await knowledge.put(organization_id, text.encode(), "text/plain", base="faq", source="rules.txt")

    assert await put("Dogs are welcome.")
    assert not await put("Dogs are welcome.")
    assert await put("Dogs must stay outside.")
    found = await knowledge.search(organization_id, "are dogs welcome")
    assert [each.text for each in found] == ["Dogs must stay outside."]
    with organization_scope(organization_id):
        assert await rows.remove_document("faq", "rules.txt")
        assert not await rows.remove_document("faq", "rules.txt")
    assert await knowledge.search(organization_id, "are dogs welcome") == []


async def test_an_interrupted_embedding_goes_on_where_it_was(database: Database) -> None:
    organization_id, embedder = await new_organization(), Switchable()
    knowledge = opened(embedder)
    await knowledge.put(
        organization_id, DEMO.joinpath("visiting.md").read_bytes(), "text/markdown", base="a", source="a"
    )
    embedder.is_away = True
    with pytest.raises(Retryable):
        await knowledge.embed(organization_id)
    embedder.is_away = False
    assert (await knowledge.embed(organization_id)).made > 0
    assert (await knowledge.embed(organization_id)).made == 0


async def test_each_time_a_document_comes_in_its_passages_are_to_be_embedded(database: Database) -> None:
    organization_id, knowledge = await new_organization(), opened(None)

    async def put(text: str, locale: str) -> None:
        assert await knowledge.put(
            organization_id, text.encode(), "text/plain", base="faq", source="rules.txt", locale=locale
        )
        with organization_scope(organization_id):
            [job] = await fetch("SELECT id FROM jobs WHERE name = 'core.embed_knowledge' AND state = 'ready'")
            await execute("UPDATE jobs SET state = 'done' WHERE id = $1", job["id"])

    await put("Dogs are welcome.", "en")
    await put("Dogs must stay outside.", "en")
    await put("Dogs are welcome.", "en")  # as it was
    await put("Dogs are welcome.", "")  # of every language: only its passages are made anew


def test_a_shelf_knows_the_language_of_each_file(tmp_path: Path) -> None:
    folder = tmp_path / "hello" / "knowledge"
    (folder / "sw").mkdir(parents=True)
    for name in ("any.md", "sw/one.md", "two.sw.md"):
        (folder / name).write_text("# T\n\nText.")
    assert [each.locale for each in shelf_of({"hello": tmp_path / "hello"})] == ["", "sw", "sw"]


def test_a_file_of_a_skill_that_cannot_be_read_leaves_the_others(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "hello" / "knowledge"
    folder.mkdir(parents=True)
    (folder / "empty.md").write_text("")
    (folder / "latin.md").write_bytes(b"# Caf\xe9\n\nOpen.")
    (folder / "good.md").write_text("# T\n\nText.")
    assert [each.text for each in shelf_of({"hello": tmp_path / "hello"})] == ["Text."]
    assert [Path(record.problem.split()[0].partition(":")[0]).name for record in caplog.records] == [  # type: ignore[attr-defined]
        "empty.md",
        "latin.md",
    ]


def test_a_file_of_golden_questions_that_is_none_says_so(tmp_path: Path) -> None:
    file = tmp_path / "golden.yml"
    file.write_text("questions: [{aks: x}]")
    with pytest.raises(BadGolden, match="aks"):
        read_golden(file)
