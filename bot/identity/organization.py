"""What an organization says of itself: name, language, place, hours, colours. Rows of `organizations` and their `settings`."""

from __future__ import annotations

import re
import zoneinfo
from typing import Any
from uuid import UUID

import phonenumbers
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from bot.unit import Unit
from store.db import fetchrow
from store.jsonb import from_jsonb, to_jsonb
from store.tenancy import current_organization

__all__ = [
    "Branding",
    "Hours",
    "Profile",
    "branding_of",
    "hours_of",
    "put_branding",
    "put_hours",
    "put_profile",
    "read_profile",
]

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_TIME = re.compile(r"^([01]\d|2[0-3]):[0-5]\d$")


class _Model(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Profile(_Model):
    name: str = Field(min_length=1, max_length=200, title="Name")
    country: str = Field("KE", title="Country", description="For phone numbers and dates that people type.")
    locale: str = Field("en", title="Language", description="Of people whose language is not known yet.")
    timezone: str = Field("Africa/Nairobi", title="Time zone", description="For all times in this app.")

    @field_validator("country")
    @classmethod
    def _is_country(cls, value: str) -> str:
        if value.upper() not in phonenumbers.SUPPORTED_REGIONS:
            raise ValueError("this is not a country's two letters, such as KE")
        return value.upper()

    @field_validator("timezone")
    @classmethod
    def _is_zone(cls, value: str) -> str:
        if value not in zoneinfo.available_timezones():
            raise ValueError("this is not a time zone, such as Africa/Nairobi")
        return value

    @field_validator("locale")
    @classmethod
    def _is_locale(cls, value: str) -> str:
        if not re.fullmatch(r"[a-z]{2,3}(-[A-Z]{2})?", value):
            raise ValueError("this is not a language, such as en or sw")
        return value


class Branding(_Model):
    colour: str = Field(
        "", title="Colour", description="Made a little darker or lighter where text would be hard to read."
    )
    logo: str = ""  # blob
    logo_type: str = ""

    @field_validator("colour")
    @classmethod
    def _is_colour(cls, value: str) -> str:
        if value and not re.fullmatch(r"#[0-9a-fA-F]{6}", value):
            raise ValueError("a colour is written like #0b6b4d")
        return value.lower()


class Hours(_Model):
    """By day, `09:00` to `17:00`; a day without is closed. `away` is said outside of them."""

    days: dict[str, tuple[str, str]] = Field(default_factory=dict)
    away: str = Field("", max_length=1000)

    @model_validator(mode="after")
    def _are_hours(self) -> Hours:
        for day, (opens, closes) in self.days.items():
            if day not in DAYS:
                raise ValueError(f"{day} is not a day")
            if not _TIME.match(opens) or not _TIME.match(closes):
                raise ValueError(f"{day}: a time is written like 09:00")
            if opens >= closes:
                raise ValueError(f"{day}: it must close after it opens")
        return self


def branding_of(settings: Any) -> Branding:
    return Branding.model_validate(settings.get("branding") or {})


def hours_of(settings: Any) -> Hours:
    return Hours.model_validate(settings.get("hours") or {})


async def read_profile() -> tuple[Profile, dict[str, Any]]:
    """Of the bound organization, with its settings."""
    row = await fetchrow(
        "SELECT name, country, locale, timezone, settings FROM organizations WHERE id = $1", current_organization()
    )
    profile = Profile.model_construct(
        name=row["name"], country=row["country"], locale=row["locale"], timezone=row["timezone"]
    )
    return profile, from_jsonb(row["settings"]) or {}


async def put_profile(work: Unit, profile: Profile) -> None:
    before = await work.tx.fetchrow(
        "SELECT name, country, locale, timezone FROM organizations WHERE id = $1 FOR UPDATE", work.organization_id
    )
    await work.tx.execute(
        "UPDATE organizations SET name = $2, country = $3, locale = $4, timezone = $5 WHERE id = $1",
        work.organization_id,
        profile.name.strip(),
        profile.country,
        profile.locale,
        profile.timezone,
    )
    _audit(work, "organization.changed", dict(before), profile.model_dump())


async def put_branding(work: Unit, branding: Branding) -> None:
    await _put(work, "branding", branding.model_dump())


async def put_hours(work: Unit, hours: Hours) -> None:
    await _put(work, "hours", hours.model_dump(mode="json"))


async def _put(work: Unit, key: str, value: dict[str, Any]) -> None:
    before = await work.tx.fetchval(
        "SELECT settings -> $2 FROM organizations WHERE id = $1 FOR UPDATE", work.organization_id, key
    )
    await work.tx.execute(
        "UPDATE organizations SET settings = jsonb_set(settings, ARRAY[$2], $3::jsonb) WHERE id = $1",
        work.organization_id,
        key,
        to_jsonb(value),
    )
    _audit(work, f"organization.{key}_changed", from_jsonb(before) if before else None, value)


def _audit(work: Unit, action: str, before: Any, after: Any) -> None:
    organization: UUID = work.organization_id
    work.audit(action, subject=f"organization:{organization}", before=before, after=after)
    work.runtime.directory.forget()
