"""From the texts of a skill's files to a SkillSource. Pure: whoever calls reads the files."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from bot.flows.diagnostics import Diagnostic, Pos, Reporter, nearest
from bot.flows.domainfile import read_domain
from bot.flows.flowfile import read_flow
from bot.flows.imported import import_classics
from bot.flows.nlufile import read_locale, read_nlu
from bot.flows.rulefile import read_rules, refuse_stories
from bot.flows.source import SkillSource
from bot.flows.yamltext import Map, parse_yaml

__all__ = ["UNREAD", "forget_parsed", "load_skill"]

UNREAD = ("CN-YAML-001", "CN-YAML-002", "CN-YAML-003")  # the whole file is lost
_TOP_LEVEL = ("flows", "version")
_ID_LINE = re.compile(r"^(\s+)([\"']?)([^\s#\"'][^:#\"']*)\2\s*:(\s|$)")


def load_skill(name: str, files: Mapping[str, str], *, by_content: bool = False) -> SkillSource:
    """Reads a skill; never raises.

    `files`: relative path to text of flows.yml, flows/*.yml, domain.yml, domain/*.yml, nlu.yml, nlu/*.yml,
    locales/<lang>.yml and locales/<lang>/*.yml; others are left alone. A flow with an error is refused and the others
    stay; a file that is no YAML makes the skill unusable.

    `by_content`: a project whose files are named otherwise. Each may hold any of flows, domain, examples and rules, and
    one that cannot be read is left out.
    """
    report = Reporter()
    skill = SkillSource(name, _digest(name, files), files=dict(files), is_project=by_content)
    kinds = {path: "any" if by_content else kind for path in sorted(files) if (kind := _kind(path)) or by_content}
    parsed = {path: _parsed(path, files[path], report) for path in kinds}
    unread = [found.file for found in report.found if found.code in UNREAD]
    skill.usable = by_content or not unread
    skill.lost = {flow_id: pos for path in unread for flow_id, pos in _flows_by_eye(path, files[path])}
    for path, data in parsed.items():
        if kinds[path] == "flows":
            _read_flows(data, path, skill, report)
        elif kinds[path] == "domain":
            read_domain(data, path, skill, report)
        elif kinds[path] == "any":
            _read_any(data, path, skill, report)
    for path, data in parsed.items():
        kind = kinds[path]
        if kind == "nlu":
            read_nlu(data, path, skill, report)
        elif kind.startswith("locale:"):
            read_locale(kind.removeprefix("locale:"), data, path, skill, report)
        if kind in ("flows", "nlu", "any"):
            read_rules(data, path, skill, report)
            refuse_stories(data, path, report)
    import_classics(skill, report)
    for found in report.found:
        if found.severity == "error" and found.flow in skill.flows and not _is_second(found):
            skill.flows[found.flow].refused = True
    skill.diagnostics = tuple(report.found)
    return skill


def _parsed(path: str, text: str, report: Reporter) -> Any:
    data, found = _parse(path, text)
    report.found += found
    return data


# Two thirds of the time of loading is reading YAML. A version of one organization differs in one file of ten: the others
# are at hand. What is read is not changed by anybody. By content, so a changed file is read again; a file takes about 100 kB.
@lru_cache(maxsize=64)
def _parse(path: str, text: str) -> tuple[Any, tuple[Diagnostic, ...]]:
    report = Reporter()
    return parse_yaml(path, text, report), tuple(report.found)


def forget_parsed() -> None:
    _parse.cache_clear()


def _is_second(found: Diagnostic) -> bool:
    """About another flow of the same name, not about the flow that counts."""
    return found.code == "CN-NAME-001" or (found.code == "CN-YAML-005" and found.pointer.count("/") == 2)


_DOMAIN = ("slots", "responses", "actions", "forms", "intents", "entities", "session_config")
_CONTENT = ("flows", "nlu", "rules", "stories", "version", *_DOMAIN)


def _read_any(data: Any, path: str, skill: SkillSource, report: Reporter) -> None:
    """A file of a project, by what is in it."""
    if data is None:
        return
    if not isinstance(data, Map):
        report.error("CN-FILE-001", "a file is a mapping with `flows:`, `nlu:`, `slots:`, ...", Pos(path))
        return
    if "test_cases" in data:
        return  # conversations for a runner, kept beside the data
    for key in data:
        if key not in _CONTENT:
            hint = nearest(key, _CONTENT)
            report.warning("CN-FILE-002", f'"{key}" is not read', data.keys_at[key], hint)
    if data.get("flows") is not None:
        _read_flows(data, path, skill, report)
    if "nlu" in data:
        read_nlu(data, path, skill, report)
    domain = Map(data.pos)
    for key in _DOMAIN:
        if key in data:
            domain[key], domain.keys_at[key], domain.values_at[key] = data[key], data.keys_at[key], data.values_at[key]
    read_domain(domain, path, skill, report)


def _digest(name: str, files: Mapping[str, str]) -> str:
    digest = hashlib.sha256(name.encode())
    for path in sorted(files):
        digest.update(f"\0{path}\0{files[path]}".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def _kind(path: str) -> str:
    """flows, domain, nlu, locale:<lang> or nothing."""
    if not path.endswith((".yml", ".yaml")):
        return ""
    parts = path.rsplit(".", 1)[0].split("/")
    if parts[0] in ("flows", "domain", "nlu"):
        return parts[0]
    if parts[0] == "locales" and len(parts) > 1:
        return f"locale:{parts[1]}"
    return ""


def _flows_by_eye(path: str, text: str) -> Iterator[tuple[str, Pos]]:
    """The flows of a file that cannot be read, as far as its lines show them."""
    lines = text.splitlines()
    start = next((n for n, line in enumerate(lines) if re.match(r"flows\s*:", line)), len(lines))
    indent: str | None = None
    for n, line in enumerate(lines[start + 1 :], start + 2):
        if line and not line[0].isspace() and not line.startswith("#"):
            return
        match = _ID_LINE.match(line)
        if match is None:
            continue
        indent = match.group(1) if indent is None else indent
        if match.group(1) == indent:
            yield match.group(3).strip(), Pos(path, n, len(indent) + 1)


def _read_flows(data: Any, path: str, skill: SkillSource, report: Reporter) -> None:
    if data is None:
        return
    flows = data.get("flows") if isinstance(data, Map) else None
    if isinstance(data, Map) and flows is None and ("rules" in data or "stories" in data):
        return
    if not isinstance(flows, Map):
        misspelt = [key for key in data if key not in _TOP_LEVEL] if isinstance(data, Map) else []
        hint = next((found for key in misspelt if (found := nearest(key, _TOP_LEVEL))), "")
        report.error("CN-FLOW-033", "a flows file has a mapping `flows:` of id to flow", Pos(path), hint)
        return
    for flow_id, value in flows.items():
        pos = flows.keys_at[flow_id]
        with report.about(flow=flow_id):
            if flow_id in skill.flows:
                first = skill.flows[flow_id].pos
                report.error("CN-NAME-001", f'flow "{flow_id}" is defined twice, first at {first}', pos)
            else:
                skill.flows[flow_id] = read_flow(flow_id, value, pos, report)
