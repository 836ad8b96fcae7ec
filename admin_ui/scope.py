"""Who sits at a page, and for which organization: captured when the page is built, entered again by every handler."""

from __future__ import annotations

import calendar
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary
from zoneinfo import ZoneInfo

from nicegui import Client, context

from admin_ui.words import LOCALES, Words, pick, word
from bot.errors import Refused
from bot.identity import Principal
from bot.runtime import Runtime
from store.tenancy import organization_scope

__all__ = ["PLATFORM", "Desk", "Organization", "SignedOut", "desk_of", "here", "put_desk", "say"]

_SIKU = ("Jumatatu", "Jumanne", "Jumatano", "Alhamisi", "Ijumaa", "Jumamosi", "Jumapili")
_MIEZI = (
    "",
    "Januari",
    "Februari",
    "Machi",
    "Aprili",
    "Mei",
    "Juni",
    "Julai",
    "Agosti",
    "Septemba",
    "Oktoba",
    "Novemba",
    "Desemba",
)


class SignedOut(Refused):
    """The session is over: it ran out, or was ended elsewhere."""

    def __init__(self) -> None:
        super().__init__("you are signed out")


@dataclass(frozen=True, slots=True)
class Organization:
    """As the shell shows it."""

    id: UUID
    name: str
    slug: str = ""
    locale: str = "en"
    timezone: str = "Africa/Nairobi"
    country: str = "KE"
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @property
    def branding(self) -> Mapping[str, Any]:
        found = self.settings.get("branding")
        return found if isinstance(found, Mapping) else {}


PLATFORM = Organization(UUID(int=0), "ChatNation", "platform")
"""What the platform's own people sit at the desk of: no organization's rows are seen from it."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What a page may ask: who is there, for whom, in which language.

    desk.may("events.edit", event=event_id);  desk.say({"en": "Save", "sw": "Hifadhi"});  desk.local(moment)
    """

    runtime: Runtime
    principal: Principal
    session_id: UUID
    email: str
    organization: Organization
    organizations: tuple[tuple[UUID, str], ...]
    skills: tuple[str, ...]  # switched on here
    locale: str = "en"  # of the shell
    path: str = "/"
    borrowed_until: datetime | None = None  # with somebody else's eyes

    @property
    def now(self) -> datetime:
        return self.runtime.clock.now()

    @property
    def name(self) -> str:
        return self.principal.name or self.email

    @property
    def is_platform(self) -> bool:
        return self.organization.id == PLATFORM.id

    def scope(self) -> AbstractContextManager[None]:
        """Of the organization; at the platform's desk none is bound, and its verbs bind the one that they are about."""
        return nullcontext() if self.is_platform else organization_scope(self.organization.id)

    def may(self, permission: str, **of: UUID | None) -> bool:
        return self.principal.may(permission, **of)

    def require(self, permission: str, **of: UUID | None) -> None:
        self.principal.require(permission, **of)

    def say(self, words: Words, **values: object) -> str:
        """In this person's language, with the values in its braces: `desk.say("{n} seats", n=40)`."""
        return pick(words, self.locale, **values)

    def word(self, key: str, **values: object) -> str:
        """One of the shell's own words (`admin_ui/words.py`)."""
        return word(key, self.locale, **values)

    def local(self, moment: datetime) -> datetime:
        return moment.astimezone(self.organization.zone)

    def long_date(self, moment: datetime) -> str:
        """`Wednesday, 25 November 2026`."""
        local = self.local(moment)
        return f"{self._weekday(local.weekday())}, {local.day} {self._month(local.month)} {local.year}"

    def short_date(self, day: date) -> str:
        """`25 Nov`; a moment is taken as it is."""
        return f"{day.day} {self._month(day.month)[:3]}"

    def ago(self, moment: datetime) -> str:
        seconds = (self.now - moment).total_seconds()
        for size, english, swahili in ((86_400, "d", "siku"), (3_600, "h", "saa"), (60, "min", "dk")):
            if seconds >= size:
                number = int(seconds // size)
                return f"{swahili} {number}" if self.locale == "sw" else f"{number} {english} ago"
        return self.say({"en": "just now", "sw": "sasa hivi"})

    def _weekday(self, number: int) -> str:
        return (_SIKU if self.locale == "sw" else calendar.day_name)[number]

    def _month(self, number: int) -> str:
        return (_MIEZI if self.locale == "sw" else calendar.month_name)[number]

    def day(self, moment: datetime | None) -> str:
        """`25 Nov 2026`."""
        if moment is None:
            return ""
        local = self.local(moment)
        return f"{self.short_date(local)} {local.year}"

    def moment(self, moment: datetime | None) -> str:
        """`24 Nov 2026, 14:05`, in the organization's time."""
        return "" if moment is None else f"{self.day(moment)}, {self.local(moment):%H:%M}"

    def renewed(self, principal: Principal) -> Desk:
        return replace(self, principal=principal)


_desks: WeakKeyDictionary[Client, Desk] = WeakKeyDictionary()


def put_desk(desk: Desk) -> None:
    _desks[context.client] = desk


def desk_of(client: Client) -> Desk:
    """
    Raises:
        SignedOut: the page was not built for anybody.
    """
    found = _desks.get(client)
    if found is None:
        raise SignedOut
    return found


def say(words: Words, **values: object) -> str:
    """As `Desk.say`, also for who has not signed in: then by the cookie, or what the browser asks for."""
    desk = _desks.get(context.client)
    return pick(words, desk.locale if desk is not None else _asked_locale(), **values)


def _asked_locale() -> str:
    try:
        request = context.client.request
    except RuntimeError:  # drawn without a browser
        return "en"
    chosen = request.cookies.get("cn_locale", "")
    asked = [part.partition(";")[0].strip()[:2] for part in request.headers.get("accept-language", "").split(",")]
    return next((each for each in (chosen, *asked) if each in LOCALES), "en")


def here() -> Desk:
    """Of the page that is being built or whose handler runs."""
    return desk_of(context.client)
