"""What skills declare in their `http.py`, right and wrong: a mistake leaves that skill's routes out, and no others."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import pytest

from bot.http import Answer, Ask, Routes
from bot.registry import Registry
from channels.api.mount import declared


class Thing(Answer):
    id: UUID


@pytest.fixture
def registry() -> Registry:
    return Registry.load(package="tests.channels.api.skills")


def of_skills(registry: Registry) -> list[str]:
    return [skill for skill, _ in declared(cast("Any", SimpleNamespace(registry=registry))) if skill]


def test_only_sound_declarations_are_mounted(registry: Registry, caplog: pytest.LogCaptureFixture) -> None:
    assert of_skills(registry) == ["kiosk"]
    told = " ".join(getattr(each, "problem", "") for each in caplog.records)
    assert "GET /skills/{name} is taken" in told
    assert "nobody defines the permission ghost.see" in told


def test_a_file_that_does_not_import_turns_its_skill_off(registry: Registry) -> None:
    of_skills(registry)
    assert registry.skills["broken"].off
    assert "http.py:1:1 does not import" in registry.skills["broken"].problems[0]
    assert not registry.skills["kiosk"].off


def test_a_signature_that_does_not_fit_its_path_stops_the_import() -> None:
    routes = Routes("Things")
    with pytest.raises(TypeError, match="do not fit the path"):

        @routes.get("/things/{thing_id}", permission="x.view")
        async def get_thing(ask: Ask, other_id: UUID) -> Thing:
            return Thing(id=other_id)
