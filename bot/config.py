"""Layered settings. Lowest to highest:

    the defaults of each section's model
    configs/base.yml, configs/{env}.yml     no secrets here: they are refused
    secret files                            <data>/secrets/store__dsn, or the folder of CHATNATION__SECRETS__DIRECTORY
    the environment                         CHATNATION__STORE__DSN; an empty value counts as not set

    settings = load(StoreSettings, "store")

A name that no model claims stops the process with a suggestion: a misspelt setting is worse than a missing one.
"""

from __future__ import annotations

import difflib
import importlib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError

from bot.config_fields import Field, Kind, Leaf, field_at, leaves, parse
from bot.errors import ConfigError
from bot.settings import RootSettings

__all__ = ["DEFAULT", "ENVIRONMENT", "PREFIX", "SECTIONS", "Configuration", "Row", "load"]

PREFIX = "CHATNATION__"
ALMOST = "CHATNATION_"
# Read by processes and tests themselves; they are no settings.
OF_OTHERS = frozenset(
    ("CHATNATION_EMULATOR_CONFIG", "CHATNATION_READY_FILE", "CHATNATION_CHROMIUM", "CHATNATION_KILLS")
)
# What Kubernetes and Docker put into every container beside a service of ours.
_OF_SERVICES = re.compile(r"_SERVICE_(HOST|PORT(_\w+)?)$|_PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$")
DEFAULT = "default"
ENVIRONMENT = "environment"

# Section -> its model. Dotted names, because most of these packages stand above this one.
SECTIONS = {
    "web": "channels.settings:WebSettings",
    "api": "channels.api.settings:ApiSettings",
    "whatsapp": "channels.settings:WhatsAppSettings",
    "emulator": "bot.settings:EmulatorSettings",
    "admin": "admin_ui.settings:AdminSettings",
    "store": "store.settings:StoreSettings",
    "nats": "scheduler.settings:NatsSettings",
    "worker": "scheduler.settings:WorkerSettings",
    "clock": "scheduler.settings:ClockSettings",
    "limits": "scheduler.settings:LimitSettings",
    "turn": "bot.settings:TurnSettings",
    "remote": "bot.remote.settings:RemoteSettings",
    "hooks": "bot.hooks.settings:HookSettings",
    "embeddings": "bot.embedding.settings:EmbeddingSettings",
    "llm": "bot.llm.settings:LlmSettings",
    "identity": "bot.identity.settings:IdentitySettings",
    "email": "bot.identity.settings:EmailSettings",
    "sms": "bot.identity.settings:SmsSettings",
    "log": "bot.settings:LogSettings",
    "metrics": "bot.telemetry.settings:MetricsSettings",
    "sentry": "bot.telemetry.settings:SentrySettings",
    "otel": "bot.telemetry.settings:OtelSettings",
    "secrets": "bot.settings:SecretsSettings",
    "demo": "bot.settings:DemoSettings",
    "skills": "bot.settings:SkillsSettings",
}

# The names that every tool for such servers reads. They stand below our own, and above files.
ALIASES = {"OPENAI_API_KEY": ("llm", "api_key"), "OPENAI_BASE_URL": ("llm", "base_url")}

M = TypeVar("M", bound=BaseModel)
Name = tuple[str, ...]


