"""The one place from which models are asked: masked, within a budget and its time, remembered, counted, and spared while they are down."""

from __future__ import annotations

import asyncio
import logging
import math
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Literal, TypeVar
from uuid import UUID

import orjson

from bot.llm.breaker import Breaker
from bot.llm.budget import Budget
from bot.llm.cache import Cache
from bot.llm.client import Client, Completion, Trouble
from bot.llm.errors import LlmAway
from bot.llm.mask import Mask
from bot.llm.settings import LlmSettings
from bot.metering import Usage, record_usage
from bot.ports import JSON, Prompt, Reply

__all__ = ["Gateway"]

log = logging.getLogger(__name__)

T = TypeVar("T")
MAX_TEXTS = 256  # of one embeddings request; OpenAI takes 2,048, small servers fewer
CHARS_PER_TOKEN = 3  # English has 4, Swahili under 3: better a little too many
LEAST_S = 0.05  # with less time left no request is begun
EXTENSIONS = {
    "audio/ogg": "ogg", "audio/opus": "ogg", "audio/mpeg": "mp3", "audio/mp4": "m4a", "audio/aac": "m4a",
    "audio/wav": "wav", "audio/x-wav": "wav", "audio/webm": "webm", "audio/flac": "flac",
}  # fmt: skip


