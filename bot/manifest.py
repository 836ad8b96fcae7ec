"""`skill.yml`: what a skill says of itself, read without importing its code."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

__all__ = ["ENGINE", "Manifest", "ManifestError", "MenuItem", "read_manifest"]

ENGINE = 1  # the SDK's major version; a manifest says which it was written for


class MenuItem(BaseModel):
    """One line of the organization's menu: a flow of this skill."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    flow: str
    title: dict[str, str]
    description: dict[str, str] = Field(default_factory=dict)


class Manifest(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,30}$")
    title: dict[str, str]
    description: dict[str, str] = Field(default_factory=dict)
    version: str = Field(pattern=r"^\d+\.\d+\.\d+$")
    engine: str = Field(">=1,<2", pattern=r"^\s*(>=|<=|==|>|<)\d+(\.\d+)*\s*(,\s*(>=|<=|==|>|<)\d+(\.\d+)*\s*)*$")
    languages: tuple[str, ...] = ("en",)
    requires: tuple[str, ...] = ()
    meters: tuple[str, ...] = ()
    permissions: dict[str, str] = Field(default_factory=dict)
    tasks: dict[Literal["interactive", "bulk", "render"], str] = Field(default_factory=dict)
    menu: tuple[MenuItem, ...] = ()
    limits: dict[str, Any] = Field(default_factory=dict)

    def fits_engine(self) -> bool:
        return all(_holds(clause.strip()) for clause in self.engine.split(","))


class ManifestError(Exception):
    """The manifest cannot be used; the message starts with file:line:col."""


def read_manifest(path: Path, *, name: str) -> Manifest:
    """`name` is what the skill is installed as: its folder here, its entry point in another package.

    Raises:
        ManifestError: not YAML, not a manifest, or of another name.
    """
    try:
        data = YAML(typ="rt").load(path.read_text("utf-8"))
        manifest = Manifest.model_validate(data)
    except MarkedYAMLError as e:
        mark = e.problem_mark or e.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise ManifestError(f"{path}:{line}:{column} {e.problem}") from e
    except (YAMLError, UnicodeDecodeError) as e:
        raise ManifestError(f"{path}:1:1 cannot be read as YAML in UTF-8: {' '.join(str(e).split())}") from e
    except ValidationError as e:
        raise ManifestError("; ".join(_located(path, data, problem) for problem in e.errors())) from e
    if manifest.name != name:
        raise ManifestError(f"{path}:1:1 the skill is named {manifest.name}, but installed as {name}; make them equal")
    return manifest


def _located(path: Path, data: Any, problem: Any) -> str:
    line, column = 1, 1
    node = data
    for key in problem["loc"]:
        try:
            line, column = (place + 1 for place in node.lc.data[key][:2])
            node = node[key]
        except (AttributeError, KeyError, TypeError, IndexError):
            break
    where = ".".join(str(part) for part in problem["loc"])
    return f"{path}:{line}:{column} {where}: {problem['msg']}"


def _holds(clause: str) -> bool:
    for sign, test in (
        (">=", ENGINE.__ge__),
        ("<=", ENGINE.__le__),
        ("==", ENGINE.__eq__),
        (">", ENGINE.__gt__),
        ("<", ENGINE.__lt__),
    ):
        if clause.startswith(sign):
            return bool(test(int(clause[len(sign) :].split(".")[0])))
    return False
