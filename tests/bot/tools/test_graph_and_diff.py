"""Pictures of flows, and what a new version of a skill changes for those who are in the middle of it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from bot.errors import ChatNationError
from bot.tools.diff import compare, read_version
from bot.tools.graph import graph_of
from bot.tools.new_skill import make_skill
from tests.bot.tools.fresh import run


def test_a_flow_is_drawn_with_its_questions_and_conditions() -> None:
    drawn = graph_of("events_register")
    assert drawn.splitlines()[:2] == ["%% events:events_register", "flowchart TD"]
    assert '[/"events_confirm?"/]' in drawn
    assert "-->|\"slots.events_found = 'none'\"| s" in drawn
    assert graph_of("events").count("flowchart TD") == 9


def test_a_flow_that_is_not_there_is_told_the_nearest() -> None:
    with pytest.raises(ChatNationError, match="did you mean events_register"):
        graph_of("event_register")


@pytest.fixture
def versions(tmp_path: Path) -> tuple[Path, Path]:
    for name in ("old", "new"):
        make_skill("pizza_place", tmp_path / name)
    return tmp_path / "old" / "pizza_place", tmp_path / "new" / "pizza_place"


def edit(folder: Path, file: str, old: str, new: str) -> None:
    text = (folder / file).read_text()
    assert old in text
    (folder / file).write_text(text.replace(old, new))


def test_two_equal_versions_differ_in_nothing(versions: tuple[Path, Path]) -> None:
    old, new = map(str, versions)
    edit(versions[1], "flows/start.yml", "flows:", "# moved down a line\n\nflows:")
    assert compare(read_version(old), read_version(new)).as_text().endswith("nothing changed")


def test_a_changed_version_says_what_and_whom_it_strands(versions: tuple[Path, Path]) -> None:
    old, new = versions
    edit(new, "domain.yml", "Thank you, ", "Thanks, ")
    edit(new, "domain.yml", "values: [red, green, blue]", "values: [red, green, blue, black]")
    edit(
        new,
        "flows/start.yml",
        "      - collect: pizza_place_colour\n",
        "      - id: ask\n        collect: pizza_place_colour\n",
    )
    found = compare(read_version(str(old)), read_version(str(new)))
    assert found.changed == {"slots": ["pizza_place_colour"], "responses": ["utter_pizza_place_thanks"]}
    assert found.added == {"steps": ["pizza_place_start ask"]}
    assert found.removed == {"steps": ["pizza_place_start 0_collect_pizza_place_colour"]}
    assert [(each.step, each.fate) for each in found.stranded] == [("0_collect_pizza_place_colour", "asked again")]


def test_a_flow_that_is_gone_strands_those_who_are_in_it(versions: tuple[Path, Path]) -> None:
    old, new = versions
    edit(new, "flows/start.yml", "pizza_place_start", "pizza_place_begin")
    edit(new, "locales/sw.yml", "pizza_place_start", "pizza_place_begin")
    edit(new, "nlu.yml", "pizza_place_start", "pizza_place_begin")
    told = json.loads(compare(read_version(str(old)), read_version(str(new))).as_json())
    assert told["removed"]["flows"] == ["pizza_place_start"]
    assert told["stranded"] == [
        {"flow": "pizza_place:pizza_place_start", "step": "0_collect_pizza_place_colour", "fate": "dropped"}
    ]


def test_a_git_revision_is_a_version_too(tmp_path: Path) -> None:
    [folder] = [tmp_path / "skills" / "pizza"]
    make_skill("pizza", tmp_path / "skills")
    git = ["git", "-C", str(tmp_path), "-c", "user.name=x", "-c", "user.email=x@example.com"]
    for arguments in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "one"]):
        subprocess.run([*git, *arguments], check=True)
    edit(folder, "domain.yml", "Thank you, ", "Thanks, ")
    done = run(tmp_path, "diff", "HEAD", "skills/pizza")
    assert done.returncode == 0, done.stderr
    assert "~ response utter_pizza_thanks" in done.stdout
    named = run(tmp_path, "diff", "HEAD", "HEAD", "--skill", "pizza")
    assert "nothing changed" in named.stdout, named.stderr
    wrong = run(tmp_path, "diff", "nowhere", "skills/pizza")
    assert (wrong.returncode, "neither a folder of a skill nor a git revision" in wrong.stderr) == (2, True)


def test_a_version_with_errors_is_refused(versions: tuple[Path, Path]) -> None:
    edit(versions[1], "flows/start.yml", "collect:", "colect:")
    with pytest.raises(ChatNationError, match=r"has errors: flows/start\.yml:\d+"):
        read_version(str(versions[1]))


def test_explain_says_when_nothing_runs(tmp_path: Path) -> None:
    done = run(tmp_path, "explain", CHATNATION__DATA=str(tmp_path))
    assert (done.returncode, "nothing runs" in done.stderr) == (2, True)


def test_commands_speak_of_themselves_as_they_were_typed(tmp_path: Path) -> None:
    for command in ("check", "test", "graph", "diff", "explain", "chat"):
        assert f"Usage: chatnation {command} " in run(tmp_path, command, "--help").stdout


def test_a_mistake_in_a_new_skill_is_told_by_every_command(tmp_path: Path) -> None:
    make_skill("pizza", tmp_path / "skills")
    assert run(tmp_path, "check", "skills/pizza").returncode == 0
    edit(tmp_path / "skills/pizza", "flows/start.yml", "utter_pizza_thanks", "utter_pizza_thank")
    text = run(tmp_path, "check", "skills/pizza").stdout
    assert text.startswith("error: skills/pizza/flows/start.yml:")
    assert "CN-NLU" not in text, "its examples are not to blame"
    [place] = json.loads(run(tmp_path, "check", "--skill", "pizza", "--format", "sarif").stdout)["runs"][0]["results"]
    assert place["locations"][0]["physicalLocation"]["artifactLocation"] == {"uri": "skills/pizza/flows/start.yml"}
    assert "the skill pizza is off" in run(tmp_path, "graph", "pizza").stderr


def test_check_says_where_a_skill_must_lie(tmp_path: Path) -> None:
    make_skill("pizza", tmp_path / "elsewhere")
    assert "CHATNATION__SKILLS__FOLDERS" in run(tmp_path, "check", "elsewhere/pizza").stderr
    assert "is no folder of a skill" in run(tmp_path, "check", "elsewhere").stderr