def load(model: type[M], section: str, *, environment: Mapping[str, str] | None = None) -> M:
    """One section, checked.

    Raises:
        ConfigError: Any setting, also of another section, is unknown; or one of this section is wrong.
    """
    return Configuration.read(environment).section(model, section)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of `chatnation config`; secrets are masked."""

    name: str
    value: str
    origin: str


class Configuration:
    """Everything that is set, and where each value came from."""

    def __init__(self, models: Mapping[str, type[BaseModel]]) -> None:
        self._models = models
        self._values: dict[str, Any] = {}
        self._origins: dict[Name, str] = {}
        self.root = RootSettings()

    @classmethod
    def read(cls, environment: Mapping[str, str] | None = None) -> Configuration:
        """Reads all layers.

        Raises:
            ConfigError: A name that no model claims, a file that is no YAML, a secret in a file that is not for secrets.
        """
        source = os.environ if environment is None else environment
        self = cls({name: _import(dotted) for name, dotted in SECTIONS.items()})
        given = self._from_environment(source)
        self.root = self._read_root(given)
        for path in self._yaml_files():
            self._add_yaml(path)
        if "data" in self._values and not any(name == ("data",) for name, _ in given):
            self.root = self.root.model_copy(update={"data": Path(str(self._values["data"]))})
        # The secret folder may itself be set by any layer below, or by the environment.
        for variable, meant in ALIASES.items():
            if source.get(variable):
                self._set(meant, source[variable], f"{ENVIRONMENT} {variable}")
        for name, text in given:
            self._set(name, text, f"{ENVIRONMENT} {self._variable(name)}")
        self._add_secret_files(override_not={name for name, _ in given})
        return self

    @property
    def data(self) -> Path:
        """The data folder, absolute."""
        base = Path.cwd() if (("data",) in self._origins or _checkout() is None) else _checkout()
        assert base is not None
        return (base / self.root.data.expanduser()).resolve()

    def section(self, model: type[M], name: str) -> M:
        try:
            return model.model_validate(self._values.get(name, {}))
        except ValidationError as error:
            raise ConfigError(self._explain(error, name, model)) from error

    def check(self) -> None:
        """Validates every section, so that a process that needs only some of them still tells of a mistake in any."""
        for name, model in self._models.items():
            self.section(model, name)

    def is_set(self, dotted: str) -> bool:
        """False when the value is the model's default."""
        return tuple(dotted.split(".")) in self._origins

    def rows(self) -> Iterator[Row]:
        for name, shown in (("env", self.root.env), ("data", self.data), ("configs", self.configs or "(none)")):
            yield Row(name, str(shown), self._origins.get((name,), DEFAULT))
        for name, model in self._models.items():
            settings = self.section(model, name)
            for leaf in leaves(model):
                path = (name, *leaf.path)
                yield Row(".".join(path), _shown(leaf.of(settings), leaf), self._origin(path))

    def _from_environment(self, source: Mapping[str, str]) -> list[tuple[Name, str]]:
        given = []
        for variable in sorted(source):
            if source[variable] == "":
                continue
            if meant := self._meant(variable, source[variable]):
                raise ConfigError(f"{variable} is not a setting: did you mean {meant}?")
            if variable.upper().startswith(PREFIX):
                path = tuple(variable[len(PREFIX) :].lower().split("__"))
                if variable != variable.upper() or self._field(path) is None:
                    raise ConfigError(f"{variable} is not a setting{self._suggest(variable)}")
                given.append((path, source[variable]))
        return given

    def _meant(self, variable: str, value: str) -> str | None:
        """The setting that a name with too few underscores stands for, which would else be passed over in silence."""
        name = variable.upper()
        if not name.startswith(ALMOST) or name.startswith(PREFIX) or name in OF_OTHERS or _OF_SERVICES.search(name):
            return None
        if value.startswith(("tcp://", "udp://", "sctp://")):
            return None
        known = {"".join(path).replace("_", "").upper(): path for path in self._names()}
        close = difflib.get_close_matches(name.removeprefix(ALMOST).replace("_", ""), known, n=1, cutoff=0.85)
        return self._variable(known[close[0]]) if close else None

    def _read_root(self, given: list[tuple[Name, str]]) -> RootSettings:
        """`env` and `configs` decide which files are read, so they come from the environment only; `data` may also stand in a file."""
        values = {path[0]: text for path, text in given if len(path) == 1}
        for name in values:
            self._origins[(name,)] = f"{ENVIRONMENT} {PREFIX}{name.upper()}"
        try:
            return RootSettings.model_validate(values)
        except ValidationError as error:
            raise ConfigError(self._explain(error, "", RootSettings)) from error

    @property
    def configs(self) -> Path | None:
        """The folder of base.yml and its like; None for an installed package that was given none."""
        if self.root.configs is not None:
            return self.root.configs.expanduser().resolve()
        checkout = _checkout()
        return checkout / "configs" if checkout else None

    def _yaml_files(self) -> list[Path]:
        folder = self.configs
        if folder is None:
            return []
        if self.root.configs is not None and not folder.is_dir():
            raise ConfigError(f"{PREFIX}CONFIGS names {folder}, which is not a folder")
        own = folder / f"{self.root.env}.yml"
        if not own.exists() and ("env",) in self._origins:
            known = ", ".join(sorted(path.stem for path in folder.glob("*.yml") if path.stem not in ("base", "prices")))
            raise ConfigError(f"{PREFIX}ENV is {self.root.env!r}, but there is no {own}; there are: {known}")
        return [path for path in (folder / "base.yml", own) if path.exists()]

    def _add_yaml(self, path: Path) -> None:
        try:
            content = YAML(typ="safe", pure=True).load(path)
        except MarkedYAMLError as error:
            mark = error.problem_mark
            place = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
            raise ConfigError(f"{path}{place} is not YAML: {error.problem}") from error
        for name, value in _flat(content or {}):
            field = self._field(name)
            dotted = ".".join(name)
            if value is None and dotted in self._models:  # a section with nothing but comments
                continue
            if dotted in ("env", "configs"):
                raise ConfigError(
                    f"{path}: {dotted} decides which files are read, so it is set by {self._variable(name)} only"
                )
            if field is None or field.kind is Kind.MODEL:
                close = difflib.get_close_matches(dotted, [".".join(p) for p in self._names()], n=1, cutoff=0.7)
                raise ConfigError(
                    f"{path}: {dotted} is not a setting" + (f": did you mean {close[0]}?" if close else "")
                )
            if field.is_secret:
                raise ConfigError(
                    f"{path}: {dotted} is a secret and may not stand here: set {self._variable(name)}, or write a secret file {'__'.join(name)}"
                )
            self._put(name, value, f"{path.parent.name}/{path.name}")

    def _add_secret_files(self, override_not: set[Name]) -> None:
        folder = self._secret_folder()
        for file in sorted(folder.iterdir()) if folder.is_dir() else []:
            if "__" not in file.name or not file.is_file():
                continue
            path = tuple(file.name.lower().removeprefix(PREFIX.lower()).split("__"))
            if self._field(path) is None or len(path) == 1:
                raise ConfigError(
                    f"secret file {file} is not named after a setting{self._suggest(self._variable(path))}"
                )
            if path not in override_not:
                self._set(path, file.read_text().strip(), f"secret file {file.name}")

    def _secret_folder(self) -> Path:
        given = self._values.get("secrets", {}).get("directory")
        return (self.data / Path(str(given)).expanduser()) if given else self.data / "secrets"

    def _set(self, path: Name, text: str, origin: str) -> None:
        field = self._field(path)
        assert field is not None, path
        if len(path) > 1:
            try:
                self._put(path, parse(text, field), origin)
            except ValueError as error:
                raise ConfigError(f"{origin}: {error}") from error

    def _put(self, path: Name, value: object, origin: str) -> None:
        place = self._values
        for part in path[:-1]:
            place = place.setdefault(part, {})
        place[path[-1]] = value
        self._origins[path] = origin

    def _origin(self, path: Name) -> str:
        """Of the value, or of the first value inside it."""
        return self._origins.get(path) or next((o for p, o in self._origins.items() if p[: len(path)] == path), DEFAULT)

    def _field(self, path: Name) -> Field | None:
        if len(path) == 1:
            return field_at(RootSettings, path)
        model = self._models.get(path[0])
        return field_at(model, path[1:]) if model else None

    def _names(self) -> Iterator[Name]:
        yield from ((name,) for name in RootSettings.model_fields)
        for section, model in self._models.items():
            yield from ((section, *leaf.path) for leaf in leaves(model))

    def _variable(self, path: Name) -> str:
        return PREFIX + "__".join(path).upper()

    def _suggest(self, variable: str) -> str:
        """Compared without the prefix, which would make everything look alike."""
        names = ["__".join(path).upper() for path in self._names()]
        close = difflib.get_close_matches(variable.upper().removeprefix(PREFIX), names, n=1, cutoff=0.6)
        return f": did you mean {PREFIX}{close[0]}?" if close else ": `chatnation config` lists them all"

    def _explain(self, error: ValidationError, section: str, model: type[BaseModel]) -> str:
        first = error.errors()[0]
        inner = tuple(str(part) for part in first["loc"])
        path = ((section, *inner) if section else inner) or (section,)
        field = self._field(path) or self._field(path[:2])
        origin = self._origin(path[:2])
        subject = f"{'.'.join(path)} in {origin}"
        if origin.startswith((ENVIRONMENT, DEFAULT)):
            subject = self._variable(path)
        if origin.removeprefix(f"{ENVIRONMENT} ") in ALIASES:
            subject = origin.removeprefix(f"{ENVIRONMENT} ")
        value = "" if (field and field.is_secret) or not inner else f" is {first['input']!r}"
        return f"{subject}{value}: {first['msg'][0].lower()}{first['msg'][1:]}"


