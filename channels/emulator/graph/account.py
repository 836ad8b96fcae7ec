"""Reads and settings of numbers and WABAs, subscriptions, profile, blocked people, tokens."""

from typing import Any

import orjson
from aiohttp import web

from channels.emulator.emulator import Emulator
from channels.emulator.errors import GraphError, invalid_parameter, no_such_object
from channels.emulator.graph import media, templates
from channels.emulator.graph.access import app_of_token, json_answer, json_body, number_of, numbers_of_token, waba_of
from channels.emulator.keys import EMULATOR
from channels.emulator.state import Number
from channels.emulator.views import template_view

DAY_S = 86_400.0
_TIERS = ((250, "TIER_250"), (2_000, "TIER_2K"), (10_000, "TIER_10K"), (100_000, "TIER_100K"))
_DEFAULT_FIELDS = (
    "id",
    "verified_name",
    "display_phone_number",
    "quality_rating",
    "code_verification_status",
    "platform_type",
)


async def node(request: web.Request) -> web.Response:
    """`GET /{id}`: a number, a WABA, a template or a media file, whichever has this id."""
    emulator = request.app[EMULATOR]
    object_id = request.match_info["object_id"]
    numbers = numbers_of_token(request)
    for number in numbers:
        if number.id == object_id:
            return json_answer(_picked(number_node(number), request.query.get("fields"), _DEFAULT_FIELDS))
    owned = [n for n in numbers if n.settings.waba_id == object_id]
    if owned:
        return json_answer(
            _picked(waba_node(owned), request.query.get("fields"), ("id", "name", "currency", "timezone_id"))
        )
    template = emulator.world.templates.get(object_id)
    if template is not None and template.waba_id in {n.settings.waba_id for n in numbers}:
        return json_answer(template_view(template))
    if object_id in emulator.world.media:
        return media.look_up(request, emulator.world.media[object_id])
    raise no_such_object(object_id)


async def change_node(request: web.Request) -> web.Response:
    """`POST /{id}`: edits a template, or sets a number's webhook."""
    emulator = request.app[EMULATOR]
    object_id = request.match_info["object_id"]
    template = emulator.world.templates.get(object_id)
    if template is not None:
        return await templates.edit(request, template)
    number = number_of(request)
    data = await json_body(request)
    configuration = data.get("webhook_configuration") if isinstance(data, dict) else None
    if isinstance(configuration, dict):
        _override(number, str(configuration.get("override_callback_uri") or ""), emulator)
    return json_answer({"success": True})


async def delete_node(request: web.Request) -> web.Response:
    emulator = request.app[EMULATOR]
    allowed = {n.id for n in numbers_of_token(request)}
    file = emulator.world.media.get(request.match_info["object_id"])
    if file is None or file.phone_number_id not in (None, *allowed):
        raise no_such_object(request.match_info["object_id"])
    file.expires_at = 0.0
    emulator.touch("media", file)
    del emulator.world.media[file.id]
    return json_answer({"success": True})


async def phone_numbers(request: web.Request) -> web.Response:
    rows = [_picked(number_node(n), request.query.get("fields"), _DEFAULT_FIELDS) for n in waba_of(request)]
    return json_answer({"data": rows, "paging": {"cursors": {"before": "0", "after": str(len(rows))}}})


async def subscriptions(request: web.Request) -> web.Response:
    emulator = request.app[EMULATOR]
    data: list[dict[str, Any]] = [
        {
            "whatsapp_business_api_data": {"id": n.settings.app_id, "name": n.settings.name, "link": ""},
        }
        | ({"override_callback_uri": n.webhook_url} if n.webhook_url != callback_of(n, emulator) else {})
        for n in waba_of(request)
        if n.subscribed
    ]
    apps = {row["whatsapp_business_api_data"]["id"]: row for row in reversed(data)}
    return json_answer({"data": list(apps.values())})


async def subscribe(request: web.Request) -> web.Response:
    numbers = waba_of(request)
    data = await json_body(request)
    override = str(data.get("override_callback_uri") or "") if isinstance(data, dict) else ""
    for number in numbers:
        number.subscribed = True
        _override(number, override, request.app[EMULATOR])  # without one an earlier override ends
    return json_answer({"success": True})


