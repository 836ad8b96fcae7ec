"""Templates: creation and review, and the check of what is sent against what was approved."""

from typing import Any

import pytest

from channels.emulator.fixture import RunningEmulator, StartEmulator
from tests.channels.emulator.bot import ASHA, Bot, code_of

WABA = "102290129340391"
TICKET: dict[str, Any] = {
    "waba_id": WABA,
    "name": "ticket",
    "components": [
        {"type": "HEADER", "format": "TEXT", "text": "Hello {{1}}"},
        {"type": "BODY", "text": "Your ticket for {{1}} is number {{2}}."},
        {"type": "FOOTER", "text": "See you there"},
        {
            "type": "BUTTONS",
            "buttons": [
                {"type": "QUICK_REPLY", "text": "Thanks"},
                {"type": "URL", "text": "Map", "url": "https://e.org/{{1}}"},
            ],
        },
    ],
}
NAMED: dict[str, Any] = {
    "waba_id": WABA,
    "name": "named",
    "parameter_format": "NAMED",
    "components": [{"type": "BODY", "text": "Dear {{who}}, welcome."}],
}


def template(name: str, *components: dict[str, Any], language: str = "en") -> dict[str, Any]:
    return {
        "type": "template",
        "template": {"name": name, "language": {"code": language}, "components": list(components)},
    }


def texts(kind: str, *values: str, **more: Any) -> dict[str, Any]:
    return {"type": kind, "parameters": [{"type": "text", "text": v} for v in values], **more}


FULL = (texts("header", "Asha"), texts("body", "Cloud Day", "42"), texts("button", "kicc", sub_type="url", index="1"))


@pytest.fixture
async def templates(bot: Bot, whatsapp: StartEmulator) -> RunningEmulator:
    running = await whatsapp(bot.url, templates=[TICKET, NAMED])
    bot.graph_url = running.base_url
    return running


async def test_a_template_is_rendered_and_its_quick_reply_comes_back(templates: RunningEmulator, bot: Bot) -> None:
    payload = {
        "type": "button",
        "sub_type": "quick_reply",
        "index": 0,
        "parameters": [{"type": "payload", "payload": "thx-1"}],
    }
    status, answer = await bot.send(template("ticket", *FULL, payload))
    assert (status, answer["messages"][0]["message_status"]) == (200, "accepted")
    (message,) = await templates.client.wait_for_reply(ASHA)
    assert message["rendered"]["header"]["text"] == "Hello Asha"
    assert message["text"] == "Your ticket for Cloud Day is number 42."
    assert message["rendered"]["buttons"][1]["url"] == "https://e.org/kicc"
    await templates.client.tap(ASHA, "Thanks")
    await templates.client.wait_until_idle()
    (reply,) = bot.messages
    assert (reply["button"], reply["context"]["id"]) == ({"payload": "thx-1", "text": "Thanks"}, message["id"])


BAD: dict[str, tuple[int, dict[str, Any]]] = {
    "unknown name": (132001, template("nothing")),
    "other language": (132001, template("ticket", *FULL, language="sw")),
    "too few in body": (132000, template("ticket", FULL[0], texts("body", "Cloud Day"), FULL[2])),
    "too many in body": (132000, template("ticket", FULL[0], texts("body", "a", "b", "c"), FULL[2])),
    "no header": (132000, template("ticket", FULL[1], FULL[2])),
    "no button": (132000, template("ticket", FULL[0], FULL[1])),
    "unknown button": (132018, template("ticket", *FULL, texts("button", "x", sub_type="url", index="7"))),
    "empty value": (131008, template("ticket", FULL[0], texts("body", "Cloud Day", ""), FULL[2])),
    "line break": (132018, template("ticket", FULL[0], texts("body", "Cloud\nDay", "42"), FULL[2])),
    "too long": (132005, template("ticket", FULL[0], texts("body", "x" * 1024, "42"), FULL[2])),
    "wrong type": (
        132012,
        template("ticket", FULL[0], {"type": "body", "parameters": [{"type": "image", "image": {}}] * 2}, FULL[2]),
    ),
    "positional for named": (132012, template("named", texts("body", "Asha"))),
}


@pytest.mark.parametrize("name", BAD)
async def test_a_send_that_does_not_fit_the_template_is_refused(
    templates: RunningEmulator, bot: Bot, name: str
) -> None:
    code, data = BAD[name]
    assert code_of((await bot.send(data))[1]) == code


async def test_named_parameters_fill_by_name(templates: RunningEmulator, bot: Bot) -> None:
    body = {"type": "body", "parameters": [{"type": "text", "parameter_name": "who", "text": "Asha"}]}
    assert (await bot.send(template("named", body)))[0] == 200
    assert (await templates.client.wait_for_reply(ASHA))[0]["text"] == "Dear Asha, welcome."


