"""`skill.yml`: every mistake is told with its place, none of them stops anything else."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.manifest import Manifest, ManifestError, read_manifest

GOOD = """\
name: raffle
title: {en: Raffle}
version: 1.0.0
"""


def written(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "skill.yml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_the_least_manifest_has_defaults(tmp_path: Path) -> None:
    manifest = read_manifest(written(tmp_path, GOOD), name="raffle")
    assert manifest.languages == ("en",)
    assert (manifest.requires, manifest.meters, manifest.menu) == ((), (), ())
    assert manifest.fits_engine()


@pytest.mark.parametrize(
    ("text", "place", "what"),
    [
        (GOOD + "colour: red\n", "4:1", "colour"),
        (GOOD.replace("1.0.0", "one"), "3:1", "version"),
        ("title: {en: Raffle}\nversion: 1.0.0\n", "1:1", "name"),
        (GOOD + "menu:\n  - title: {en: x}\n", "5:5", "flow"),
        (GOOD + "engine: whatever\n", "4:1", "engine"),
        (GOOD + "tasks: {fast: tasks}\n", "4:9", "fast"),
        (GOOD + "a: [1,\n", "5:1", ""),
        (GOOD + "name: again\n", "4:1", "name"),
        ("", "1:1", ""),
        ("- a list\n", "1:1", ""),
        (b"name: \xff\xfe\n", "1:1", "UTF-8"),
        ("name: raffle\x07\n", "1:1", "YAML"),
    ],
)
def test_a_mistake_is_told_with_file_line_and_column(tmp_path: Path, text: str | bytes, place: str, what: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ManifestError) as caught:
        read_manifest(path, name="raffle")
    assert str(caught.value).startswith(f"{path}:{place} ")
    assert what in str(caught.value)


def test_a_skill_must_be_named_as_it_is_installed(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="make them equal"):
        read_manifest(written(tmp_path, GOOD), name="lottery")


@pytest.mark.parametrize(
    ("engine", "fits"),
    [(">=1,<2", True), ("==1", True), (">=2", False), ("<1", False), (">0, <=1", True), (">1", False)],
)
def test_which_engine_a_skill_was_written_for(engine: str, fits: bool) -> None:
    manifest = Manifest(name="raffle", title={"en": "x"}, version="1.0.0", engine=engine)
    assert manifest.fits_engine() is fits
