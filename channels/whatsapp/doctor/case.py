"""What a check is given, what it answers, and how it joins the others."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import aiohttp

from bot.provider import Known, Line, Outcome
from channels.whatsapp.client import GraphClient, Refused
from channels.whatsapp.errors import ErrorClass
from channels.whatsapp.reading import Failed, said

__all__ = ["AWAY", "CHECKS", "Case", "Check", "Result", "Words", "check", "failed", "words"]

Words = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Case:
    graph: GraphClient
    session: aiohttp.ClientSession
    line: Line
    known: Known
    webhook_url: str
    version: str

    @property
    def app_token(self) -> str:
        """Meta's own form of an app's token."""
        return f"{self.line.app_id}|{self.line.app_secrets[0]}" if self.line.app_id and self.line.app_secrets else ""

    def moment(self, at: datetime) -> str:
        """In the organization's time."""
        return f"{at.astimezone(self.known.zone):%Y-%m-%d %H:%M}"


@dataclass(frozen=True, slots=True)
class Result:
    outcome: Outcome
    tried: Words
    came: Words
    mend: Words = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Check:
    title: Words
    run: Callable[[Case], Awaitable[Result]]


CHECKS: dict[str, Check] = {}
Run = Callable[[Case], Awaitable[Result]]


def check(name: str, english: str, swahili: str) -> Callable[[Run], Run]:
    def register(run: Run) -> Run:
        CHECKS[name] = Check(words(english, swahili), run)
        return run

    return register


def words(english: str, swahili: str) -> dict[str, str]:
    return {"en": english, "sw": swahili}


def failed(tried: Words, answer: Failed, mend: Words | None = None) -> Result:
    """A definite no is bad. What could not be asked is a warning: nobody knows."""
    if isinstance(answer, Refused) and answer.code is not None:
        if answer.error_class is ErrorClass.AUTH:
            mend = (
                words("First mend “The access token lives”.", "Kwanza rekebisha “Tokeni iko hai”.")
                if mend is None
                else mend
            )
        return Result(Outcome.BAD, tried, said(answer), mend or UNKNOWN)
    return Result(Outcome.BAD if isinstance(answer, Refused) else Outcome.WARN, tried, said(answer), AWAY)


AWAY = words(
    "Try again. If it stays so: does this machine reach the internet, and is whatsapp.graph_url right?",
    "Jaribu tena. Ikiendelea: je, mashine hii inafikia mtandao, na whatsapp.graph_url ni sahihi?",
)
UNKNOWN = words(
    "Mend the checks above first; the code in brackets is what Meta's support asks for.",
    "Rekebisha vipimo vya juu kwanza; msimbo kwenye mabano ndio unaoulizwa na usaidizi wa Meta.",
)
