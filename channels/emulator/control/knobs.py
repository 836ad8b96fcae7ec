"""Knobs: clock, faults, limits, pace, numbers, templates, raw webhooks, reset."""

import re
from typing import Any

import aiohttp
import orjson
from aiohttp import web
from pydantic import BaseModel, ConfigDict, TypeAdapter

from channels.emulator.control.frame import answer, body
from channels.emulator.emulator import Emulator
from channels.emulator.faults import FAULTS, Fault
from channels.emulator.keys import EMULATOR
from channels.emulator.limits import DAY_S
from channels.emulator.payload import Update, metadata_of
from channels.emulator.settings import NumberSettings
from channels.emulator.views import number_view, template_view

_OF_SETTINGS = frozenset(NumberSettings.model_fields) - {"webhook_url", "quality"}
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": DAY_S}
_FAULTS: TypeAdapter[list[Fault]] = TypeAdapter(list[Fault])


class ClockChange(BaseModel):
    """`shift` is seconds or a text like "+25h", "-30m"; `reset` puts the clock right."""

    model_config = ConfigDict(extra="forbid")

    shift: float | str = 0.0
    reset: bool = False


class PaceChange(BaseModel):
    """How fast statuses come and webhooks are retried; real seconds."""

    model_config = ConfigDict(extra="forbid")

    sent_after_s: float | None = None
    delivered_after_s: float | None = None
    read_after_s: float | None = None
    auto_read: bool | None = None
    template_review_s: float | None = None
    retry_schedule_s: tuple[float, ...] | None = None
    batch_max: int | None = None
    ordered_per_user: bool | None = None


class NumberKnobs(BaseModel):
    """What Meta or the operator may change of a number. `token_problem`: 463 expired, 460 password changed, 467 invalid, null alive.

    `waba_id` moves it to another account, `fields` are those that its app is subscribed to.
    """

    model_config = ConfigDict(extra="forbid")

    webhook_url: str | None = None
    quality: str | None = None
    status: str | None = None
    token_problem: int | None = None
    subscribed: bool | None = None
    throughput_per_s: int | None = None
    messaging_limit: int | None = None
    token_expires_at: float | None = None
    access_token: str | None = None
    app_secret: str | None = None
    waba_id: str | None = None
    scopes: tuple[str, ...] | None = None
    fields: tuple[str, ...] | None = None


class TemplateKnobs(BaseModel):
    model_config = ConfigDict(extra="forbid")

    status: str | None = None
    reason: str = "NONE"
    category: str | None = None
    quality: str | None = None


class RawWebhook(BaseModel):
    """Any webhook: `value` whole, or `part` and `items` for a messages-like value. Several are posted as one body."""

    model_config = ConfigDict(extra="forbid")

    phone_number_id: str
    field: str = "messages"
    value: dict[str, Any] | None = None
    part: str = "messages"
    items: list[dict[str, Any]] = []
    spread: str = "value"


class ResetRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    keep_users: bool = True


async def clock(request: web.Request) -> web.Response:
    emulator = request.app[EMULATOR]
    return answer({"now": emulator.clock.now(), "shift_s": emulator.clock.shift_s})


async def shift_clock(request: web.Request) -> web.Response:
    emulator = request.app[EMULATOR]
    wanted = await body(request, ClockChange)
    emulator.shift_clock(None if wanted.reset else _seconds(wanted.shift))
    return await clock(request)


def _seconds(shift: float | str) -> float:
    if not isinstance(shift, str):
        return shift
    found = re.fullmatch(r"\s*([+-]?\d+(?:\.\d+)?)\s*([smhd]?)\s*", shift)
    if found is None:
        raise ValueError(f"not a duration: {shift!r}; say +25h, -30m, 90s or 2d")
    return float(found[1]) * _UNITS[found[2] or "s"]


async def faults(request: web.Request) -> web.Response:
    plan = request.app[EMULATOR].faults
    known = {name: {"does": does, "params": params} for name, (does, params) in FAULTS.items()}
    return answer({"seed": plan.seed, "set": [f.model_dump() for f in plan.all()], "known": known})


async def set_faults(request: web.Request) -> web.Response:
    """A fault or a list of them; `?seed=` reseeds the dice."""
    plan = request.app[EMULATOR].faults
    data = orjson.loads(await request.read())
    if request.query.get("seed"):
        plan.reseed(int(request.query["seed"]))
    for fault in _FAULTS.validate_python(data if isinstance(data, list) else [data]):
        plan.set(fault)
    return await _told(request)


async def clear_faults(request: web.Request) -> web.Response:
    """All, or the one named by `?name=`."""
    request.app[EMULATOR].faults.clear(request.query.get("name"))
    return await _told(request)


async def _told(request: web.Request) -> web.Response:
    plan = request.app[EMULATOR].faults
    request.app[EMULATOR].hub.publish("faults", lambda: {"set": [f.model_dump() for f in plan.all()]})
    return answer({"seed": plan.seed, "set": [f.model_dump() for f in plan.all()]})


