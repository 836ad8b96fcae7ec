"""`chatnation diff OLD NEW`: what changed between two versions of a skill, and where a conversation would lose its place.

A conversation that stands at a step which is gone keeps its question when the same flow still asks for that slot (it is asked
anew); else its flow is dropped, and the person is told (`bot.flows.reconcile`). Counting live conversations is publishing's.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bot.errors import ChatNationError
from bot.flows import Compiled, Frame, Pending, SkillSource, compile_flows, load_skill
from bot.flows.reconcile import Fate
from bot.manifest import ManifestError, read_manifest
from bot.publishing.stranded import judge
from bot.registry import FLOW_FILES, Registry, find_skills

__all__ = ["Comparison", "Place", "Version", "compare", "read_version", "stranded_places"]


@dataclass(frozen=True, slots=True)
class Version:
    label: str
    source: SkillSource
    compiled: Compiled


@dataclass(frozen=True, slots=True)
class Place:
    """A step of the old version, and what becomes of who stands there."""

    flow: str
    step: str
    fate: Fate


@dataclass(frozen=True, slots=True)
class Comparison:
    """Names by kind (flows, steps, slots, responses): added, removed and changed ones."""

    old: str
    new: str
    added: Mapping[str, list[str]] = field(default_factory=dict)
    removed: Mapping[str, list[str]] = field(default_factory=dict)
    changed: Mapping[str, list[str]] = field(default_factory=dict)
    stranded: tuple[Place, ...] = ()

    def as_json(self) -> str:
        return json.dumps(asdict(self), indent=2)

    def as_text(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield f"{self.old} -> {self.new}"
        for sign, found in (("+", self.added), ("-", self.removed), ("~", self.changed)):
            for kind, names in found.items():
                yield from (f"{sign} {kind[:-1]} {name}" for name in names)
        if not (self.added or self.removed or self.changed):
            yield "nothing changed"
        for each in self.stranded:
            what = "is asked its question anew" if each.fate == "asked again" else "loses its place, and is told"
            yield f"! who stands at {each.flow} {each.step} {what}"


def compare(old: Version, new: Version) -> Comparison:
    before, after = _described(old), _described(new)
    added: dict[str, list[str]] = {}
    removed: dict[str, list[str]] = {}
    changed: dict[str, list[str]] = {}
    for kind in before:
        was, now = before[kind], after[kind]
        for into, names in (
            (added, sorted(now.keys() - was.keys())),
            (removed, sorted(was.keys() - now.keys())),
            (changed, sorted(name for name in was.keys() & now.keys() if was[name] != now[name])),
        ):
            if names:
                into[kind] = names
    places = tuple(stranded_places(old.compiled, new.compiled, old.source.name))
    return Comparison(old.label, new.label, added, removed, changed, places)


def stranded_places(old: Compiled, new: Compiled, skill: str) -> Iterator[Place]:
    """Steps at which a conversation can rest in the old version, and would not simply go on in the new one."""
    for flow in old.flows.values():
        for step in flow.steps if flow.skill == skill else ():
            if step.kind not in ("collect", "listen", "action", "call"):
                continue
            asked = Pending("slot", flow.id, step.id, slot=step.target) if step.kind == "collect" else None
            called = Frame(step.target, kind="call") if step.kind == "call" else None
            for found in judge([Frame(flow.id, step=step.id), *([called] if called else ())], asked, new, old):
                if found[:2] == (flow.id, step.id):
                    yield Place(*found)


def _described(version: Version) -> dict[str, dict[str, str]]:
    """By kind and name what is written, without places."""
    source = version.source
    flows: dict[str, str] = {}
    steps: dict[str, str] = {}
    for flow in source.flows.values():
        flows[flow.id] = _text(
            {name: value for name, value in _parts(flow).items() if name not in ("pos", "steps", "refused")}
        )
        for step in flow.steps:
            steps[f"{flow.id} {step.id}"] = _text(_parts(step))
    slots = {slot.name: _text(_parts(slot)) for slot in source.slots.values()}
    responses = {
        f"{name} ({locale})" if locale else name: _text([_parts(each) for each in response.variations])
        for locale, known in source.responses.items()
        for name, response in known.items()
    }
    return {"flows": flows, "steps": steps, "slots": slots, "responses": responses}


_UNSAID = ("pos", "target_pos", "parsed")


def _parts(value: Any) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__slots__ if name not in _UNSAID}


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_text(each)}" for key, each in value.items() if key not in _UNSAID) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_text(each) for each in value) + "]"
    if type(value).__module__ == "bot.flows.source":
        return _text(_parts(value))
    return "" if type(value).__module__ == "bot.flows.diagnostics" else repr(value)


# -- versions


def read_version(what: str, skill: str = "", *, other: str = "") -> Version:
    """A skill's folder, or a git revision of it; of which skill, `other` (a folder) or `skill` says then.

    Raises:
        ChatNationError: there is no such folder, revision or skill, or it has errors.
    """
    if (Path(what) / "skill.yml").is_file():
        folder = Path(what)
        files = {
            path.relative_to(folder).as_posix(): path.read_text("utf-8", "replace")
            for pattern in FLOW_FILES
            for path in sorted(folder.glob(pattern))
        }
        return _version(what, _name(folder / "skill.yml", folder), files)
    folder = Path(other) if (Path(other) / "skill.yml").is_file() else _folder_of(skill, what)
    return _version(what, _name(folder / "skill.yml", folder), _at_revision(what, folder))


def _folder_of(skill: str, what: str) -> Path:
    if not skill:
        raise ChatNationError(f"{what} is no folder of a skill; for git revisions name the skill with --skill")
    for name, _, folder in find_skills():
        if name == skill:
            return folder
    raise ChatNationError(f"there is no skill {skill}")


def _at_revision(revision: str, folder: Path) -> dict[str, str]:
    listed = _git(folder, "ls-tree", "-r", "--name-only", revision, "--", ".", what=revision).splitlines()
    if not listed:
        raise ChatNationError(f"{revision} has no {folder}")
    wanted = [name for name in listed if any(Path(name).match(pattern) for pattern in FLOW_FILES)]
    return {name: _git(folder, "show", f"{revision}:./{name}", what=revision) for name in wanted}


def _git(folder: Path, *arguments: str, what: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as e:
        raise ChatNationError(f"git cannot be asked for {what}: {e}") from e
    if done.returncode:
        why = (done.stderr.strip().splitlines() or ["unknown"])[0].removeprefix("fatal: ")
        raise ChatNationError(f"{what} is neither a folder of a skill nor a git revision: {why}")
    return done.stdout


def _name(manifest: Path, folder: Path) -> str:
    """As the manifest says; a copy of a skill may stand in a folder of any name."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        name = str((YAML(typ="safe", pure=True).load(manifest.read_text("utf-8")) or {}).get("name"))
        read_manifest(manifest, name=name)
    except (ManifestError, YAMLError, OSError, AttributeError, UnicodeDecodeError) as e:
        raise ChatNationError(f"{folder}: {e}") from e
    return name


def _version(label: str, name: str, files: Mapping[str, str]) -> Version:
    source = load_skill(name, files)
    registry = Registry.load()
    installed = registry.skills.get(name)
    needed = installed.manifest.requires if installed is not None and installed.manifest is not None else ()
    source.requires = tuple(needed)
    others = [found for each in needed if each in registry.skills and (found := registry.skills[each].source)]
    compiled = compile_flows([*others, source])
    errors = [each for each in (*source.diagnostics, *compiled.diagnostics) if each.severity == "error"]
    if errors:
        raise ChatNationError(f"{label} has errors: " + "; ".join(str(each) for each in errors[:5]))
    return Version(label, source, compiled)
