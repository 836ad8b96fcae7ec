"""The tutorial, followed to the letter in an empty folder."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
TUTORIAL = CHECKOUT / "docs" / "skills" / "tutorial.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
COMMAND = f'chatnation() {{ "{sys.executable}" -m bot.cli "$@"; }}\n'


def sh(text: str, folder: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CHATNATION_")}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", COMMAND + text],
        cwd=folder,
        env=environment | {"PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.mark.slow
def test_the_tutorial_works_as_it_is_written(tmp_path: Path) -> None:
    blocks = BLOCK.findall(TUTORIAL.read_text())
    assert len(blocks) > 20
    said = ""
    for kind, text in blocks:
        if kind == "sh":
            said = sh(text, tmp_path)
        elif kind == "text":
            missing = [line for line in text.splitlines() if line.strip() not in said]
            assert not missing, f"{missing} expected in:\n{said}"
        else:
            name = re.match(r"# (skills/\S+)\n", text)
            assert name is not None, f"a block without the name of its file: {text[:60]!r}"
            path = tmp_path / name.group(1)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)


def test_every_block_is_of_a_kind_that_is_run() -> None:
    kinds = {kind for kind, _ in BLOCK.findall(TUTORIAL.read_text())}
    assert kinds == {"sh", "text", "yaml", "python"}
    assert TUTORIAL.read_text().count("```") == 2 * len(BLOCK.findall(TUTORIAL.read_text()))
