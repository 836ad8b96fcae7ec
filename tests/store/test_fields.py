"""The columns of our own, through the ORM and as raw SQL sees them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from uuid import UUID

import pytest

from store import db
from store.crypto import KeyRing, MasterKey, Unreadable, WrappedKey, install_keyring, keyring
from store.errors import Refused
from store.fields import CosineDistance, Sealed, reveal
from store.jsonb import from_jsonb, to_jsonb
from store.tenancy import organization_scope, unscoped
from tests.store.sample.models import Book, Mood
from tests.support.database import Database


@pytest.fixture
def ring() -> Iterator[KeyRing]:
    master = MasterKey(os.urandom(32))

    async def load(organization_id: UUID) -> Sequence[WrappedKey]:
        return [WrappedKey(1, master.wrap(organization_id, organization_id.bytes * 2))]

    install_keyring(KeyRing(master, load))
    yield keyring()
    install_keyring(None)


async def test_enum_comes_back_as_its_member(sample: Database, ours: UUID) -> None:
    with organization_scope(ours):
        book = await Book.create(title="a", mood=Mood.GLAD)
        assert (await Book.get(id=book.id)).mood is Mood.GLAD
        assert await Book.filter(mood=Mood.GLAD).count() == 1
        assert await db.fetchval("SELECT mood FROM sample_books") == "glad"
        assert (await Book.create(title="b")).mood is Mood.CALM
        with pytest.raises(ValueError, match="sad"):
            await Book.create(title="c", mood="sad")


@pytest.mark.parametrize("value", [{"a": [1, None, "ü"]}, [], {}, [{"b": True}], 7])
async def test_json_comes_back_as_it_went(sample: Database, ours: UUID, value: object) -> None:
    with organization_scope(ours):
        book = await Book.create(title="a", notes=value)
        assert (await Book.get(id=book.id)).notes == value
        text = await db.fetchval("SELECT notes FROM sample_books WHERE notes = $1::jsonb", to_jsonb(value))
        assert from_jsonb(text) == value


async def test_json_loses_the_nul_that_jsonb_refuses(sample: Database, ours: UUID) -> None:
    with organization_scope(ours):
        book = await Book.create(title="a", notes={"te\x00xt": ["a\x00b", r"\u0000"]})
        assert (await Book.get(id=book.id)).notes == {"text": ["ab", r"\u0000"]}


async def test_vectors_are_ordered_by_distance(sample: Database, ours: UUID) -> None:
    with organization_scope(ours):
        for title, vector in (("x", [1, 0, 0]), ("y", [0, 1, 0]), ("near x", [0.9, 0.1, 0])):
            await Book.create(title=title, embedding=vector)
        nearest = await Book.annotate(distance=CosineDistance("embedding", [1.0, 0.0, 0.0])).order_by("distance")
        assert [book.title for book in nearest] == ["x", "near x", "y"]
        assert nearest[1].embedding == [0.9, 0.1, 0]
        with pytest.raises(ValueError, match="3 dimensions"):
            await Book.create(title="z", embedding=[1.0])


async def test_sealed_text_is_bytes_in_the_row_and_opens_for_its_organization(
    sample: Database, ours: UUID, ring: KeyRing
) -> None:
    keys = await ring.keys(ours)
    with organization_scope(ours):
        phone = "+254722000111"
        book = await Book.create(title="a", owner_phone=phone, owner_phone_index=keys.blind_index(phone))
        raw = await db.fetchval("SELECT owner_phone FROM sample_books")
        assert b"254722" not in raw
        assert keys.open_text(raw, table="sample_books", column="owner_phone") == phone
        found = await Book.get(owner_phone_index=keys.blind_index(phone))
        assert isinstance(found.owner_phone, Sealed)
        assert phone not in repr(found.owner_phone)
        assert reveal(found, "owner_phone") == reveal(book, "owner_phone") == phone
        found.title = "b"
        await found.save()  # the seal is written back as it was read
        assert await db.fetchval("SELECT owner_phone FROM sample_books") == raw
        await Book.filter(id=book.id).update(owner_phone="+254722000222")
        assert reveal(await Book.get(id=book.id), "owner_phone") == "+254722000222"


async def test_a_seal_moved_to_another_organization_does_not_open(
    sample: Database, ours: UUID, theirs: UUID, ring: KeyRing
) -> None:
    await ring.keys(ours)
    await ring.keys(theirs)
    with unscoped("test"):
        book = await Book.create(title="a", organization_id=ours, owner_phone="+254722000111")
        await db.execute("UPDATE sample_books SET organization_id = $1", theirs)
        moved = await Book.get(id=book.id)
        with pytest.raises(Unreadable):
            reveal(moved, "owner_phone")


async def test_sealing_without_keys_is_refused(sample: Database, ours: UUID, ring: KeyRing) -> None:
    with organization_scope(ours):
        with pytest.raises(Refused):
            await Book.create(title="a", owner_phone="+254722000111")
        assert (await Book.create(title="b")).owner_phone is None
