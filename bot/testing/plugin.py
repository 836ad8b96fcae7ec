"""The pytest plug-in that comes with the package: `--update` for conversation tests.

Heavy things are imported where they are used: this module is loaded in every run of pytest, also in other projects.
"""

from __future__ import annotations

import pytest

__all__ = ["pytest_addoption"]


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("chatnation")
    group.addoption(
        "--update",
        action="store_true",
        default=False,
        help="write what the bot said into `bot:` steps of conversation tests that differ; review the diff",
    )
