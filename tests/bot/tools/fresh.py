"""The command, run in a folder outside of the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).parents[3]


def run(folder: Path, *arguments: str, given: str = "", **more: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CHATNATION_")}
    return subprocess.run(
        [sys.executable, "-m", "bot.cli", *arguments],
        cwd=folder,
        env=environment | {"PYTHONPATH": str(CHECKOUT), **more},
        input=given,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
