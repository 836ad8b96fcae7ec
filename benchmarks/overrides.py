"""Skills as shipped: how long loading and compiling takes. And what organizations with versions of their own add to memory.

Organizations word one response their own way, or change one flow; each compiled set is held at the same time, as the
registry's cache would. What one costs is the same for 100 and for 1,000 (measured: 2.2 kB each with 1,000), and counting bytes
is slow, so there are 100.
"""

from __future__ import annotations

import gc
import time
import tracemalloc
from collections.abc import Callable, Sequence

from benchmarks.stand import Stand
from benchmarks.table import Line, median
from bot.flows import Compiled, compile_flows
from bot.flows.load import forget_parsed
from bot.publishing import Overlay
from bot.registry import Registry

__all__ = ["run"]

ORGANIZATIONS = 100
CHANGED_FLOWS = 30
LOAD_TARGET_MS = 500
TEXT_TARGET_B = 20_000  # of one organization; a whole set has 350,000
FLOW_TARGET_B = 60_000


def run(_: Stand) -> Sequence[Line]:
    cold, warm = _load_ms(5, cold=True), _load_ms(5, cold=False)
    registry = Registry.load()
    names = [skill.name for skill in registry.usable]
    registry.compiled(names)
    texts = _bytes_each(registry, names, _text, ORGANIZATIONS)
    flows = _bytes_each(registry, names, _flow, CHANGED_FLOWS)
    whole = _bytes_of(lambda n: compile_flows(registry.sources(names)), 5)
    started = time.perf_counter()
    for n in range(20):
        registry.compiled(names, {"events": _text(registry, ORGANIZATIONS + n)})
    each_ms = (time.perf_counter() - started) * 1000 / 20
    return [
        Line("built-in skills, load and compile", cold, None, "ms", f"< {LOAD_TARGET_MS} ms", cold < LOAD_TARGET_MS),
        Line("... again, by content hash", warm, cold, "ms"),
        Line("one version, compiled beside", each_ms, None, "ms"),
        Line(
            "an organization with a text of its own",
            texts,
            whole,
            "B/org",
            f"<= {TEXT_TARGET_B:,} B",
            texts <= TEXT_TARGET_B,
        ),
        Line("... with a flow of its own", flows, whole, "B/org", f"<= {FLOW_TARGET_B:,} B", flows <= FLOW_TARGET_B),
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
