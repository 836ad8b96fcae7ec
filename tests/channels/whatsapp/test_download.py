"""Media are fetched in two steps; the size is capped, the hash checked, and the token stays with those it is for."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from bot.errors import Permanent, Retryable
from channels.whatsapp.client import (
    Downloaded,
    GraphClient,
    MediaCorrupt,
    MediaExpired,
    MediaGone,
    MediaInfo,
    MediaRefused,
    MediaUnavailable,
)
from store.blobs import BlobTooLarge
from tests.channels.whatsapp.graph_server import GraphServer, error, graph_server

TOKEN, CONTENT = "secret-token", bytes(range(256)) * 1000
SHA256 = hashlib.sha256(CONTENT)


@pytest.fixture
async def server() -> AsyncIterator[GraphServer]:
    async with graph_server() as running:
        yield running


@pytest.fixture
async def elsewhere() -> AsyncIterator[GraphServer]:
    async with graph_server() as running:
        yield running


@pytest.fixture
async def client(server: GraphServer) -> AsyncIterator[GraphClient]:
    async with aiohttp.ClientSession() as session:
        yield GraphClient(session, base_url=server.url, timeout_s=2)


async def content(_request: web.Request) -> web.StreamResponse:
    return web.Response(body=CONTENT, content_type="image/png")


async def test_where_a_medium_is(client: GraphClient, server: GraphServer) -> None:
    server.say(200, {"url": "https://x.example/1", "mime_type": "image/png", "sha256": "abc", "file_size": "300"})

    info = await client.media_info("123", TOKEN, phone_number_id="7")

    assert info == MediaInfo("https://x.example/1", "image/png", "abc", 300)
    assert (server.seen[0].path, server.seen[0].query) == ("/v25.0/123", {"phone_number_id": "7"})


async def test_a_medium_that_meta_keeps_no_longer_is_gone_for_good(client: GraphClient, server: GraphServer) -> None:
    server.say(400, error(100, error_subcode=33))

    with pytest.raises(MediaGone) as raised:
        await client.media_info("123", TOKEN)
    assert isinstance(raised.value, Permanent)


@pytest.mark.parametrize(("status", "code"), [(401, 190), (400, 80007), (500, 131000)])
async def test_other_refusals_are_tried_again_later(
    client: GraphClient, server: GraphServer, status: int, code: int
) -> None:
    server.say(status, error(code))

    with pytest.raises(MediaUnavailable) as raised:
        await client.media_info("123", TOKEN)
    assert isinstance(raised.value, Retryable)


@pytest.mark.parametrize("sha256", ["", SHA256.hexdigest(), base64.b64encode(SHA256.digest()).decode()])
async def test_the_bytes_come_whole(client: GraphClient, server: GraphServer, sha256: str) -> None:
    server.answer = content
    chunks: list[bytes] = []

    found = await client.download_media(
        f"{server.url}/m/1?ext=2", TOKEN, max_bytes=len(CONTENT), sink=chunks.append, sha256=sha256
    )

    assert b"".join(chunks) == CONTENT
    assert found == Downloaded(len(CONTENT), SHA256.hexdigest(), "image/png")
    assert server.seen[0].headers["Authorization"] == f"Bearer {TOKEN}"


async def test_other_bytes_than_promised_are_corrupt(client: GraphClient, server: GraphServer) -> None:
    server.answer = content

    with pytest.raises(MediaCorrupt):
        await client.download_media(
            server.url, TOKEN, max_bytes=10**6, sink=len, sha256=base64.b64encode(b"x" * 32).decode()
        )


async def test_what_says_it_is_too_large_is_not_read(client: GraphClient, server: GraphServer) -> None:
    server.answer = content
    chunks: list[bytes] = []

    with pytest.raises(BlobTooLarge):
        await client.download_media(server.url, TOKEN, max_bytes=len(CONTENT) - 1, sink=chunks.append)
    assert chunks == []


async def test_what_turns_out_too_large_is_cut_off(client: GraphClient, server: GraphServer) -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(200):
            await response.write(CONTENT)
        return response

    server.answer = endless
    chunks: list[bytes] = []

    with pytest.raises(BlobTooLarge):
        await client.download_media(server.url, TOKEN, max_bytes=500_000, sink=chunks.append)
    assert sum(map(len, chunks)) <= 500_000


async def test_an_old_url_asks_for_a_new_one_at_once(client: GraphClient, server: GraphServer) -> None:
    server.say(404, "")

    with pytest.raises(MediaExpired) as raised:
        await client.download_media(server.url, TOKEN, max_bytes=10, sink=len)
    assert raised.value.after_s == 0


@pytest.mark.parametrize("status", [401, 403, 500, 503])
async def test_other_answers_are_tried_again_later(client: GraphClient, server: GraphServer, status: int) -> None:
    server.say(status, "<html>no</html>")

    with pytest.raises(MediaUnavailable, match=str(status)):
        await client.download_media(server.url, TOKEN, max_bytes=10**6, sink=len)


async def test_a_transfer_that_breaks_off_is_tried_again_later(client: GraphClient, server: GraphServer) -> None:
    async def broken(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000000"})
        await response.prepare(request)
        await response.write(b"x" * 1000)
        assert request.transport is not None
        request.transport.abort()
        return response

    server.answer = broken

    with pytest.raises(MediaUnavailable):
        await client.download_media(server.url, TOKEN, max_bytes=10**7, sink=len)


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/x",
        "http://lookaside.fbsbx.com/x",
        "https://lookaside.fbsbx.com.evil.example/x",
        "https://lookaside.fbsbx.com@evil.example/x",
        "file:///etc/passwd",
        "",
        "http://[broken",
    ],
)
async def test_the_token_goes_to_no_strange_host(client: GraphClient, url: str) -> None:
    with pytest.raises(MediaRefused):
        await client.download_media(url, TOKEN, max_bytes=10, sink=len)


async def test_a_redirect_elsewhere_is_followed_without_the_token(
    client: GraphClient, server: GraphServer, elsewhere: GraphServer
) -> None:
    server.say(302, "", Location=f"{elsewhere.url}/bytes")
    elsewhere.answer = content

    found = await client.download_media(f"{server.url}/m", TOKEN, max_bytes=10**6, sink=len)

    assert found.size_bytes == len(CONTENT)
    assert "Authorization" in server.seen[0].headers
    assert "Authorization" not in elsewhere.seen[0].headers


async def test_a_redirect_at_home_keeps_the_token(client: GraphClient, server: GraphServer) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path == "/m":
            return web.Response(status=302, headers={"Location": "/bytes"})
        return await content(request)

    server.answer = answer

    await client.download_media(f"{server.url}/m", TOKEN, max_bytes=10**6, sink=len)

    assert [("Authorization" in seen.headers) for seen in server.seen] == [True, True]


async def test_redirects_in_a_circle_end(client: GraphClient, server: GraphServer) -> None:
    server.say(302, "", Location="/again")

    with pytest.raises(MediaUnavailable, match="redirects"):
        await client.download_media(server.url, TOKEN, max_bytes=10, sink=len)
    assert len(server.seen) == 4
