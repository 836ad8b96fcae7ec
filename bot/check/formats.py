"""A report as text for people, as JSON for programs, as SARIF for editors and code hosts."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import quote

from bot.check.report import Report
from bot.flows import Diagnostic

__all__ = ["Format", "shown"]

_LEVELS = {"error": "error", "warning": "warning", "note": "note"}


class Format(StrEnum):
    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"


def shown(report: Report, form: Format) -> str:
    return _FORMS[form](report)


def _text(report: Report) -> str:
    return "\n".join(_lines(report))


def _lines(report: Report) -> Iterator[str]:
    for each in report.diagnostics:
        yield f"{each.severity}: {each}"
    totals = report.totals()
    for flow in report.flows:
        if flow.status != "run":
            yield f"{flow.status.value}: {flow.flow} ({flow.file}:{flow.line}:{flow.column})"
    yield (
        f"{report.checked}: {totals['flows']} flows, {totals['run']} run, {totals['warn']} with warnings,"
        f" {totals['refused']} refused; {totals['errors']} errors, {totals['warnings']} warnings, {totals['notes']} notes"
    )


def _json(report: Report) -> str:
    return json.dumps(report.to_json(), indent=2, ensure_ascii=True)


def _sarif(report: Report) -> str:
    codes = sorted({each.code for each in report.diagnostics})
    driver = {"name": "chatnation check", "rules": [{"id": code} for code in codes]}
    run = {"tool": {"driver": driver}, "results": [_result(each) for each in report.diagnostics]}
    schema = "https://json.schemastore.org/sarif-2.1.0.json"
    return json.dumps({"$schema": schema, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=True)


def _result(each: Diagnostic) -> dict[str, Any]:
    tail = f" ({each.suggestion})" if each.suggestion else ""
    place: dict[str, Any] = {
        "physicalLocation": {
            "artifactLocation": {"uri": _uri(each.file)},
            "region": {"startLine": max(each.line, 1), "startColumn": max(each.column, 1)},
        }
    }
    if each.flow:
        place["logicalLocations"] = [{"name": each.flow, "fullyQualifiedName": each.pointer or each.flow}]
    return {
        "ruleId": each.code,
        "level": _LEVELS[each.severity],
        "message": {"text": each.message + tail},
        "locations": [place],
    }


def _uri(file: str) -> str:
    """Relative to where the command runs, as code hosts want it."""
    path = Path(file)
    if path.is_absolute() and not path.is_relative_to(Path.cwd()):
        return path.as_uri()
    return quote((path.relative_to(Path.cwd()) if path.is_absolute() else path).as_posix())


_FORMS: dict[Format, Callable[[Report], str]] = {Format.TEXT: _text, Format.JSON: _json, Format.SARIF: _sarif}
