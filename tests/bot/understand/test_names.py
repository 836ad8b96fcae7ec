"""An organization's own things, found by their names in a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import pytest

from bot.names import KnownNames
from bot.skill import Named
from bot.understand.names import find_names, index_names
from tests.bot.flows.talk import NOW

NAMES = index_names(
    {
        "show": [
            Named("1", "Nairobi Book Fair"),
            Named("2", "Night Gig"),
            Named("3", "Day Gig"),
            Named("4", "Sunday at the Park"),
            Named("5", "Sunday at the Lake"),
            Named("6", "Encore"),
            Named("7", "Encore"),
        ],
        "seat": [Named("1a", "Front row", "1"), Named("2a", "Front row", "2"), Named("3a", "Balcony", "3")],
    }
)
HERE = UUID(int=1)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("I want to see the night gig!", {"show": "2"}),
        ("the Book fair, please", {"show": "1"}),
        ("the fair", {}),  # one word of a longer name
        ("a gig", {}),
        ("night gig or day gig", {}),
        ("sunday at the park", {"show": "4"}),
        ("on sunday at the beach", {}),  # shared, and it ends in a small word
        ("encore", {}),  # two of that name
        ("front row at the night gig", {"show": "2", "seat": "2a"}),
        ("balcony at the night gig", {"show": "2"}),
        ("front row", {}),
        ("", {}),
    ],
)
def test_names_are_found_where_they_name_one_thing(text: str, found: dict[str, str]) -> None:
    assert {each.entity: each.value for each in find_names(NAMES, text)} == found


def test_what_belongs_to_a_thing_counts_once_that_is_settled() -> None:
    [seat] = find_names(NAMES, "in the front row", ["1"])
    assert (seat.value, "in the front row"[seat.start : seat.end]) == ("1a", "front row")


async def test_names_are_asked_for_once_in_a_while_and_a_failure_names_nothing() -> None:
    asked: list[datetime] = []

    async def tell(now: datetime) -> Sequence[Named]:
        asked.append(now)
        return [Named("1", "Book Fair")]

    async def fail(now: datetime) -> Sequence[Named]:
        raise OSError("no database")

    known = KnownNames()
    for _ in range(3):
        names = await known.of(HERE, {"show": tell, "seat": fail}, now=NOW)
        assert [each.value for each in find_names(names, "the book fair")] == ["1"]
    assert len(asked) == 1
    assert find_names(await known.of(UUID(int=2), {"show": fail}, now=NOW), "the book fair") == []
    assert find_names(await known.of(HERE, {}, now=NOW), "the book fair") == []
