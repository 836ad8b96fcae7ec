from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import pytest

from store.ids import uuid7
from store.models import Organization
from store.tenancy import organization_scope, unscoped
from tests.support.database import Database

NOW = datetime(2026, 12, 1, 9, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


async def new_organization() -> UUID:
    organization_id = uuid7()
    with unscoped("an organization more"), organization_scope(organization_id):
        await Organization.create(id=organization_id, name="Ours", slug=organization_id.hex)
    return organization_id


@pytest.fixture
async def ours(database: Database) -> UUID:
    return await new_organization()


@pytest.fixture
async def theirs(database: Database) -> UUID:
    return await new_organization()


@pytest.fixture
def bound(ours: UUID) -> Iterator[UUID]:
    with organization_scope(ours):
        yield ours


@pytest.fixture
async def superuser(database: Database) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database.superuser_dsn)
    try:
        yield connection
    finally:
        await connection.close()
