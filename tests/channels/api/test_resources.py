"""What the core's and the events skill's resources do, called as a client would."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from bot.identity import Role
from bot.testing.people import enrol
from store.models import Contact, OutboxItem, Session
from store.tenancy import organization_scope
from tests.channels.api.office import Office
from tests.channels.api.things import SECRET, make_things

PASSWORD = "giraffe under seven clouds"
PDF = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
KIND = "https://chatnation.io/errors/"


async def signed_in(office: Office) -> dict[str, Any]:
    await enrol(office.runtime, office.organization_id, "jane@example.org", "owner", password=PASSWORD, name="Jane")
    answer = await office.call("POST", "/v1/auth/login", json={"email": "jane@example.org", "password": PASSWORD})
    return dict(answer.data)


async def test_sign_in_refresh_and_sign_out(office: Office) -> None:
    pair = await signed_in(office)
    assert pair["organizations"] == [{"id": str(office.organization_id), "name": "Savanna Events"}]
    me = (await office.call("GET", "/v1/auth/me", token=pair["access_token"])).data
    assert (me["name"], me["organization_id"]) == ("Jane", str(office.organization_id))
    asked = {"refresh_token": pair["refresh_token"], "organization_id": pair["organization_id"]}
    following = (await office.call("POST", "/v1/auth/refresh", json=asked)).data
    assert (await office.call("GET", "/v1/events", token=following["access_token"])).status == 200
    assert (await office.call("POST", "/v1/auth/logout", token=following["access_token"])).status == 204
    ended = await office.call("GET", "/v1/events", token=following["access_token"])
    assert (ended.status, ended.json["type"]) == (401, f"{KIND}not-signed-in")


async def test_a_refresh_token_used_twice_ends_the_family(office: Office) -> None:
    pair = await signed_in(office)
    asked = {"refresh_token": pair["refresh_token"], "organization_id": pair["organization_id"]}
    following = (await office.call("POST", "/v1/auth/refresh", json=asked)).data
    assert (await office.call("POST", "/v1/auth/refresh", json=asked)).status == 401
    assert (await office.call("GET", "/v1/events", token=following["access_token"])).status == 401


async def test_wrong_passwords_slow_down(office: Office) -> None:
    await signed_in(office)
    wrong = {"email": "jane@example.org", "password": "wrong"}
    answers = [await office.call("POST", "/v1/auth/login", json=wrong) for _ in range(8)]
    assert answers[0].status == 401
    assert (answers[0].json["reason"], "errors" in answers[0].json) == ("wrong_credentials", False)
    assert answers[-1].status == 429
    assert int(answers[-1].headers["Retry-After"]) > 0


async def test_an_api_key_may_what_its_scopes_say(office: Office) -> None:
    token = await office.token()
    made = (await office.call("POST", "/v1/api-keys", token=token, json={"name": "x", "scopes": ["events.view"]})).data
    assert (await office.call("GET", "/v1/events", token=made["secret"])).status == 200
    assert (await office.call("POST", "/v1/events", token=made["secret"], json={})).status == 403
    listed = await office.call("GET", "/v1/api-keys", token=token)
    assert [each["prefix"] for each in listed.data] == [made["prefix"]]
    assert made["secret"] not in str(listed.json)
    assert (await office.call("DELETE", f"/v1/api-keys/{made['id']}", token=token)).status == 204
    assert (await office.call("GET", "/v1/events", token=made["secret"])).status == 401


async def test_the_same_key_request_shows_the_same_secret_once(office: Office) -> None:
    token = await office.token()
    sent = {"headers": {"Idempotency-Key": "one"}, "json": {"name": "x", "scopes": ["events.view"]}}
    first = await office.call("POST", "/v1/api-keys", token=token, **sent)
    again = await office.call("POST", "/v1/api-keys", token=token, **sent)
    assert again.data == first.data
    assert len((await office.call("GET", "/v1/api-keys", token=token)).data) == 1


async def test_the_organization_is_changed(office: Office) -> None:
    token = await office.token()
    seen = await office.call("GET", "/v1/organizations/me", token=token)
    body = {"name": "Savanna", "country": "TZ", "locale": "sw", "timezone": "Africa/Dar_es_Salaam"}
    sent = {"token": token, "headers": {"If-Match": seen.etag}}
    wrong = await office.call("PUT", "/v1/organizations/me", **sent, json={**body, "timezone": "Mars/Olympus"})
    assert (wrong.status, wrong.json["errors"][0]["pointer"]) == (422, "#/timezone")
    changed = await office.call("PUT", "/v1/organizations/me", **sent, json=body)
    assert {name: changed.data[name] for name in body} == body


async def test_phone_numbers_are_masked_unless_one_may(office: Office) -> None:
    things = await make_things(office)
    path = f"/v1/contacts/{things['contact_id']}"
    owner, viewer = await office.token(), await office.token(Role.VIEWER)
    whole = (await office.call("GET", path, token=owner)).data["phone"]
    masked = (await office.call("GET", path, token=viewer)).data["phone"]
    assert whole.startswith("+254722")
    assert masked == whole[:5] + "•" * 5 + whole[-3:]
    found = await office.call("GET", "/v1/contacts", token=viewer, params={"phone": whole})
    assert [each["id"] for each in found.data] == [things["contact_id"]]
    assert whole not in str(found.json)
    assert (await office.call("GET", "/v1/contacts?phone=%2B254799999999", token=viewer)).data == []


async def test_a_message_goes_out_through_the_gate(office: Office) -> None:
    things = await make_things(office)
    token = await office.token()
    path = f"/v1/conversations/{things['conversation_id']}/messages"
    sent = await office.call("POST", path, token=token, json={"part": {"type": "text", "text": "At nine!"}})
    assert (sent.data["status"], sent.data["part"]["text"]) == ("queued", "At nine!")
    listed = (await office.call("GET", path, token=token)).data
    assert listed[0]["id"] == sent.data["id"]
    with organization_scope(office.organization_id):
        queued = [str(each.message_id) for each in await OutboxItem.all()]
        assert sent.data["id"] in queued
        assert len(queued) == 2, "the person is told that a human writes now"
        await Session.filter(id=things["conversation_id"]).update(
            last_user_at=office.runtime.clock.now() - timedelta(hours=25)
        )
    late = await office.call("POST", path, token=token, json={"part": {"type": "text", "text": "Hello?"}})
    assert (late.status, late.json["type"]) == (409, f"{KIND}message-refused")
    assert "template" in late.json["detail"]
    template = {"type": "template", "name": "hello", "language": "en", "values": ["Asha"]}
    unasked = await office.call("POST", path, token=token, json={"part": template})
    assert (unasked.status, "agree" in unasked.json["detail"]) == (409, True)
    with organization_scope(office.organization_id):
        await Contact.filter(id=things["contact_id"]).update(opted_in_at=office.runtime.clock.now())
    assert (await office.call("POST", path, token=token, json={"part": template})).status == 201


async def test_a_file_is_uploaded_and_loaded_by_its_address(office: Office) -> None:
    token = await office.token()
    sent = {"data": PDF, "headers": {"Content-Type": "application/pdf"}}
    made = (await office.call("POST", "/v1/media?filename=plan.pdf", token=token, **sent)).data
    assert (made["kind"], made["size_bytes"], made["filename"]) == ("document", len(PDF), "plan.pdf")
    async with office.session.get(made["url"]) as answer:
        assert (answer.status, await answer.read()) == (200, PDF)
        assert answer.headers["Content-Disposition"] == "attachment"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    async with office.session.get(made["url"][:-4] + "AAAA") as forged:
        assert forged.status == 404
    wrong = await office.call("POST", "/v1/media", token=token, data=PDF, headers={"Content-Type": "image/png"})
    assert (wrong.status, wrong.json["type"]) == (422, f"{KIND}not-as-declared")
    large = await office.call(
        "POST", "/v1/media", token=token, data=b"x" * 17_000_000, headers={"Content-Type": "text/plain"}
    )
    assert large.status == 413


async def test_knowledge_is_taken_in_found_and_taken_out(office: Office) -> None:
    token = await office.token()
    text = "# Parking\n\nThere is parking behind the hall, for two hundred shillings a day."
    sent = {"data": text.encode(), "headers": {"Content-Type": "text/markdown"}}
    made = (await office.call("POST", "/v1/knowledge/documents?source=parking.md", token=token, **sent)).data
    assert (made["title"], made["base"]) == ("Parking", "general")
    found = (await office.call("GET", "/v1/knowledge/search?q=where+is+the+parking", token=token)).data
    assert "two hundred" in found[0]["text"]
    assert found[0]["answers"]
    assert (await office.call("DELETE", f"/v1/knowledge/documents/{made['id']}", token=token)).status == 204
    gone = (await office.call("GET", "/v1/knowledge/search?q=where+is+the+parking", token=token)).data
    assert not any("two hundred" in each["text"] for each in gone)


async def test_a_skill_is_edited_published_and_rolled_back(office: Office) -> None:
    token = await office.token()
    draft = (await office.call("POST", "/v1/skills/events/draft", token=token)).data
    path, text = "knowledge/parking.md", "# Parking\n\nBehind the hall.\n"
    body = {"path": path, "text": text, "revision": draft["revision"]}
    saved = (await office.call("PUT", "/v1/skills/events/draft/file", token=token, json=body)).data
    assert saved["files"] == {path: text}
    stale = await office.call("PUT", "/v1/skills/events/draft/file", token=token, json=body)
    assert (stale.status, stale.json["type"], stale.json["revision"]) == (409, f"{KIND}moved", saved["revision"])
    changes = (await office.call("GET", "/v1/skills/events/diff", token=token)).data
    assert [(each["path"], each["what"]) for each in changes] == [(path, "added")]
    assert (await office.call("GET", "/v1/skills/events/draft/diagnostics", token=token)).status == 200
    publish = {"revision": saved["revision"], "note": "parking"}
    made = (await office.call("POST", "/v1/skills/events/publish", token=token, json=publish)).data
    assert (await office.call("GET", "/v1/skills/events", token=token)).data["published"] == made["number"] == 1
    back = await office.call("POST", "/v1/skills/events/rollback", token=token, json={"to": 0, "current": 1})
    assert (back.data["number"], back.data["restores"]) == (2, 0)
    versions = (await office.call("GET", "/v1/skills/events/versions", token=token)).data
    assert [each["number"] for each in versions] == [2, 1]


async def test_a_draft_with_errors_is_refused_with_their_places(office: Office) -> None:
    token = await office.token()
    draft = (await office.call("POST", "/v1/skills/events/draft", token=token)).data
    body = {
        "path": "flows/broken.yml",
        "text": "flows:\n  x:\n    steps:\n      - nonsense: 1\n",
        "revision": draft["revision"],
    }
    saved = (await office.call("PUT", "/v1/skills/events/draft/file", token=token, json=body)).data
    refused = await office.call("POST", "/v1/skills/events/publish", token=token, json={"revision": saved["revision"]})
    assert (refused.status, refused.json["type"]) == (422, f"{KIND}draft-has-errors")
    assert refused.json["diagnostics"][0].startswith("flows/broken.yml:")


async def test_a_skill_that_is_off_answers_nothing(office: Office) -> None:
    token = await office.token()
    off = {"token": token, "json": {"enabled": False}, "headers": {"If-Match": "*"}}
    assert not (await office.call("PUT", "/v1/skills/events", **off)).data["enabled"]
    refused = await office.call("GET", "/v1/events", token=token)
    assert (refused.status, refused.json["type"]) == (404, f"{KIND}skill-off")
    assert (await office.call("GET", "/v1/events", token=await office.token(organization=1))).status == 200


async def test_a_ticket_is_bought_and_let_in_once(office: Office) -> None:
    things = await make_things(office)
    token = await office.token()
    ticket = (await office.call("GET", f"/v1/tickets/{things['ticket_id']}", token=token)).data
    order = (await office.call("GET", f"/v1/orders/{things['order_id']}", token=token)).data
    assert order["email"] == f"{SECRET}@example.org"
    for body, kind in (
        ({"code": "0000-0000"}, "not-admitted"),
        ({"code": ticket["code"], "event_id": things["contact_id"]}, "not-admitted"),
        ({"code": ticket["code"].lower(), "event_id": things["event_id"]}, ""),
        ({"code": ticket["code"]}, "already-checked-in"),
    ):
        answer = await office.call("POST", "/v1/tickets/checkin", token=token, json=body)
        assert (answer.status, answer.json.get("type", KIND)) == (409 if kind else 200, KIND + kind), body
    again = await office.call(
        "POST",
        "/v1/tickets/purchase",
        token=token,
        json={
            "ticket_type_id": things["ticket_type_id"],
            "contact_id": things["contact_id"],
            "name": "Asha",
            "email": "asha@example.org",
        },
    )
    assert (again.status, again.json["type"]) == (409, f"{KIND}already-registered")
    cancelled = await office.call("POST", f"/v1/tickets/{things['ticket_id']}/cancel", token=token)
    assert cancelled.data["status"] == "cancelled"
    path = f"/v1/events/{things['event_id']}/tickets/{things['ticket_type_id']}"
    assert (await office.call("GET", path, token=token)).data["sold"] == 0


async def test_a_sale_does_not_disturb_who_edits_the_type(office: Office) -> None:
    things = await make_things(office)
    token = await office.token()
    path = f"/v1/events/{things['event_id']}/tickets/{things['ticket_type_id']}"
    seen = await office.call("GET", path, token=token)
    await office.call("POST", f"/v1/tickets/{things['ticket_id']}/cancel", token=token)
    sent = {"token": token, "headers": {"If-Match": seen.etag}, "json": {"name": "Pass", "capacity": 3}}
    assert (await office.call("PUT", path, **sent)).status == 200


async def test_users_are_invited_and_given_roles(office: Office) -> None:
    token = await office.token()
    invited = await office.call(
        "POST", "/v1/invitations", token=token, json={"email": "new@example.org", "role": "viewer"}
    )
    assert invited.status == 201
    member = next(each for each in (await office.call("GET", "/v1/users", token=token)).data if each["role"] == "owner")
    path = f"/v1/users/{member['id']}"
    last = await office.call("PUT", path, token=token, json={"role": "viewer"}, headers={"If-Match": "*"})
    assert (last.status, last.json["reason"]) == (409, "last_owner")
    own = await office.call("POST", "/v1/roles", token=token, json={"name": "Door", "permissions": ["events.checkin"]})
    assert own.data["permissions"] == ["events.checkin"]
    unknown = await office.call("POST", "/v1/roles", token=token, json={"name": "X", "permissions": ["no.thing"]})
    assert (unknown.status, unknown.json["errors"][0]["pointer"]) == (422, "#/permissions")


@pytest.mark.parametrize("name", ["title", "starts_at"])
async def test_an_event_says_which_field_is_missing(office: Office, name: str) -> None:
    body = {"title": "Summit", "starts_at": "2027-03-14T06:00:00Z", "ends_at": "2027-03-14T05:00:00Z"}
    refused = await office.call("POST", "/v1/events", token=await office.token(), json=body)
    assert [each["pointer"] for each in refused.json["errors"]] == ["#/ends_at"]
    del body[name]
    refused = await office.call("POST", "/v1/events", token=await office.token(), json=body)
    assert f"#/{name}" in [each["pointer"] for each in refused.json["errors"]]


async def test_a_list_shows_what_reading_one_shows(office: Office) -> None:
    token = await office.token()
    for minutes in (0, 7):
        body = {
            "title": f"Market {minutes}",
            "starts_at": f"2027-03-14T06:{minutes:02}:00.120005+03:00",
            "ends_at": "2027-03-14T15:00:00Z",
        }
        await office.call("POST", "/v1/events", token=token, json=body)
    listed = (await office.call("GET", "/v1/events", token=token)).data
    assert [each["title"] for each in listed] == ["Market 7", "Market 0"]
    assert listed[0]["starts_at"] == "2027-03-14T03:07:00.120005Z"
    for each in listed:
        assert (await office.call("GET", f"/v1/events/{each['id']}", token=token)).data == each


async def test_who_is_limited_to_an_event_lists_and_reads_no_other(office: Office) -> None:
    token = await office.token()
    made = [
        (
            await office.call(
                "POST",
                "/v1/events",
                token=token,
                json={"title": title, "starts_at": "2027-03-14T06:00:00Z", "ends_at": "2027-03-14T15:00:00Z"},
            )
        ).data
        for title in ("Ours", "Theirs")
    ]
    limited = await office.token(Role.EVENT_MANAGER, events=[UUID(made[0]["id"])])
    assert [each["title"] for each in (await office.call("GET", "/v1/events", token=limited)).data] == ["Ours"]
    assert (await office.call("GET", f"/v1/events/{made[1]['id']}", token=limited)).status == 403
    asked = await office.call("GET", f"/v1/tickets?event_id={made[1]['id']}", token=limited)
    assert (asked.data, asked.json["meta"]["cursor"]) == ([], None)