async def unsubscribe(request: web.Request) -> web.Response:
    for number in waba_of(request):
        number.subscribed = False
    return json_answer({"success": True})


async def profile(request: web.Request) -> web.Response:
    return json_answer({"data": [number_of(request).profile]})


async def update_profile(request: web.Request) -> web.Response:
    number = number_of(request)
    data = await json_body(request)
    if not isinstance(data, dict) or data.get("messaging_product") != "whatsapp":
        raise invalid_parameter("Param messaging_product must be one of {WHATSAPP}.")
    for key, most in (("about", 139), ("address", 256), ("description", 512), ("email", 128)):
        if len(str(data.get(key, ""))) > most:
            raise invalid_parameter(f"Param {key} must be at most {most} characters long.")
    number.profile |= {k: v for k, v in data.items() if k != "messaging_product"}
    return json_answer({"success": True})


async def blocked(request: web.Request) -> web.Response:
    return json_answer(
        {"data": [{"messaging_product": "whatsapp", "wa_id": w} for w in sorted(number_of(request).blocked)]}
    )


async def block(request: web.Request) -> web.Response:
    """Only people who wrote in the last 24 hours can be blocked."""
    emulator = request.app[EMULATOR]
    number = number_of(request)
    added: list[dict[str, str]] = []
    failed: list[dict[str, Any]] = []
    for given, wa_id in await _people(request, emulator, number):
        thread = emulator.world.threads.get((number.id, wa_id))
        if thread is None or thread.last_inbound_at is None or emulator.clock.now() - thread.last_inbound_at > DAY_S:
            failed.append(
                {
                    "input": given,
                    "wa_id": wa_id,
                    "errors": [GraphError(131047, "Not messaged in the last 24 hours.").status_error()],
                }
            )
            continue
        number.blocked.add(wa_id)
        added.append({"input": given, "wa_id": wa_id})
    return json_answer({"messaging_product": "whatsapp", "block_users": {"added_users": added, "failed_users": failed}})


async def unblock(request: web.Request) -> web.Response:
    emulator = request.app[EMULATOR]
    number = number_of(request)
    removed = []
    for given, wa_id in await _people(request, emulator, number):
        number.blocked.discard(wa_id)
        removed.append({"input": given, "wa_id": wa_id})
    return json_answer({"messaging_product": "whatsapp", "block_users": {"removed_users": removed}})


async def accept_quietly(request: web.Request) -> web.Response:
    number = number_of(request)
    number.status = "CONNECTED" if request.path.endswith("/register") else "DISCONNECTED"
    return json_answer({"success": True})


async def debug_token(request: web.Request) -> web.Response:
    """Whether a token lives and what it may do. Asked with the app's own token, or with one that lives."""
    emulator = request.app[EMULATOR]
    if app_of_token(request) is None:
        numbers_of_token(request)
    wanted = request.query.get("input_token", "")
    owners = [n for n in emulator.world.numbers.values() if n.settings.access_token == wanted]
    if not owners:
        problem = {"code": 190, "message": "The access token could not be decrypted", "subcode": 467}
        return json_answer({"data": {"is_valid": False, "scopes": [], "error": problem}})
    owner = owners[0]
    data: dict[str, Any] = {
        "app_id": owner.settings.app_id,
        "type": "SYSTEM_USER",
        "application": owner.settings.name,
        "is_valid": owner.is_token_alive(emulator.clock.now()),
        "issued_at": 1_700_000_000,
        "expires_at": int(owner.settings.token_expires_at),
        "data_access_expires_at": 0,
        "scopes": list(owner.settings.scopes),
        "granular_scopes": [
            {"scope": scope, "target_ids": sorted({n.settings.waba_id for n in owners})}
            for scope in owner.settings.scopes
        ],
        "user_id": "122100000000000001",
    }
    if not data["is_valid"]:
        problem = {"code": 190, "message": "Error validating access token", "subcode": owner.token_problem or 463}
        data["error"] = problem
    return json_answer({"data": data})


