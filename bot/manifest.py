"""`skill.yml`: what a skill says of itself, read without importing its code."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from bot.cron import CronError, parse_cron
from bot.flows.diagnostics import nearest

__all__ = ["ENGINE", "Manifest", "ManifestError", "MenuItem", "Missed", "Trigger", "Trust", "place_of", "read_manifest"]

RESERVED = frozenset(("core", "bot", "store", "channels", "scheduler", "skills", "message", "llm"))  # prefixes of ours
MAX_TIMEOUT_S = 60.0
ENGINE = 1  # the SDK's major version; a manifest says which it was written for


def _seconds(value: Any) -> Any:
    """8, 8.5, "8s", "500ms"."""
    if not isinstance(value, str):
        return value
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(ms|s)\s*", value)
    if match is None:
        raise ValueError('a duration is a number of seconds, or "8s", "500ms"')
    return float(match.group(1)) / (1000 if match.group(2) == "ms" else 1)


Seconds = Annotated[float, BeforeValidator(_seconds), Field(gt=0, le=MAX_TIMEOUT_S)]
Phrase = Annotated[str, Field(min_length=1, max_length=100, pattern=r"\w")]
Host = Annotated[
    str, Field(pattern=r"^(\*\.)?[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*(:\d{1,5})?$")
]


class MenuItem(BaseModel):
    """One line of the organization's menu: a flow of this skill."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    flow: str
    title: dict[str, str]
    description: dict[str, str] = Field(default_factory=dict)


class Provides(BaseModel):
    """What other skills may call or link to; a skill that requires this one uses their plain names."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    flows: tuple[str, ...] = ()


class SlotRules(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    exports: tuple[str, ...] = ()
    """Slots that other skills may read."""


class Capabilities(BaseModel):
    """What the skill may do beyond answering: told to whoever switches it on and to its agent in the router. `send_proactive` is held to it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    network: tuple[Host, ...] = ()
    """Hosts that its OnlineActions and tasks call."""
    send_proactive: bool = False
    """Whether its jobs send messages; without it they are refused."""
    contacts: Literal["none", "read", "write"] = "none"

    def told(self) -> list[str]:
        """In words; nothing when it only answers."""
        found = ["sends messages by itself"] if self.send_proactive else []
        if self.contacts != "none":
            found.append("reads contacts" if self.contacts == "read" else "reads and changes contacts")
        if self.network:
            found.append(f"calls {', '.join(self.network)}")
        return found


