"""Two projects laid out as Rasa's are: every flow runs. Their own cases are played in tests/bot/testing/test_foreign_cases.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.check.project import check_project

FOREIGN = Path(__file__).parents[2] / "support" / "foreign"


@pytest.mark.parametrize("project", ["clinic", "library"])
def test_every_flow_of_the_projects_runs(project: str) -> None:
    report = check_project(FOREIGN / project)
    totals = report.totals()
    assert totals["flows"] == totals["run"] >= 15, [str(each) for each in report.diagnostics]
    assert not report.has_errors
