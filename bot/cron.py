"""Times of a crontab line, by the wall clock of a time zone. Pure.

Where the clock goes forward, what falls into the gap comes as much later as the gap is long; where it goes back, what the hour says twice
comes the first time. A moment comes once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo

__all__ = ["Cron", "CronError", "parse_cron"]

FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day of the month", 1, 31), ("month", 1, 12), ("day of the week", 0, 7))
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
LONGEST_GAP = timedelta(hours=25)  # of a wall clock: a zone that changed its side of the date line lost a day
HORIZON_DAYS = 8 * 366  # from one 29 February to the next over a year 2100
_PART = re.compile(r"(\*|\w+(?:-\w+)?)(?:/(\d{1,2}))?")


class CronError(ValueError):
    """It is no crontab line, or one of no time at all; the message says which part."""


@dataclass(frozen=True, slots=True)
class Cron:
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]  # 0 is Sunday
    either: bool  # both days of the month and of the week are named: one of them is enough

    def after(self, moment: datetime, zone: tzinfo) -> Iterator[datetime]:
        """All times later than `moment`, oldest first; UTC."""
        last = moment
        begin = (moment.astimezone(zone) - LONGEST_GAP).date()
        for day in (begin + timedelta(days=n) for n in range(HORIZON_DAYS)):
            if not self._is_on(day):
                continue
            found = {
                datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone).astimezone(UTC)
                for hour in self.hours
                for minute in self.minutes
            }
            for each in sorted(found):
                if each > last:
                    last = each
                    yield each

    def _is_on(self, day: date) -> bool:
        if day.month not in self.months:
            return False
        by_month, by_week = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        return by_month or by_week if self.either else by_month and by_week


def parse_cron(line: str) -> Cron:
    """Five fields with `*`, numbers, ranges, lists and steps; months and days also by their first three letters.

    Raises:
        CronError: it is none.
    """
    given = line.split()
    if len(given) != len(FIELDS):
        raise CronError(
            f'five fields are expected, such as "0 9 * * mon-fri" for nine o\'clock on weekdays; there are {len(given)}'
        )
    minutes, hours, days, months, weekdays = (_values(text, *field) for text, field in zip(given, FIELDS, strict=True))
    made = Cron(
        tuple(sorted(minutes)),
        tuple(sorted(hours)),
        frozenset(days),
        frozenset(months),
        frozenset(each % 7 for each in weekdays),
        not given[2].startswith("*") and not given[4].startswith("*"),
    )
    if not any(made._is_on(date(2024, 1, 1) + timedelta(days=n)) for n in range(5 * 366)):
        raise CronError("no day of any year is one of these")
    return made


def _values(text: str, name: str, low: int, high: int) -> set[int]:
    found: set[int] = set()
    for part in text.lower().split(","):
        match = _PART.fullmatch(part)
        if match is None:
            raise CronError(f"{name}: {part!r} is no number, range or *")
        span, step = match.group(1), int(match.group(2) or 1)
        first, _, last = span.partition("-")
        begin = low if span == "*" else _number(first, name, low, high)
        end = high if span == "*" or (match.group(2) and not last) else _number(last or first, name, low, high)
        if end < begin or step < 1:
            raise CronError(f"{name}: {part!r} holds nothing")
        found.update(range(begin, end + 1, step))
    return found


def _number(text: str, name: str, low: int, high: int) -> int:
    words = MONTHS if name == "month" else DAYS if name == "day of the week" else ()
    if text in words:
        return words.index(text) + (name == "month")
    if not text.isdigit() or not low <= int(text) <= high:
        raise CronError(f"{name}: {text!r} is not between {low} and {high}")
    return int(text)
