"""`python -m benchmarks` prints the table; `python -m benchmarks webhook turn` only those lines."""

from __future__ import annotations

import argparse
import importlib
import sys
import time

from benchmarks.stand import open_stand
from benchmarks.table import Line, show

BENCHMARKS = {
    "engine": "benchmarks.engine",
    "overrides": "benchmarks.overrides",
    "understanding": "benchmarks.understanding",
    "webhook": "benchmarks.webhook",
    "api": "benchmarks.api",
    "admin": "benchmarks.admin",
    "turn": "benchmarks.turn",
    "sender": "benchmarks.sender",
    "pacing": "benchmarks.sender_pacing",
    "pipeline": "benchmarks.pipeline",
    "knowledge": "benchmarks.knowledge",
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("names", nargs="*", metavar="|".join(BENCHMARKS), help="which ones; all when none is named")
    names = parser.parse_args().names or list(BENCHMARKS)
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"there is no benchmark {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
    began = time.monotonic()
    lines: list[Line] = []
    for name in names:
        started = time.monotonic()
        benchmark = importlib.import_module(BENCHMARKS[name])
        # A stand of its own: what one leaves behind is no work for the next.
        with open_stand(organizations=getattr(benchmark, "ORGANIZATIONS", 4)) as stand:
            lines += benchmark.run(stand)
        print(f"{name}: {time.monotonic() - started:.0f} s", file=sys.stderr)
    print(show(lines))
    print(f"{time.monotonic() - began:.0f} s; only the ratios mean anything: both sides ran in turns on this machine")
    return 0


if __name__ == "__main__":
    sys.exit(main())
