"""What the send endpoint takes and what it refuses, kind by kind."""

from typing import Any

import pytest

from channels.emulator.fixture import RunningEmulator
from tests.channels.emulator.bot import ASHA, NUMBER, Bot, code_of


def buttons(*titles: str, ids: list[str] | None = None) -> dict[str, Any]:
    replies = [{"type": "reply", "reply": {"id": (ids or list(titles))[i], "title": t}} for i, t in enumerate(titles)]
    return {
        "type": "interactive",
        "interactive": {"type": "button", "body": {"text": "Pick"}, "action": {"buttons": replies}},
    }


def rows(count: int, *, sections: int = 1, titled: bool = True, **row: str) -> dict[str, Any]:
    parts = [
        {"rows": [{"id": f"{s}-{i}", "title": "Row", **row} for i in range(count)]}
        | ({"title": f"S{s}"} if titled else {})
        for s in range(sections)
    ]
    action = {"button": "Choose", "sections": parts}
    return {"type": "interactive", "interactive": {"type": "list", "body": {"text": "Pick"}, "action": action}}


def flow(**parameters: Any) -> dict[str, Any]:
    base = {
        "flow_message_version": "3",
        "flow_id": "1",
        "flow_cta": "Open",
        "flow_token": "t",
        "flow_action": "navigate",
    }
    action = {"name": "flow", "parameters": {**base, "flow_action_payload": {"screen": "A"}, **parameters}}
    return {"type": "interactive", "interactive": {"type": "flow", "body": {"text": "Form"}, "action": action}}


def link(text: str = "Open", url: str = "https://example.org") -> dict[str, Any]:
    action = {"name": "cta_url", "parameters": {"display_text": text, "url": url}}
    return {"type": "interactive", "interactive": {"type": "cta_url", "body": {"text": "See"}, "action": action}}


def asking(kind: str, name: str) -> dict[str, Any]:
    return {"type": "interactive", "interactive": {"type": kind, "body": {"text": "Please"}, "action": {"name": name}}}


GOOD: dict[str, dict[str, Any]] = {
    "text": {"type": "text", "text": {"body": "x" * 4096, "preview_url": True}},
    "location": {"type": "location", "location": {"latitude": -1.2, "longitude": "36.8", "name": "KICC"}},
    "contacts": {
        "type": "contacts",
        "contacts": [{"name": {"formatted_name": "A B", "first_name": "A"}, "phones": [{"phone": "+1"}]}],
    },
    "three buttons": buttons("A", "B", "C" * 20),
    "ten rows": rows(10, description="d" * 72),
    "ten sections of one": rows(1, sections=10),
    "link": link(),
    "location request": asking("location_request_message", "send_location"),
    "contact request": asking("request_contact_info", "request_contact_info"),
    "flow": flow(),
    "untyped text": {"text": {"body": "type may be left out"}},
}


@pytest.mark.parametrize("name", GOOD)
async def test_every_kind_within_its_limits_is_accepted(emulator: RunningEmulator, bot: Bot, name: str) -> None:
    await emulator.client.text(ASHA, "hi")
    status, answer = await bot.send(GOOD[name])
    assert (status, answer["messaging_product"]) == (200, "whatsapp"), answer
    assert answer["messages"][0]["id"].startswith("wamid.")
    assert answer["contacts"] == [{"input": ASHA, "wa_id": ASHA, "user_id": answer["contacts"][0]["user_id"]}]


