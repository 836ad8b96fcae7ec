"""A skill made in a folder outside of the checkout works at once; what cannot be made is refused kindly."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bot.tools.fresh import run


def test_a_new_skill_passes_check_and_its_own_tests(tmp_path: Path) -> None:
    made = run(tmp_path, "new-skill", "pizza_bar")
    assert made.returncode == 0, made.stderr
    assert (tmp_path / "skills" / "pizza_bar" / "README.md").is_file()
    checked = run(tmp_path, "check", "--skill", "pizza_bar")
    assert (checked.returncode, "0 errors, 0 warnings" in checked.stdout) == (0, True), checked.stdout
    tested = run(tmp_path, "test", "skills/pizza_bar", "--coverage")
    assert tested.returncode == 0, tested.stdout + tested.stderr
    assert "3 passed, 0 failed" in tested.stdout
    assert "all 1 flows: 2/2 steps" in tested.stdout


def test_a_wrong_skill_fails_its_tests(tmp_path: Path) -> None:
    run(tmp_path, "new-skill", "pizza")
    domain = tmp_path / "skills" / "pizza" / "domain.yml"
    domain.write_text(domain.read_text().replace("Thank you, {pizza_colour}", "Thank you, blue"))
    tested = run(tmp_path, "test", "skills/pizza")
    assert tested.returncode == 1
    assert "skills/pizza/tests/start.yml:8:9 'a colour is chosen by its button'" in tested.stdout


def test_a_folder_that_the_setting_names_is_looked_into(tmp_path: Path) -> None:
    elsewhere, here = tmp_path / "elsewhere", tmp_path / "here"
    elsewhere.mkdir()
    here.mkdir()
    run(here, "new-skill", "pizza", "--folder", str(elsewhere))
    assert "there is no skill pizza" in run(here, "check", "--skill", "pizza").stderr
    assert run(here, "check", "--skill", "pizza", CHATNATION__SKILLS__FOLDERS=str(elsewhere)).returncode == 0
    configs = here / "configs"
    configs.mkdir()
    (configs / "base.yml").write_text(f"skills: {{folders: {elsewhere}}}\n")
    assert run(here, "check", "--skill", "pizza", CHATNATION__CONFIGS=str(configs)).returncode == 0
    missing = run(here, "check", CHATNATION__SKILLS__FOLDERS=str(here / "nothing"))
    assert "is no folder" in missing.stderr
    assert "Traceback" not in missing.stderr


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("Pizza Bar", "pizza_bar would do"),
        ("9", "is no name for a skill"),
        ("class", "means something else"),
        ("core", "means something else"),
        ("events", "there is a skill events"),
        ("../out", "is no name for a skill"),
    ],
)
def test_bad_and_taken_names_are_refused(name: str, why: str, tmp_path: Path) -> None:
    done = run(tmp_path, "new-skill", name)
    assert done.returncode == 2
    assert why in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_there_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "skills" / "mine").mkdir(parents=True)
    done = run(tmp_path, "new-skill", "mine")
    assert (done.returncode, "is there already" in done.stderr) == (2, True)


def test_a_skill_of_a_built_in_name_does_not_take_its_place(tmp_path: Path) -> None:
    run(tmp_path, "new-skill", "events", "--folder", "skills")
    made = run(tmp_path, "new-skill", "mine")
    assert made.returncode == 0
    (tmp_path / "skills" / "mine").rename(tmp_path / "skills" / "events")
    manifest = tmp_path / "skills" / "events" / "skill.yml"
    manifest.write_text(manifest.read_text().replace("name: mine", "name: events"))
    checked = run(tmp_path, "check", "--skill", "events")
    assert checked.returncode == 1
    assert "a skill named events is installed already" in checked.stdout
