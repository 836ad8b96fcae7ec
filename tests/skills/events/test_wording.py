"""Dates in the event's timezone, prices, and what stands behind a ticket type."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from skills.events.models import Event, TicketType
from skills.events.service.catalog import TypeState, TypeView
from skills.events.wording import date_text, day_text, price_text, time_text, type_note, when_text

NEW_YEARS_EVE = datetime(2026, 12, 31, 20, 30, tzinfo=UTC)  # 23:30 in Nairobi


def event(starts_at: datetime = NEW_YEARS_EVE, hours: float = 0.25, timezone: str = "Africa/Nairobi") -> Event:
    return Event(
        slug="e", title="E", starts_at=starts_at, ends_at=starts_at + timedelta(hours=hours), timezone=timezone
    )


@pytest.mark.parametrize(
    ("timezone", "locale", "text"),
    [
        ("Africa/Nairobi", "en", "Thursday 31 December 2026, 23:30 – 23:45 (EAT)"),
        ("Africa/Nairobi", "sw", "Alhamisi 31 Desemba 2026, 23:30 – 23:45 (EAT)"),
        ("Africa/Lagos", "sw-KE", "Alhamisi 31 Desemba 2026, 21:30 – 21:45 (WAT)"),
        ("Asia/Tokyo", "en-GB", "Friday 1 January 2027, 05:30 – 05:45 (JST)"),
    ],
)
def test_dates_are_those_of_the_place(timezone: str, locale: str, text: str) -> None:
    assert when_text(event(timezone=timezone), locale) == text


def test_an_event_over_midnight_shows_both_days() -> None:
    party = event(hours=3)
    assert date_text(party, "en") == "31 Dec – 1 Jan 2027"
    assert date_text(party, "sw") == "31 Des – 1 Jan 2027"
    assert time_text(party, "en") == "23:30 – 02:30"


def test_a_list_has_the_short_day() -> None:
    assert day_text(event(), "sw") == "31 Des 23:30"


@pytest.mark.parametrize(
    ("minor", "locale", "text"),
    [
        (0, "en", "Free"),
        (0, "sw", "Bure"),
        (150_000, "en", "KES 1,500"),
        (99_950, "sw", "KES 999.50"),
        (5, "en", "KES 0.05"),
    ],
)
def test_prices(minor: int, locale: str, text: str) -> None:
    assert price_text(minor, "KES", locale) == text


@pytest.mark.parametrize(
    ("state", "left", "text"),
    [
        (TypeState.ON_SALE, 1, "last seat"),
        (TypeState.ON_SALE, 10, "only 10 seats left"),
        (TypeState.ON_SALE, 11, "11 seats left"),
        (TypeState.SOLD_OUT, 0, "sold out"),
        (TypeState.CLOSED, 5, "closed"),
        (TypeState.NOT_YET, 5, "from 20 Dec"),
    ],
)
def test_what_is_left_is_said_plainly(state: TypeState, left: int, text: str) -> None:
    opens_at = datetime(2026, 12, 20, 6, tzinfo=UTC)
    kind = TicketType(event_id=uuid4(), name="Entry", capacity=100, sold=100 - left, price_minor=0, opens_at=opens_at)
    assert type_note(TypeView(kind, state), event(), "en") == text
