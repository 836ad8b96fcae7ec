"""What holds for every operation: pages, problems, keys of idempotency, ETags, limits."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from openapi_spec_validator import validate

from bot.identity import Role
from channels.api.limits import Limiter
from tests.channels.api.office import Office, open_office

EVENT = {"title": "Summit", "starts_at": "2027-03-14T06:00:00Z", "ends_at": "2027-03-14T15:00:00Z"}


async def make_event(office: Office, token: str, **changed: Any) -> dict[str, Any]:
    made = await office.call("POST", "/v1/events", token=token, json={**EVENT, **changed})
    assert made.status == 201, made.json
    return dict(made.data)


async def test_the_document_is_openapi(office: Office) -> None:
    document = (await office.call("GET", "/v1/openapi.json")).json
    assert document["openapi"] == "3.1.0"
    validate(document)


async def test_the_reference_needs_no_network(office: Office) -> None:
    page = (await office.call("GET", "/api/v1/docs")).json
    assert "List events" in page
    assert "/api/v1/events/{event_id}" in page
    assert "src=" not in page
    assert "@import" not in page
    assert "<script" not in page


async def test_both_prefixes_lead_to_the_same(office: Office) -> None:
    token = await office.token()
    made = await make_event(office, token)
    for prefix in ("/v1", "/api/v1"):
        assert (await office.call("GET", f"{prefix}/events/{made['id']}", token=token)).data == made


async def test_pages_follow_each_other_while_others_write(office: Office) -> None:
    token = await office.token()
    made = [await make_event(office, token, title=f"Event {n}") for n in range(7)]
    seen: list[str] = []
    cursor: str | None = None
    while True:
        more = f"&cursor={cursor}" if cursor else ""
        page = await office.call("GET", f"/v1/events?limit=2&total=true{more}", token=token)
        seen += [each["id"] for each in page.data]
        cursor = page.json["meta"]["cursor"]
        if cursor is None:
            break
        await make_event(office, token, title="Meanwhile")
    assert seen == [each["id"] for each in reversed(made)]
    assert page.json["meta"]["total"] == 10


async def test_a_cursor_fits_its_own_list_only(office: Office) -> None:
    token, other = await office.token(), await office.token(organization=1)
    for n in range(3):
        await make_event(office, token, title=f"Event {n}")
    cursor = (await office.call("GET", "/v1/events?limit=1", token=token)).json["meta"]["cursor"]
    for wanted, by in (
        (f"/v1/events?limit=1&status=draft&cursor={cursor}", token),
        (f"/v1/tickets?limit=1&cursor={cursor}", token),
        (f"/v1/events?limit=1&cursor={cursor}", other),
        (f"/v1/events?limit=1&cursor={'A' * 43}", token),
    ):
        refused = await office.call("GET", wanted, token=by)
        assert (refused.status, refused.json["type"]) == (400, "https://chatnation.io/errors/invalid-cursor"), wanted


async def test_every_fault_is_named_with_its_place(office: Office) -> None:
    token = await office.token()
    refused = await office.call(
        "POST", "/v1/events", token=token, json={"title": "", "starts_at": "tomorrow", "ends_at": 7, "a/b~c": 1}
    )
    assert refused.status == 422
    assert refused.headers["Content-Type"].startswith("application/problem+json")
    assert {each["pointer"] for each in refused.json["errors"]} == {"#/title", "#/starts_at", "#/ends_at", "#/a~1b~0c"}
    assert refused.json["request_id"] == refused.headers["X-Request-Id"]
    assert refused.json["instance"] == "/v1/events"


async def test_wrong_parameters_are_named(office: Office) -> None:
    refused = await office.call("GET", "/v1/events?limit=101&colour=red", token=await office.token())
    assert refused.status == 422
    assert {(each["parameter"], each["in"]) for each in refused.json["errors"]} == {
        ("limit", "query"),
        ("colour", "query"),
    }


@pytest.mark.parametrize(
    ("method", "path", "sent", "status"),
    [
        ("GET", "/v1/nothing", {}, 404),
        ("GET", "/v1/events/no-id", {}, 404),
        ("PATCH", "/v1/events", {}, 405),
        ("POST", "/v1/events", {"data": "x", "headers": {"Content-Type": "text/plain"}}, 415),
        ("POST", "/v1/events", {"data": "{", "headers": {"Content-Type": "application/json"}}, 422),
        ("POST", "/v1/events", {"data": b"x" * 1_100_000, "headers": {"Content-Type": "application/json"}}, 413),
    ],
)
async def test_errors_are_problems(office: Office, method: str, path: str, sent: dict[str, Any], status: int) -> None:
    refused = await office.call(method, path, token=await office.token(), **sent)
    assert refused.status == status, refused.json
    assert refused.json["status"] == status
    assert refused.json["type"].startswith("https://chatnation.io/errors/")
    if status == 405:
        assert refused.headers["Allow"] == "GET, POST"


async def test_a_repeated_post_happens_once(office: Office) -> None:
    token = await office.token()
    key = {"Idempotency-Key": "order-7"}
    first = await office.call("POST", "/v1/events", token=token, headers=key, json=EVENT)
    again = await office.call("POST", "/v1/events", token=token, headers=key, json=EVENT)
    assert (again.status, again.json, again.etag) == (201, first.json, first.etag)
    assert again.headers["Idempotency-Replayed"] == "true"
    other = await office.call("POST", "/v1/events", token=token, headers=key, json={**EVENT, "title": "Other"})
    assert (other.status, other.json["type"]) == (409, "https://chatnation.io/errors/idempotency-key-reused")
    assert (await office.call("GET", "/v1/events?total=true", token=token)).json["meta"]["total"] == 1
    elsewhere = await office.call("POST", "/v1/events", token=await office.token(), headers=key, json=EVENT)
    assert elsewhere.data["id"] != first.data["id"]


async def test_the_same_post_many_times_at_once_happens_once(office: Office) -> None:
    token = await office.token()
    key = {"Idempotency-Key": "at-once"}
    answers = await asyncio.gather(
        *(office.call("POST", "/v1/events", token=token, headers=key, json=EVENT) for _ in range(5))
    )
    assert {each.status for each in answers} == {201}
    assert len({each.data["id"] for each in answers}) == 1


async def test_a_failed_post_leaves_its_key_free(office: Office) -> None:
    token = await office.token()
    key = {"Idempotency-Key": "again"}
    await make_event(office, token, slug="summit")
    wrong = await office.call("POST", "/v1/events", token=token, headers=key, json={**EVENT, "slug": "summit"})
    assert (wrong.status, wrong.json["type"]) == (409, "https://chatnation.io/errors/name-taken")
    right = await office.call("POST", "/v1/events", token=token, headers=key, json={**EVENT, "slug": "other"})
    assert right.status == 201


async def test_who_saw_an_older_state_is_told(office: Office) -> None:
    token = await office.token()
    event = await make_event(office, token)
    path = f"/v1/events/{event['id']}"
    etag = (await office.call("GET", path, token=token)).etag
    assert (await office.call("GET", path, token=token, headers={"If-None-Match": etag})).status == 304
    assert (await office.call("PUT", path, token=token, json=EVENT)).status == 428
    first = await office.call("PUT", path, token=token, json={**EVENT, "title": "A"}, headers={"If-Match": etag})
    assert first.data["title"] == "A"
    second = await office.call("PUT", path, token=token, json={**EVENT, "title": "B"}, headers={"If-Match": etag})
    assert (second.status, second.headers["ETag"]) == (412, first.etag)
    third = await office.call("PUT", path, token=token, json={**EVENT, "title": "B"}, headers={"If-Match": first.etag})
    assert third.data["title"] == "B"


async def test_of_two_at_once_one_is_told(office: Office) -> None:
    token = await office.token()
    event = await make_event(office, token)
    path = f"/v1/events/{event['id']}"
    etag = (await office.call("GET", path, token=token)).etag
    answers = await asyncio.gather(
        *(
            office.call("PUT", path, token=token, json={**EVENT, "title": f"T{n}"}, headers={"If-Match": etag})
            for n in range(6)
        )
    )
    assert sorted(each.status for each in answers) == [200, 412, 412, 412, 412, 412]


async def test_changes_are_in_the_audit_log(office: Office) -> None:
    token = await office.token()
    event = await make_event(office, token)
    await office.call(
        "PUT", f"/v1/events/{event['id']}", token=token, json={**EVENT, "title": "New"}, headers={"If-Match": "*"}
    )
    entries = (await office.call("GET", "/v1/audit", token=token)).data
    assert [each["action"] for each in entries] == ["events.event_changed", "events.event_created"]
    assert (entries[0]["before"]["title"], entries[0]["after"]["title"]) == ("Summit", "New")
    assert entries[0]["actor"] == await office.actor(token)


async def test_too_many_requests_are_told_when(cluster: Any, tmp_path: Any) -> None:
    async with open_office(cluster, tmp_path, API__PER_CALLER_PER_MIN="3") as office:
        token = await office.token(Role.VIEWER)
        answers = [await office.call("GET", "/v1/events", token=token) for _ in range(4)]
        assert [each.status for each in answers] == [200, 200, 200, 429]
        assert [each.headers["RateLimit-Remaining"] for each in answers] == ["2", "1", "0", "0"]
        assert 0 < int(answers[-1].headers["Retry-After"]) <= 20
        assert (await office.call("GET", "/v1/events", token=await office.token(Role.VIEWER))).status == 200


def test_a_budget_grows_back() -> None:
    now = [0.0]
    limiter = Limiter(lambda: now[0])
    assert [limiter.take("a", 2).remaining for _ in range(2)] == [1, 0]
    assert limiter.take("a", 2).retry_after_s == pytest.approx(30)
    now[0] = 30.0
    assert limiter.take("a", 2).retry_after_s == 0
    assert limiter.take("a", 2).retry_after_s > 0


async def test_only_listed_origins_may_call_from_a_browser(cluster: Any, tmp_path: Any) -> None:
    async with open_office(cluster, tmp_path, API__CORS_ORIGINS="https://app.example.org") as office:
        asked = {"Access-Control-Request-Method": "PUT"}
        for origin, allowed in (("https://app.example.org", "https://app.example.org"), ("https://evil.example", None)):
            preflight = await office.call("OPTIONS", "/v1/events", headers={"Origin": origin, **asked})
            assert (preflight.status, preflight.headers.get("Access-Control-Allow-Origin")) == (204, allowed)
            got = await office.call("GET", "/v1/events", token=await office.token(), headers={"Origin": origin})
            assert got.headers.get("Access-Control-Allow-Origin") == allowed
