"""`check --profile rasa DIR`: whatever lies in the folder, each flow has a fate, and each fault a code and a place."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bot.check.formats import Format, shown
from bot.check.project import MAX_FILES, check_project
from bot.check.report import Report

ROOT = Path(__file__).parents[3]
DOMAIN = "slots: {a: {type: text}}\nresponses: {utter_x: [{text: x}], utter_ask_a: [{text: A}]}\n"
GOOD = "flows:\n  good: {description: x, steps: [{action: utter_x}]}\n"


def project(folder: Path, **files: str | bytes) -> Path:
    for name, content in {"data/flows.yml": GOOD, "domain.yml": DOMAIN, **files}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def fates(report: Report) -> dict[str, str]:
    return {f"{each.flow}@{each.file}:{each.line}": each.status.value for each in report.flows}


def codes(report: Report) -> list[tuple[str, str, int]]:
    return [(each.code, each.file, each.line) for each in report.diagnostics]


def test_run_warn_refused(tmp_path: Path) -> None:
    more = (
        "flows:\n"
        "  warned: {steps: [{action: utter_x}]}\n"
        "  refused: {description: x, steps: [{action: utter_y}]}\n"
        "  needs_it: {description: x, steps: [{link: refused}]}\n"
    )
    report = check_project(project(tmp_path, **{"data/deep/er/more.yaml": more}))
    assert fates(report) == {
        "warned@data/deep/er/more.yaml:2": "warn",
        "refused@data/deep/er/more.yaml:3": "refused",
        "needs_it@data/deep/er/more.yaml:4": "refused",
        "good@data/flows.yml:2": "run",
    }
    assert report.totals() == {"flows": 4, "run": 1, "warn": 1, "refused": 2, "errors": 2, "warnings": 1, "notes": 0}
    told = {each.flow: [found.code for found in each.diagnostics] for each in report.flows}
    assert told == {"warned": ["CN-FLOW-004"], "refused": ["CN-RESP-007"], "needs_it": ["CN-NAME-003"], "good": []}


def test_places_are_also_pointers(tmp_path: Path) -> None:
    flows = "flows:\n  a/b~c: {description: x, steps: [{action: utter_x}]}\n  f: {description: x, steps: [{action: utter_x, next: zz}]}\n"
    report = check_project(project(tmp_path, **{"data/flows.yml": flows}))
    assert {each.code: each.pointer for each in report.diagnostics} == {
        "CN-FLOW-001": "/flows/a~1b~0c",
        "CN-FLOW-025": "/flows/f/steps/0/next",
    }


def test_a_second_flow_of_a_name_is_refused_and_the_first_runs(tmp_path: Path) -> None:
    report = check_project(project(tmp_path, **{"data/more.yml": GOOD, "data/zz.yml": GOOD + GOOD[7:]}))
    assert fates(report) == {
        "good@data/flows.yml:2": "run",
        "good@data/more.yml:2": "refused",
        "good@data/zz.yml:2": "refused",
        "good@data/zz.yml:3": "refused",
    }
    assert all("first at data/" in each.message for each in report.diagnostics)


def test_a_fault_of_a_slot_or_response_is_that_of_the_flows_that_use_it(tmp_path: Path) -> None:
    domain = (
        "slots: {a: {type: textt}, b: {type: text}}\n"
        "responses: {utter_x: [{text: x}], utter_ask_a: [{text: A}], utter_ask_b: [{text: b, condition: slots.zz}], utter_bad: {}}\n"
    )
    flows = GOOD + (
        "  uses_a: {description: x, steps: [{collect: a}]}\n"
        "  uses_b: {description: x, steps: [{collect: b}]}\n"
        "  says_bad: {description: x, steps: [{action: utter_bad}]}\n"
    )
    report = check_project(project(tmp_path, **{"domain.yml": domain, "data/flows.yml": flows}))
    assert {each.flow: each.status.value for each in report.flows} == {
        "good": "run",
        "uses_a": "refused",
        "uses_b": "refused",
        "says_bad": "refused",
    }


def test_a_file_that_cannot_be_read_loses_its_flows_and_no_others(tmp_path: Path) -> None:
    broken = "version: '3.1'\nflows:\n  one:\n    description: [\n  # a note\n  two: x\nother: y\n"
    report = check_project(
        project(tmp_path, **{"data/broken.yml": broken, "data/latin.yml": "flows:\n  é: x\n".encode("latin-1")})
    )
    assert fates(report) == {
        "one@data/broken.yml:3": "refused",
        "two@data/broken.yml:6": "refused",
        "good@data/flows.yml:2": "run",
    }
    assert ("CN-FILE-003", "data/latin.yml", 2) in codes(report)


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ({"data/x.yml": "- a\n- b\n"}, "CN-FILE-001"),
        ({"data/x.yml": "flwos: {}\n"}, "CN-FILE-002"),
        ({"data/x.yml": b"\xff\xfe\x00"}, "CN-FILE-003"),
        ({"data/flows.yml": ""}, "CN-FILE-005"),
        ({"config.yml": "pipeline: [{name: DIETClassifier}]"}, "CN-FILE-004"),
        ({"data/x.yml": "x: " + "y" * 1_200_000}, "CN-YAML-003"),
        ({"data/x.yml": "flows: {pattern_user_silence: {steps: [{action: utter_x}]}}"}, "CN-FLOW-047"),
        ({"data/x.yml": "flows: {pattern_completd: {steps: [{action: utter_x}]}}"}, "CN-FLOW-046"),
        ({"data/x.yml": "flows: {f: {description: x, steps: [{call: f2, mcp_server: m}]}}"}, "CN-FLOW-011"),
    ],
)
def test_odd_files(tmp_path: Path, files: dict[str, Any], code: str) -> None:
    report = check_project(project(tmp_path, **files))
    assert code in [each.code for each in report.diagnostics]


def test_conversations_kept_beside_the_data_are_no_flows(tmp_path: Path) -> None:
    report = check_project(
        project(tmp_path, **{"data/e2e.yml": "fixtures: []\ntest_cases: [{test_case: x, steps: []}]\n"})
    )
    assert (len(report.flows), report.diagnostics) == (1, [])


def test_folders_links_and_crowds(tmp_path: Path) -> None:
    folder = project(tmp_path)
    (folder / "data" / "folder.yml").mkdir()
    (folder / "data" / "loop").symlink_to(folder, target_is_directory=True)
    (folder / "data" / "dangling.yml").symlink_to(folder / "nothing.yml")
    (folder / "data" / ".hidden.yml").write_text("[")
    assert fates(check_project(folder)) == {"good@data/flows.yml:2": "run"}
    for n in range(MAX_FILES + 5):
        (folder / "data" / f"z{n:05}.yml").touch()
    assert ("CN-FILE-006") in [each.code for each in check_project(folder).diagnostics]
    with pytest.raises(NotADirectoryError):
        check_project(folder / "nothing")


def test_a_project_words_the_patterns_for_everybody(tmp_path: Path) -> None:
    from bot.check.project import read_project
    from bot.flows import StartFlow
    from tests.bot.flows.talk import Talk

    flows = GOOD + "  pattern_completed: {steps: [{action: utter_can_do_something_else}]}\n"
    domain = DOMAIN.replace("utter_x:", "utter_can_do_something_else: [{text: More?}], utter_x:")
    compiled = read_project(project(tmp_path, **{"data/flows.yml": flows, "domain.yml": domain})).compiled
    assert Talk(compiled).do(StartFlow("good")) == ["x", "More?"]


# -- the command ----------------------------------------------------------------------------------


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bot.cli", "check", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


def test_the_command_as_json(tmp_path: Path) -> None:
    folder = project(tmp_path, **{"data/more.yml": "flows: {bad: {description: x, steps: [{action: utter_y}]}}"})
    done = run("--profile", "rasa", str(folder), "--format", "json")
    assert done.returncode == 1
    made = json.loads(done.stdout)
    assert made["totals"]["flows"] == 2
    assert [(each["flow"], each["status"]) for each in made["flows"]] == [("good", "run"), ("bad", "refused")]
    (fault,) = made["flows"][1]["diagnostics"]
    assert fault == {
        "code": "CN-RESP-007",
        "severity": "error",
        "message": 'there is no response "utter_y"',
        "file": "data/more.yml",
        "line": 1,
        "column": 48,
        "pointer": "/flows/bad/steps/0/action",
        "suggestion": 'did you mean "utter_x"?',
        "flow": "bad",
    }
    assert made["diagnostics"] == []


def test_the_command_as_text_and_its_refusals(tmp_path: Path) -> None:
    folder = project(tmp_path)
    done = run(str(folder), "--profile=rasa")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (
        0,
        f"{folder}: 1 flows, 1 run, 0 with warnings, 0 refused; 0 errors, 0 warnings, 0 notes",
    )
    for arguments in (
        ["--profile", "rasa"],
        ["--profile", "rasa", str(folder / "no")],
        [str(folder)],
        ["--skill", "no"],
    ):
        assert run(*arguments).returncode == 2, arguments


def test_our_own_skills_are_clean() -> None:
    done = run("--format", "json")
    made = json.loads(done.stdout)
    assert done.returncode == 0
    assert made["totals"]["flows"] == made["totals"]["run"] >= 14
    assert made["diagnostics"] == []


def test_sarif_has_rules_places_and_levels(tmp_path: Path) -> None:
    folder = project(tmp_path, **{"data/more.yml": "flows: {bad: {description: x, steps: [{action: utter_y}]}}"})
    made = json.loads(shown(check_project(folder), Format.SARIF))
    (ran,) = made["runs"]
    assert made["version"] == "2.1.0"
    assert [each["id"] for each in ran["tool"]["driver"]["rules"]] == ["CN-RESP-007"]
    (result,) = ran["results"]
    assert result["ruleId"] == "CN-RESP-007"
    assert result["level"] == "error"
    place = result["locations"][0]["physicalLocation"]
    assert place == {"artifactLocation": {"uri": "data/more.yml"}, "region": {"startLine": 1, "startColumn": 48}}
