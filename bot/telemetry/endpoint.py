"""`/metrics` of one process, in a thread: what Prometheus asks must be answered also while the loop is busy."""

from __future__ import annotations

import functools
import logging
import resource
import shutil
from collections.abc import Iterable, Iterator
from importlib.metadata import version
from pathlib import Path

from prometheus_client import Metric, ProcessCollector, start_http_server
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from bot.metrics import PROCESS_INFO, REGISTRY
from bot.telemetry.settings import MetricsSettings

__all__ = ["Machine", "serve"]

log = logging.getLogger(__name__)

CGROUP = Path("/sys/fs/cgroup")


def serve(settings: MetricsSettings, *, service: str, data: Path) -> int | None:
    """The port; None: it could not be had. Messages come before measuring, so the process goes on without."""
    PROCESS_INFO.labels(service, version("chatnation")).set(1)
    try:
        server, _ = start_http_server(settings.port, addr=settings.host, registry=REGISTRY)
    except OSError as e:
        extra = {"port": settings.port, "reason": str(e), "action": "metrics.failed"}
        log.error("no metrics: see CHATNATION__METRICS__PORT", extra=extra)
        return None
    _register(data)
    port: int = server.server_port
    log.info("metrics", extra={"url": f"http://{settings.host}:{port}/metrics", "action": "metrics.served"})
    return port


@functools.cache
def _register(data: Path) -> None:
    REGISTRY.register(Machine(data))
    ProcessCollector(registry=REGISTRY)


class Machine(Collector):
    """What this process lives on, looked at when it is asked: the container (cgroup 2 or 1), or the process where there is none; the disk."""

    def __init__(self, data: Path, *, cgroup: Path = CGROUP) -> None:
        self._data = data
        self._cgroup = cgroup

    def collect(self) -> Iterable[Metric]:
        yield GaugeMetricFamily(
            "container_cpu_usage", "Seconds of CPU since the start; its rate is cores in use", self._cpu_s()
        )
        yield GaugeMetricFamily("container_memory_usage", "Bytes in use", self._memory_bytes())
        yield from self._disk()

    def _cpu_s(self) -> float:
        for line in _lines(self._cgroup / "cpu.stat"):
            name, _, value = line.partition(" ")
            if name == "usage_usec":
                return int(value) / 1e6
        for line in _lines(self._cgroup / "cpuacct" / "cpuacct.usage"):
            return int(line) / 1e9
        usage = resource.getrusage(resource.RUSAGE_SELF)
        return usage.ru_utime + usage.ru_stime

    def _memory_bytes(self) -> float:
        for name in ("memory.current", "memory/memory.usage_in_bytes"):
            for line in _lines(self._cgroup / name):
                return int(line)
        for line in _lines(Path("/proc/self/statm")):
            return int(line.split()[1]) * resource.getpagesize()
        return 0

    def _disk(self) -> Iterator[Metric]:
        try:
            disk = shutil.disk_usage(self._data)
        except OSError:
            return
        yield GaugeMetricFamily("disk_free_bytes", "Free on the disk of the data folder", disk.free)
        yield GaugeMetricFamily("disk_size_bytes", "Size of the disk of the data folder", disk.total)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except (OSError, UnicodeDecodeError):
        return []