async def test_a_new_template_is_reviewed_before_it_can_be_sent(templates: RunningEmulator, bot: Bot) -> None:
    data = {
        "name": "fresh",
        "language": "en",
        "category": "UTILITY",
        "components": [{"type": "BODY", "text": "Fresh news."}],
    }
    status, answer = await bot.call("POST", f"{WABA}/message_templates", data)
    assert (status, answer["status"]) == (200, "PENDING")
    assert code_of((await bot.send(template("fresh")))[1]) == 132001
    assert await templates.emulator.hub.wait_for(lambda: bool(bot.deliveries), 2)
    await templates.client.wait_until_idle()
    event = bot.deliveries[0].values[0]
    assert (event["event"], str(event["message_template_id"])) == ("APPROVED", answer["id"])
    assert (await bot.send(template("fresh")))[0] == 200
    assert code_of((await bot.call("POST", f"{WABA}/message_templates", data))[1]) == 100  # exists already


@pytest.mark.parametrize(("status", "code"), [("PAUSED", 132015), ("DISABLED", 132016), ("REJECTED", 132001)])
async def test_a_template_that_was_stopped_cannot_be_sent(
    templates: RunningEmulator, bot: Bot, status: str, code: int
) -> None:
    (found,) = (await bot.call("GET", f"{WABA}/message_templates?name=ticket"))[1]["data"]
    await templates.client.change_template(found["id"], status=status, reason="PROMOTIONAL")
    assert code_of((await bot.send(template("ticket", *FULL)))[1]) == code
    await templates.client.wait_until_idle()
    assert bot.deliveries[0].values[0]["event"] == status


async def test_a_held_template_is_dropped_or_released(templates: RunningEmulator, bot: Bot) -> None:
    await templates.client.set_fault("held", next_n=1, params={"hold_s": 0.05, "release": False})
    _, answer = await bot.send(template("ticket", *FULL))
    assert answer["messages"][0]["message_status"] == "held_for_quality_assessment"
    await templates.client.wait_until_idle()
    assert [(s["status"], s["errors"][0]["code"]) for s in bot.statuses] == [("failed", 132015)]


async def test_templates_are_listed_by_pages_edited_and_deleted(templates: RunningEmulator, bot: Bot) -> None:
    _, page = await bot.call("GET", f"{WABA}/message_templates?limit=1&fields=name,status")
    assert page["data"] == [{"name": "ticket", "status": "APPROVED", "id": page["data"][0]["id"]}]
    _, second = await bot.call("GET", page["paging"]["next"])
    assert [t["name"] for t in second["data"]] == ["named"]
    ticket_id = page["data"][0]["id"]
    change = {"components": [{"type": "BODY", "text": "Shorter now."}]}
    assert (await bot.call("POST", ticket_id, change))[0] == 200
    assert (await bot.call("GET", ticket_id))[1]["status"] == "PENDING"
    assert (await bot.call("DELETE", f"{WABA}/message_templates?name=ticket"))[1] == {"success": True}
    assert code_of((await bot.call("GET", ticket_id))[1]) == 100


CREATE_BAD: dict[str, tuple[int, dict[str, Any]]] = {
    "name": (100, {"name": "Ticket!"}),
    "category": (100, {"category": "FUN"}),
    "no body": (2388072, {"components": [{"type": "FOOTER", "text": "x"}]}),
    "variable at the end": (2388299, {"components": [{"type": "BODY", "text": "Your ticket is {{1}}"}]}),
    "mostly variables": (2388293, {"components": [{"type": "BODY", "text": "A {{1}} {{2}} {{3}} b"}]}),
    "body of 1025": (2388040, {"components": [{"type": "BODY", "text": "x" * 1025}]}),
    "footer with variable": (
        2388073,
        {"components": [{"type": "BODY", "text": "a"}, {"type": "FOOTER", "text": "b {{1}} c"}]},
    ),
    "header of two variables": (
        2388047,
        {"components": [{"type": "BODY", "text": "a"}, {"type": "HEADER", "text": "{{1}} b {{2}}"}]},
    ),
}


@pytest.mark.parametrize("name", CREATE_BAD)
async def test_a_template_that_breaks_a_rule_is_not_taken(templates: RunningEmulator, bot: Bot, name: str) -> None:
    code, change = CREATE_BAD[name]
    data = {
        "name": "n",
        "language": "en",
        "category": "UTILITY",
        "components": [{"type": "BODY", "text": "Fine."}],
        **change,
    }
    assert code_of((await bot.call("POST", f"{WABA}/message_templates", data))[1]) == code
