"""`message_templates`: create into review, list by pages, edit, delete."""

import orjson
from aiohttp import web

from channels.emulator.errors import GraphError, missing, no_such_object
from channels.emulator.graph.access import json_answer, json_body, numbers_of_token, waba_of
from channels.emulator.keys import EMULATOR
from channels.emulator.state import Template
from channels.emulator.validate.template import check_create
from channels.emulator.views import template_view

MOST_TEMPLATES = 250
DAY_S = 86_400.0


async def create(request: web.Request) -> web.Response:
    emulator = request.app[EMULATOR]
    waba_id = waba_of(request)[0].settings.waba_id
    data = await json_body(request)
    if isinstance(data, dict) and isinstance(data.get("components"), str):  # form-encoded callers send JSON in a field
        data["components"] = orjson.loads(data["components"])
    check_create(data)
    existing = list(emulator.world.templates_of(waba_id))
    if len(existing) >= MOST_TEMPLATES:
        raise GraphError(2388019, f"The account has {MOST_TEMPLATES} templates.")
    if any(t.name == data["name"] and t.language == data["language"] for t in existing):
        raise GraphError(100, f"There is already {data['language']} content for this template.", subcode=2388024)
    template = Template(
        id=emulator.world.mint.number(16),
        waba_id=waba_id,
        name=data["name"],
        language=data["language"],
        category=str(data["category"]).upper(),
        parameter_format=str(data.get("parameter_format", "POSITIONAL")).upper(),
        components=data["components"],
    )
    emulator.world.put_template(template)
    emulator.review(template)
    return json_answer({"id": template.id, "status": template.status, "category": template.category})


async def listing(request: web.Request) -> web.Response:
    """Filtered by `name`, `status`, `language`, `category`; `limit` and `after` page through."""
    emulator = request.app[EMULATOR]
    waba_id = waba_of(request)[0].settings.waba_id
    query = request.query
    found = [
        t
        for t in emulator.world.templates_of(waba_id)
        if query.get("name", "") in t.name
        and query.get("status", t.status) == t.status
        and query.get("language", t.language) == t.language
        and query.get("category", t.category) == t.category
    ]
    start = int(query["after"]) if query.get("after", "").isdigit() else 0
    limit = int(query["limit"]) if query.get("limit", "").isdigit() else 25
    page = found[start : start + limit]
    wanted = set(query["fields"].split(",")) | {"id"} if query.get("fields") else None
    rows = [{k: v for k, v in template_view(t).items() if wanted is None or k in wanted} for t in page]
    paging: dict[str, object] = {"cursors": {"before": str(start), "after": str(start + len(page))}}
    if start + limit < len(found):
        paging["next"] = str(
            request.url.update_query(after=str(start + limit)).with_query(after=str(start + limit), limit=str(limit))
        )
    return json_answer({"data": rows, "paging": paging})


async def remove(request: web.Request) -> web.Response:
    """By `name` (all languages) or by `name` and `hsm_id`."""
    emulator = request.app[EMULATOR]
    waba_id = waba_of(request)[0].settings.waba_id
    name, hsm_id = request.query.get("name"), request.query.get("hsm_id")
    if not name:
        raise missing("name")
    found = [t for t in emulator.world.templates_of(waba_id, name) if hsm_id in (None, t.id)]
    if not found:
        raise GraphError(100, f"Message template {name} was not found.", subcode=2593002)
    for template in found:
        emulator.set_template_status(template, "DELETED")
        del emulator.world.templates[template.id]
    return json_answer({"success": True})


async def edit(request: web.Request, template: Template) -> web.Response:
    """New components send it back into review; an approved one at most once a day and ten times in thirty days."""
    emulator = request.app[EMULATOR]
    if template.waba_id not in {n.settings.waba_id for n in numbers_of_token(request)}:
        raise no_such_object(template.id)
    data = await json_body(request)
    if template.status not in ("APPROVED", "REJECTED", "PAUSED"):
        raise GraphError(100, f"A template that is {template.status} cannot be edited.")
    now = emulator.clock.now()
    recent = [at for at in template.edited_at if now - at < 30 * DAY_S]
    if template.status == "APPROVED" and (len(recent) >= 10 or any(now - at < DAY_S for at in recent)):
        raise GraphError(
            100, "An approved template may be edited once in 24 hours and 10 times in 30 days.", subcode=2388025
        )
    if template.status == "APPROVED" and data.get("category", template.category) != template.category:
        raise GraphError(100, "The category of an approved template cannot be edited.")
    check_create(
        {
            "name": template.name,
            "language": template.language,
            "category": template.category,
            "components": data.get("components", template.components),
        }
    )
    template.components = data.get("components", template.components)
    template.category = data.get("category", template.category)
    template.edited_at = [*recent, now]
    template.status = "PENDING"
    emulator.review(template)
    return json_answer({"success": True})
