"""The skills' own conversation tests (`skills/*/tests/*.yml`), each case a test on a database of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

import skills
from bot.testing.cases import Case, find_cases, run_case, update_file
from tests.support.database import Database

ROOT = Path(skills.__path__[0])


@pytest.mark.parametrize("case", find_cases(ROOT), ids=str)
async def test_conversation(case: Case, database: Database, request: pytest.FixtureRequest) -> None:
    update = bool(request.config.getoption("--update"))
    run = await run_case(case, update=update)
    if update:
        update_file(case.file, {case.name: run.texts})
