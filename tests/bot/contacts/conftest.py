from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.testing import Stage
from tests.bot.contacts.book import Book
from tests.support.database import Database


@pytest.fixture
async def book(database: Database) -> AsyncIterator[Book]:
    async with Stage.open(skills=("assistant", "events")) as stage:
        yield await Book.open(stage)