class Gateway:
    """Implements LLM and Transcriber (`bot.ports`); `bot.llm.embedder` makes it an Embedder."""

    def __init__(self, settings: LlmSettings, client: Client) -> None:
        self.settings = settings
        self._client = client
        self._cache = Cache(settings.cache_entries, settings.cache_s)
        self._breaker = Breaker(settings.breaker_failures, settings.breaker_rest_s)
        self._places = asyncio.Semaphore(settings.concurrency)

    async def close(self) -> None:
        await self._client.close()

    def budget(self, organization_id: UUID, inbox_id: UUID | None = None) -> Budget:
        settings = self.settings
        return Budget(
            organization_id,
            inbox_id,
            settings.calls_per_turn,
            settings.tokens_per_turn,
            time.monotonic() + settings.turn_s,
        )

    # -- chat

    async def ask(self, prompt: Prompt, budget: Budget) -> Reply:
        mask = Mask(prompt.private)
        model = self.settings.model(prompt.tier)
        asked = orjson.dumps(mask.hide(prompt.user)).decode()
        key = Cache.key(budget.organization_id, model, prompt.system, asked, prompt.schema)
        answered: str | None = self._cache.get(key)
        remembered = answered is not None
        if answered is None:
            answered = await self._answer(prompt, model, asked, budget)
        data = _object(answered)
        if any(data.values()):  # who had nothing to say may have something the next time
            self._cache.put(key, answered)
        return Reply(mask.show(data), model, asked, answered, remembered)

    async def _answer(self, prompt: Prompt, model: str, asked: str, budget: Budget) -> str:
        tokens = _tokens(prompt.system) + _tokens(asked) + _tokens(orjson.dumps(prompt.schema).decode())
        budget.take_call(tokens)

        async def once(timeout_s: float) -> tuple[Completion, tuple[int, int, bool]]:
            found = await self._client.chat(model, prompt.system, asked, prompt.schema, timeout_s)
            counted = found.tokens_in is not None and found.tokens_out is not None
            tokens_in = found.tokens_in if found.tokens_in is not None else tokens
            tokens_out = found.tokens_out if found.tokens_out is not None else _tokens(found.text)
            budget.spend(tokens_in + tokens_out)
            return found, (tokens_in, tokens_out, not counted)

        found = await self._with_patience(once, budget, kind="chat", purpose=prompt.purpose, model=model, tokens=tokens)
        if not found.is_whole:
            raise LlmAway("nonsense", "the answer was cut off or withheld")
        return found.text

    # -- embeddings

    @property
    def model(self) -> str:
        return self.settings.embedding_model

    @property
    def dimension(self) -> int:
        return self.settings.embedding_dimension

    async def embed(
        self,
        organization_id: UUID,
        texts: Sequence[str],
        *,
        kind: Literal["query", "passage"],
        inbox_id: UUID | None = None,
    ) -> list[list[float]]:
        if not self.settings.embeddings:
            raise LlmAway("refused", "embeddings are off")
        mask = Mask()
        sent = [mask.hide(text) for text in texts] if kind == "query" else list(texts)
        keys = [Cache.key(organization_id, self.model, text) for text in sent]
        vectors: list[list[float] | None] = [self._cache.get(key) for key in keys]
        missing = [n for n, vector in enumerate(vectors) if vector is None]
        budget = self.budget(organization_id, inbox_id)
        for start in range(0, len(missing), MAX_TEXTS):
            batch = missing[start : start + MAX_TEXTS]
            for n, vector in zip(batch, await self._embed([sent[n] for n in batch], budget, kind), strict=True):
                vectors[n] = vector
                if kind == "query":
                    self._cache.put(keys[n], vector)
        return [vector for vector in vectors if vector is not None]

    async def _embed(self, texts: list[str], budget: Budget, purpose: str) -> list[list[float]]:
        tokens = sum(_tokens(text) for text in texts)

        async def once(timeout_s: float) -> tuple[list[list[float]], tuple[int, int, bool]]:
            vectors, counted = await self._client.embed(self.model, texts, timeout_s)
            if any(len(vector) != self.dimension for vector in vectors):
                raise Trouble(
                    "nonsense", f"vectors that have not the {self.dimension} dimensions of the setting", again=False
                )
            return [_unit(vector) for vector in vectors], (
                counted if counted is not None else tokens,
                0,
                counted is None,
            )

        return await self._with_patience(
            once, budget, kind="embedding", purpose=purpose, model=self.model, tokens=tokens
        )

    # -- speech

    async def transcribe(self, data: bytes, mime_type: str, budget: Budget, *, language: str = "") -> str:
        model = self.settings.transcription_model
        if not self.settings.transcription:
            raise LlmAway("refused", "transcription is off")
        if not data or len(data) > self.settings.max_audio_mb * 1024 * 1024:
            raise LlmAway("refused", f"a recording of {len(data)} bytes")
        bare = mime_type.partition(";")[0].strip().lower()
        name = f"voice.{EXTENSIONS.get(bare, 'ogg')}"

        async def once(timeout_s: float) -> tuple[str, tuple[int, int, bool]]:
            text = await self._client.transcribe(model, name, data, language, timeout_s)
            return text, (0, _tokens(text), True)

        text = await self._with_patience(
            once, budget, kind="transcription", purpose="voice", model=model, size_bytes=len(data)
        )
        return text.strip()

    # -- every request

    async def _with_patience(
        self,
        once: Callable[[float], Awaitable[tuple[T, tuple[int, int, bool]]]],
        budget: Budget,
        *,
        kind: str,
        purpose: str,
        model: str,
        tokens: int = 0,
        size_bytes: int = 0,
    ) -> T:
        """Tries, with waits in between, as long as the budget's time allows. Every try is a usage fact, written at once.

        Raises:
            LlmAway: no try succeeded.
        """
        trouble: Trouble | None = None
        for attempt in range(1, self.settings.attempts + 1):
            if trouble is not None and not await self._wait(trouble, attempt, budget):
                break
            if not self._breaker.may_ask():
                raise LlmAway("resting", "the server did not answer lately and is left alone for a while")
            usage = Usage(budget.organization_id, budget.inbox_id, kind, purpose, model, attempt, size_bytes=size_bytes)
            try:
                result, spent = await self._try(once, budget, usage)
            except Trouble as e:
                trouble = e
                # What was sent is paid for when the server worked on it; how much nobody told.
                usage.fail(e.reason, tokens if e.reason in ("time", "nonsense") else 0)
                self._note(e)
                await record_usage(usage)
                if not e.again:
                    break
                continue
            self._breaker.succeeded()
            usage.succeed(*spent)
            await record_usage(usage)
            return result
        assert trouble is not None
        log.warning("model gave no answer", extra={"reason": trouble.reason, "said": str(trouble), "purpose": purpose})
        raise LlmAway(trouble.reason, f"{kind}: {trouble}") from trouble

    async def _try(self, once: Callable[[float], Awaitable[T]], budget: Budget, usage: Usage) -> T:
        try:
            async with asyncio.timeout(max(budget.left_s, 0)), self._places:
                # The library's timeout is between two bytes; a server that drips would hold the turn for ever.
                async with asyncio.timeout(min(self.settings.timeout_s, max(budget.left_s, 0))):
                    usage.start()
                    return await once(self.settings.timeout_s)
        except TimeoutError as e:
            raise Trouble("time", "no answer in time", again=True, counts=True) from e

    async def _wait(self, trouble: Trouble, attempt: int, budget: Budget) -> bool:
        """False: there is no time for another try."""
        pause = self.settings.backoff_s * 2 ** (attempt - 2) * (0.75 + random.random() / 2)
        pause = max(pause, trouble.rest_s or 0) if trouble.rest_s != 0 else 0
        if pause + LEAST_S > budget.left_s:
            return False
        await asyncio.sleep(pause)
        return True

    def _note(self, trouble: Trouble) -> None:
        if not trouble.counts:
            return
        # A short wait is spent within the turn; a long one is everybody's.
        long = trouble.rest_s is not None and trouble.rest_s > self.settings.turn_s
        self._breaker.failed(rest_s=trouble.rest_s if long else None)


def _object(text: str) -> JSON:
    """
    Raises:
        LlmAway: it is not one JSON object.
    """
    bare = text.strip()
    if bare.startswith("```"):
        bare = bare.strip("`").removeprefix("json").strip()
    try:
        found: Any = orjson.loads(bare)
    except orjson.JSONDecodeError as e:
        raise LlmAway("nonsense", "the answer is no JSON") from e
    if not isinstance(found, dict):
        raise LlmAway("nonsense", "the answer is no JSON object")
    return found


def _tokens(text: str) -> int:
    return len(text) // CHARS_PER_TOKEN + 1


def _unit(vector: list[float]) -> list[float]:
    length = math.sqrt(sum(value * value for value in vector))
    return [value / length for value in vector] if length else vector
