"""The product in its processes with a model that is known by its address alone."""

from __future__ import annotations

from pathlib import Path

from bot.testing.openai_server import OpenAIServer
from tests.e2e.stack import Stack, running

CHELA = "254711000009"
RULES = [
    {"when": "servatur", "commands": [{"command": "start_flow", "flow": "assistant:assistant_privacy"}]},
    {"when": "hang", "wait_s": 60},
    {"when": "burn", "status": 503},
]


async def test_a_worker_asks_it_and_a_turn_ends_without_it(tmp_path: Path) -> None:
    async with OpenAIServer.open() as server:
        server.rules = RULES
        with running(tmp_path, LLM__BASE_URL=server.base_url, LLM__TURN_S=2, LLM__TIMEOUT_S=1) as stack:
            async with stack.emulator() as client:
                await client.add_user(CHELA, "Chela")
                await client.ask(CHELA, "hi", timeout_s=20)
                kept = await client.ask(CHELA, "quid de Chela servatur?", timeout_s=20)
                assert kept["text"].startswith("*What we keep*")
                for said, told in (("hang in there", "did not understand"), ("burn it", "still do not understand")):
                    other = await client.ask(CHELA, said, timeout_s=20)
                    assert told in other["text"]
            assert "Chela" not in server.chats[0].text
            assert "servatur" not in stack.words()
            assert await stack.count("SELECT count(*) FROM usage_facts WHERE outcome = 'ok'") == 1
            assert _has_loaded(stack, "worker-interactive", "jiter")  # comes with the library that asks models
            assert not _has_loaded(stack, "web", "jiter")
            assert _has_loaded(stack, "worker-interactive", "ormsgpack")  # with the graph
            assert not _has_loaded(stack, "worker-render", "ormsgpack")


def _has_loaded(stack: Stack, process: str, library: str) -> bool:
    pids = [pid for name, pid in stack.pids().items() if name.startswith(process)]
    assert pids, stack.pids()
    return any(library in Path(f"/proc/{pid}/maps").read_text() for pid in pids)
