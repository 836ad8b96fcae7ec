"""What is off costs nothing, what is set wrongly is told, and what cannot be measured stops nothing."""

from __future__ import annotations

import logging
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from bot import telemetry
from bot.config import Configuration
from bot.errors import ConfigError
from bot.telemetry.endpoint import Machine, serve
from bot.telemetry.settings import MetricsSettings

OFF = "import sys, bot.telemetry as t; from bot.config import Configuration; t.start(Configuration.read({'CHATNATION__METRICS__ENABLED': 'false'}), service='web');"


def test_what_is_off_is_not_imported() -> None:
    ask = "print([m for m in ('sentry_sdk', 'opentelemetry', 'prometheus_client.exposition') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", OFF + ask], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_missing_package_is_named_with_what_to_install(tmp_path: Path) -> None:
    hidden = "import importlib.util as u; find = u.find_spec; u.find_spec = lambda n, *a: None if n == 'sentry_sdk' else find(n, *a);"
    start = "import bot.telemetry as t; from bot.config import Configuration; t.start(Configuration.read({'CHATNATION__SENTRY__DSN': 'http://k@localhost/1', 'CHATNATION__METRICS__ENABLED': 'false'}), service='web')"
    done = subprocess.run([sys.executable, "-c", hidden + start], capture_output=True, text=True, check=False)
    assert (
        "CHATNATION__SENTRY__DSN is set but its package is not installed: pip install 'chatnation[sentry]'"
        in done.stderr
    )


def test_an_endpoint_that_is_no_address_is_refused() -> None:
    configuration = Configuration.read(
        {"CHATNATION__OTEL__ENDPOINT": "collector:4318", "CHATNATION__METRICS__ENABLED": "false"}
    )
    with pytest.raises(ConfigError, match=r"otel\.endpoint|OTEL__ENDPOINT"):
        telemetry.start(configuration, service="web")


def test_a_busy_port_stops_nothing_and_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, caplog.at_level(logging.ERROR):
        settings = MetricsSettings(port=taken.getsockname()[1])
        assert serve(settings, service="web", data=tmp_path) is None
    assert "CHATNATION__METRICS__PORT" in caplog.text


def test_metrics_are_served_as_text(tmp_path: Path) -> None:
    port = serve(MetricsSettings(), service="web", data=tmp_path)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        text = answer.read().decode()
    assert 'chatnation_process_info{service="web"' in text
    assert "# TYPE container_cpu_usage gauge" in text


def test_the_container_is_read_from_its_control_group_or_else_the_process_itself(tmp_path: Path) -> None:
    (tmp_path / "cpu.stat").write_text("usage_usec 2500000\nuser_usec 1\n")
    (tmp_path / "memory.current").write_text("4096\n")
    assert _values(Machine(tmp_path, cgroup=tmp_path)) == (2.5, 4096)
    old = tmp_path / "old"
    (old / "cpuacct").mkdir(parents=True)
    (old / "memory").mkdir()
    (old / "cpuacct" / "cpuacct.usage").write_text("1500000000\n")
    (old / "memory" / "memory.usage_in_bytes").write_text("8192\n")
    assert _values(Machine(tmp_path, cgroup=old)) == (1.5, 8192)
    cpu_s, memory_bytes = _values(Machine(tmp_path, cgroup=tmp_path / "none"))
    assert cpu_s > 0
    assert memory_bytes > 1_000_000 or not Path("/proc/self/statm").exists()


def test_the_disk_is_that_of_the_data_folder(tmp_path: Path) -> None:
    found = {metric.name: metric.samples[0].value for metric in Machine(tmp_path).collect()}
    assert 0 <= found["disk_free_bytes"] <= found["disk_size_bytes"]
    assert "disk_size_bytes" not in {metric.name for metric in Machine(tmp_path / "gone").collect()}


def _values(machine: Machine) -> tuple[float, float]:
    found = {metric.name: metric.samples[0].value for metric in machine.collect()}
    return found["container_cpu_usage"], found["container_memory_usage"]
