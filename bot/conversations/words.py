"""What the person in the chat is told when somebody else answers."""

from __future__ import annotations

__all__ = ["told"]

_TOLD = {
    "taken_over": (
        "👋 {name} of {organization} is with you now and answers in person.",
        "👋 {name} wa {organization} yuko nawe sasa na atakujibu mwenyewe.",
    ),
    "given_back": (
        "🤖 The assistant answers again from here.",
        "🤖 Msaidizi anajibu tena kuanzia sasa.",
    ),
}


def told(what: str, locale: str, **values: str) -> str:
    english, swahili = _TOLD[what]
    return (swahili if locale.partition("-")[0] == "sw" else english).format(**values)