BAD: dict[str, tuple[int, dict[str, Any]]] = {
    "text too long": (100, {"type": "text", "text": {"body": "x" * 4097}}),
    "text empty": (131008, {"type": "text", "text": {"body": ""}}),
    "text missing": (131008, {"type": "text"}),
    "unknown type": (131051, {"type": "hologram", "hologram": {}}),
    "four buttons": (131009, buttons("A", "B", "C", "D")),
    "button title of 21": (131009, buttons("x" * 21)),
    "same title twice": (131009, buttons("A", "A", ids=["1", "2"])),
    "same id twice": (131009, buttons("A", "B", ids=["1", "1"])),
    "button id of 257": (131009, buttons("A", ids=["x" * 257])),
    "eleven rows": (131009, rows(11)),
    "eleven rows over two sections": (131009, rows(6, sections=2)),
    "sections without titles": (131008, rows(1, sections=2, titled=False)),
    "row description of 73": (131009, rows(1, description="d" * 73)),
    "link text of 21": (131009, link("x" * 21)),
    "link that is none": (131009, link(url="javascript:alert(1)")),
    "flow with empty data": (131009, flow(flow_action_payload={"screen": "A", "data": {}})),
    "flow version": (131009, flow(flow_message_version="2")),
    "unknown interactive": (100, asking("hologram", "x")),
    "caption on audio": (100, {"type": "audio", "audio": {"link": "https://example.org/a.mp3", "caption": "no"}}),
    "image without id or link": (131008, {"type": "image", "image": {}}),
    "image with both": (131009, {"type": "image", "image": {"id": "1", "link": "https://example.org/a.png"}}),
    "image of unknown id": (100, {"type": "image", "image": {"id": "999"}}),
    "latitude": (131009, {"type": "location", "location": {"latitude": 91, "longitude": 0}}),
    "six contacts": (
        131009,
        {"type": "contacts", "contacts": [{"name": {"formatted_name": "A", "first_name": "A"}}] * 6},
    ),
    "contact with one name part": (131008, {"type": "contacts", "contacts": [{"name": {"formatted_name": "A"}}]}),
    "reaction to nothing": (131009, {"type": "reaction", "reaction": {"message_id": "wamid.x", "emoji": "👍"}}),
    "opaque data of 513": (100, {"type": "text", "text": {"body": "x"}, "biz_opaque_callback_data": "x" * 513}),
    "not a phone number": (131009, {"to": "asha", "type": "text", "text": {"body": "x"}}),
    "no address": (131008, {"to": "", "type": "text", "text": {"body": "x"}}),
    "to itself": (131021, {"to": "+254 700 000 001", "type": "text", "text": {"body": "x"}}),
    "wrong product": (100, {"messaging_product": "telegram", "type": "text", "text": {"body": "x"}}),
}


@pytest.mark.parametrize("name", BAD)
async def test_what_breaks_a_limit_is_refused_with_metas_code(emulator: RunningEmulator, bot: Bot, name: str) -> None:
    await emulator.client.text(ASHA, "hi")
    code, data = BAD[name]
    status, answer = await bot.send(data)
    assert (status, code_of(answer)) == (400, code), answer
    assert answer["error"]["type"] == "OAuthException"
    assert answer["error"]["fbtrace_id"]
    assert not [m for m in emulator.emulator.world.messages.values() if m.direction == "out"]


async def test_a_body_that_is_no_json_is_refused(emulator: RunningEmulator, bot: Bot) -> None:
    headers = {"Content-Type": "application/json", "Authorization": "Bearer access-token-1"}
    async with bot._session.post(
        f"{emulator.base_url}/v25.0/{NUMBER}/messages", data=b"{", headers=headers
    ) as response:
        assert (response.status, code_of(await response.json())) == (400, 100)


async def test_tokens_open_only_their_own_numbers(emulator: RunningEmulator, bot: Bot) -> None:
    for token, expected in ((None, 190), ("nonsense", 190), ("access-token-2", 100)):
        _, answer = await bot.call("POST", f"{NUMBER}/messages", {"messaging_product": "whatsapp"}, token=token)
        assert code_of(answer) == expected
    await emulator.client.change_business_number(NUMBER, token_problem=463)
    status, answer = await bot.send({"type": "text", "text": {"body": "x"}})
    assert (status, code_of(answer), answer["error"]["error_subcode"]) == (401, 190, 463)


async def test_any_version_prefix_is_understood(emulator: RunningEmulator, bot: Bot) -> None:
    await emulator.client.text(ASHA, "hi")
    body = {"messaging_product": "whatsapp", "to": ASHA, "type": "text", "text": {"body": "x"}}
    for prefix in ("/v19.0", "/v26.0", ""):
        status, answer = await bot.call("POST", f"{emulator.base_url}{prefix}/{NUMBER}/messages", body)
        assert status == 200, answer


async def test_mark_read_ticks_all_earlier_messages_and_shows_typing(emulator: RunningEmulator, bot: Bot) -> None:
    first = await emulator.client.text(ASHA, "one")
    second = await emulator.client.text(ASHA, "two")
    data = {
        "messaging_product": "whatsapp",
        "status": "read",
        "message_id": second["id"],
        "typing_indicator": {"type": "text"},
    }
    assert await bot.call("POST", f"{NUMBER}/messages", data) == (200, {"success": True})
    statuses = {m["id"]: m["status"] for m in await emulator.client.messages(ASHA)}
    assert statuses == {first["id"]: "read", second["id"]: "read"}
    _, answer = await bot.call("POST", f"{NUMBER}/messages", {**data, "message_id": "wamid.unknown"})
    assert code_of(answer) == 131009