async def limits(request: web.Request) -> web.Response:
    return answer(request.app[EMULATOR].limits.limits.model_dump())


async def change_limits(request: web.Request) -> web.Response:
    emulator = request.app[EMULATOR]
    changes = orjson.loads(await request.read())
    kept = emulator.limits.limits.model_dump()
    emulator.limits.limits = type(emulator.limits.limits).model_validate(kept | changes)
    emulator.hub.publish("limits", emulator.limits.limits.model_dump)
    return answer(emulator.limits.limits.model_dump())


async def change_pace(request: web.Request) -> web.Response:
    settings = request.app[EMULATOR].settings
    for name, value in (await body(request, PaceChange)).model_dump(exclude_unset=True).items():
        setattr(settings, name, value)
    return answer({name: getattr(settings, name) for name in PaceChange.model_fields})


async def change_number(request: web.Request) -> web.Response:
    """Changes of quality and status are told by their webhooks."""
    emulator = request.app[EMULATOR]
    number = emulator.world.numbers[request.match_info["phone_number_id"]]
    changes = (await body(request, NumberKnobs)).model_dump(exclude_unset=True)
    quality = changes.get("quality")
    for name, value in changes.items():
        if name in _OF_SETTINGS:
            setattr(number.settings, name, value)
        else:
            setattr(number, name, value)
    if "waba_id" in changes:
        for user in emulator.world.users.values():
            emulator.world.put_user(user)  # an account may be a portfolio of its own, with other ids of people
    if quality is not None:
        value = {
            "display_phone_number": metadata_of(number)["display_phone_number"],
            "event": "FLAGGED" if quality == "RED" else "UNFLAGGED",
            "max_daily_conversations_per_business": number.settings.messaging_limit,
        }
        emulator.courier.post(Update(number, "phone_number_quality_update", "", value))
    emulator.hub.publish("number", lambda: number_view(number))
    return answer(number_view(number))


async def templates(request: web.Request) -> web.Response:
    emulator = request.app[EMULATOR]
    return answer([{"waba_id": t.waba_id} | template_view(t) for t in emulator.world.templates.values()])


async def change_template(request: web.Request) -> web.Response:
    """Approves, rejects, pauses, disables or re-classifies; each is told by webhook."""
    emulator = request.app[EMULATOR]
    template = emulator.world.templates[request.match_info["template_id"]]
    wanted = await body(request, TemplateKnobs)
    number = next(iter(emulator.world.numbers_of_waba(template.waba_id)), None)
    about = {
        "message_template_id": int(template.id),
        "message_template_name": template.name,
        "message_template_language": template.language,
    }
    if wanted.category is not None and number is not None:
        value = about | {"previous_category": template.category, "new_category": wanted.category}
        template.category = wanted.category
        emulator.courier.post(Update(number, "template_category_update", "", value))
    if wanted.quality is not None and number is not None:
        value = about | {"previous_quality_score": template.quality, "new_quality_score": wanted.quality}
        template.quality = wanted.quality
        emulator.courier.post(Update(number, "message_template_quality_update", "", value))
    if wanted.status is not None:
        emulator.set_template_status(template, wanted.status, reason=wanted.reason)
    emulator.touch("template", template)
    return answer(template_view(template))


async def webhook(request: web.Request) -> web.Response:
    """Posts what is given, signed; nothing in the emulator's world changes."""
    emulator = request.app[EMULATOR]
    wanted = await body(request, RawWebhook)
    number = emulator.world.numbers[wanted.phone_number_id]
    if wanted.value is not None:
        emulator.courier.post(Update(number, wanted.field, "", wanted.value))
        return answer({"posted": 1}, status=202)
    if not wanted.items:
        raise ValueError("either value or items is needed")
    emulator.courier.post_many(
        [Update(number, wanted.field, wanted.part, item) for item in wanted.items], spread=wanted.spread
    )
    return answer({"posted": len(wanted.items)}, status=202)


async def verify(request: web.Request) -> web.Response:
    """The GET challenge to every webhook, as Meta does when one is set up."""
    emulator = request.app[EMULATOR]
    return answer({"numbers": {n: await _challenge(emulator, n) for n in emulator.world.numbers}})


async def _challenge(emulator: Emulator, phone_number_id: str) -> dict[str, Any]:
    number = emulator.world.numbers[phone_number_id]
    challenge = emulator.world.mint.number(10)
    query = {"hub.mode": "subscribe", "hub.challenge": challenge, "hub.verify_token": number.settings.verify_token}
    try:
        async with emulator.courier.session.get(number.webhook_url, params=query) as response:
            text = await response.text()
            return {"verified": response.status == 200 and text.strip() == challenge, "code": response.status}
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        return {"verified": False, "code": 0, "error": type(error).__name__}


async def reset(request: web.Request) -> web.Response:
    request.app[EMULATOR].reset(keep_users=(await body(request, ResetRequest)).keep_users)
    return answer({"reset": True})
