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
        (GOOD.replace("raffle", "core"), "1:1", "platform's own name"),
        (GOOD + "trust: maybe\n", "4:1", "trust"),
        (GOOD + "provides: {flow: [x]}\n", "4:12", "provides.flow"),
        (GOOD + "slots: {imports: [x]}\n", "4:9", "slots.imports"),
        (GOOD + "limits: {action_timeout: soon}\n", "4:10", "duration"),
        (GOOD + "limits: {action_timeout: 61s}\n", "4:10", "60"),
        (GOOD + "limits: {action_timeout: 0}\n", "4:10", "greater than 0"),
        (GOOD + "limits: {llm_calls_per_turn: -1}\n", "4:10", "llm_calls_per_turn"),
        (GOOD + "limits: {memory: 1}\n", "4:10", "memory"),
        (GOOD + "capabilities:\n  network: [api.example.org, 'http://x/']\n", "5:30", "network"),
        (GOOD + "capabilities: {contacts: all}\n", "4:16", "contacts"),
        (GOOD + "triggers: [{kind: moon, flow: x}]\n", "4:13", "kind"),
        (GOOD + "triggers: [{kind: words, flow: x}]\n", "4:12", "kind words has `words`"),
        (GOOD + "triggers: [{kind: words, flow: x, words: {en: ['?']}}]\n", "4:48", "words.en"),
        (GOOD + "triggers: [{kind: webhook, flow: x, words: {en: [x]}}]\n", "4:12", "not of webhook"),
        (GOOD + "triggers: [{kind: words, words: {en: [x]}}]\n", "4:12", "starts a `flow`"),
        (GOOD + "triggers: [{kind: webhook}]\n", "4:12", "either a `job` or a `flow`"),
        (GOOD + "triggers: [{kind: webhook, flow: x, job: raffle.x}]\n", "4:12", "either a `job` or a `flow`"),
        (GOOD + "triggers: [{kind: webhook, flow: x, at: '0 9 * * *'}]\n", "4:12", "of kind schedule"),
        (GOOD + "triggers: [{kind: schedule, flow: x}]\n", "4:12", "has `at`"),
        (
            GOOD + "triggers: [{kind: schedule, flow: x, at: '61 9 * * *'}]\n",
            "4:12",
            "minute: '61' is not between 0 and 59",
        ),
        (GOOD + "triggers: [{kind: schedule, flow: x, at: '0 9 30 2 *'}]\n", "4:12", "no day of any year"),
        (GOOD + "triggers: [{kind: schedule, flow: x, at: tomorrow}]\n", "4:12", "five fields"),
        ("", "1:1", ""),
        ("- a list\n", "1:1", ""),
        (b"name: \xff\xfe\n", "1:1", "UTF-8"),
        ("name: raffle\x07\n", "1:1", "YAML"),
    ],
)
def test_a_mistake_is_told_with_file_line_and_column(tmp_path: Path, text: str | bytes, place: str, what: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ManifestError) as caught:
        read_manifest(path, name="core" if "name: core" in str(text) else "raffle")
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


@pytest.mark.parametrize(("given", "seconds"), [("8s", 8.0), ("500ms", 0.5), ("2.5", 2.5), ('"1.5 s"', 1.5)])
def test_durations(tmp_path: Path, given: str, seconds: float) -> None:
    text = GOOD + f"limits: {{action_timeout: {given}}}\n"
    assert read_manifest(written(tmp_path, text), name="raffle").limits.action_timeout == seconds


def test_every_key_is_in_the_docs() -> None:
    text = (Path(__file__).parents[2] / "docs" / "manifest.md").read_text()
    for key, field in Manifest.model_fields.items():
        inner = getattr(field.annotation, "model_fields", None) or {}
        for name in [f"{key}.{each}" for each in inner] if key != "capabilities" else [key]:
            assert f"`{name}`" in text, name
        assert f"`{key}" in text, key
