"""The same over the whole wire: the emulator's WhatsApp, webhooks, a worker's runtime, and a model that is one by its address alone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from bot.testing.openai_server import OpenAIServer
from tests.support.clockwork import until
from tests.support.database import Cluster
from tests.support.world import World, open_world

PROJECT = Path(__file__).parents[3]
ASHA = "254711000001"


async def told(world: World, count: int) -> list[str]:
    async def heard() -> list[str]:
        texts = [each["text"] for each in await world.client.messages(ASHA, direction="out") if each["visible_at"]]
        return texts if len(texts) >= count else []

    found: list[str] = await until(world, heard, f"{count} messages", settling=False, sweeping=False)
    return found


def rules_of_the_page() -> list[Mapping[str, Any]]:
    """As docs/models.md tells people to write them."""
    [text] = re.findall(r"```yaml\n(.*?)```", (PROJECT / "docs" / "models.md").read_text(), re.DOTALL)
    rules: list[Mapping[str, Any]] = YAML(typ="safe", pure=True).load(text)
    return rules


async def test_a_wish_in_other_words_starts_a_flow_of_the_product(cluster: Cluster, tmp_path: Path) -> None:
    async with OpenAIServer.open(key="sk-test") as server:
        given: dict[str, Any] = {"LLM__BASE_URL": server.base_url, "LLM__API_KEY": "sk-test"}
        async with open_world(cluster, tmp_path, **given) as world:
            server.rules = rules_of_the_page()
            await world.client.text(ASHA, "quid de me Asha 0711 000 001 servatur?")
            [said] = await told(world, 1)
            assert said.startswith("*What we keep*")
            [chat] = server.chats
            assert "Asha" not in chat.text
            assert "0711" not in chat.text
            assert "events:events_register" in chat.text
