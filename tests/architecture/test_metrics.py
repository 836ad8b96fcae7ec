"""What is measured, what docs/metrics.md says is measured, and what alerts and dashboard ask for are the same."""

from __future__ import annotations

import importlib
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.metrics import MetricWrapperBase
from ruamel.yaml import YAML

from bot.telemetry.endpoint import Machine
from store.metrics import REGISTRY
from tests.architecture.sources import project_sources
from tests.support.promql import Series, evaluate, names_in, read_series

ROOT = Path(__file__).parents[2]
ALERTS = ROOT / "configs" / "prometheus" / "alerts.yml"
TESTS = ROOT / "configs" / "prometheus" / "alerts_test.yml"
DASHBOARD = ROOT / "configs" / "grafana" / "chatnation.json"

SEED = (
    *("messages_processed_total", "tokens_consumed_total", "surveys_completed_total", "hypecards_generated_total"),
    *("http_request_duration_seconds", "taskiq_task_duration_seconds", "db_query_duration_seconds"),
    *("container_cpu_usage", "container_memory_usage", "postgres_connections_active", "nats_queue_depth"),
)
SEED_ALERTS = {
    "HighErrorRate": "critical",
    "QueueBacklog": "warning",
    "DatabaseConnections": "warning",
    "WorkerFailure": "critical",
    "DiskSpace": "warning",
}
# Each of a set that our own words, routes and tables bound; an id or a number of a person is in none of them.
BOUNDED = {
    *("kind", "lane", "outcome", "direction", "service", "version", "statement", "method", "route", "status"),
    *("job_name", "queue", "task", "table", "scope", "state", "code"),
}
SUFFIXES = {"counter": ("",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}


def _measured() -> dict[str, tuple[str, tuple[str, ...]]]:
    """Metric -> type and labels, of every `metrics.py` and of what is looked at when it is asked for."""
    found: dict[str, tuple[str, tuple[str, ...]]] = {}
    for path in sorted(ROOT.glob("*/metrics.py")) + sorted(ROOT.glob("skills/*/metrics.py")):
        module = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
        for each in vars(module).values():
            if isinstance(each, MetricWrapperBase):
                [described] = each.describe()
                name = described.name + ("_total" if described.type == "counter" else "")
                assert REGISTRY._names_to_collectors.get(name) is each, f"{name} is not in the registry"
                found[name] = (described.type, tuple(each._labelnames))
    for family in Machine(ROOT).collect():
        found[family.name] = (family.type, ())
    return found


def _series() -> set[str]:
    return {name + suffix for name, (kind, _) in _measured().items() for suffix in SUFFIXES[kind]}


def test_the_page_says_what_is_measured() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \|([^|]*)\|", (ROOT / "docs" / "metrics.md").read_text(), re.MULTILINE)
    told = {name: (kind, tuple(re.findall(r"`(\w+)`", labels))) for name, kind, labels in rows}
    assert told == _measured()


@pytest.mark.parametrize("name", SEED)
def test_the_seeds_names_are_measured(name: str) -> None:
    assert name in _measured()


def test_labels_are_of_bounded_sets() -> None:
    assert {label for _, labels in _measured().values() for label in labels} <= BOUNDED


def test_every_metric_is_declared_where_it_is_looked_for() -> None:
    declares = re.compile(r"\b(Counter|Gauge|Histogram|Summary)\(\s*\n?\s*\"")
    places = {path for path, text in project_sources(ROOT) if declares.search(text) and "prometheus_client" in text}
    assert {Path(path).name for path in places if not path.startswith("tests")} == {"metrics.py"}


# -- alerts


def _rules() -> dict[str, Any]:
    return {rule["alert"]: rule for group in _yaml(ALERTS)["groups"] for rule in group["rules"]}


def test_the_seeds_five_alerts_are_there_with_their_severity() -> None:
    assert {name: rule["labels"]["severity"] for name, rule in _rules().items()}.items() >= SEED_ALERTS.items()


def test_alerts_ask_for_what_is_measured() -> None:
    for name, rule in _rules().items():
        assert names_in(rule["expr"]) <= _series(), name
        assert set(rule["annotations"]) == {"summary", "mend"}, name


@pytest.mark.parametrize("case", range(len(YAML(typ="safe").load(TESTS)["tests"])))
def test_an_alert_fires_when_it_should(case: int) -> None:
    test = _yaml(TESTS)["tests"][case]
    series = [read_series(each["series"], str(each["values"])) for each in test["input_series"]]
    for expected in test["alert_rule_test"]:
        rule = _rules()[expected["alertname"]]
        fired = _firing(rule, series, _seconds(expected["eval_time"]))
        wanted = [set(each["exp_labels"].items()) for each in expected["exp_alerts"]]
        assert sorted(map(sorted, fired)) == sorted(map(sorted, wanted)), test["name"]


def test_every_alert_is_tested_both_ways() -> None:
    tested = [each for test in _yaml(TESTS)["tests"] for each in test["alert_rule_test"]]
    assert {each["alertname"] for each in tested if each["exp_alerts"]} == set(_rules())


@pytest.mark.skipif(shutil.which("promtool") is None, reason="no promtool here; the test above reads the same file")
def test_promtool_agrees() -> None:
    for arguments in (("check", "rules", ALERTS.name), ("test", "rules", TESTS.name)):
        done = subprocess.run(["promtool", *arguments], cwd=ALERTS.parent, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def _firing(rule: Any, series: list[Series], at_s: int) -> list[set[tuple[str, str]]]:
    """Pending alerts fire when they were true at every minute of `for`."""
    minutes = range(at_s - _seconds(rule.get("for", "0m")), at_s + 1, 60)
    true = [set(evaluate(rule["expr"], series, each)) for each in minutes]
    return [set(labels) | set(rule["labels"].items()) for labels in set.intersection(*true)]


def _seconds(text: str) -> int:
    return int(text[:-1]) * {"s": 1, "m": 60}[text[-1]]


# -- dashboard


def test_the_dashboard_asks_for_what_is_measured() -> None:
    panels = json.loads(DASHBOARD.read_text())["panels"]
    asked = {name for panel in panels for target in panel["targets"] for name in names_in(target["expr"])}
    assert asked <= _series()
    shown = {name for name in _measured() if any(each.startswith(name) for each in asked)}
    assert shown >= set(SEED)


def test_panels_do_not_lie_on_one_another() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert max(x for x, _ in cells) < 24, panel["title"]
        assert not taken & cells, panel["title"]
        taken |= cells


def test_the_check_of_names_sees_one_that_nobody_measures() -> None:
    assert names_in('sum by (le) (rate(nobody_total{status=~"5.."}[5m])) / 2 > 1 or max(nothing)') == {
        "nobody_total",
        "nothing",
    }


def _yaml(path: Path) -> Any:
    return YAML(typ="safe").load(path)
