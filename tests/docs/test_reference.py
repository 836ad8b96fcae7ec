"""The reference says what the code does; when this fails: python -m bot.tools reference > docs/skills/reference.md."""

from __future__ import annotations

import re
from pathlib import Path

from bot.tools.reference import reference

REFERENCE = Path(__file__).parents[2] / "docs" / "skills" / "reference.md"


def test_the_reference_is_up_to_date() -> None:
    assert REFERENCE.read_text() == reference()


def test_every_key_of_a_file_is_explained() -> None:
    files = reference().partition("## Patterns")[0]
    unsaid = re.findall(r"^\| `\S+` \| .* \|  \|$", files, re.MULTILINE)
    assert unsaid == [], "say it in the model, or in MEANINGS of bot/tools/reference.py"
