"""The schemas for editors: up to date on disk, and agreed with what the readers take."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML

from bot.check import schema as schemas
from bot.flows import domainfile, flowfile, responsefile, slotfile

ROOT = Path(__file__).parents[3]
FOREIGN = ROOT / "tests" / "support" / "foreign"
FLOWS = [
    *ROOT.glob("skills/*/flows/*.yml"),
    *FOREIGN.glob("library/data/flows/*.yml"),
    FOREIGN / "clinic" / "data" / "flows.yml",
]
FLOWS.append(ROOT / "bot" / "flows" / "core" / "flows.yml")
DOMAINS = [*ROOT.glob("skills/*/domain.yml"), *FOREIGN.glob("*/domain/**/*.yml"), FOREIGN / "clinic" / "domain.yml"]
MANIFESTS = list(ROOT.glob("skills/*/skill.yml"))


@pytest.mark.parametrize("name", sorted(schemas.SCHEMAS))
def test_the_files_for_editors_are_up_to_date(name: str) -> None:
    path = ROOT / "docs" / "schemas" / f"{name}.schema.json"
    made = json.dumps(schemas.schema(name), indent=2) + "\n"
    assert path.read_text() == made, f"run chatnation schema {name} > {path.relative_to(ROOT)}"


@pytest.mark.parametrize(
    ("model", "path"),
    [*((schemas.FlowsFile, path) for path in FLOWS), *((schemas.DomainFile, path) for path in DOMAINS)]
    + [(schemas.SCHEMAS["skill"], path) for path in MANIFESTS],
    ids=lambda value: value.parent.name + "/" + value.name if isinstance(value, Path) else "",
)
def test_real_files_fit(model: type[BaseModel], path: Path) -> None:
    model.model_validate(YAML(typ="safe", pure=True).load(path.read_text()))


@pytest.mark.parametrize(
    "steps",
    [
        [{}],
        [{"acton": "x"}],
        [{"action": "x", "collect": "y"}],
        [{"noop": False, "next": "END"}],
        [{"collect": "a", "utters": "x"}],
        [],
    ],
)
def test_what_the_readers_refuse_does_not_fit(steps: Any) -> None:
    with pytest.raises(ValidationError):
        schemas.FlowsFile.model_validate({"flows": {"f": {"description": "x", "steps": steps}}})


def _keys(model: type[BaseModel]) -> set[str]:
    return {field.alias or name for name, field in model.model_fields.items()}


@pytest.mark.parametrize(
    ("model", "read"),
    [
        (schemas.Flow, flowfile._FLOW_KEYS),
        (schemas.CollectStep, ("id", "next", "collect", *flowfile._COLLECT_KEYS)),
        (schemas.Slot, slotfile._SLOT_KEYS),
        (schemas.Mapping, slotfile._MAPPING_KEYS),
        (schemas.Variation, responsefile._VARIATION_KEYS),
        (schemas.DomainFile, domainfile._DOMAIN_KEYS),
        (schemas.SessionConfig, domainfile._SESSION_KEYS),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
def test_models_and_readers_know_the_same_properties(model: type[BaseModel], read: tuple[str, ...]) -> None:
    assert _keys(model) == set(read)


def test_closed_sets_are_the_same() -> None:
    def choices(model: type[BaseModel], field: str) -> set[str]:
        return set(model.model_json_schema()["properties"][field]["enum"])

    assert choices(schemas.Slot, "type") == set(slotfile._SLOT_TYPES)
    assert choices(schemas.Slot, "accept") == set(slotfile._ACCEPTS)
    assert choices(schemas.Mapping, "type") == set(slotfile._MAPPINGS)
