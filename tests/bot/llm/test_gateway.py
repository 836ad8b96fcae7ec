"""Asking a model over real HTTP: answers, and everything that can be in the way of one."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any
from uuid import UUID

import pytest

from bot.llm.errors import LlmAway
from bot.ports import Prompt, Tier
from bot.testing import found_organization
from bot.testing.openai_server import OpenAIServer
from tests.bot.llm.conftest import INBOX, facts, gateway_to

SCHEMA = {
    "type": "object",
    "properties": {"word": {"type": "string"}},
    "required": ["word"],
    "additionalProperties": False,
}


def prompt(text: str = "which word?", **more: Any) -> Prompt:
    return Prompt("test.word", "Say a word.", {"message": text}, SCHEMA, **more)


async def test_an_answer_comes_back_with_its_usage_fact(server: OpenAIServer, organization_id: UUID) -> None:
    server.answers({"word": "yes"})
    async with gateway_to(server) as gateway:
        reply = await gateway.ask(prompt(), gateway.budget(organization_id, INBOX))
    assert reply.data == {"word": "yes"}
    assert server.chats[0].model == "gpt-4o-mini"
    assert server.chats[0].schema == SCHEMA
    [fact] = await facts(organization_id)
    assert (fact.kind, fact.purpose, fact.model, fact.outcome) == ("chat", "test.word", "gpt-4o-mini", "ok")
    assert fact.inbox_id == INBOX
    assert fact.tokens_in > 0
    assert fact.tokens_out > 0
    assert not fact.is_estimated


async def test_the_large_tier_is_another_model_and_names_are_settings(
    server: OpenAIServer, organization_id: UUID
) -> None:
    async with gateway_to(server, large_model="mine") as gateway:
        server.answers({"word": "a"}, {"word": "b"})
        await gateway.ask(prompt(tier=Tier.LARGE), gateway.budget(organization_id))
    assert [each.model for each in server.chats] == ["mine"]


async def test_personal_data_stays_here_and_comes_back_in_the_answer(
    server: OpenAIServer, organization_id: UUID
) -> None:
    server.answers(lambda chat: {"word": chat.user["message"]})
    text = "I am Amina Otieno, 0722 000 000, amina@example.com, id 12345678"
    async with gateway_to(server) as gateway:
        reply = await gateway.ask(prompt(text, private=("Amina Otieno",)), gateway.budget(organization_id))
    sent = server.chats[0].text
    for private in ("Amina", "Otieno", "0722", "example.com", "12345678"):
        assert private not in sent
        assert private not in reply.asked + reply.answered
    assert reply.data == {"word": text}


async def test_the_same_prompt_is_answered_from_memory(server: OpenAIServer, organization_id: UUID) -> None:
    server.answers({"word": "once"}, {"word": "twice"})
    async with gateway_to(server) as gateway:
        first = await gateway.ask(prompt("call 0722000111"), gateway.budget(organization_id))
        again = await gateway.ask(prompt("call 0733000222"), gateway.budget(organization_id))
    assert (first.data, again.data) == ({"word": "once"}, {"word": "once"})
    assert again.is_remembered
    assert len(await facts(organization_id)) == 1


async def test_an_answer_without_anything_in_it_is_not_remembered(server: OpenAIServer, organization_id: UUID) -> None:
    server.answers({"word": ""}, {"word": "found"})
    async with gateway_to(server) as gateway:
        first = await gateway.ask(prompt("call 0722000111"), gateway.budget(organization_id))
        again = await gateway.ask(prompt("call 0722000111"), gateway.budget(organization_id))
    assert (first.data, again.data) == ({"word": ""}, {"word": "found"})


async def test_nothing_is_remembered_across_organizations(server: OpenAIServer, organization_id: UUID) -> None:
    another, _ = await found_organization("Coast Fairs", "en", ())
    server.answers({"word": "one"}, {"word": "two"})
    async with gateway_to(server) as gateway:
        assert (await gateway.ask(prompt(), gateway.budget(organization_id))).data == {"word": "one"}
        assert (await gateway.ask(prompt(), gateway.budget(another))).data == {"word": "two"}


@pytest.mark.parametrize("status", [429, 500, 502, 503])
async def test_a_failure_is_tried_again_and_each_try_is_a_fact(
    server: OpenAIServer, organization_id: UUID, status: int
) -> None:
    server.fails(status)
    server.answers({"word": "then"})
    async with gateway_to(server) as gateway:
        reply = await gateway.ask(prompt(), gateway.budget(organization_id, INBOX))
    assert reply.data == {"word": "then"}
    outcomes = [(each.attempt, each.outcome) for each in await facts(organization_id)]
    assert outcomes == [(1, "limited" if status == 429 else "down"), (2, "ok")]


async def test_a_connection_that_breaks_is_tried_again(server: OpenAIServer, organization_id: UUID) -> None:
    server.hangs_up()
    server.answers({"word": "then"})
    async with gateway_to(server) as gateway:
        assert (await gateway.ask(prompt(), gateway.budget(organization_id))).data == {"word": "then"}


async def test_retry_after_is_waited_for_when_the_turn_has_time(server: OpenAIServer, organization_id: UUID) -> None:
    server.fails(429, retry_after=0.3)
    server.answers({"word": "then"})
    async with gateway_to(server) as gateway:
        started = time.monotonic()
        await gateway.ask(prompt(), gateway.budget(organization_id))
        assert time.monotonic() - started >= 0.3


async def test_retry_after_beyond_the_turn_ends_it_at_once_and_for_everybody(
    server: OpenAIServer, organization_id: UUID
) -> None:
    server.fails(429, retry_after=60)
    async with gateway_to(server) as gateway:
        started = time.monotonic()
        with pytest.raises(LlmAway) as away:
            await gateway.ask(prompt(), gateway.budget(organization_id))
        assert away.value.reason == "limited"
        assert time.monotonic() - started < 2
        with pytest.raises(LlmAway) as away:
            await gateway.ask(prompt(), gateway.budget(organization_id))
        assert away.value.reason == "resting"
    assert server.requests == 1


@pytest.mark.parametrize("way", ["waits", "drips"])
async def test_a_slow_server_costs_no_more_than_the_turns_time(
    server: OpenAIServer, organization_id: UUID, way: str
) -> None:
    if way == "waits":
        server.waits(30, times=5)
    else:
        server.drips(times=5)
    async with gateway_to(server, turn_s=0.6, timeout_s=0.4) as gateway:
        started = time.monotonic()
        with pytest.raises(LlmAway) as away:
            await gateway.ask(prompt(), gateway.budget(organization_id))
        assert time.monotonic() - started < 2
    assert away.value.reason == "time"
    assert {each.outcome for each in await facts(organization_id)} == {"time"}


NONSENSE: list[Any] = [
    b"<html>502</html>",
    b"",
    b"null",
    b"[]",
    {"choices": []},
    {"choices": [{"message": {}}]},
    {"choices": None, "usage": {"prompt_tokens": "many"}},
    {"error": "?"},
]


@pytest.mark.parametrize("body", NONSENSE, ids=str)
async def test_bytes_that_are_no_answer_are_none(server: OpenAIServer, organization_id: UUID, body: Any) -> None:
    server.talks_nonsense(body)
    async with gateway_to(server, attempts=1) as gateway:
        with pytest.raises(LlmAway):
            await gateway.ask(prompt(), gateway.budget(organization_id))
    assert len(await facts(organization_id)) == 1


@pytest.mark.parametrize("text", ["sure, here you go", "[1]", '"x"', '{"word": ', ""])
async def test_an_answer_that_is_no_json_object_is_none(server: OpenAIServer, organization_id: UUID, text: str) -> None:
    server.answers(text)
    async with gateway_to(server) as gateway:
        with pytest.raises(LlmAway) as away:
            await gateway.ask(prompt(), gateway.budget(organization_id))
        assert away.value.reason == "nonsense"
        server.answers({"word": "better"})  # what cannot be read is not remembered
        assert (await gateway.ask(prompt(), gateway.budget(organization_id))).data == {"word": "better"}


async def test_an_answer_that_was_cut_off_is_none(server: OpenAIServer, organization_id: UUID) -> None:
    server.answers({"word": "x"})
    server.finish = "length"
    async with gateway_to(server) as gateway:
        with pytest.raises(LlmAway):
            await gateway.ask(prompt(), gateway.budget(organization_id))


async def test_json_in_a_code_fence_is_read(server: OpenAIServer, organization_id: UUID) -> None:
    server.answers('```json\n{"word": "x"}\n```')
    async with gateway_to(server) as gateway:
        assert (await gateway.ask(prompt(), gateway.budget(organization_id))).data == {"word": "x"}


async def test_a_server_without_schemas_is_asked_in_words(server: OpenAIServer, organization_id: UUID) -> None:
    server.refuses = {
        "response_format": "'response_format' is not supported",
        "max_tokens": "Unsupported parameter: 'max_tokens'",
        "temperature": "Unsupported value: 'temperature'",
    }
    server.answers({"word": "x"}, {"word": "y"})
    async with gateway_to(server, attempts=5) as gateway:
        assert (await gateway.ask(prompt(), gateway.budget(organization_id))).data == {"word": "x"}
        assert '"additionalProperties":false' in server.chats[0].system
        before = server.requests
        await gateway.ask(prompt("another"), gateway.budget(organization_id))
        assert server.requests == before + 1  # what was learnt is kept


async def test_a_turn_has_so_many_calls(server: OpenAIServer, organization_id: UUID) -> None:
    async with gateway_to(server, calls_per_turn=1) as gateway:
        budget = gateway.budget(organization_id)
        await gateway.ask(prompt("one"), budget)
        with pytest.raises(LlmAway) as away:
            await gateway.ask(prompt("two"), budget)
    assert away.value.reason == "budget"
    assert server.requests == 1


async def test_a_turn_has_so_many_tokens(server: OpenAIServer, organization_id: UUID) -> None:
    async with gateway_to(server, tokens_per_turn=200) as gateway:
        with pytest.raises(LlmAway) as away:
            await gateway.ask(prompt("x" * 10_000), gateway.budget(organization_id))
    assert away.value.reason == "budget"
    assert server.requests == 0


async def test_tokens_are_estimated_for_a_server_that_does_not_count(
    server: OpenAIServer, organization_id: UUID
) -> None:
    server.counts_tokens = False
    async with gateway_to(server) as gateway:
        await gateway.ask(prompt(), gateway.budget(organization_id))
    [fact] = await facts(organization_id)
    assert fact.is_estimated
    assert fact.tokens_in > 0


async def test_a_server_that_is_down_is_left_alone_and_tried_again_later(
    server: OpenAIServer, organization_id: UUID
) -> None:
    server.is_down()
    async with gateway_to(server, attempts=1, breaker_failures=3, breaker_rest_s=0.3) as gateway:
        reasons = []
        for n in range(5):
            with pytest.raises(LlmAway) as away:
                await gateway.ask(prompt(str(n)), gateway.budget(organization_id))
            reasons.append(away.value.reason)
        assert reasons == ["down", "down", "down", "resting", "resting"]
        assert server.requests == 3
        server.is_up()
        await asyncio.sleep(0.35)
        assert (await gateway.ask(prompt("later"), gateway.budget(organization_id))).data == server.otherwise


async def test_a_wrong_key_is_no_reason_to_ask_for_ever(server: OpenAIServer, organization_id: UUID) -> None:
    async with gateway_to(server, api_key="sk-wrong", breaker_failures=2) as gateway:
        for n in range(4):
            with pytest.raises(LlmAway):
                await gateway.ask(prompt(str(n)), gateway.budget(organization_id))
    assert server.requests == 2


async def test_logs_hold_nothing_that_was_said(
    server: OpenAIServer, organization_id: UUID, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    server.fails(400)
    server.answers({"word": "pumpkin"})
    async with gateway_to(server) as gateway:
        with pytest.raises(LlmAway):
            await gateway.ask(prompt("marmalade for 0722 000 000"), gateway.budget(organization_id))
        await gateway.ask(prompt("marmalade"), gateway.budget(organization_id))
    for word in ("marmalade", "pumpkin", "0722", "sk-test"):
        assert word not in caplog.text


async def test_vectors_come_in_the_order_of_the_texts_with_unit_length(
    server: OpenAIServer, organization_id: UUID
) -> None:
    async with gateway_to(server) as gateway:
        vectors = await gateway.embed(organization_id, ["parking place", "lunch menu", "parking"], kind="passage")
        assert [round(sum(value * value for value in vector), 6) for vector in vectors] == [1, 1, 1]
        near = sum(a * b for a, b in zip(vectors[0], vectors[2], strict=True))
        far = sum(a * b for a, b in zip(vectors[1], vectors[2], strict=True))
        assert near > 0.5 > far
        await gateway.embed(organization_id, ["where is 0722000000"], kind="query")
    assert "0722000000" not in server.embedded[-1]
    assert [each.kind for each in await facts(organization_id)] == ["embedding", "embedding"]


async def test_vectors_of_another_size_are_refused(server: OpenAIServer, organization_id: UUID) -> None:
    async with gateway_to(server, embedding_dimension=8) as gateway:
        with pytest.raises(LlmAway) as away:
            await gateway.embed(organization_id, ["x"], kind="query")
    assert away.value.reason == "nonsense"


async def test_a_recording_becomes_text(server: OpenAIServer, organization_id: UUID) -> None:
    server.transcript = " two tickets please "
    async with gateway_to(server) as gateway:
        budget = gateway.budget(organization_id, INBOX)
        text = await gateway.transcribe(b"OggS...", "audio/ogg; codecs=opus", budget, language="sw")
    assert text == "two tickets please"
    assert server.heard == [("voice.ogg", b"OggS...", "sw")]
    [fact] = await facts(organization_id)
    assert (fact.kind, fact.size_bytes, fact.inbox_id) == ("transcription", 7, INBOX)


async def test_a_recording_that_is_too_large_is_not_sent(server: OpenAIServer, organization_id: UUID) -> None:
    async with gateway_to(server, max_audio_mb=0.001) as gateway:
        with pytest.raises(LlmAway):
            await gateway.transcribe(b"x" * 2000, "audio/ogg", gateway.budget(organization_id))
    assert server.requests == 0