async def app_subscriptions(request: web.Request) -> web.Response:
    """`GET /{app}/subscriptions`, with the app's own token: where its webhooks go, and which fields."""
    app_id = request.match_info["object_id"]
    if app_of_token(request) != app_id:
        raise GraphError(15, "This method must be called with an app access token.")
    emulator = request.app[EMULATOR]
    numbers = [n for n in emulator.world.numbers.values() if n.settings.app_id == app_id]
    if not any(n.settings.fields for n in numbers):
        return json_answer({"data": []})
    fields = sorted({name for n in numbers for name in n.settings.fields})
    row = {
        "object": "whatsapp_business_account",
        "callback_url": numbers[0].settings.webhook_url or emulator.settings.webhook_url,
        "active": True,
        "fields": [{"name": name, "version": "v25.0"} for name in fields],
    }
    return json_answer({"data": [row]})


def number_node(number: Number) -> dict[str, Any]:
    settings = number.settings
    can_send = "BLOCKED" if number.status in ("BANNED", "RESTRICTED", "DISCONNECTED") else "AVAILABLE"
    return {
        "id": settings.phone_number_id,
        "verified_name": settings.name,
        "display_phone_number": settings.display_phone_number,
        "quality_rating": number.quality,
        "status": number.status,
        "code_verification_status": "VERIFIED",
        "platform_type": "CLOUD_API",
        "name_status": "APPROVED",
        "account_mode": "LIVE",
        "throughput": {"level": "HIGH" if settings.throughput_per_s > 80 else "STANDARD"},
        "whatsapp_business_manager_messaging_limit": tier_name(settings.messaging_limit),
        "webhook_configuration": {"application": number.webhook_url},
        "health_status": {
            "can_send_message": can_send,
            "entities": [
                {"entity_type": "PHONE_NUMBER", "id": settings.phone_number_id, "can_send_message": can_send},
                {"entity_type": "WABA", "id": settings.waba_id, "can_send_message": "AVAILABLE"},
                {"entity_type": "APP", "id": settings.app_id, "can_send_message": "AVAILABLE"},
            ],
        },
    }


def waba_node(numbers: list[Number]) -> dict[str, Any]:
    settings = numbers[0].settings
    return {
        "id": settings.waba_id,
        "name": settings.name,
        "currency": "USD",
        "timezone_id": "1",
        "account_review_status": "APPROVED",
        "business_verification_status": "verified",
        "country": "KE",
        "ownership_type": "SELF",
        "whatsapp_business_manager_messaging_limit": tier_name(settings.messaging_limit),
        "owner_business_info": {"id": settings.portfolio, "name": settings.name},
        "health_status": number_node(numbers[0])["health_status"],
    }


def tier_name(limit: int) -> str:
    return next((name for most, name in _TIERS if limit <= most), "TIER_UNLIMITED")


def _picked(data: dict[str, Any], fields: str | None, default: tuple[str, ...]) -> dict[str, Any]:
    """Only the fields asked for, and the id; Graph gives a short list unasked."""
    wanted = [f.split("{")[0].split(".")[0].strip() for f in fields.split(",")] if fields else list(default)
    return {"id": data["id"]} | {f: data[f] for f in wanted if f in data}


def _override(number: Number, url: str, emulator: Emulator) -> None:
    if len(url) > 200:
        raise invalid_parameter("Param override_callback_uri must be at most 200 characters long.")
    number.webhook_url = url or callback_of(number, emulator)


def callback_of(number: Number, emulator: Emulator) -> str:
    """The app's own, without overrides."""
    return number.settings.webhook_url or emulator.settings.webhook_url


async def _people(request: web.Request, emulator: Emulator, number: Number) -> list[tuple[str, str]]:
    data = await json_body(request)
    rows = data.get("block_users") if isinstance(data, dict) else None
    if isinstance(rows, str):
        rows = orjson.loads(rows)
    if not isinstance(rows, list) or not rows:
        raise invalid_parameter("Param block_users must be a non-empty array.")
    people = []
    for row in rows:
        given = str(row.get("user", "")) if isinstance(row, dict) else ""
        user = emulator.world.user_by_bsuid(given, number)
        people.append((given, user.wa_id if user else given.lstrip("+")))
    return people
