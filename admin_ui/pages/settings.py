"""What the organization is called, how it looks, when it is there."""

from __future__ import annotations

import zoneinfo
from typing import Any

import phonenumbers
from nicegui import ui
from nicegui.events import UploadEventArguments
from pydantic import BaseModel, Field

from admin_ui.kit import (
    Desk,
    Group,
    bound,
    button,
    facts,
    forget_kept,
    heading,
    here,
    note,
    page,
    panel,
    reload,
    say,
    text_area,
    toast,
)
from admin_ui.kit.form import Fields, form
from admin_ui.words import LOCALES
from bot.errors import Refused
from bot.identity.organization import (
    DAYS,
    Branding,
    Hours,
    Profile,
    branding_of,
    hours_of,
    put_branding,
    put_hours,
    put_profile,
    read_profile,
)
from bot.unit import Unit, open_unit

MAX_LOGO_BYTES = 512 * 1024
LOGO_TYPES = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg", b"RIFF": "image/webp"}
DAY_NAMES = {
    "mon": {"en": "Monday", "sw": "Jumatatu"},
    "tue": {"en": "Tuesday", "sw": "Jumanne"},
    "wed": {"en": "Wednesday", "sw": "Jumatano"},
    "thu": {"en": "Thursday", "sw": "Alhamisi"},
    "fri": {"en": "Friday", "sw": "Ijumaa"},
    "sat": {"en": "Saturday", "sw": "Jumamosi"},
    "sun": {"en": "Sunday", "sw": "Jumapili"},
}


@page(
    "/settings",
    title={"en": "Settings", "sw": "Mipangilio"},
    icon="tune",
    group=Group.SETTINGS,
    permission="organization.view",
    order=10,
)
async def settings(desk: Desk) -> None:
    profile, kept = await read_profile()
    may_edit = desk.may("organization.edit")
    with heading(
        {"en": "Settings", "sw": "Mipangilio"},
        {"en": f"What holds for all of {profile.name}.", "sw": f"Yanayohusu {profile.name} yote."},
    ):
        pass
    if not may_edit:
        _only_look(profile)
        return
    with ui.element("div").classes("cn-grid cn-cols-2").style("align-items: start"):
        with ui.element("div").classes("cn-stack loose"):
            with panel({"en": "Organization", "sw": "Shirika"}):
                form(Profile, _keep_profile, value=profile, options=_options())
            with panel(
                {"en": "Look", "sw": "Mwonekano"},
                text={
                    "en": "Of this app, for everybody in the organization.",
                    "sw": "Wa programu hii, kwa wote shirikani.",
                },
            ):
                _branding(branding_of(kept))
        with panel(
            {"en": "Business hours", "sw": "Saa za kazi"},
            text={
                "en": "When people of yours answer. The bot answers always.",
                "sw": "Watu wako wanapojibu. Boti inajibu wakati wote.",
            },
        ):
            _hours(desk, hours_of(kept))


def _only_look(profile: Profile) -> None:
    with panel():
        facts(
            [
                ("Name", profile.name),
                ("Country", profile.country),
                ("Language", profile.locale),
                ("Time zone", profile.timezone),
            ]
        )
        note("An administrator of the organization can change these.")


def _options() -> dict[str, dict[Any, str]]:
    regions = {
        code: f"{_country(code)} (+{phonenumbers.country_code_for_region(code)})"
        for code in phonenumbers.SUPPORTED_REGIONS
    }
    return {
        "country": dict(sorted(regions.items(), key=lambda each: each[1])),
        "locale": dict(LOCALES),
        "timezone": {zone: zone.replace("_", " ") for zone in sorted(zoneinfo.available_timezones()) if "/" in zone},
    }


def _country(code: str) -> str:
    return {
        "KE": "Kenya",
        "TZ": "Tanzania",
        "UG": "Uganda",
        "RW": "Rwanda",
        "ET": "Ethiopia",
        "NG": "Nigeria",
        "ZA": "South Africa",
    }.get(code, code)


