"""What understanding compares a message with: the vectors of all examples, made once a content and shared by all who run it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any

from bot.bounded import Bounded
from bot.embedding.cache import VectorCache
from bot.flows import Compiled
from bot.flows.words import normalise
from bot.ports import Embedder
from bot.understand import MATCHERS_B, Matcher, Meaning, examples_of, wishes_hash

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Senses"]

log = logging.getLogger(__name__)

BATCH = 16  # texts: what is lost when the process ends while it embeds
MAX_CHARS = 300  # of a message; a wish is said sooner


class Senses:
    """One a process. `beside` runs what nobody waits for."""

    def __init__(
        self,
        embedder: Embedder,
        cache: VectorCache,
        *,
        timeout_s: float,
        beside: Callable[[Coroutine[Any, Any, None]], None],
    ) -> None:
        self._embedder = embedder
        self._cache = cache
        self._timeout_s = timeout_s
        self._beside = beside
        self._matchers: Bounded[str, Matcher] = Bounded(MATCHERS_B, lambda matcher: matcher.size_b)
        self._preparing: set[str] = set()

    async def meaning(self, compiled: Compiled, text: str) -> Meaning | None:
        """Of one message. None: not to be had in time (the examples are still being read, the server is away)."""
        matcher = self._matchers.get(wishes_hash(compiled))
        if matcher is None:
            self.prepare_beside(compiled)
            return None
        try:
            async with asyncio.timeout(self._timeout_s):
                [vector] = await self._embedder.embed([normalise(text)[:MAX_CHARS]])
        except Exception:
            # Whatever an embedder's library or server does, the person gets the answer by letters.
            log.warning("message not embedded", exc_info=True)
            return None
        return Meaning(matcher, vector)

    async def prepare(self, compiled: Compiled) -> Matcher:
        """Embeds the examples that no cache knows. Some seconds the first time, then some hundredths."""
        held = self._matchers.get(wishes_hash(compiled))
        if held is not None:
            return held
        examples = examples_of(compiled)
        vectors = await self._vectors([example.text for example in examples])
        matcher = await asyncio.to_thread(Matcher, examples, vectors)
        self._matchers.put(wishes_hash(compiled), matcher)
        fit = matcher.fit
        log.info("examples compared", extra={"examples": fit.examples, "t_hi": fit.t_hi, "margin": fit.margin})
        return matcher

    def prepare_beside(self, compiled: Compiled) -> None:
        """Begins it, unless it is there or under way."""
        if self._matchers.get(wishes_hash(compiled)) is None and wishes_hash(compiled) not in self._preparing:
            self._preparing.add(wishes_hash(compiled))
            self._beside(self._try_to_prepare(compiled))

    async def _try_to_prepare(self, compiled: Compiled) -> None:
        try:
            await self.prepare(compiled)
        except Exception:
            # The next message tries again; until then letters do.
            log.warning("examples not embedded", exc_info=True)
        finally:
            self._preparing.discard(wishes_hash(compiled))

    async def _vectors(self, texts: Sequence[str]) -> np.ndarray:
        import numpy as np

        model = self._embedder.model
        known = await asyncio.to_thread(self._cache.get, model, texts)
        missing = [text for text in dict.fromkeys(texts) if text not in known]
        for start in range(0, len(missing), BATCH):
            batch = missing[start : start + BATCH]
            # Another process, or another set with the same examples, may have come first.
            known |= await asyncio.to_thread(self._cache.get, model, batch)
            batch = [text for text in batch if text not in known]
            if not batch:
                continue
            rows = np.asarray(await self._embedder.embed(batch, background=True), dtype=np.float32)
            made = dict(zip(batch, rows, strict=True))
            await asyncio.to_thread(self._cache.put, model, made)
            known |= made
        return np.stack([known[text] for text in texts])