def _import(dotted: str) -> type[BaseModel]:
    module, _, name = dotted.partition(":")
    found: type[BaseModel] = getattr(importlib.import_module(module), name)
    return found


def _checkout() -> Path | None:
    """The folder of the project when the package is used from there; None when it is installed."""
    root = Path(__file__).resolve().parent.parent
    return root if (root / "configs").is_dir() and (root / "pyproject.toml").is_file() else None


def _flat(content: object, path: Name = ()) -> Iterator[tuple[Name, object]]:
    if isinstance(content, Mapping) and (content or not path):
        for key, value in content.items():
            yield from _flat(value, (*path, str(key)))
    else:
        yield path, content


def _shown(value: object, leaf: Leaf) -> str:
    """For people: secrets masked, but of an address its host is told, which is what one looks for."""
    if value is None or value == ():
        return "(not set)"
    if not leaf.field.is_secret:
        return str(value.value if hasattr(value, "value") else value)
    reveal = getattr(value, "get_secret_value", None)
    parts = urlsplit(reveal()) if reveal else None
    if parts is None or not parts.hostname:
        return "••••••••"
    user = f"{parts.username}:••••@" if parts.password else "••••@" if parts.username else ""
    return f"{parts.scheme}://{user}{parts.hostname}{f':{parts.port}' if parts.port else ''}{parts.path}"
