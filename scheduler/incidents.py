"""Looks for what is wrong with the platform, for `bot.platform.incidents`. Leader only."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from bot.platform.incidents import Lasting, observe
from bot.runtime import Runtime
from store import queue_state
from store.platform import Finding, depths
from store.tenancy import unscoped

__all__ = ["LASTS_S", "Incidents"]

# Thresholds of configs/prometheus/alerts.yml, and how long they hold there.
BACKLOG, CONNECTIONS, DISK = 1_000, 0.8, 0.85
LATE_S = 300.0
SILENT_S = 60.0
UNROUTED_S = 3_600.0
LASTS_S = {
    "backlog": 300.0,
    "connections": 120.0,
    "disk": 300.0,
    "late": 0.0,
    "dead": 0.0,
    "number": 0.0,
    "unknown_number": 0.0,
    "silent": 60.0,  # what was down as a whole starts one after the other
}


class Incidents:
    def __init__(self, runtime: Runtime, *, lasts_s: dict[str, float] | None = None) -> None:
        self._runtime = runtime
        self._lasting = Lasting(LASTS_S if lasts_s is None else lasts_s)

    async def tick(self) -> int:
        """How many were opened."""
        found = [*await self._of_queues(), *await self._of_server(), *self._of_disk(self._runtime.configuration.data)]
        return len(await observe(self._runtime, self._lasting.through(found)))

    async def _of_queues(self) -> list[Finding]:
        found: list[Finding] = []
        for each in await depths():
            if each.due > BACKLOG:
                found.append(
                    Finding("backlog", f"backlog:{each.queue}", "warning", {"queue": each.queue, "rows": each.due})
                )
            if each.oldest_s > LATE_S:
                minutes = int(each.oldest_s // 60)
                found.append(
                    Finding("late", f"late:{each.queue}", "warning", {"queue": each.queue, "minutes": minutes})
                )
            if each.dead:
                found.append(Finding("dead", f"dead:{each.queue}", "warning", {"queue": each.queue, "rows": each.dead}))
        return found

    async def _of_server(self) -> list[Finding]:
        with unscoped("incidents"):
            load = await queue_state.server_load(1)
            numbers = await queue_state.stopped_numbers()
            silent = await queue_state.silent_processes(SILENT_S)
            unrouted = await queue_state.count_unrouted(UNROUTED_S)
        found = [
            Finding(
                "number",
                f"number:{each.account_id}",
                "critical",
                {"number": each.number, "organization": each.organization, "reason": each.reason},
            )
            for each in numbers
        ]
        found += [
            Finding("silent", f"silent:{name}", "critical", {"process": name, "minutes": int(silent_s // 60)})
            for name, silent_s in silent
        ]
        if unrouted:
            found.append(Finding("unknown_number", "unknown_number", "critical", {"rows": unrouted}))
        share = load.connections / load.connections_max
        if share > CONNECTIONS:
            found.append(Finding("connections", "connections", "warning", {"percent": round(share * 100)}))
        return found

    def _of_disk(self, folder: Path) -> Iterator[Finding]:
        if not folder.exists():  # a clock of its own, with database and blobs elsewhere
            return
        usage = shutil.disk_usage(folder)
        share = 1 - usage.free / usage.total
        if share > DISK:
            yield Finding("disk", "disk", "warning", {"percent": round(share * 100)})
