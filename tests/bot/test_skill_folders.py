"""`skills.folders` counts wherever it is set, in every process: also in one that was not started by `chatnation`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bot.tools.new_skill import make_skill
from tests.support.database import Database

CHECKOUT = Path(__file__).parents[2]
OPENS = """
import asyncio
from bot.errors import ConfigError
from bot.runtime import Runtime

async def main():
    try:
        runtime = await Runtime.open("test", adapters={"channel": None, "dispatcher": None, "pacer": None})
    except ConfigError as e:
        return print("refused:", e)
    print(*runtime.registry.skills)
    await runtime.close()

asyncio.run(main())
"""


def opened(database: Database, folder: Path, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", OPENS],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if not name.startswith("CHATNATION_")}
        | {
            "PYTHONPATH": str(CHECKOUT),
            "CHATNATION__DATA": str(folder / "data"),
            "CHATNATION__STORE__DSN": database.dsn,
            "CHATNATION__STORE__SYSTEM_DSN": database.system_dsn,
            **environment,
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def skills(tmp_path: Path) -> Path:
    make_skill("pizza", tmp_path / "mine")
    return tmp_path / "mine"


def configs(folder: Path, name: str, text: str) -> str:
    (folder / "configs").mkdir(exist_ok=True)
    (folder / "configs" / name).write_text(text)
    return str(folder / "configs")


@pytest.mark.parametrize("file", ["base.yml", "staging.yml"])
def test_set_in_a_file(file: str, database: Database, tmp_path: Path, skills: Path) -> None:
    assert "pizza" not in opened(database, tmp_path).split(), "the control"
    for name in ("base.yml", "staging.yml"):
        where = configs(tmp_path, name, f"skills: {{folders: {skills}}}\n" if name == file else "{}\n")
    assert "pizza" in opened(database, tmp_path, CHATNATION__CONFIGS=where, CHATNATION__ENV="staging").split()


def test_set_in_the_environment(database: Database, tmp_path: Path, skills: Path) -> None:
    where = configs(tmp_path, "base.yml", "skills: {folders: /nowhere}\n")
    found = opened(database, tmp_path, CHATNATION__CONFIGS=where, CHATNATION__SKILLS__FOLDERS=str(skills))
    assert "pizza" in found.split()


def test_a_folder_that_is_not_there_stops_the_start(database: Database, tmp_path: Path) -> None:
    where = configs(tmp_path, "base.yml", "skills: {folders: /nowhere}\n")
    assert "refused: skills.folders" in (said := opened(database, tmp_path, CHATNATION__CONFIGS=where))
    assert "/nowhere, which is no folder" in said
