"""Every operation there is, read from the declarations themselves: as every role, as another organization, as nobody."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest
from pydantic import BaseModel

from bot.http import Access, Route, Upload
from bot.identity import Role, permissions_of
from channels.api.mount import declared
from store.models import AuditEntry
from store.tenancy import organization_scope
from tests.channels.api.office import Answered, Office
from tests.channels.api.things import SECRET, make_things

FORBIDDEN = "https://chatnation.io/errors/forbidden"


def every_route(office: Office) -> list[Route]:
    found = [route for _, group in declared(office.runtime) for route in group.routes]
    assert len(found) > 50
    return found


def example(model: type[BaseModel], things: dict[str, str]) -> Any:
    """The body that stands in the reference, with ids of these things wherever it names one."""
    examples: Any = model.model_config.get("json_schema_extra")
    assert examples, f"{model.__name__} has no example"
    body = examples["examples"][0]
    model.model_validate_json(json.dumps(body), strict=True)
    return {name: things.get(name, value) for name, value in body.items()}


async def call(office: Office, route: Route, things: dict[str, str], token: str | None) -> Answered:
    unknown = route.parameters.keys() - things.keys()
    assert not unknown, f"say in things.py what a {unknown} is: {route.method} {route.path}"
    sent: dict[str, Any] = {"headers": {"If-Match": "*"} if route.is_update else {}}
    if route.body is Upload:
        sent["data"] = b"words"
        sent["headers"]["Content-Type"] = next(each for each in route.accepts if each.startswith("text/"))
    elif route.body is not None:
        sent["json"] = example(route.body, things)
    required = {
        name: "a question"
        for name, field in (route.query.model_fields if route.query else {}).items()
        if field.is_required()
    }
    return await office.call(route.method, "/v1" + route.path.format_map(things), token=token, params=required, **sent)


@pytest.mark.parametrize("role", list(Role))
async def test_each_role_may_what_its_permissions_say(office: Office, role: Role) -> None:
    things = await make_things(office)
    token = await office.token(role)
    held = permissions_of(role, office.runtime.registry.permissions())
    for route in every_route(office):
        by = await office.token(role) if route.permission is Access.SIGNED_IN else token
        answer = await call(office, route, things, by)
        is_refused = answer.status == 403 and answer.json["type"] == FORBIDDEN
        may = isinstance(route.permission, Access) or (route.permission in held and role is not Role.PLATFORM_ADMIN)
        assert is_refused == (not may), f"{role} {route.method} {route.path}: {answer.status} {answer.json}"
        assert answer.status < 500, f"{role} {route.method} {route.path}: {answer.json}"
        if route.permission is not Access.ANYONE:
            assert answer.status != 401, f"{role} {route.method} {route.path}: {answer.json}"


async def test_nobody_gets_in_without_credentials(office: Office) -> None:
    things = await make_things(office)
    for route in every_route(office):
        if route.permission is Access.ANYONE:
            continue
        for token in (None, "cn_00_forged", "x.y.z"):
            answer = await call(office, route, things, token)
            assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, "Bearer"), (
                f"{route.method} {route.path}"
            )
            assert SECRET not in json.dumps(answer.json)


async def test_another_organization_sees_and_changes_nothing(office: Office) -> None:
    things = await make_things(office)
    own, stranger = await office.token(), await office.token(organization=1)
    before = await state(office, things, own)
    assert sum(SECRET in text for text in before.values()) > 15, "the control: its own people see the names"
    for route in every_route(office):
        if isinstance(route.permission, Access):
            continue
        answer = await call(office, route, things, stranger)
        own_question = json.dumps("/v1" + route.path.format_map(things))
        told = json.dumps(answer.json).replace(own_question, "")
        assert SECRET not in told, f"{route.method} {route.path}"
        assert not any(each in told for each in ids_of(things)), f"{route.method} {route.path}: {told}"
        if any(hint is UUID for hint in route.parameters.values()):
            assert answer.status == 404, f"{route.method} {route.path}: {answer.status} {answer.json}"
    assert await state(office, things, own) == before


async def test_a_member_for_one_event_reaches_no_other(office: Office) -> None:
    things, others = await make_things(office), await make_things(office)
    token = await office.token(Role.EVENT_MANAGER, events=[UUID(things["event_id"])])
    owner = await office.token()
    before = await state(office, others, owner)
    for route in every_route(office):
        if not isinstance(route.permission, str) or not route.permission.startswith("events."):
            continue
        answer = await call(office, route, others, token)
        told = json.dumps(answer.json["data"]) if answer.status < 300 and answer.json else ""
        assert others["event_id"] not in told, f"{route.method} {route.path}: {told}"
        if any(hint is UUID for hint in route.parameters.values()) or route.body is not None:
            assert answer.status >= 400, f"{route.method} {route.path}: {answer.status}"
    assert await state(office, others, owner) == before
    assert (await office.call("GET", f"/v1/events/{things['event_id']}", token=token)).status == 200


async def test_every_change_is_in_the_audit_log(office: Office) -> None:
    silent, changed = [], 0
    for route in every_route(office):
        if route.method == "GET" or isinstance(route.permission, Access):
            continue
        things, token = await make_things(office), await office.token()
        before = await count_entries(office)
        answer = await call(office, route, things, token)
        if answer.status < 300:
            changed += 1
            if await count_entries(office) == before:
                silent.append(route.name)
    assert changed > 20
    # Looking at a number changes nothing of it; on already; a draft is not a change of anything yet.
    assert silent == ["examine_channel", "switch_skill", "open_draft"]


async def count_entries(office: Office) -> int:
    with organization_scope(office.organization_id):
        return await AuditEntry.all().count()


async def state(office: Office, things: dict[str, str], token: str) -> dict[str, str]:
    """What everything reads as."""
    reads = [route for route in every_route(office) if route.method == "GET" and isinstance(route.permission, str)]
    return {
        route.path: json.dumps((await call(office, route, things, token)).json)
        for route in reads
        if route.name not in ("search_knowledge", "list_audit_entries")
    }


def ids_of(things: dict[str, str]) -> list[str]:
    return [value for name, value in things.items() if name != "skill"]
