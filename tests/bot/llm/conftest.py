from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest

from bot.llm.client import Client
from bot.llm.gateway import Gateway
from bot.llm.settings import LlmSettings
from bot.testing import found_organization
from bot.testing.openai_server import OpenAIServer
from store.crypto import KeyRing, MasterKey, install_keyring
from store.directory import load_keys
from store.models import UsageFact
from store.tenancy import organization_scope
from tests.support.database import Database

INBOX = UUID(int=7)
Facts = Callable[[], Any]


@pytest.fixture
async def server() -> AsyncIterator[OpenAIServer]:
    async with OpenAIServer.open(key="sk-test") as opened:
        yield opened


@pytest.fixture
def key_ring() -> Iterator[None]:
    install_keyring(KeyRing(MasterKey(os.urandom(32)), load_keys))
    yield
    install_keyring(None)


@pytest.fixture
async def organization_id(database: Database, key_ring: None) -> UUID:
    found, _ = await found_organization("Savanna Events", "en", ())
    return found


@asynccontextmanager
async def gateway_to(server: OpenAIServer, **settings: Any) -> AsyncIterator[Gateway]:
    """Quick and patient enough for a test; `settings` as in LlmSettings."""
    given = {
        "api_key": "sk-test",
        "base_url": server.base_url,
        "backoff_s": 0.01,
        "turn_s": 5,
        "timeout_s": 2,
        **settings,
    }
    found = LlmSettings.model_validate(given)
    gateway = Gateway(found, Client(found))
    try:
        yield gateway
    finally:
        await gateway.close()


async def facts(organization_id: UUID) -> list[UsageFact]:
    with organization_scope(organization_id):
        return await UsageFact.all().order_by("at", "id")
