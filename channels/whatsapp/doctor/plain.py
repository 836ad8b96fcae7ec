"""Meta's capitals in plain words. One that is not known here is shown as Meta says it, small."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["counted", "limit", "plain"]

NOT_SAID = ("not told", "haijasemwa")

# As `GREEN` of a quality, `CONNECTED` of a number, `CLOUD_API` of a platform, `AVAILABLE` of sending.
_WORDS: Mapping[str, tuple[str, str]] = {
    "GREEN": ("high", "juu"),
    "YELLOW": ("medium", "wastani"),
    "RED": ("low", "chini"),
    "UNKNOWN": ("not rated yet", "bado haujapimwa"),
    "CONNECTED": ("connected", "imeunganishwa"),
    "PENDING": ("pending", "inasubiri"),
    "FLAGGED": ("flagged", "imetiwa alama"),
    "RESTRICTED": ("restricted", "imewekewa mipaka"),
    "RATE_LIMITED": ("rate limited", "imepunguzwa kasi"),
    "BANNED": ("banned", "imepigwa marufuku"),
    "DISCONNECTED": ("disconnected", "imetenganishwa"),
    "UNVERIFIED": ("unverified", "haijathibitishwa"),
    "MIGRATED": ("migrated", "imehamishwa"),
    "DELETED": ("deleted", "imefutwa"),
    "CLOUD_API": ("Cloud API", "Cloud API"),
    "ON_PREMISE": ("on premises", "seva za kwenu"),
    "NOT_APPLICABLE": ("none", "hakuna"),
    "LIVE": ("live", "halisi"),
    "SANDBOX": ("test", "majaribio"),
    "AVAILABLE": ("possible", "inawezekana"),
    "LIMITED": ("limited", "ina mipaka"),
    "BLOCKED": ("blocked", "imezuiwa"),
}
_TEMPLATES: Mapping[str, tuple[str, str]] = {
    "APPROVED": ("approved", "vimeidhinishwa"),
    "PENDING": ("in review", "vinakaguliwa"),
    "IN_APPEAL": ("in appeal", "vina rufaa"),
    "REJECTED": ("rejected", "vimekataliwa"),
    "PAUSED": ("paused", "vimesitishwa"),
    "FLAGGED": ("flagged", "vimetiwa alama"),
    "DISABLED": ("disabled", "vimezimwa"),
    "DELETED": ("deleted", "vimefutwa"),
    "ARCHIVED": ("archived", "vya kumbukumbu"),
}


def plain(said: str) -> dict[str, str]:
    return _both(_WORDS.get(said, (_small(said),) * 2) if said else NOT_SAID)


def limit(said: str) -> dict[str, str]:
    """`TIER_2K` -> `2,000 people a day`."""
    tier = said.removeprefix("TIER_")
    if tier == "UNLIMITED":
        return _both(("none", "hakuna"))
    digits = tier.replace("K", "000")
    if not digits.isdigit():
        return plain(said)
    return _both((f"{int(digits):,} people a day", f"watu {int(digits):,} kwa siku"))


def counted(templates: Mapping[str, int]) -> dict[str, str]:
    """How many of each status: `12 approved, 1 rejected`."""
    known = [(count, _TEMPLATES.get(status, (_small(status),) * 2)) for status, count in sorted(templates.items())]
    english = ", ".join(f"{count} {words[0]}" for count, words in known)
    swahili = ", ".join(f"{count} {words[1]}" for count, words in known)
    return _both((english or "none", swahili or "hakuna"))


def _small(said: str) -> str:
    return said.replace("_", " ").lower()


def _both(words: tuple[str, ...]) -> dict[str, str]:
    return {"en": words[0], "sw": words[1]}