async def _keep_profile(value: Profile, work: Unit) -> None:
    here().require("organization.edit")
    await put_profile(work, value)
    toast(here().word("saved"))


def _branding(found: Branding) -> None:
    fields = Fields(_Colour, _Colour(colour=found.colour or "#0b6b4d"))
    kept = {"branding": found}

    async def keep(work: Unit) -> None:
        here().require("organization.edit")
        value = fields.read()
        if value is None:
            return
        kept["branding"] = kept["branding"].model_copy(update={"colour": value.colour})
        await put_branding(work, kept["branding"])
        reload()

    async def uploaded(event: UploadEventArguments) -> None:
        desk = here()
        desk.require("organization.edit")
        data = await event.file.read()
        kind = next((name for start, name in LOGO_TYPES.items() if data.startswith(start)), None)
        if kind is None:
            raise Refused("a logo is a PNG, JPEG or WebP picture")
        blob = await desk.runtime.blobs.put(desk.organization.id, data, kind)
        kept["branding"] = kept["branding"].model_copy(update={"logo": blob, "logo_type": kind})
        async with open_unit(desk.runtime, desk.organization.id, actor=desk.principal.actor) as work:
            await put_branding(work, kept["branding"])
        reload()

    async def too_large() -> None:
        toast(
            say("The picture is larger than {n} KB, or there was more than one.", n=MAX_LOGO_BYTES // 1024), kind="bad"
        )

    async def plain(work: Unit) -> None:
        here().require("organization.edit")
        await put_branding(work, Branding())
        reload()

    upload = ui.upload(
        label=say("Logo: PNG, JPEG or WebP, square, up to 512 KB"),
        on_upload=bound(uploaded, writes=False),  # the file goes to the store before the transaction
        on_rejected=bound(too_large, writes=False),
        max_file_size=MAX_LOGO_BYTES,
        max_files=1,
        auto_upload=True,
    )
    upload.props('flat bordered accept=".png,.jpg,.jpeg,.webp" hide-upload-btn').classes("cn-upload")
    with ui.element("div").classes("cn-line"):
        button("Save", bound(keep), kind="primary", mark="save-branding")
        button("Back to ChatNation’s look", bound(plain), kind="quiet")


class _Colour(BaseModel):
    colour: str = Field(
        pattern=r"^#[0-9a-fA-F]{6}$",
        title="Colour",
        description="Made a little darker or lighter where text would be hard to read.",
        json_schema_extra={"ui": "colour"},
    )


def _hours(desk: Desk, found: Hours) -> None:
    rows: dict[str, tuple[Any, Any, Any]] = {}
    for day in DAYS:
        opens, closes = found.days.get(day, ("09:00", "17:00"))
        name = desk.say(DAY_NAMES[day])
        with ui.element("div").classes("cn-hours"):
            is_open = ui.switch(name, value=day in found.days).mark(f"open-{day}")
            times = []
            for value, what in ((opens, "opens"), (closes, "closes")):
                box = ui.input(value=value).props('outlined dense hide-bottom-space type="time"').mark(f"{what}-{day}")
                box.props["aria-label"] = f"{name} {what}"
                box.bind_visibility_from(is_open, "value")
                times.append(box)
            rows[day] = (is_open, times[0], times[1])
    away = text_area(
        {
            "en": "Said to people outside of these hours, when they ask for a person",
            "sw": "Inasemwa nje ya saa hizi mtu akiomba kuongea na mtu",
        },
        found.away,
        rows=3,
        mark="away",
        keep="away",
    )

    async def keep(work: Unit) -> None:
        here().require("organization.edit")
        days = {day: (opens.value, closes.value) for day, (is_open, opens, closes) in rows.items() if is_open.value}
        for day, (opens, closes) in days.items():
            rows[day][2].error = None if str(opens) < str(closes) else say("Must close after it opens")
            if str(opens) >= str(closes):
                return
        await put_hours(work, Hours(days=days, away=away.value or ""))
        forget_kept("away")
        toast(here().word("saved"))

    with ui.element("div").classes("cn-line"):
        button(desk.word("save"), bound(keep), kind="primary", mark="save-hours")
