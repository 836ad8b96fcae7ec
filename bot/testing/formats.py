"""Results as text for people, as JSON for programs, as JUnit's XML for whatever collects test reports."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from bot.testing.run import Outcome, Results

__all__ = ["Format", "shown"]


class Format(StrEnum):
    TEXT = "text"
    JSON = "json"
    JUNIT = "junit"


def shown(results: Results, form: Format) -> str:
    return _FORMS[form](results)


def _text(results: Results) -> str:
    return "\n".join(_lines(results)).replace(f"{Path.cwd()}/", "")


def _lines(results: Results) -> Iterator[str]:
    for each in results.cases:
        yield f"{each.status.value:7} {each.file}:{each.line} {each.case}".rstrip()
    for each in results.cases:
        if each.reason:
            yield f"\n{each.status.value}: {each.reason}"
    for changed in results.updated:
        yield f"updated {changed}"
    if results.coverage is not None:
        yield from _coverage_lines(results)
    totals = results.totals()
    yield f"\n{totals['cases']} cases: " + ", ".join(f"{totals[each.value]} {each.value}" for each in Outcome)


def _coverage_lines(results: Results) -> Iterator[str]:
    assert results.coverage is not None
    flows = results.coverage.flows()
    yield "\nflow: steps seen of all, branches seen of all"
    for flow in flows:
        told = flow.to_json()
        yield (
            f"  {flow.flow}: {told['steps_seen']}/{told['steps']} steps,"
            f" {told['branches_seen']}/{told['branches']} branches"
        )
        for missed in told["missed"]:
            branch = f", branch {missed['branch']}" if "branch" in missed else ""
            yield f"    {flow.file}:{missed['line']} {missed['step']}{branch} was never reached"
    totals = results.coverage.totals(flows)
    yield (
        f"  all {totals['flows']} flows: {totals['steps_seen']}/{totals['steps']} steps,"
        f" {totals['branches_seen']}/{totals['branches']} branches"
    )


def _json(results: Results) -> str:
    found: dict[str, Any] = {"totals": results.totals(), "cases": [each.to_json() for each in results.cases]}
    if results.updated:
        found["updated"] = results.updated
    if results.coverage is not None:
        flows = results.coverage.flows()
        found["coverage"] = {
            "totals": results.coverage.totals(flows),
            "flows": [each.to_json() for each in flows],
        }
    return json.dumps(found, indent=2)


def _junit(results: Results) -> str:
    totals = results.totals()
    suite = Element(
        "testsuite",
        name="chatnation",
        tests=str(totals["cases"]),
        failures=str(totals["failed"]),
        skipped=str(totals["skipped"]),
        errors="0",
        time=f"{sum(each.seconds for each in results.cases):.3f}",
    )
    for each in results.cases:
        case = SubElement(
            suite,
            "testcase",
            name=_xml(each.case or "(the file)"),
            classname=_xml(each.file),
            file=_xml(each.file),
            line=str(each.line),
            time=f"{each.seconds:.3f}",
        )
        if each.status is not Outcome.PASSED:
            told = SubElement(
                case, "failure" if each.status is Outcome.FAILED else "skipped", message=_xml(each.reason[:200])
            )
            told.text = _xml(each.reason)
    indent(suite)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + tostring(suite, encoding="unicode")


def _xml(text: str) -> str:
    """XML 1.0 has no control characters, not even escaped."""
    return "".join(letter for letter in text if letter >= " " or letter in "\n\t")


_FORMS: dict[Format, Callable[[Results], str]] = {Format.TEXT: _text, Format.JSON: _json, Format.JUNIT: _junit}
