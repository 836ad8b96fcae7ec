"""Times of a crontab line, by the wall clock of a zone."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from bot.cron import CronError, parse_cron

NAIROBI, BERLIN = ZoneInfo("Africa/Nairobi"), ZoneInfo("Europe/Berlin")


def times(line: str, begin: str, count: int, zone: ZoneInfo = NAIROBI) -> list[str]:
    """By the wall clock."""
    found = parse_cron(line).after(datetime.fromisoformat(begin).replace(tzinfo=zone).astimezone(UTC), zone)
    return [each.astimezone(zone).strftime("%a %m-%d %H:%M") for each in itertools.islice(found, count)]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("0 9 * * *", ["Mon 11-23 09:00", "Tue 11-24 09:00", "Wed 11-25 09:00"]),
        ("*/20 8-9 * * *", ["Mon 11-23 08:00", "Mon 11-23 08:20", "Mon 11-23 08:40"]),
        ("0 9 * * sat,7", ["Sat 11-28 09:00", "Sun 11-29 09:00", "Sat 12-05 09:00"]),
        ("30 7 1 jan *", ["Fri 01-01 07:30", "Sat 01-01 07:30", "Mon 01-01 07:30"]),
        ("0 0 29 2 *", ["Tue 02-29 00:00", "Sun 02-29 00:00"]),
        ("0 9 25 * mon", ["Mon 11-23 09:00", "Wed 11-25 09:00", "Mon 11-30 09:00"]),
        ("5/25 12 * * *", ["Mon 11-23 12:05", "Mon 11-23 12:30", "Mon 11-23 12:55"]),
    ],
)
def test_the_next_times(line: str, found: list[str]) -> None:
    assert times(line, "2026-11-23T06:00", len(found)) == found


def test_what_is_due_now_is_not_next() -> None:
    assert times("0 9 * * *", "2026-11-23T09:00", 1) == ["Tue 11-24 09:00"]


def test_the_hour_that_is_left_out_comes_later_and_the_one_that_is_said_twice_once() -> None:
    assert times("30 2 * * *", "2026-03-28T12:00", 2, BERLIN) == ["Sun 03-29 03:30", "Mon 03-30 02:30"]
    assert times("30 2 * * *", "2026-10-24T12:00", 2, BERLIN) == ["Sun 10-25 02:30", "Mon 10-26 02:30"]
    moments = itertools.islice(parse_cron("0,30 * * * *").after(datetime(2026, 3, 29, 0, 0, tzinfo=UTC), BERLIN), 20)
    found = list(moments)
    assert found == sorted(set(found))


@pytest.mark.parametrize(
    "line",
    [
        "",
        "* * * *",
        "60 * * * *",
        "* 24 * * *",
        "0 0 0 * *",
        "0 0 * 13 *",
        "0 0 * * 8",
        "5-1 * * * *",
        "*/0 * * * *",
        "a * * * *",
        "0 0 31 feb *",
        "1,,2 * * * *",
    ],
)
def test_what_is_none(line: str) -> None:
    with pytest.raises(CronError):
        parse_cron(line)
