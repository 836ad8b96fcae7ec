"""The gateway behind the port that understanding and knowledge compare meanings with."""

from __future__ import annotations

from uuid import UUID

import pytest

from bot.errors import NotBound, Permanent, Retryable
from bot.llm.embedder import GatewayEmbedder
from bot.testing.openai_server import OpenAIServer
from store.tenancy import organization_scope
from tests.bot.llm.conftest import facts, gateway_to


async def test_what_a_person_writes_leaves_masked_and_an_organizations_texts_do_not(
    server: OpenAIServer, organization_id: UUID
) -> None:
    async with gateway_to(server) as gateway:
        embedder = GatewayEmbedder(gateway)
        assert embedder.model == "text-embedding-3-small"
        with organization_scope(organization_id):
            [vector] = await embedder.embed(["call 0722000111"])
            await embedder.embed(["our desk: 0700123456"], background=True)
    assert len(vector) == 1536
    assert server.embedded == ["call [PHONE_1]", "our desk: 0700123456"]
    assert [(each.kind, each.purpose) for each in await facts(organization_id)] == [
        ("embedding", "query"),
        ("embedding", "passage"),
    ]


async def test_a_server_that_is_down_is_for_later_and_one_that_refuses_for_good(
    server: OpenAIServer, organization_id: UUID
) -> None:
    async with gateway_to(server, attempts=1) as gateway:
        embedder = GatewayEmbedder(gateway)
        with organization_scope(organization_id):
            server.fails(503)
            with pytest.raises(Retryable):
                await embedder.embed(["x"])
            server.fails(400)
            with pytest.raises(Permanent):
                await embedder.embed(["x"])
        with pytest.raises(NotBound):
            await embedder.embed(["x"])
