"""A server that speaks OpenAI's API and says what a test tells it to. Over real HTTP, so that the real client is tested with it.

    async with OpenAIServer.open() as server:                     # server.base_url goes into CHATNATION__LLM__BASE_URL
        server.answers({"commands": [{"command": "hand_off"}]})   # the next chat answer; then the one after, ...
        server.fails(429, retry_after=1)                          # the next request fails so
        server.waits(30)                                          # the next request hangs so long
        ...
        assert "0722" not in server.chats[0].text

It checks what a real one would: the key, the model's name, that a strict schema is one, that messages have roles. An answer may be a function of
the request. When nothing is scripted, the first of `rules` whose pattern is in what the person wrote answers, else `otherwise`.

For a chat by hand it runs alone: `python -m bot.testing.openai_server rules.yml --port 9100`, with `{when: regex, commands: [...]}` or
`{when: regex, answer: text, sources: [1]}` or `{when: regex, wait_s: 30}` or `{when: regex, status: 429}` in the file.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import itertools
import json
import re
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web
from ruamel.yaml import YAML

__all__ = ["ChatRequest", "OpenAIServer"]

Answer = Mapping[str, Any] | str
MAX_UPLOAD = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """What was asked. `user` is the last user message, as JSON when it is some."""

    model: str
    system: str
    user: Any
    schema: Mapping[str, Any] | None
    text: str  # the whole body
    headers: Mapping[str, str]


@dataclass(slots=True)
class _Behaviour:
    """What the next request meets: a wait, then a failure, bytes that are no answer, or a dropped connection."""

    wait_s: float = 0
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None
    drip: bool = False
    drop: bool = False


class OpenAIServer:
    def __init__(self, key: str | None) -> None:
        self.key = key
        self.base_url = ""
        self.chats: list[ChatRequest] = []
        self.embedded: list[str] = []
        self.heard: list[tuple[str, bytes, str]] = []  # name, bytes, language
        self.requests = 0
        self.waiting = 0  # requests that hang by `waits` now
        self.otherwise: Answer = {"commands": [], "answer": None, "sources": []}
        self.rules: list[Mapping[str, Any]] = []
        self.transcript = "hello"
        self.vector: Callable[[str], list[float]] = _vector_of
        self.counts_tokens = True
        self.finish = "stop"
        self.refuses: dict[str, str] = {}  # parameter -> complaint: a server that does not know it
        self._answers: deque[Answer | Callable[[ChatRequest], Answer]] = deque()
        self._behaviours: deque[_Behaviour] = deque()
        self._always: _Behaviour | None = None
        self._ids = itertools.count(1)

    @classmethod
    @asynccontextmanager
    async def open(cls, *, key: str | None = None, port: int = 0) -> AsyncIterator[OpenAIServer]:
        self = cls(key)
        app = web.Application(client_max_size=MAX_UPLOAD)
        app.router.add_post("/v1/chat/completions", self._chat)
        app.router.add_post("/v1/embeddings", self._embed)
        app.router.add_post("/v1/audio/transcriptions", self._transcribe)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", port)
        await site.start()
        host, port = runner.addresses[0][:2]
        self.base_url = f"http://{host}:{port}/v1"
        try:
            yield self
        finally:
            await runner.cleanup()

    # -- the script

    def answers(self, *answers: Answer | Callable[[ChatRequest], Answer]) -> None:
        """The next chats, one each; a text is sent as it stands."""
        self._answers.extend(answers)

    def commands(self, *commands: Mapping[str, Any]) -> None:
        """The next chat is answered with these commands of the router."""
        self.answers({"commands": list(commands)})

    def fails(self, status: int, *, times: int = 1, retry_after: float | None = None) -> None:
        headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
        self._behaviours.extend(_Behaviour(status=status, headers=headers) for _ in range(times))

    def waits(self, seconds: float, *, times: int = 1) -> None:
        self._behaviours.extend(_Behaviour(wait_s=seconds) for _ in range(times))

    def talks_nonsense(self, body: Any, *, times: int = 1) -> None:
        """The next requests get this instead of an answer: bytes, or JSON that is none of ours."""
        self._behaviours.extend(_Behaviour(body=body) for _ in range(times))

    def drips(self, *, times: int = 1) -> None:
        """Sends a byte now and then, and never ends."""
        self._behaviours.extend(_Behaviour(drip=True) for _ in range(times))

    def hangs_up(self, *, times: int = 1) -> None:
        self._behaviours.extend(_Behaviour(drop=True) for _ in range(times))

    def is_down(self, status: int = 500) -> None:
        """From now on."""
        self._always = _Behaviour(status=status)

    def is_up(self) -> None:
        self._always = None
        self._behaviours.clear()

    # -- the API

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body = await request.text()
        special = await self._behave(request)
        if special is not None:
            return special
        data = json.loads(body)
        complaint = self._complaint(data)
        if complaint is not None:
            return _error(400, complaint)
        chat = _read_chat(data, body, request)
        self.chats.append(chat)
        answer = self._answers.popleft() if self._answers else self.otherwise
        rule = next((each for each in self.rules if answer is self.otherwise and _fits(each, chat)), None)
        if rule is not None:
            await asyncio.sleep(float(rule.get("wait_s", 0)))
            if "status" in rule:
                return _error(int(rule["status"]), "by a rule")
            answer = {
                "commands": rule.get("commands", []),
                "answer": rule.get("answer"),
                "sources": rule.get("sources", []),
            }
        if callable(answer):
            answer = answer(chat)
        text = answer if isinstance(answer, str) else json.dumps(answer)
        usage = {"prompt_tokens": len(body) // 4, "completion_tokens": len(text) // 4 + 1}
        found: dict[str, Any] = {
            "id": f"chatcmpl-{next(self._ids)}",
            "object": "chat.completion",
            "created": 0,
            "model": data["model"],
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": text, "refusal": None},
                    "finish_reason": self.finish,
                    "logprobs": None,
                }
            ],
        }
        if self.counts_tokens:
            found["usage"] = {**usage, "total_tokens": sum(usage.values())}
        return web.json_response(found)

    async def _embed(self, request: web.Request) -> web.StreamResponse:
        data = await request.json()
        special = await self._behave(request)
        if special is not None:
            return special
        texts = data["input"] if isinstance(data["input"], list) else [data["input"]]
        self.embedded += texts
        vectors = [{"object": "embedding", "index": n, "embedding": self.vector(text)} for n, text in enumerate(texts)]
        tokens = sum(len(text) // 4 + 1 for text in texts)
        return web.json_response(
            {
                "object": "list",
                "model": data["model"],
                "data": vectors[::-1],  # the order is not promised, the index is
                "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
            }
        )

    async def _transcribe(self, request: web.Request) -> web.StreamResponse:
        form = await request.post()
        special = await self._behave(request)
        if special is not None:
            return special
        file = form.get("file")
        if not isinstance(file, web.FileField) or not form.get("model"):
            return _error(400, "file and model are required")
        self.heard.append((file.filename, file.file.read(), str(form.get("language", ""))))
        return web.json_response({"text": self.transcript})

    async def _behave(self, request: web.Request) -> web.StreamResponse | None:
        """The response that takes the place of an answer."""
        self.requests += 1
        if self.key is not None and request.headers.get("Authorization") != f"Bearer {self.key}":
            return _error(401, "Incorrect API key provided")
        behaviour = self._behaviours.popleft() if self._behaviours else self._always
        if behaviour is None:
            return None
        if behaviour.wait_s:
            self.waiting += 1
            try:
                await asyncio.sleep(behaviour.wait_s)
            finally:
                self.waiting -= 1
        if behaviour.drop:
            assert request.transport is not None
            request.transport.abort()
            raise ConnectionResetError
        if behaviour.drip:
            return await _drip(request)
        if behaviour.status:
            return _error(behaviour.status, "scripted", behaviour.headers)
        if isinstance(behaviour.body, bytes):
            return web.Response(body=behaviour.body, content_type="application/json")
        return None if behaviour.body is None else web.json_response(behaviour.body)

    def _complaint(self, data: Mapping[str, Any]) -> str | None:
        for parameter, complaint in self.refuses.items():
            if parameter in data:
                return complaint
        if not data.get("model") or not isinstance(data.get("messages"), list):
            return "model and messages are required"
        if any(each.get("role") not in ("system", "user", "assistant") for each in data["messages"]):
            return "unknown role"
        form = data.get("response_format")
        if form is not None and form.get("type") == "json_schema" and form["json_schema"].get("strict"):
            return _strictness(form["json_schema"]["schema"], "schema")
        return None


def _fits(rule: Mapping[str, Any], chat: ChatRequest) -> bool:
    said = (
        chat.user.get("message") or chat.user.get("question") or "" if isinstance(chat.user, dict) else str(chat.user)
    )
    return re.search(str(rule["when"]), said, re.IGNORECASE) is not None


def _strictness(schema: Mapping[str, Any], place: str) -> str | None:
    """What OpenAI demands of a strict schema: every object closed, every property required, no union at the root."""
    if place == "schema" and schema.get("type") != "object":
        return "Invalid schema: the root must be an object"
    if schema.get("type") == "object":
        properties = schema.get("properties", {})
        if schema.get("additionalProperties") is not False:
            return f"Invalid schema at {place}: 'additionalProperties' is required to be false"
        if sorted(schema.get("required", [])) != sorted(properties):
            return f"Invalid schema at {place}: 'required' must name every property"
        for name, inner in properties.items():
            if complaint := _strictness(inner, f"{place}.{name}"):
                return complaint
    inner_schemas = [*schema.get("anyOf", ()), *([schema["items"]] if "items" in schema else ())]
    for n, inner in enumerate(inner_schemas):
        if complaint := _strictness(inner, f"{place}[{n}]"):
            return complaint
    if "enum" in schema and not schema["enum"]:
        return f"Invalid schema at {place}: an empty enum"
    return None


def _read_chat(data: Mapping[str, Any], body: str, request: web.Request) -> ChatRequest:
    messages = data["messages"]
    system = "\n".join(each["content"] for each in messages if each["role"] == "system")
    user = next((each["content"] for each in reversed(messages) if each["role"] == "user"), "")
    try:
        user = json.loads(user)
    except ValueError:
        pass
    form = data.get("response_format") or {}
    schema = form["json_schema"]["schema"] if form.get("type") == "json_schema" else None
    return ChatRequest(data["model"], system, user, schema, body, dict(request.headers))


async def _drip(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    while True:
        await response.write(b" ")
        await asyncio.sleep(0.05)


def _error(status: int, message: str, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.json_response(
        {"error": {"message": message, "type": "error", "param": None, "code": None}}, status=status, headers=headers
    )


def _vector_of(text: str) -> list[float]:
    """Texts with common words are near each other; 1,536 dimensions as the real one."""
    vector = [0.0] * 1536
    for word in text.lower().split():
        vector[int.from_bytes(hashlib.sha256(word.encode()).digest()[:4]) % 1536] += 1.0
    vector[0] += 0.01
    return vector


async def _serve(rules: Path, port: int) -> None:
    async with OpenAIServer.open(port=port) as server:
        server.rules = YAML(typ="safe", pure=True).load(rules) or []
        print(f"OPENAI_BASE_URL={server.base_url}", flush=True)  # noqa: T201
        await asyncio.Event().wait()


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description="A server that speaks OpenAI's API and answers by rules.")
    arguments.add_argument("rules", type=Path)
    arguments.add_argument("--port", type=int, default=9100)
    given = arguments.parse_args()
    asyncio.run(_serve(given.rules, given.port))
