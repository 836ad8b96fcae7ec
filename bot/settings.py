"""Settings that belong to no package below: the process's own, and those of `chatnation up`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

__all__ = [
    "DemoSettings",
    "EmulatorSettings",
    "LogFormat",
    "LogSettings",
    "RootSettings",
    "SecretsSettings",
    "Settings",
    "SkillsSettings",
    "TurnSettings",
]


class Settings(BaseModel):
    """The base of a section: a name nobody declared is an error, and nothing changes after the start."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class RootSettings(Settings):
    """The few that stand above all sections: CHATNATION__ENV, CHATNATION__DATA, CHATNATION__CONFIGS."""

    env: str = Field("dev", pattern=r"^[a-z][a-z0-9_]*$")
    """Which `configs/{env}.yml` is read after `base.yml`."""
    data: Path = Path(".data")
    """Embedded servers, media, generated keys. Relative: to the checkout, or to the working directory where there is none."""
    configs: Path | None = None
    """Folder of base.yml and {env}.yml. None: `configs` of the checkout, or no files at all where the package is installed elsewhere."""


class SecretsSettings(Settings):
    directory: Path | None = None
    """A file per secret, named like `store__dsn`. None: `secrets` in the data folder."""


class LogFormat(StrEnum):
    TEXT = "text"  # for people
    JSON = "json"  # one object per line, for collectors


class LogSettings(Settings):
    level: str = Field("INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$")
    format: LogFormat = LogFormat.TEXT


class TurnSettings(Settings):
    """The turn pipeline; each default is settled in docs/architecture.md."""

    lease_s: float = Field(15.0, gt=0)
    """A session belongs to one worker for so long without a renewal."""
    renew_s: float = Field(5.0, gt=0)
    unknown_grace_s: float = Field(30.0, gt=0)
    """A send without an answer and without a status for so long is sent again."""
    at_once_per_organization: int = Field(6, ge=1)
    """Turns of one organization that a process works on at a time, not counting those that wait for something outside.
    Fewer than `store.pool_max`: then a large organization waits for itself, and the others not for it."""
    session_expiry_h: float = Field(24.0, gt=0)
    """Silence after which a conversation starts afresh."""
    unfinished_kept_h: float = Field(168.0, ge=0)
    """Silence during which something half finished is kept, and going on with it is offered."""
    away_after_min: float = Field(60.0, gt=0)
    """Silence in the middle of something after which we say where we were, unless the person simply answers."""
    clarify_several: bool = False
    """Several wishes in one message: ask which is meant, instead of one after the other."""
    clarify_margin: float | None = Field(None, ge=0, le=1)
    """By how much a wish must be more likely than the next to start without asking. None: fitted on the skills' examples; 0: the best is taken."""


class EmulatorSettings(Settings):
    """The WhatsApp emulator beside `chatnation up`. It is a tool of its own: the rest of its configuration is not the application's."""

    enabled: bool = True
    host: str = "127.0.0.1"
    port: int = Field(9000, ge=1, le=65535)


class SkillsSettings(Settings):
    folders: str = ""
    """More folders with skills, separated as in PATH. `skills` of the working folder is looked into anyway."""


class DemoSettings(Settings):
    enabled: bool = True
    """Whether `chatnation up` loads the demo organizations."""
    history: bool = False
    """Whether they get two weeks of conversations and tickets too, and people who sign in to the admin app."""
