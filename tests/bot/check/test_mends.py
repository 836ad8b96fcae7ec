"""What a new author gets wrong is told with its place and with what was meant: each mistake in a skill that is otherwise right."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from bot.check import report
from bot.registry import Registry
from bot.skill import SkillContext
from bot.tools.new_skill import make_skill

ACTION = """\
from typing import ClassVar

from bot.actions import SkillAction, Turn


class Price(SkillAction):
    name: ClassVar[str] = "{name}"

    async def perform(self, turn: Turn) -> None:
        turn.say_text("free")
"""


class Author:
    """Has made a skill by `new-skill`, in a package that only this test knows."""

    def __init__(self, root: Path) -> None:
        self.package = f"kitchen_{root.name}"
        self.skill = root / self.package / "lunch"
        make_skill("lunch", self.skill.parent)
        (self.skill.parent / "__init__.py").touch()

    def writes(self, file: str, text: str) -> None:
        (self.skill / file).write_text(text, encoding="utf-8")

    def adds(self, file: str, text: str) -> None:
        self.writes(file, (self.skill / file).read_text() + text)

    def changes(self, file: str, old: str, new: str) -> None:
        text = (self.skill / file).read_text()
        assert old in text
        self.writes(file, text.replace(old, new, 1))

    def told(self) -> list[str]:
        def context(skill: str) -> SkillContext:
            return SkillContext(skill=skill, clock=cast("Any", None), blobs=cast("Any", None), menu=cast("Any", None))

        registry = Registry.load(context=context, queue="all", package=self.package)
        return [str(each).replace(f"{self.skill}/", "") for each in report(registry, skill="lunch").diagnostics]


@pytest.fixture
def author(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Author]:
    monkeypatch.syspath_prepend(str(tmp_path))
    made = Author(tmp_path)
    yield made
    for name in [name for name in sys.modules if name.split(".")[0] == made.package]:
        del sys.modules[name]


def test_the_skill_as_it_is_made_is_right(author: Author) -> None:
    assert author.told() == []


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        ("skill.yml", "languages:", "langauges:", '8:1 CN-SKILL-001 langauges: there is no such key; did you mean "lan'),
        ("skill.yml", "flow: lunch_start", "flwo: lunch_start", "10:5 CN-SKILL-001 menu.0.flow: it is missing"),
        ("skill.yml", "0.1.0", "one", "6:1 CN-SKILL-001 version: 'one' does not do: three numbers, such as 1.0.0"),
        ("skill.yml", ">=1,<2", ">=7", "7:1 CN-SKILL-001 engine >=7 is not this one, which is 1"),
        ("skill.yml", "menu:", "requires: {auth: '^1'}\nmenu:", "9:1 CN-SKILL-001 requires: this is a list, such as"),
        ("skill.yml", "menu:", "requires: [auht]\nmenu:", "9:12 CN-SKILL-001 requires the skill auht, which is not"),
        ("skill.yml", "flow: lunch_start", "flow: lunch_strat", '10:5 CN-SKILL-030 the menu names the flow lunch_strat, which is not there (did you mean "lunch_start"?)'),
        ("skill.yml", "    title: {en: Lunch, sw: Lunch}", "    title: {en: Lunch}", "11:5 CN-SKILL-031 the menu's lunch_start has no title in sw (sw: ...)"),
        ("flows/start.yml", "utter_lunch_thanks", "utter_lunch_thansk", '10:17 CN-RESP-007 there is no response "utter_lunch_thansk" (did you mean "utter_lunch_thanks"?)'),
        ("nlu.yml", "lunch_start", "lunch_strat", '4:7 CN-NLU-007 no flow is started by "lunch_strat" (did you mean "lunch_start"?)'),
        ("domain.yml", "lunch_colour=red", "lunch_colour=rde", '10:11 CN-RESP-023 "rde" does not fit slot "lunch_colour": not one of the values (did you mean "red"?)'),
        ("locales/sw.yml", "lunch_start", "lunch_strat", '2:3 CN-NLU-006 there is no flow "lunch_strat" to translate (did you mean "lunch_start"?)'),
        ("locales/sw.yml", "utter_lunch_thanks", "utter_lunch_thansk", '11:3 CN-RESP-025 there is no response "utter_lunch_thansk" to translate (did you mean "utter_lunch_thanks"?)'),
        ("locales/sw.yml", "utter_lunch_thanks", "utter_lunch_thansk", "13:3 CN-SKILL-040 utter_lunch_thanks is not said in sw (add it to locales/sw.yml)"),
    ],
)  # fmt: skip
def test_a_slip_of_the_pen_is_told_where_it_is(author: Author, file: str, old: str, new: str, told: str) -> None:
    author.changes(file, old, new)
    assert told in "\n".join(author.told())


@pytest.mark.parametrize(
    ("listed", "named", "told"),
    [
        ("", "lunch_price", "actions.py:6:1 CN-SKILL-011 the action lunch_price is not listed under actions:"),
        ("price", "price", "actions.py:6:1 CN-SKILL-021 the action price does not begin with lunch_"),
        ("lunch_prize", "lunch_price", 'domain.yml:15:11 CN-SKILL-010 the domain lists the action lunch_prize, but actions.py has none of that name (did you mean "lunch_price"?)'),
    ],
)  # fmt: skip
def test_an_action_and_the_domain_that_disagree_are_told(author: Author, listed: str, named: str, told: str) -> None:
    author.writes("actions.py", ACTION.format(name=named))
    author.adds("domain.yml", f"actions: [{listed}]\n")
    assert told in "\n".join(author.told())


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("x = 1\ndef broken(:\n", "actions.py:2:12 CN-SKILL-001 does not import: SyntaxError"),
        ("import os\nimport requests\n", "actions.py:2:1 CN-SKILL-050 imports requests"),
    ],
)
def test_python_that_will_not_do_is_told(author: Author, code: str, told: str) -> None:
    author.writes("actions.py", code)
    assert told in "\n".join(author.told())


def test_a_file_of_flows_that_cannot_be_read_is_told_once(author: Author) -> None:
    """What names its flows, as the menu and the translations do, names what is there."""
    author.adds("flows/start.yml", "  lunch_end: [unclosed\n")
    [told] = author.told()
    assert "CN-YAML-001" in told
