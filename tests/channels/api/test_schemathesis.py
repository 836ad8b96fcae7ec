"""Schemathesis calls every operation by the document, with fitting and unfitting data, and all of its checks."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from tests.channels.api.office import Office
from tests.channels.api.things import make_things

HERE = Path(__file__).parent
EXAMPLES = 12
MOST_S = 240


@pytest.mark.slow
async def test_schemathesis_finds_nothing(office: Office) -> None:
    things = await make_things(office)
    token = await office.token()
    run = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()"),
        *("--config-file", str(HERE / "schemathesis.toml"), "run", f"{office.url}/v1/openapi.json"),
        *("--header", f"Authorization: Bearer {token}"),
        *("--exclude-path", "/auth/logout"),  # it would end the run's own credentials
        *("--max-examples", str(EXAMPLES), "--seed", "7", "--no-color"),
        env={
            **os.environ,
            "SCHEMATHESIS_HOOKS": "tests.channels.api.schemathesis_hooks",
            "REAL_IDS": json.dumps(things),
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(MOST_S):
        told, _ = await run.communicate()
    assert run.returncode == 0, told.decode()[-20_000:]
