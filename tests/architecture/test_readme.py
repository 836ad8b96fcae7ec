"""What the README tells a stranger to write works."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.flows import FlowState, Say, StartFlow, View, advance
from bot.messages import Text
from bot.registry import Registry
from bot.understand import understand

README = (Path(__file__).parents[2] / "README.md").read_text()


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """The skills of the README's code blocks, as a package of their own."""
    files = re.findall(r"```yaml\n# skills/(\S+)\n(.*?)```", README, re.DOTALL)
    assert len(files) == 3
    for name, text in files:
        path = tmp_path / "readme_skills" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / "readme_skills" / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    return Registry.load(package="readme_skills")


def test_the_first_skill_of_the_readme_loads_without_a_word(registry: Registry) -> None:
    skill = registry.skills["hello"]
    assert skill.problems == []
    assert [str(each) for each in registry.diagnostics("hello")] == []


def test_the_first_skill_of_the_readme_talks_as_the_readme_says(registry: Registry) -> None:
    compiled = registry.compiled(["hello"])
    now = datetime(2026, 11, 22, tzinfo=UTC)
    state = FlowState()
    said = []
    for text in ("colour", "blue"):
        commands = understand(Text(text=text), state, compiled, locale="en", now=now)
        step = advance(compiled, state, commands, View(now=now))
        state = step.state
        said += [effect for effect in step.effects if isinstance(effect, Say)]
    assert [button.title for button in said[0].buttons] == ["Red", "Green", "Blue"]
    assert said[1].text == "blue it is!"
    assert StartFlow("hello:hello_colour") in understand(
        Text(text="color"), FlowState(), compiled, locale="en", now=now
    )
