"""A send has one of five outcomes, and unknown is only what may have arrived. Over real HTTP."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from channels.whatsapp.client import (
    Accepted,
    Done,
    GraphClient,
    Refused,
    Throttled,
    Unknown,
    Unreached,
    Uploaded,
)
from channels.whatsapp.errors import ErrorClass
from tests.channels.whatsapp.graph_server import GraphServer, error, graph_server, raw_server

NUMBER, TOKEN = "106540352242922", "secret-token"
PAYLOAD = {"messaging_product": "whatsapp", "to": "+254712000001", "type": "text", "text": {"body": "Habari 👋"}}
ACCEPTED = {
    "messaging_product": "whatsapp",
    "contacts": [{"input": "+254712000001", "wa_id": "254712000001", "user_id": "KE.1"}],
    "messages": [{"id": "wamid.OUT", "message_status": "accepted"}],
}


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


@pytest.fixture
async def server() -> AsyncIterator[GraphServer]:
    async with graph_server() as running:
        yield running


@pytest.fixture
def client(session: aiohttp.ClientSession, server: GraphServer) -> GraphClient:
    return GraphClient(session, base_url=server.url, timeout_s=2)


async def send_to(session: aiohttp.ClientSession, url: str, *, timeout_s: float = 0.3) -> object:
    return await GraphClient(session, base_url=url, timeout_s=timeout_s).send(NUMBER, TOKEN, PAYLOAD)


async def test_an_accepted_message_names_itself_and_its_recipient(client: GraphClient, server: GraphServer) -> None:
    server.say(200, ACCEPTED)

    outcome = await client.send(NUMBER, TOKEN, PAYLOAD)

    assert outcome == Accepted("wamid.OUT", "254712000001", "KE.1", "accepted")
    [seen] = server.seen
    assert (seen.method, seen.path) == ("POST", f"/v25.0/{NUMBER}/messages")
    assert seen.headers["Authorization"] == f"Bearer {TOKEN}"
    assert json.loads(seen.body) == PAYLOAD


async def test_a_held_message_is_accepted_and_says_so(client: GraphClient, server: GraphServer) -> None:
    server.say(200, {"messages": [{"id": "wamid.OUT", "message_status": "held_for_quality_assessment"}]})

    assert await client.send(NUMBER, TOKEN, PAYLOAD) == Accepted("wamid.OUT", "", "", "held_for_quality_assessment")


@pytest.mark.parametrize(
    ("status", "code", "error_class"),
    [
        (401, 190, ErrorClass.AUTH),
        (403, 10, ErrorClass.PERMISSION),
        (403, 131031, ErrorClass.INTEGRITY),
        (500, 131000, ErrorClass.TRANSIENT),
        (400, 131047, ErrorClass.WINDOW),
        (400, 131049, ErrorClass.USER_WAIT),
        (400, 131050, ErrorClass.USER_NEVER),
        (400, 131026, ErrorClass.RECIPIENT),
        (400, 100, ErrorClass.PAYLOAD),
        (400, 132015, ErrorClass.TEMPLATE),
        (404, 132001, ErrorClass.TEMPLATE_SYNC),
        (400, 131042, ErrorClass.ACCOUNT),
        (503, 987654, ErrorClass.TRANSIENT),
        (418, 987654, ErrorClass.PAYLOAD),
    ],
)
async def test_a_refusal_carries_its_class_and_all_that_meta_said(
    client: GraphClient, server: GraphServer, status: int, code: int, error_class: ErrorClass
) -> None:
    server.say(status, error(code, error_subcode=463, error_data={"details": "because"}))

    outcome = await client.send(NUMBER, TOKEN, PAYLOAD)

    assert outcome == Refused(code, 463, error_class, f"(#{code}) no", "because", "AbC", status)
    assert len(server.seen) == 1


@pytest.mark.parametrize(
    ("code", "scope", "after_s"), [(130429, "number", 1), (131056, "pair", 1), (4, "api", 60), (131048, "spam", 3600)]
)
async def test_a_throttled_send_says_whom_it_stops_and_how_long(
    client: GraphClient, server: GraphServer, code: int, scope: Any, after_s: float
) -> None:
    server.say(400, error(code))

    assert await client.send(NUMBER, TOKEN, PAYLOAD) == Throttled(after_s, scope, code)


@pytest.mark.parametrize(
    ("headers", "after_s"),
    [
        ({"Retry_After": "17"}, 17),
        ({"Retry_After": "soon"}, 60),
        ({"Retry_After": "99999999"}, 24 * 3600),
        ({"X_Business_Use_Case_Usage": '{"1":[{"estimated_time_to_regain_access":3},{"call_count":9}]}'}, 180),
        ({"X_Business_Use_Case_Usage": "[broken"}, 60),
    ],
)
async def test_meta_is_taken_at_its_word_about_the_wait(
    client: GraphClient, server: GraphServer, headers: dict[str, str], after_s: float
) -> None:
    server.say(400, error(80007), **headers)

    assert await client.send(NUMBER, TOKEN, PAYLOAD) == Throttled(after_s, "api", 80007)


async def test_too_many_requests_without_metas_envelope_are_throttled(client: GraphClient, server: GraphServer) -> None:
    server.say(429, "<html>slow down</html>", Retry_After="5")

    assert await client.send(NUMBER, TOKEN, PAYLOAD) == Throttled(5, "api", None)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, "<html>Sorry, something went wrong</html>"),
        (502, ""),
        (503, "null"),
        (504, '{"error": "gateway"}'),
        (500, '{"error": {"message": "no code"}}'),
        (408, ""),
        (200, "<html>Welcome to the hotel</html>"),
        (200, ""),
        (200, "{}"),
        (200, '{"messages": [{}]}'),
        (200, '{"messages": "?"}'),
        (200, "x" * 2_000_000),
    ],
)
async def test_what_nobody_can_tell_is_unknown(
    client: GraphClient, server: GraphServer, status: int, body: str
) -> None:
    server.say(status, body)

    assert isinstance(await client.send(NUMBER, TOKEN, PAYLOAD), Unknown)
    assert len(server.seen) == 1


@pytest.mark.parametrize("status", [302, 400, 403, 404])
async def test_a_refusal_by_somebody_else_than_meta_sent_nothing(
    client: GraphClient, server: GraphServer, status: int
) -> None:
    server.say(status, "<html>no</html>", Location=f"{server.url}/elsewhere")

    outcome = await client.send(NUMBER, TOKEN, PAYLOAD)

    assert isinstance(outcome, Refused)
    assert (outcome.code, outcome.http_status) == (None, status)
    assert len(server.seen) == 1


async def test_an_error_in_an_answer_of_200_is_an_error(client: GraphClient, server: GraphServer) -> None:
    server.say(200, error(131047))

    outcome = await client.send(NUMBER, TOKEN, PAYLOAD)

    assert isinstance(outcome, Refused)
    assert outcome.error_class is ErrorClass.WINDOW


async def test_silence_after_the_request_is_unknown(session: aiohttp.ClientSession) -> None:
    async def talk(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(30)

    async with raw_server(talk) as url:
        assert isinstance(await send_to(session, url), Unknown)


async def test_a_reset_after_the_request_is_unknown(session: aiohttp.ClientSession) -> None:
    requests = []

    async def talk(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        requests.append(await reader.readuntil(b"}}"))

    async with raw_server(talk) as url:
        assert isinstance(await send_to(session, url, timeout_s=2), Unknown)
    assert len(requests) == 1


async def test_an_answer_that_breaks_off_is_unknown(session: aiohttp.ClientSession) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"}}")
        writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"messages":')
        await writer.drain()

    async with raw_server(talk) as url:
        assert isinstance(await send_to(session, url, timeout_s=2), Unknown)


async def test_an_answer_that_is_no_http_is_unknown(session: aiohttp.ClientSession) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"}}")
        writer.write(b"SSH-2.0-OpenSSH\r\n")
        await writer.drain()

    async with raw_server(talk) as url:
        assert isinstance(await send_to(session, url, timeout_s=2), Unknown)


async def test_a_closed_port_is_unreached(session: aiohttp.ClientSession) -> None:
    async with raw_server(_never) as url:
        pass

    assert isinstance(await send_to(session, url), Unreached)


async def test_a_name_that_nobody_knows_is_unreached(session: aiohttp.ClientSession) -> None:
    assert isinstance(await send_to(session, "http://graph.invalid", timeout_s=5), Unreached)


async def test_waiting_for_a_connection_of_the_pool_is_unreached(server: GraphServer) -> None:
    async def slowly(_request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(2)
        return web.json_response(ACCEPTED)

    server.answer = slowly
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1)) as session:
        first = asyncio.create_task(send_to(session, server.url, timeout_s=1))
        await asyncio.sleep(0.1)
        second = await send_to(session, server.url, timeout_s=0.3)
        assert isinstance(second, Unreached)
        assert isinstance(await first, Unknown)
    assert len(server.seen) == 1


async def _never(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    """Hangs up at once."""


async def test_a_message_is_marked_read_and_typing_is_shown(client: GraphClient, server: GraphServer) -> None:
    server.say(200, {"success": True})

    assert await client.mark_read(NUMBER, TOKEN, "wamid.IN", typing=True) == Done()
    assert json.loads(server.seen[0].body) == {
        "messaging_product": "whatsapp",
        "status": "read",
        "message_id": "wamid.IN",
        "typing_indicator": {"type": "text"},
    }


async def test_a_read_mark_that_meta_refuses_is_refused(client: GraphClient, server: GraphServer) -> None:
    server.say(400, error(131009))

    assert isinstance(await client.mark_read(NUMBER, TOKEN, "wamid.IN"), Refused)


async def test_an_upload_is_a_form_with_the_file(client: GraphClient, server: GraphServer) -> None:
    server.say(200, {"id": 1003383421387256})

    outcome = await client.upload_media(NUMBER, TOKEN, b"\x89PNG" * 1000, "image/png", "tiketi ya Åsa.png")

    assert outcome == Uploaded("1003383421387256")
    [seen] = server.seen
    assert seen.path == f"/v25.0/{NUMBER}/media"
    assert seen.headers["Content-Type"].startswith("multipart/form-data")
    assert b"\x89PNG" * 1000 in seen.body
    assert b'name="messaging_product"' in seen.body
    assert b'name="type"' in seen.body


async def test_a_refused_upload_is_refused(client: GraphClient, server: GraphServer) -> None:
    server.say(400, error(131053))

    assert isinstance(await client.upload_media(NUMBER, TOKEN, b"x", "image/png", "a.png"), Refused)


@pytest.mark.parametrize("number", ["", "../me", "1/2", "1?x=1", "1#", "1%2F", "a b"])
async def test_what_is_no_id_never_gets_into_a_path(client: GraphClient, server: GraphServer, number: str) -> None:
    with pytest.raises(ValueError, match="id for the Graph API"):
        await client.send(number, TOKEN, PAYLOAD)
    assert server.seen == []


async def test_nothing_private_is_logged(
    client: GraphClient, server: GraphServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.say(400, error(131030, error_data={"details": "254712000001 is not in the list"}))

    await client.send(NUMBER, TOKEN, PAYLOAD)

    written = "\n".join(f"{record.getMessage()} {record.__dict__}" for record in caplog.records)
    assert not any(private in written for private in (TOKEN, "254712000001", "Habari"))
