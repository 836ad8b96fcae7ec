"""Skills as shipped: how long loading and compiling takes. And what organizations with versions of their own add to memory.

Organizations word one response their own way, or change one flow; each compiled set is held at the same time, as the
registry's cache would, with what messages are compared with. For 1,000 of them a process of its own tells by how much it grew
(`python -m benchmarks.overrides shared`), and another one how it grows when nothing is shared. What a changed flow costs is
counted by the byte, which is slow, so there are 30.
"""

from __future__ import annotations

import gc
import os
import resource
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Sequence
from pathlib import Path

from ruamel.yaml import YAML

from benchmarks.stand import Stand
from benchmarks.table import Line, median
from bot.flows import Compiled, compile_flows
from bot.flows.load import forget_parsed
from bot.publishing import Overlay
from bot.registry import Registry
from bot.understand import prepare

__all__ = ["run"]

OVERRIDES = 1_000
BEFORE = 50  # sets after which a process grows by what sets need, and no longer by what making them needs
WHOLE = 100
CHANGED_FLOWS = 30
STATM = Path("/proc/self/statm")
LOAD_TARGET_MS = 500
TEXT_TARGET_MB = 25  # of all 1,000
FLOW_TARGET_B = 60_000


def run(_: Stand) -> Sequence[Line]:
    cold, warm = _load_ms(5, cold=True), _load_ms(5, cold=False)
    plain = median([_plain_ms() for _ in range(5)])
    registry = Registry.load()
    names = [skill.name for skill in registry.usable]
    registry.compiled(names)
    texts, unshared = (_grown_mb(how) for how in ("shared", "whole"))
    flows = _bytes_each(registry, names, _flow, CHANGED_FLOWS)
    whole = _bytes_of(lambda n: compile_flows(registry.sources(names)), 5)
    started = time.perf_counter()
    for n in range(20):
        registry.compiled(names, {"events": _text(registry, n)})
    each_ms = (time.perf_counter() - started) * 1000 / 20
    return [
        Line(
            "built-in skills, load and compile : only read the YAML",
            cold,
            plain,
            "ms",
            f"< {LOAD_TARGET_MS} ms",
            cold < LOAD_TARGET_MS,
        ),
        Line("... again, by content hash", warm, cold, "ms"),
        Line("one version, compiled beside", each_ms, None, "ms"),
        Line(
            f"{OVERRIDES:,} organizations with texts of their own : unshared",
            texts,
            unshared,
            "MB",
            f"<= {TEXT_TARGET_MB} MB",
            texts <= TEXT_TARGET_MB,
        ),
        Line(
            "an organization with a flow of its own",
            flows,
            whole,
            "B/org",
            f"<= {FLOW_TARGET_B:,} B",
            flows <= FLOW_TARGET_B,
        ),
    ]


def _load_ms(times: int, *, cold: bool) -> float:
    found = []
    for _ in range(times):
        if cold:
            forget_parsed()
        started = time.perf_counter()
        registry = Registry.load()
        registry.compiled([skill.name for skill in registry.usable])
        found.append((time.perf_counter() - started) * 1000)
    return median(found)


def _plain_ms() -> float:
    """What any reader of such files pays: ruamel.yaml, to plain dictionaries."""
    sources = [skill.source for skill in Registry.load().usable]
    texts = [text for source in sources if source is not None for text in source.files.values()]
    started = time.perf_counter()
    for text in texts:
        YAML(typ="safe", pure=True).load(text)
    return (time.perf_counter() - started) * 1000


def _grown_mb(how: str) -> float:
    done = subprocess.run([sys.executable, "-m", __name__, how], capture_output=True, text=True, check=True)
    return float(done.stdout)


def _grow(how: str) -> float:
    """MB by which this process grows for `OVERRIDES` sets; of whole ones fewer are made, and the rest is reckoned."""
    registry = Registry.load()
    names = [skill.name for skill in registry.usable]
    count = OVERRIDES if how == "shared" else WHOLE
    held: list[Compiled] = []
    before = 0
    for n in range(BEFORE + count):
        if n == BEFORE:
            before = _resident_b()
        if how == "shared":
            held.append(registry.compiled(names, {"events": _text(registry, n)}))
        else:
            held.append(compile_flows(registry.sources(names)))
        prepare(held[-1])
    assert len({id(each) for each in held}) == BEFORE + count, "each has a set of its own"
    return (_resident_b() - before) / 1e6 / count * OVERRIDES


def _resident_b() -> int:
    gc.collect()
    if STATM.is_file():
        return int(STATM.read_text().split()[1]) * resource.getpagesize()
    told = subprocess.run(["ps", "-o", "rss=", "-p", str(os.getpid())], capture_output=True, text=True, check=True)
    return int(told.stdout) * 1024


def _text(registry: Registry, n: int) -> Overlay:
    source = registry.skills["events"].source
    assert source is not None
    return Overlay({"domain.yml": source.files["domain.yml"].replace("text: ", f'text: "{n}" # ', 1)})


def _flow(registry: Registry, n: int) -> Overlay:
    source = registry.skills["events"].source
    assert source is not None
    return Overlay(
        {"flows/tickets.yml": source.files["flows/tickets.yml"].replace("description: ", f"description: {n} ", 1)}
    )


def _bytes_each(registry: Registry, names: Sequence[str], own: Callable[[Registry, int], Overlay], count: int) -> float:
    return _bytes_of(lambda n: registry.compiled(names, {"events": own(registry, n)}), count)


def _bytes_of(make: Callable[[int], Compiled], count: int) -> float:
    """Bytes that stay for each; what is read on the way is thrown away first."""
    held: list[Compiled] = [make(-1)]
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        held += [make(n) for n in range(count)]
        forget_parsed()
        gc.collect()
        assert len({id(each) for each in held}) == count + 1, "each has a set of its own"
        return (tracemalloc.get_traced_memory()[0] - before) / count
    finally:
        tracemalloc.stop()


if __name__ == "__main__":
    print(_grow(sys.argv[1]))