class Limits(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    action_timeout: Seconds | None = None
    """How long one action may take ("8s"); None: the platform's own limit. At most 60 s: a conversation stands still meanwhile."""
    llm_calls_per_turn: int | None = Field(None, ge=0, le=20)


class Missed(StrEnum):
    """What becomes of times that came while no clock ran."""

    LAST = "last"  # the latest of them is made up for, the others are left out
    EACH = "each"  # every one, oldest first; of very many the latest hundred
    NONE = "none"  # none that is more than a minute late


class Trigger(BaseModel):
    """What starts something besides a message's own wish: `words` a flow, as the flow's own words do; `schedule` and `webhook` a job of the skill,
    or a flow with people who may be written to now."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["words", "schedule", "webhook"]
    flow: str = ""
    words: dict[str, tuple[Phrase, ...]] = Field(default_factory=dict)
    """By language."""
    job: str = ""
    """Of a schedule or webhook: the job that is made, by its full name."""
    queue: Literal["interactive", "bulk", "render"] = "bulk"
    """The job's own."""
    at: str = ""
    """Of a schedule: a crontab line, by the clock of the organization's time zone."""
    missed: Missed = Missed.LAST
    name: str = Field("", pattern=r"^([a-z][a-z0-9_-]{0,39})?$")
    """What its rows and addresses are called. Left out: the job's or flow's own name."""

    @property
    def label(self) -> str:
        return self.name or (self.job.rpartition(".")[2] if self.job else self.flow)

    @model_validator(mode="after")
    def _says_what_and_when(self) -> Trigger:
        if self.kind == "words" and not any(self.words.values()):
            raise ValueError("a trigger of kind words has `words`, such as {en: [raffle]}")
        if self.kind == "words" and (self.job or not self.flow):
            raise ValueError("a trigger of kind words starts a `flow`")
        if self.kind != "words" and self.words:
            raise ValueError(f"`words` are of a trigger of kind words, not of {self.kind}")
        if self.kind != "words" and bool(self.job) == bool(self.flow):
            raise ValueError(f"a trigger of kind {self.kind} starts either a `job` or a `flow`")
        if self.kind == "schedule":
            self._check_time()
        elif self.at:
            raise ValueError(f"`at` is of a trigger of kind schedule, not of {self.kind}")
        return self

    def _check_time(self) -> None:
        if not self.at:
            raise ValueError('a trigger of kind schedule has `at`, such as "0 9 * * mon-fri"')
        try:
            parse_cron(self.at)
        except CronError as e:
            raise ValueError(f"at: {e}") from e


class Trust(StrEnum):
    IN_PROCESS = "in_process"  # actions.py is imported by the workers
    REMOTE = "remote"  # no code is imported: actions run on a server of their own (bot.remote)


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
    limits: Limits = Limits()
    provides: Provides = Provides()
    slots: SlotRules = SlotRules()
    capabilities: Capabilities = Capabilities()
    triggers: tuple[Trigger, ...] = ()
    channels: dict[str, Any] = Field(default_factory=dict)
    """By channel, what the skill needs there, such as templates. Accepted and kept."""
    trust: Trust = Trust.IN_PROCESS

    @field_validator("name")
    @classmethod
    def _is_free(cls, name: str) -> str:
        if name in RESERVED:
            raise ValueError(f"{name} is the platform's own name; choose another")
        return name

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
        raise ManifestError(
            f"{place_of(path, 'name')} the skill is named {manifest.name}, but installed as {name}; make them equal"
        )
    return manifest


def place_of(path: Path, *keys: str | int) -> str:
    """file:line:col of a key of the manifest, as far as it is there."""
    try:
        data = YAML(typ="rt").load(path.read_text("utf-8"))
    except (YAMLError, UnicodeDecodeError, OSError):
        return f"{path}:1:1"
    return _place(path, data, keys)


def _located(path: Path, data: Any, problem: Any) -> str:
    where = ".".join(str(part) for part in problem["loc"])
    return f"{_place(path, data, problem['loc'])} {where}: {_said(problem)}"


_FORMS = {
    "name": "small letters, digits and _, at most 31, a letter first",
    "version": "three numbers, such as 1.0.0",
    "engine": 'such as ">=1,<2"',
}


def _said(problem: Any) -> str:
    """Pydantic speaks to programmers; a skill's author writes YAML."""
    kind, loc = problem["type"], problem["loc"]
    if kind == "extra_forbidden":
        known = _keys(loc[:-1])
        return f"there is no such key; {nearest(str(loc[-1]), known) or 'known are ' + ', '.join(known)}"
    if kind == "missing":
        return "it is missing"
    if kind == "tuple_type":
        return "this is a list, such as [a, b]"
    if kind in ("dict_type", "model_type"):
        return "this is a mapping, such as {key: value}"
    if kind == "string_pattern_mismatch" and len(loc) == 1 and loc[0] in _FORMS:
        return f"{problem['input']!r} does not do: {_FORMS[loc[0]]}"
    return str(problem["msg"]).removeprefix("Value error, ")


def _keys(loc: Sequence[str | int]) -> list[str]:
    """Of the part of the manifest that is at `loc`."""
    model: type[BaseModel] = Manifest
    for key in loc:
        field = model.model_fields.get(str(key))
        if field is None:
            continue
        inner = (field.annotation, *get_args(field.annotation))
        model = next((each for each in inner if isinstance(each, type) and issubclass(each, BaseModel)), model)
    return list(model.model_fields)


def _place(path: Path, data: Any, keys: Sequence[str | int]) -> str:
    line, column = 1, 1
    node = data
    for key in keys:
        try:
            line, column = (place + 1 for place in node.lc.data[key][:2])
            node = node[key]
        except (AttributeError, KeyError, TypeError, IndexError):
            break
    return f"{path}:{line}:{column}"


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
