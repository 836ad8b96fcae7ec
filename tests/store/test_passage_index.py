"""A large organization's passages have indexes of their own, by vector and by words; a small one's have none, and both are searched alike."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import asyncpg
import pytest

from store import db
from store import knowledge as rows
from store.passage_index import tend_passage_indexes
from store.tenancy import organization_scope, unscoped
from tests.scheduler.world import new_organization
from tests.support.database import Database

LARGE = 40
MODEL = "o'model"


async def put(organization_id: UUID, texts: Sequence[str]) -> None:
    passages = [rows.NewPassage("", text) for text in texts]
    with organization_scope(organization_id):
        await rows.put_document(
            "b", "s", title="T", locale="", mime_type="", content_hash=str(len(texts)), text="", passages=passages
        )


async def write(organization_id: UUID, count: int) -> None:
    """Passages whose vectors point ever further away from (1, 0)."""
    await put(organization_id, [f"Passage number {n}." for n in range(count)])
    with organization_scope(organization_id):
        batch = sorted(await rows.unembedded(MODEL, count), key=lambda each: int(each.text[15:-1]))
        await rows.put_embeddings(MODEL, [(each.passage_id, [1.0, n / 10]) for n, each in enumerate(batch)])


async def indexes(database: Database) -> dict[str, bool]:
    owner = await asyncpg.connect(database.owner_dsn)
    try:
        return {
            row["name"].removeprefix("ix_passages_near_")[:32]: row["indisvalid"]
            for row in await owner.fetch(
                "SELECT indexrelid::regclass::text AS name, indisvalid FROM pg_index"
                " WHERE indrelid = 'knowledge_passages'::regclass AND indexrelid::regclass::text LIKE 'ix_passages_near_%'"
            )
        }
    finally:
        await owner.close()


async def nearest(organization_id: UUID) -> set[str]:
    with organization_scope(organization_id):
        found = await rows.candidates(organization_id, [], "", model=MODEL, vector=[1.0, 0.0], skill="")
    return {each.text for each in found}


async def scans(database: Database) -> int:
    owner = await asyncpg.connect(database.owner_dsn)
    try:
        count: int = await owner.fetchval(
            "SELECT sum(idx_scan) FROM pg_stat_user_indexes WHERE starts_with(indexrelname, 'ix_passages_near_')"
        )
        return count
    finally:
        await owner.close()


async def worded(organization_id: UUID, *words: str) -> set[str]:
    with organization_scope(organization_id):
        found = await rows.candidates(organization_id, words, " ".join(words), model="", vector=None, skill="")
    return {each.text for each in found}


async def ids_given_out(organization_id: UUID) -> set[UUID] | None:
    with unscoped("what the system's role gives out"):
        ids = await db.fetchval("SELECT cn_knowledge_worded($1, $2, 24)", organization_id, ["passage"])
    return None if ids is None else set(ids)


@pytest.fixture
async def large(database: Database) -> UUID:
    organization_id = await new_organization()
    await write(organization_id, LARGE)
    return organization_id


async def test_only_a_large_organization_gets_an_index_and_the_answers_stay_the_same(
    database: Database, large: UUID
) -> None:
    small = await new_organization()
    await write(small, LARGE - 1)
    before = await nearest(large)
    assert {"Passage number 0.", "Passage number 1.", "Passage number 2."} < before
    assert await tend_passage_indexes(database.owner_dsn, large=LARGE) == 2
    assert await indexes(database) == {large.hex: True}
    assert await nearest(large) == before
    assert await scans(database) == 0, "forty passages are sorted sooner"
    with organization_scope(large):
        async with db.transaction() as tx:
            await tx.execute("SET LOCAL enable_sort = off")  # as the planner does where there are many
            assert await nearest(large) == before
            await tx.execute("SELECT pg_stat_force_next_flush()")
    assert await scans(database) == 1
    assert await tend_passage_indexes(database.owner_dsn, large=LARGE) == 0


async def test_an_index_that_was_left_half_made_is_made_again(database: Database, large: UUID) -> None:
    await tend_passage_indexes(database.owner_dsn, large=LARGE)
    superuser = await asyncpg.connect(database.superuser_dsn)
    await superuser.execute(
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid::regclass::text LIKE 'ix_passages_near_%'"
    )
    await superuser.close()
    assert await tend_passage_indexes(database.owner_dsn, large=LARGE) == 2
    assert await indexes(database) == {large.hex: True}


async def test_an_organization_that_shrank_to_less_than_half_loses_its_index(database: Database, large: UUID) -> None:
    await tend_passage_indexes(database.owner_dsn, large=LARGE)
    await write(large, LARGE // 2)
    assert await tend_passage_indexes(database.owner_dsn, large=LARGE) == 0, "not at the first passage less"
    await write(large, LARGE // 2 - 1)
    assert await tend_passage_indexes(database.owner_dsn, large=LARGE) == 2, "by vector and by words"
    assert await indexes(database) == {}


async def test_the_words_of_a_large_organization_are_its_own(database: Database, large: UUID) -> None:
    """Whoever has the word more often stands before ours where nothing filters by organization, and fills what is given out."""
    other = await new_organization()
    await put(other, [f"Passage, passage, passage {n}." for n in range(LARGE)])
    assert await ids_given_out(large) is None, "compared one by one"
    await tend_passage_indexes(database.owner_dsn, large=LARGE)
    with organization_scope(large):
        ours = {row["id"] for row in await db.fetch("SELECT id FROM knowledge_passages")}
    found = await ids_given_out(large)
    assert found is not None
    assert len(found) == 24
    assert found <= ours
    assert await worded(large, "passage", "number", "39") >= {"Passage number 39."}
    assert all(text.startswith("Passage number") for text in await worded(large, "passage"))
    assert await worded(large, "mango") == set()


async def test_a_rare_word_is_found_beside_one_that_is_everywhere(database: Database) -> None:
    many = 700  # of which a common word has more than are ranked
    organization_id = await new_organization()
    await put(organization_id, [f"Passage number {n}." for n in range(many)])
    await tend_passage_indexes(database.owner_dsn, large=many)
    found = await worded(organization_id, "passage", "5", str(many - 1), "nowhere")  # no passage has them all
    assert found >= {"Passage number 5.", f"Passage number {many - 1}."}
    assert len(await worded(organization_id, "passage", "number")) == 24
