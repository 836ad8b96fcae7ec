"""The wire: one request to a server that speaks OpenAI's API. No retries, no state but how it likes to be told of JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import openai
import orjson
from openai import AsyncOpenAI

from bot.llm.settings import LlmSettings, Structure
from bot.ports import JSON

__all__ = ["Client", "Completion", "Trouble"]

_ORDER = (Structure.SCHEMA, Structure.OBJECT, Structure.PROMPT)
_IN_JSON = "\n\nAnswer with one JSON object that fits this JSON schema, and nothing else:\n"


class Trouble(Exception):
    """A request that failed. `reason` as in `LlmAway`; `again`: trying once more may help; `rest_s`: what the server asked for."""

    def __init__(
        self, reason: str, message: str, *, again: bool, rest_s: float | None = None, counts: bool = False
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.again = again
        self.rest_s = rest_s
        self.counts = counts  # it says something about the server, not about the request


@dataclass(frozen=True, slots=True)
class Completion:
    """What came back. Tokens are None when the server does not count them."""

    text: str
    tokens_in: int | None = None
    tokens_out: int | None = None
    is_whole: bool = True  # False: cut off, or withheld


class Client:
    def __init__(self, settings: LlmSettings) -> None:
        self._settings = settings
        self._structure = _ORDER.index(settings.structure)
        self._limit = "max_tokens"
        self._temperature: dict[str, float] = {"temperature": 0}
        key = settings.api_key.get_secret_value() if settings.api_key else "none"
        self._openai = AsyncOpenAI(
            api_key=key, base_url=settings.base_url or "https://api.openai.com/v1", max_retries=0
        )

    async def close(self) -> None:
        await self._openai.close()

    async def chat(self, model: str, system: str, user: str, schema: JSON, timeout_s: float) -> Completion:
        """
        Raises:
            Trouble: no answer.
        """
        structure = _ORDER[self._structure]
        if structure is not Structure.SCHEMA:
            system += _IN_JSON + _dumped(schema)
        request: dict[str, Any] = {
            "model": model,
            "messages": [{"role": "system", "content": system}, {"role": "user", "content": user}],
            self._limit: self._settings.answer_tokens,
            "timeout": timeout_s,
            **self._temperature,
        }
        if structure is Structure.SCHEMA:
            request["response_format"] = {
                "type": "json_schema",
                "json_schema": {"name": "answer", "schema": schema, "strict": True},
            }
        elif structure is Structure.OBJECT:
            request["response_format"] = {"type": "json_object"}
        try:
            found = await self._openai.chat.completions.create(**request)
        except openai.BadRequestError as e:
            if self._adapts_to(str(e)):
                raise Trouble("refused", "the server wants to be asked in another way", again=True, rest_s=0) from e
            raise _trouble(e) from e
        except (openai.OpenAIError, ValueError, TypeError) as e:
            raise _trouble(e) from e
        return _completion(found)

    def _adapts_to(self, complaint: str) -> bool:
        """Older servers know no schemas, newer models neither `max_tokens` nor a temperature. What was learnt is kept."""
        if "max_tokens" in complaint and self._limit == "max_tokens":
            self._limit = "max_completion_tokens"
        elif "temperature" in complaint and self._temperature:
            self._temperature = {}
        elif "response_format" in complaint and self._structure + 1 < len(_ORDER):
            self._structure += 1
        else:
            return False
        return True

    async def embed(self, model: str, texts: Sequence[str], timeout_s: float) -> tuple[list[list[float]], int | None]:
        """
        Raises:
            Trouble: no vectors, or not one for each text.
        """
        try:
            found = await self._openai.embeddings.create(
                model=model, input=list(texts), encoding_format="float", timeout=timeout_s
            )
            vectors = [list(each.embedding) for each in sorted(found.data, key=lambda each: each.index)]
            tokens = getattr(found.usage, "prompt_tokens", None)
        except (openai.OpenAIError, ValueError, TypeError, AttributeError) as e:
            raise _trouble(e) from e
        if len(vectors) != len(texts):
            raise Trouble("nonsense", f"{len(vectors)} vectors for {len(texts)} texts", again=False)
        return vectors, tokens

    async def transcribe(self, model: str, name: str, data: bytes, language: str, timeout_s: float) -> str:
        """
        Raises:
            Trouble: no text.
        """
        more: dict[str, Any] = {"language": language} if language else {}
        try:
            found = await self._openai.audio.transcriptions.create(
                model=model, file=(name, data), response_format="json", timeout=timeout_s, **more
            )
            text = found.text
        except (openai.OpenAIError, ValueError, TypeError, AttributeError) as e:
            raise _trouble(e) from e
        if not isinstance(text, str):
            raise Trouble("nonsense", "a transcript without text", again=False)
        return text


def _completion(found: Any) -> Completion:
    """Servers that only resemble OpenAI's leave out what they like: the library does not check."""
    try:
        choice = found.choices[0]
        text, refusal, finish = choice.message.content, choice.message.refusal, choice.finish_reason
    except (AttributeError, IndexError, TypeError) as e:
        raise Trouble("nonsense", "an answer without content", again=False) from e
    usage = getattr(found, "usage", None)
    return Completion(
        text if isinstance(text, str) else "",
        getattr(usage, "prompt_tokens", None),
        getattr(usage, "completion_tokens", None),
        is_whole=not refusal and finish not in ("length", "content_filter"),
    )


def _trouble(error: Exception) -> Trouble:
    """The message names the kind and status only: what a server says may quote the prompt."""
    match error:
        case openai.RateLimitError():
            return Trouble("limited", "rate limited", again=True, rest_s=_retry_after(error), counts=True)
        case openai.APITimeoutError():
            return Trouble("time", "no answer in time", again=True, counts=True)
        case openai.APIConnectionError():
            return Trouble("down", "not reachable", again=True, counts=True)
        case openai.APIStatusError(status_code=status) if status >= 500:
            rest_s = _retry_after(error) if status == 503 else None
            return Trouble("down", f"HTTP {status}", again=True, rest_s=rest_s, counts=True)
        case openai.APIStatusError(status_code=status):
            # A key that is not taken will not be taken a second later either.
            return Trouble("refused", f"HTTP {status}", again=status in (408, 409), counts=status in (401, 403))
    return Trouble("nonsense", f"an answer that cannot be read ({type(error).__name__})", again=False)


def _retry_after(error: openai.APIStatusError) -> float | None:
    try:
        seconds = float(error.response.headers.get("retry-after", ""))
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def _dumped(schema: JSON) -> str:
    return orjson.dumps(schema).decode()
