"""What the first question would wait for, made ready when a worker starts: beside it, at low priority, after it said that it is ready."""

from __future__ import annotations

import asyncio
import logging
import time

from bot.embedding import EmbeddingSettings
from bot.embedding.settings import Provider
from bot.knowledge import KnowledgeStore
from bot.runtime import Runtime

__all__ = ["warm"]

log = logging.getLogger(__name__)


async def warm(runtime: Runtime) -> None:
    """The vector model, what knowledge is measured by, and the examples of the installed skills.

    Only with a model in this process: what a server makes is paid by the organization that asks.
    """
    settings = runtime.configuration.section(EmbeddingSettings, "embeddings")
    if runtime.embedder is None or settings.provider is not Provider.LOCAL:
        return
    began = time.monotonic()
    try:
        if isinstance(runtime.knowledge, KnowledgeStore):
            await runtime.knowledge.warm()
        if runtime.senses is not None:
            skills = [skill.name for skill in runtime.registry.usable]
            async with runtime.compiling:
                compiled = await asyncio.to_thread(runtime.registry.compiled, skills)
            runtime.senses.prepare_beside(compiled)
    except Exception:
        # The first question does it then, and waits.
        log.warning("not warmed up", exc_info=True)
    else:
        log.info("vectors are warm", extra={"seconds": round(time.monotonic() - began, 1)})
