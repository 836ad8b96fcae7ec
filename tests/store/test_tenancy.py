"""Every way to read and write a row of an organization, against the wrong one and against none."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from uuid import UUID

import asyncpg
import pytest
from tortoise.exceptions import DoesNotExist, IntegrityError
from tortoise.manager import Manager

from store import db
from store.call import call
from store.errors import CrossOrganization, NotBound
from store.ids import uuid7
from store.tenancy import current_organization, organization_scope, unscoped
from tests.store.sample.models import Book, Shelf
from tests.support.database import Database

Write = Callable[[Shelf, UUID], Awaitable[object]]


async def _delete_book_then_shelf(shelf: Shelf, _: UUID) -> None:
    await shelf.delete()


async def _save_changed(shelf: Shelf, _: UUID) -> None:
    shelf.name = "changed"
    await shelf.save()


async def _save_moved(shelf: Shelf, other: UUID) -> None:
    shelf.organization_id = other
    await shelf.save()


WRITES_OF_A_LOADED_ROW: dict[str, Write] = {
    "save": _save_changed,
    "save update_fields": lambda shelf, _: shelf.save(update_fields=["name"]),
    "delete": _delete_book_then_shelf,
    "bulk_update": lambda shelf, _: Shelf.bulk_update([shelf], ["name"]),
    "refresh_from_db": lambda shelf, _: shelf.refresh_from_db(),
}

CREATIONS: dict[str, Callable[[UUID], Awaitable[object]]] = {
    "create": lambda other: Shelf.create(name="x", organization_id=other),
    "save": lambda other: Shelf(name="x", organization_id=other).save(),
    "bulk_create": lambda other: Shelf.bulk_create([Shelf(name="x", organization_id=other)]),
    "get_or_create": lambda other: Shelf.get_or_create(name="x", defaults={"organization_id": other}),
    "update_or_create": lambda other: Shelf.update_or_create(name="x", defaults={"organization_id": other}),
}

READS: dict[str, Callable[[], Awaitable[object]]] = {
    "all": lambda: Shelf.all(),
    "filter": lambda: Shelf.filter(name="poems"),
    "get": lambda: Shelf.get(name="poems"),
    "first": lambda: Shelf.first(),
    "exists": lambda: Shelf.exists(name="poems"),
    "count": lambda: Shelf.all().count(),
    "values": lambda: Shelf.all().values("name"),
    "raw": lambda: Shelf.raw("SELECT * FROM sample_shelves"),
    "in_bulk": lambda: Shelf.in_bulk([uuid7()]),
    "annotate": lambda: Shelf.annotate(),
    "select_for_update": lambda: Shelf.select_for_update().first(),
    "queryset update": lambda: Shelf.filter(name="poems").update(name="x"),
    "queryset delete": lambda: Shelf.filter(name="poems").delete(),
    "get_or_create": lambda: Shelf.get_or_create(name="poems"),
}


@pytest.mark.parametrize("read", READS.values(), ids=READS.keys())
async def test_outside_of_a_scope_nothing_is_read(sample: Database, read: Callable[[], Awaitable[object]]) -> None:
    with pytest.raises(NotBound):
        await read()


@pytest.mark.parametrize("create", CREATIONS.values(), ids=CREATIONS.keys())
async def test_a_row_of_another_organization_is_not_created(
    sample: Database, ours: UUID, theirs: UUID, create: Callable[[UUID], Awaitable[object]]
) -> None:
    with organization_scope(ours), pytest.raises(CrossOrganization):
        await create(theirs)
    with unscoped("test"):
        assert await Shelf.all().count() == 0


@pytest.mark.parametrize("create", CREATIONS.values(), ids=CREATIONS.keys())
async def test_outside_of_a_scope_nothing_is_created(
    sample: Database, theirs: UUID, create: Callable[[UUID], Awaitable[object]]
) -> None:
    with pytest.raises(NotBound):
        await create(theirs)


@pytest.mark.parametrize("write", WRITES_OF_A_LOADED_ROW.values(), ids=WRITES_OF_A_LOADED_ROW.keys())
async def test_a_loaded_row_is_not_written_from_another_scope(
    sample: Database, ours: UUID, theirs: UUID, write: Write
) -> None:
    with organization_scope(theirs):
        shelf = await Shelf.create(name="poems")
    with organization_scope(ours), pytest.raises(CrossOrganization):
        await write(shelf, theirs)
    with organization_scope(theirs):
        assert (await Shelf.get(id=shelf.id)).name == "poems"


async def test_a_row_cannot_be_moved_to_another_organization(sample: Database, ours: UUID, theirs: UUID) -> None:
    with organization_scope(ours):
        shelf = await Shelf.create(name="poems")
        with pytest.raises(CrossOrganization):
            await _save_moved(shelf, theirs)
        with pytest.raises(CrossOrganization):  # the manager cannot see this one; row level security does
            await Shelf.filter(id=shelf.id).update(organization_id=theirs)
        async with db.transaction():
            with pytest.raises(CrossOrganization):
                async with db.transaction():
                    await Shelf.filter(id=shelf.id).update(organization_id=theirs)


async def test_queries_of_one_organization_leave_the_other_alone(sample: Database, ours: UUID, theirs: UUID) -> None:
    with organization_scope(theirs):
        await Shelf.create(name="poems")
    with organization_scope(ours):
        assert await Shelf.all().count() == 0
        assert await Shelf.filter(name="poems").update(name="x") == 0
        assert await Shelf.filter(name="poems").delete() == 0
        mine, created = await Shelf.get_or_create(name="poems")
        assert created
        assert mine.organization_id == ours
    with unscoped("test"):
        assert await Shelf.filter(name="poems").count() == 2


async def test_raw_sql_is_held_by_row_level_security_alone(sample: Database, ours: UUID, theirs: UUID) -> None:
    with organization_scope(theirs):
        shelf = await Shelf.create(name="poems")
    with organization_scope(ours):
        async with db.transaction() as tx:
            assert await tx.fetch("SELECT * FROM sample_shelves") == []
            assert await tx.execute("UPDATE sample_shelves SET name = 'x' WHERE id = $1", shelf.id) == "UPDATE 0"
            assert await tx.execute("DELETE FROM sample_shelves") == "DELETE 0"
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await db.execute("INSERT INTO sample_shelves VALUES (gen_random_uuid(), $1, 'x')", theirs)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await db.execute("TRUNCATE sample_shelves CASCADE")


async def test_the_application_cannot_lift_row_level_security(sample: Database, ours: UUID) -> None:
    with organization_scope(ours):
        for escape in (
            "ALTER TABLE sample_shelves DISABLE ROW LEVEL SECURITY",
            "SET ROLE chatnation_system",
            "SET ROLE chatnation_owner",
            "DROP POLICY org_isolation ON sample_shelves",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await db.execute(escape)


async def test_relations_stay_within_the_organization(sample: Database, ours: UUID, theirs: UUID) -> None:
    with organization_scope(theirs):
        foreign = await Shelf.create(name="poems")
    with organization_scope(ours):
        own = await Shelf.create(name="poems")
        book = await Book.create(shelf=own, title="Utenzi")
        assert (await Book.get(id=book.id).prefetch_related("shelf")).shelf.name == "poems"
        assert await Book.filter(shelf__name="poems").count() == 1
        assert [each.title for each in await own.books.all()] == ["Utenzi"]
        with pytest.raises(IntegrityError):
            await Book.create(shelf_id=foreign.id, title="smuggled")
        with pytest.raises(IntegrityError):
            await Book.filter(id=book.id).update(shelf_id=foreign.id)


async def test_even_the_system_cannot_cross_a_composite_key(sample: Database, ours: UUID, theirs: UUID) -> None:
    with unscoped("test"):
        shelf = await Shelf.create(name="poems", organization_id=theirs)
        with pytest.raises(IntegrityError):
            await Book.create(organization_id=ours, shelf_id=shelf.id, title="smuggled")


async def test_unscoped_sees_all_and_stamps_nothing(sample: Database, ours: UUID, theirs: UUID) -> None:
    for organization_id in (ours, theirs):
        with organization_scope(organization_id):
            await Shelf.create(name="poems")
    with unscoped("test"):
        assert {shelf.organization_id for shelf in await Shelf.all()} == {ours, theirs}
        with pytest.raises(NotBound):
            await Shelf.create(name="nobody's")
        with pytest.raises(NotBound):
            current_organization()


async def test_bulk_create_stamps_every_row(sample: Database, ours: UUID) -> None:
    with organization_scope(ours):
        await Shelf.bulk_create(Shelf(name=name) for name in "abc")
        assert {shelf.organization_id for shelf in await Shelf.all()} == {ours}
        assert await Shelf.all().count() == 3


async def test_a_query_built_in_one_scope_and_run_in_another_finds_nothing(
    sample: Database, ours: UUID, theirs: UUID
) -> None:
    with organization_scope(theirs):
        await Shelf.create(name="poems")
        built = Shelf.get(name="poems")
    with organization_scope(ours), pytest.raises(DoesNotExist):
        await built


def test_scopes_do_not_switch_organizations(ours: UUID, theirs: UUID) -> None:
    with organization_scope(ours):
        with organization_scope(ours):
            assert current_organization() == ours
        with pytest.raises(CrossOrganization), organization_scope(theirs):
            pass
        with unscoped("test"), organization_scope(theirs):
            assert current_organization() == theirs
        assert current_organization() == ours
    with pytest.raises(NotBound):
        current_organization()


def test_unscoped_needs_a_reason() -> None:
    with pytest.raises(ValueError, match="reason"), unscoped("  "):
        pass


async def test_a_read_binds_its_organization_and_leaves_nothing_behind(
    sample: Database, ours: UUID, theirs: UUID
) -> None:
    """One round trip without BEGIN; the manager's filter is taken away here, so that row level security stands alone."""
    for organization_id in (ours, theirs):
        with organization_scope(organization_id):
            await Shelf.create(name=f"of {organization_id}")
    for organization_id in (ours, theirs, ours):
        with organization_scope(organization_id):
            rows = await Manager.get_queryset(Shelf._meta.manager).order_by("name")
            assert [row.name for row in rows] == [f"of {organization_id}"]
        [left] = await call("SELECT current_setting('app.current_org', true) AS organization")
        assert left["organization"] in (None, "")
