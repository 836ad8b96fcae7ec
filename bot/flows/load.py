"""From the texts of a skill's files to a SkillSource. Pure: whoever calls reads the files."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from bot.flows.diagnostics import Pos, Reporter, nearest
from bot.flows.domainfile import read_domain
from bot.flows.flowfile import read_flow
from bot.flows.nlufile import read_locale, read_nlu
from bot.flows.source import SkillSource
from bot.flows.yamltext import Map, parse_yaml

__all__ = ["load_skill"]

_TOP_LEVEL = ("flows", "version")


def load_skill(name: str, files: Mapping[str, str]) -> SkillSource:
    """Reads a skill; never raises.

    `files`: relative path to text of flows.yml, flows/*.yml, domain.yml, domain/*.yml, nlu.yml, nlu/*.yml,
    locales/<lang>.yml and locales/<lang>/*.yml; others are left alone. A flow with an error is refused and the others
    stay; a file that is no YAML makes the skill unusable.
    """
    report = Reporter()
    skill = SkillSource(name, _digest(name, files), files=dict(files))
    parsed = {path: parse_yaml(path, files[path], report) for path in sorted(files) if _kind(path)}
    skill.usable = not any(found.code in ("CN-YAML-001", "CN-YAML-002", "CN-YAML-003") for found in report.found)
    for path, data in parsed.items():
        kind = _kind(path)
        if kind == "flows":
            _read_flows(data, path, skill, report)
        elif kind == "domain":
            read_domain(data, path, skill, report)
    for path, data in parsed.items():
        kind = _kind(path)
        if kind == "nlu":
            read_nlu(data, path, skill, report)
        elif kind.startswith("locale:"):
            read_locale(kind.removeprefix("locale:"), data, path, skill, report)
    refused = {found.flow for found in report.found if found.severity == "error" and found.flow}
    for flow_id in refused:
        if flow_id in skill.flows:
            skill.flows[flow_id].refused = True
    skill.diagnostics = tuple(report.found)
    return skill


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


def _read_flows(data: Any, path: str, skill: SkillSource, report: Reporter) -> None:
    if data is None:
        return
    flows = data.get("flows") if isinstance(data, Map) else None
    if not isinstance(flows, Map):
        hint = next((found for key in data if (found := nearest(key, _TOP_LEVEL))), "") if isinstance(data, Map) else ""
        report.error("CN-FLOW-033", "a flows file has a mapping `flows:` of id to flow", Pos(path), hint)
        return
    for flow_id, value in flows.items():
        pos = flows.keys_at[flow_id]
        if flow_id in skill.flows:
            report.error("CN-NAME-001", f'flow "{flow_id}" is defined twice, first at {skill.flows[flow_id].pos}', pos)
            continue
        report.flow = flow_id
        skill.flows[flow_id] = read_flow(flow_id, value, pos, report)
        report.flow = ""
