"""What the pages of numbers share: words and tones of what Meta says."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from nicegui import ui

from admin_ui.kit import Desk, badge
from admin_ui.kit.controls import Tone
from admin_ui.words import Words
from bot.numbers import Number, Outcome

__all__ = [
    "CATEGORIES",
    "HEAD",
    "OUTCOMES",
    "STATES",
    "STATUSES",
    "THROUGHPUT",
    "at_meta",
    "category",
    "expiry",
    "limit",
    "quality",
    "standing",
    "stopped_why",
    "use_styles",
    "verdict",
]

HEAD = '<link rel="stylesheet" href="/static/channels.css">'
SOON = timedelta(days=14)
STOPPED_BY = "stopped by the provider"

STATES: Mapping[str, tuple[Words, Tone]] = {
    "connected": ({"en": "connected", "sw": "imeunganishwa"}, "good"),
    "paused": ({"en": "paused", "sw": "imesitishwa"}, "warn"),
    "stopped": ({"en": "stopped by Meta", "sw": "imesimamishwa na Meta"}, "bad"),
    "disconnected": ({"en": "disconnected", "sw": "imetenganishwa"}, "bad"),
}
CATEGORIES: Mapping[str, Words] = {
    "MARKETING": {"en": "Marketing", "sw": "Matangazo"},
    "UTILITY": {"en": "Utility", "sw": "Huduma"},
    "AUTHENTICATION": {"en": "Authentication", "sw": "Uthibitishaji"},
}
AT_META: Mapping[str, Words] = {
    "CONNECTED": {"en": "connected", "sw": "imeunganishwa"},
    "PENDING": {"en": "pending", "sw": "inasubiri"},
    "FLAGGED": {"en": "flagged", "sw": "imetiwa alama"},
    "RESTRICTED": {"en": "restricted", "sw": "imewekewa mipaka"},
    "RATE_LIMITED": {"en": "rate limited", "sw": "imepunguzwa kasi"},
    "BANNED": {"en": "banned", "sw": "imepigwa marufuku"},
    "DISCONNECTED": {"en": "disconnected", "sw": "imetenganishwa"},
    "UNVERIFIED": {"en": "unverified", "sw": "haijathibitishwa"},
    "MIGRATED": {"en": "migrated", "sw": "imehamishwa"},
    "DELETED": {"en": "deleted", "sw": "imefutwa"},
}
THROUGHPUT: Mapping[str, Words] = {
    "STANDARD": {"en": "standard", "sw": "ya kawaida"},
    "HIGH": {"en": "high", "sw": "ya juu"},
    "NOT_APPLICABLE": "–",
}
QUALITIES: Mapping[str, tuple[Words, Tone]] = {
    "GREEN": ({"en": "high", "sw": "juu"}, "good"),
    "YELLOW": ({"en": "medium", "sw": "wastani"}, "warn"),
    "RED": ({"en": "low", "sw": "chini"}, "bad"),
    "UNKNOWN": ({"en": "not rated yet", "sw": "bado"}, "plain"),
}
STATUSES: Mapping[str, tuple[Words, Tone]] = {
    "APPROVED": ({"en": "approved", "sw": "kimeidhinishwa"}, "good"),
    "PENDING": ({"en": "in review", "sw": "kinakaguliwa"}, "info"),
    "IN_APPEAL": ({"en": "in appeal", "sw": "rufaa"}, "info"),
    "REJECTED": ({"en": "rejected", "sw": "kimekataliwa"}, "bad"),
    "PAUSED": ({"en": "paused", "sw": "kimesitishwa"}, "warn"),
    "FLAGGED": ({"en": "flagged", "sw": "kimewekewa alama"}, "warn"),
    "DISABLED": ({"en": "disabled", "sw": "kimezimwa"}, "bad"),
    "DELETED": ({"en": "deleted", "sw": "kimefutwa"}, "plain"),
    "ARCHIVED": ({"en": "archived", "sw": "kumbukumbu"}, "plain"),
}
OUTCOMES: Mapping[Outcome, tuple[str, Tone, Words]] = {
    Outcome.GOOD: ("check_circle", "good", {"en": "Works", "sw": "Sawa"}),
    Outcome.WARN: ("warning", "warn", {"en": "Look at it", "sw": "Angalia"}),
    Outcome.BAD: ("cancel", "bad", {"en": "Broken", "sw": "Imeharibika"}),
    Outcome.SKIPPED: ("remove_circle_outline", "plain", {"en": "Not asked", "sw": "Haikuulizwa"}),
}


def use_styles() -> None:
    ui.add_head_html(HEAD)


def standing(desk: Desk, number: Number) -> None:
    """Ours first: Meta's word only where it says more."""
    words, tone = STATES.get(number.state, (number.state, "plain"))
    badge(desk.say(words), tone)
    if number.facts.status not in ("", "CONNECTED"):
        status = at_meta(desk, number.facts.status)
        badge(desk.say({"en": f"Meta: {status}", "sw": f"Meta: {status}"}), "warn")
    if number.facts.mode == "SANDBOX":
        badge(desk.say({"en": "test number", "sw": "namba ya majaribio"}), "info")


def at_meta(desk: Desk, status: str) -> str:
    return desk.say(AT_META.get(status, status.replace("_", " ").lower()))


def stopped_why(desk: Desk, reason: str) -> str:
    """As `bot.standing` keeps it; Meta's own words have no Swahili."""
    by, _, what = reason.partition(": ")
    if not what or by != STOPPED_BY:
        return reason
    return desk.say({"en": f"{by}: {what}", "sw": f"imesimamishwa na mtoa huduma: {what}"})


def category(desk: Desk, name: str) -> str:
    return desk.say(CATEGORIES.get(name, name.capitalize()))


def quality(desk: Desk, value: str) -> tuple[str, Tone]:
    words, tone = QUALITIES.get(value, (value.lower() or "", "plain"))
    return desk.say(words), tone


def limit(desk: Desk, value: str) -> str:
    """`TIER_2K` -> `2,000 people a day`."""
    if not value:
        return ""
    tier = value.removeprefix("TIER_")
    if tier == "UNLIMITED":
        return desk.say({"en": "unlimited", "sw": "bila kikomo"})
    digits = tier.replace("K", "000")
    count = f"{int(digits):,}" if digits.isdigit() else tier
    return desk.say({"en": f"{count} people a day", "sw": f"watu {count} kwa siku"})


def expiry(desk: Desk, number: Number) -> tuple[str, Tone]:
    at: datetime | None = number.token_expires_at
    if number.facts_at is None:
        return "", "plain"
    if at is None:
        return desk.say({"en": "never", "sw": "haiishi"}), "plain"
    if at <= desk.now:
        return desk.say({"en": f"since {desk.day(at)}", "sw": f"tangu {desk.day(at)}"}), "bad"
    return desk.day(at), "warn" if at - desk.now < SOON else "plain"


def verdict(number: Number) -> Outcome | None:
    """The worst that the doctor found; None: never asked."""
    found = {each.outcome for each in number.findings.values()}
    for each in (Outcome.BAD, Outcome.WARN, Outcome.GOOD):
        if each in found:
            return each
    return None
