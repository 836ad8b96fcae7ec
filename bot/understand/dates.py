"""Dates and times as people write them in East Africa, day before month, and by the Swahili clock.

The Swahili day begins at six in the morning: `saa mbili asubuhi` (hour two of the morning) is 08:00, `saa moja usiku` is 19:00.
A library such as dateparser reads "saa mbili" as no time and "sat" in every word: neither clock nor Sheng is in its data.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Any

from bot.understand.lexicon import LANGUAGES, lexicon, read_words

__all__ = ["Found", "find_dates", "find_times"]

MAX_CHARS = 500  # a date further on in a message is somebody's story
_CENTURY = 2000


@dataclass(frozen=True, slots=True)
class Found:
    """`value`: a date or a time of the day; `span`: where it stands in the text."""

    value: date | time
    span: tuple[int, int]


def find_dates(text: str, now: datetime) -> list[Found]:
    """All that name a day, in their order; `now` is local. What is past this year means the next."""
    return _without_overlaps(_read(_dates(), plain(text), now))


def find_times(text: str, now: datetime) -> list[Found]:
    return _without_overlaps(_read(_times(), plain(text), now))


def plain(text: str) -> str:
    """Lower case without accents, each letter where it was."""
    letters = (unicodedata.normalize("NFD", letter)[0] for letter in text[:MAX_CHARS])
    return "".join(letter.lower() if len(letter.lower()) == 1 else letter for letter in letters)


Reader = tuple[re.Pattern[str], Callable[[re.Match[str], datetime], "date | time | None"]]


def _read(readers: tuple[Reader, ...], text: str, now: datetime) -> Iterator[Found]:
    for pattern, read in readers:
        for match in pattern.finditer(text):
            try:
                value = read(match, now)
            except (ValueError, OverflowError):  # 31 February
                continue
            if value is not None:
                yield Found(value, match.span())


def _without_overlaps(found: Iterator[Found]) -> list[Found]:
    """Of those that overlap the one of the earlier reader: the fuller form stands first."""
    kept: list[Found] = []
    for each in found:
        if all(each.span[1] <= other.span[0] or each.span[0] >= other.span[1] for other in kept):
            kept.append(each)
    return sorted(kept, key=lambda each: each.span)


# -- dates ----------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def _dates() -> tuple[Reader, ...]:
    words = read_words("dates")
    months, days, weekdays = _by_word(words["months"]), _by_word(words["days"]), _by_word(words["weekdays"])
    units = _by_word(words["units"])
    month, unit = _any(months), _any(units)
    after = "|".join(words["next"])
    number = _any(_numbers())

    def day_month(match: re.Match[str], now: datetime) -> date:
        return _coming(now, int(match["day"]), months[match["month"]], match["year"])

    def in_figures(match: re.Match[str], now: datetime) -> date | None:
        day, month = int(match[1]), int(match[2])
        if month > 12 >= day:  # written the American way
            day, month = month, day
        return _coming(now, day, month, match[3])

    def weekday(match: re.Match[str], now: datetime) -> date:
        wanted, today = weekdays[match["weekday"]], now.date()
        if match["after"] or match["before"]:
            monday = today - timedelta(days=today.weekday())
            return monday + timedelta(days=7 + wanted)
        return today + timedelta(days=(wanted - today.weekday() - 1) % 7 + 1)

    def later(match: re.Match[str], now: datetime) -> date:
        count = _count(match["n"] or match["n2"])
        return now.date() + timedelta(days=count * units[match["unit"] or match["unit2"]])

    def day_of_month(match: re.Match[str], now: datetime) -> date:
        day = int(match["nth"] or match["tarehe"])
        this = now.date().replace(day=day)
        return this if this >= now.date() else _next_month(this)

    year = r"(?:,?\s+(?P<year>20\d\d))?"
    return (
        (re.compile(r"\b(20\d\d)-(\d{1,2})-(\d{1,2})\b"), lambda m, now: date(int(m[1]), int(m[2]), int(m[3]))),
        (re.compile(r"(?<![\d/.-])(\d{1,2})[/.-](\d{1,2})[/.-](\d{4}|\d{2})(?![\d/])"), in_figures),
        (re.compile(r"(?<![\d/.-])(\d{1,2})/(\d{1,2})()(?![\d/])"), in_figures),
        (re.compile(rf"\b(?:tarehe\s+)?(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?:\s+of)?(?:\s+mwezi wa)?\s+{month('month')}\b{year}"), day_month),
        (re.compile(rf"\b{month('month')}\s+(?:the\s+)?(?P<day>\d{{1,2}})(?:st|nd|rd|th)?\b{year}"), day_month),
        (
            re.compile(rf"\bin\s+(?P<n>\d{{1,3}}|{number()})\s+{unit('unit')}\b|\bbaada ya\s+{unit('unit2')}\s+(?P<n2>\d{{1,3}}|{number()})\b"),
            later,
        ),
        (re.compile(rf"\b{_any(days)('days')}\b"), lambda m, now: now.date() + timedelta(days=days[m["days"]])),
        (re.compile(rf"\b(?P<before>(?:{after})\s+)?{_any(weekdays)('weekday')}\b(?P<after>\s+(?:{after})\b)?"), weekday),
        (re.compile(r"\b(?:the\s+)?(?P<nth>\d{1,2})(?:st|nd|rd|th)\b|\btarehe\s+(?P<tarehe>\d{1,2})\b"), day_of_month),
    )  # fmt: skip


def _coming(now: datetime, day: int, month: int, year: str | None) -> date:
    if year:
        return date(int(year) if len(year) == 4 else _CENTURY + int(year), month, day)
    this = date(now.year, month, day)
    return this if this >= now.date() else date(now.year + 1, month, day)


def _next_month(this: date) -> date:
    return date(this.year + this.month // 12, this.month % 12 + 1, this.day)


# -- times ----------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def _times() -> tuple[Reader, ...]:
    words = read_words("dates")
    named, parts = _by_word(words["times"]), _by_word(words["parts"])
    part = rf"(?:\s*(?:,\s*)?{_any(parts)('part')}(?![a-z]))?"
    hours = _hours()
    hour = f"(?P<hour>\\d{{1,2}}|{_any(hours)()})"

    def swahili(match: re.Match[str], now: datetime) -> time | None:
        minutes = 30 if match["half"] else 15 if match["quarter"] else int(match["past"] or match["minute"] or 0)
        hour = hours.get(match["hour"]) or int(match["hour"])
        minutes += hour * 60
        if match["to"]:
            minutes -= 15
        if hour > 12 or (match["part"] or "").startswith(("am", "pm", "a.m", "p.m")):
            return _western(minutes // 60, minutes % 60, parts.get(match["part"] or "", ""))
        return _swahili(minutes, parts.get(match["part"] or "", ""))

    def in_figures(match: re.Match[str], now: datetime) -> time | None:
        return _western(int(match["hour"]), int(match["minute"] or 0), parts.get(match["part"] or "", ""))

    def around(match: re.Match[str], now: datetime) -> time | None:
        hour, minute = int(hours.get(match["hour"]) or match["hour"]), 30 if match["frame"].startswith("half") else 15
        if match["frame"].endswith("to"):
            hour, minute = hour - 1, 60 - minute
        return _western(hour, minute, parts.get(match["part"] or "", ""))

    halves = r"(?P<half>\s+(?:na nusu|unusu))?(?P<quarter>\s+na robo)?(?P<to>\s+kasorobo|\s+kasoro robo)?(?:\s+na dakika (?P<past>\d{1,2}))?"
    return (
        (re.compile(rf"\b{_any(named)('named')}(?![a-z])"), lambda m, now: time.fromisoformat(named[m["named"]])),
        (re.compile(rf"\bsaa\s+{hour}(?:[:.](?P<minute>[0-5]\d))?\b{halves}(?:\s+kamili)?(?:\s+(?:za|ya))?{part}"), swahili),
        (re.compile(rf"\b(?P<frame>half past|quarter past|quarter to)\s+{hour}\b{part}"), around),
        (re.compile(rf"(?<![\d:./-])(?P<hour>\d{{1,2}})[:.h](?P<minute>[0-5]\d)(?![\d:./-]){part}"), in_figures),
        (re.compile(r"(?<![\d:./-])(?P<hour>\d{1,2})(?P<minute>)\s*(?P<part>am|pm|a\.m\.?|p\.m\.?)(?![a-z])"), in_figures),
        (re.compile(rf"\b(?:at\s+)?(?P<hour>\d{{1,2}})(?P<minute>)\s*o.?clock\b{part}"), in_figures),
        (re.compile(rf"\bat\s+(?P<hour>\d{{1,2}})(?P<minute>)\b(?!\s*[/.-]\d){part}"), in_figures),
    )  # fmt: skip


# Hours on the dial that are after noon, by part of the day; with none: 1 to 6, when events are.
_AFTERNOON = {
    "": range(1, 7),
    "noon": range(7),
    "afternoon": range(12),
    "evening": range(12),
    "night": range(5, 12),
}


def _western(hour: int, minute: int, part: str) -> time | None:
    if part == "morning":
        hour %= 12
    elif part == "night" and hour == 12:
        hour = 0
    elif hour < 12 and hour in _AFTERNOON[part]:
        hour += 12
    return time(hour, minute) if 0 <= hour <= 23 else None


def _swahili(minutes: int, part: str) -> time:
    """`minutes` since the Swahili hour zero. Without a part of the day: the daytime."""
    since = (minutes + 6 * 60) % (12 * 60)  # on a clock of twelve hours, midnight or noon at zero
    hour = since // 60
    is_late = {
        "morning": False,
        "noon": hour < 10,
        "afternoon": True,
        "evening": True,
        "night": hour >= 6,
        "": hour < 6 or minutes >= 12 * 60,
    }[part]
    if part == "" and minutes < 6 * 60:
        is_late = False
    total = since + (12 * 60 if is_late else 0)
    return time(total // 60 % 24, total % 60)


# -- words ----------------------------------------------------------------------------------------


def _by_word(groups: Mapping[Any, list[str]]) -> dict[str, Any]:
    return {word: value for value, words in groups.items() for word in words}


def _any(words: Mapping[str, object]) -> Callable[..., str]:
    choice = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
    return lambda name="": f"(?P<{name}>{choice})" if name else f"(?:{choice})"


@lru_cache(maxsize=1)
def _numbers() -> dict[str, int]:
    return {word: n for language in LANGUAGES for word, n in lexicon(language).numbers.units.items() if 0 < n <= 31}


def _hours() -> dict[str, int]:
    numbers = {word: n for word, n in _numbers().items() if n <= 12}
    return numbers | {"kumi na moja": 11, "kumi na mbili": 12}


def _count(text: str) -> int:
    return int(text) if text.isdigit() else _numbers()[text]
