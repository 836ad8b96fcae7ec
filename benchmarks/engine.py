"""The engine alone, beside a form written by hand; see `engine_turn`."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks import engine_turn
from benchmarks.stand import Stand
from benchmarks.table import Line

__all__ = ["run"]

TARGET_US = 100


def run(_: Stand) -> Sequence[Line]:
    found = engine_turn.run()
    engine, floor = float(found["engine"]), float(found["floor"])
    return [
        Line(
            "engine, form of three slots", engine, floor, "us/turn", f"project <= {TARGET_US} us", engine <= TARGET_US
        ),
        Line("... with the state as JSON", float(found["engine_json"]), floor, "us/turn"),
        Line("... with understanding", float(found["engine_understand"]), floor, "us/turn"),
    ]
