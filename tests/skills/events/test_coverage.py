"""What stands on a ticket can be read in every script: drawn, or in Latin letters, never as boxes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from skills.events.render.coverage import characters_of
from skills.events.render.fonts import FONTS

ON_A_BARE_MACHINE = """
import sys
from skills.events.render.coverage import drawable
print(drawable(sys.argv[1]))
"""


def on_a_bare_machine(text: str, folder: Path) -> str:
    """Without any font of the system."""
    environment = {"XDG_DATA_DIRS": str(folder), "PYTHONPATH": ":".join(filter(None, sys.path)), "PYTHONUTF8": "1"}
    done = subprocess.run(
        [sys.executable, "-c", ON_A_BARE_MACHINE, text], env=environment, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def test_words_in_scripts_without_a_font_are_latin(tmp_path: Path) -> None:
    assert on_a_bare_machine("李小龙 Amina สมชาย અમિત 김철수", tmp_path) == "LiXiaoLong Amina Smchay Amit GimCheolSu"


@pytest.mark.parametrize(
    "name", ["Amina Otieno", "አበበ ቢቂላ", "محمد علي", "Дмитрий", "Αθηνά", "Ngũgĩ wa Thiong'o", "Nguyễn", "अमित"]
)
def test_names_that_our_fonts_have_stay_as_they_were_written(name: str, tmp_path: Path) -> None:
    assert on_a_bare_machine(name, tmp_path) == name


def test_the_characters_of_a_font_are_read_from_it() -> None:
    poppins = set(characters_of(FONTS / "Poppins_400Regular.ttf"))
    assert {ord("A"), ord("é"), ord("अ")} <= poppins
    assert not {ord("李"), ord("አ"), ord("ب")} & poppins
