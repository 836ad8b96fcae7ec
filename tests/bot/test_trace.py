"""Where a trace comes from, and how far it reaches."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest

from bot.trace import current, from_traceparent, traced, untraced

TRACE = UUID("4bf92f3577b34da6a3ce929d0e0e4736")


@pytest.mark.parametrize(
    "header",
    [
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        " 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00 ",
        "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what.the.future.adds",
    ],
)
def test_the_callers_trace_is_taken(header: str) -> None:
    assert from_traceparent(header) == TRACE


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "nonsense",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
        "00-4bf92f3577b34da6-00f067aa0ba902b7-01",
    ],
)
def test_what_is_no_traceparent_is_no_trace(header: str | None) -> None:
    assert from_traceparent(header) is None


def test_a_block_has_its_trace_and_gives_back_the_one_around_it() -> None:
    with traced(TRACE):
        with traced(None) as born:
            assert current() == born != TRACE
        assert current() == TRACE
    assert current() is None


async def test_tasks_of_the_block_are_of_its_trace_and_those_that_work_for_many_of_none() -> None:
    async def look() -> UUID | None:
        return current()

    with traced(TRACE):
        assert await asyncio.create_task(look()) == TRACE
        assert await asyncio.create_task(look(), context=untraced()) is None
        assert current() == TRACE
