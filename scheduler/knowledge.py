"""Core job `core.embed_knowledge`: passages that today's model has not embedded get its embedding.

Written beside each document that comes in; and by the bulk worker for whole organizations when the model is another one than before, or when
a job died while its model was away. Search answers meanwhile: by words, by spelling, and by the passages that are done.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot import background
from bot.errors import Retryable
from bot.knowledge import KnowledgeStore
from bot.runtime import Runtime
from bot.skill import Job, TaskContext
from store import knowledge as rows
from store.tenancy import organization_scope

__all__ = ["EmbedKnowledge", "embed_knowledge", "keeping_embedded"]

log = logging.getLogger(__name__)

LOOK_EVERY_S = 600.0
LOOK_AGAIN_S = 5.0  # while PostgreSQL is away
ONE_JOB_S = (
    100.0  # well within the bulk queue's time, after waiting for others of its organization; a large one takes several
)


class EmbedKnowledge(Job):
    name = "core.embed_knowledge"
    queue = "bulk"
    lease_s = 120


async def embed_knowledge(runtime: Runtime, job: EmbedKnowledge, ctx: TaskContext) -> None:
    if not isinstance(runtime.knowledge, KnowledgeStore):
        return
    done = await runtime.knowledge.embed(ctx.organization.id, within_s=ONE_JOB_S)
    if not done.is_all:
        with organization_scope(ctx.organization.id):
            await rows.queue_embedding()
    log.info("knowledge embedded", extra={"passages": done.made, "is_all": done.is_all})


@asynccontextmanager
async def keeping_embedded(runtime: Runtime, queue: str) -> AsyncIterator[None]:
    """While the block runs, whatever today's model has not embedded is queued. Bulk workers only: it is they who know the model and do the work."""
    if queue != EmbedKnowledge.queue or runtime.embedder is None:
        yield
        return
    task = asyncio.create_task(_keep_embedded(runtime.embedder.model))
    try:
        yield
    finally:
        await background.end([task])


async def _keep_embedded(model: str) -> None:
    while True:
        pause_s = LOOK_EVERY_S
        try:
            queued = await rows.queue_embeddings(model)
            if queued:
                log.info("knowledge to be embedded again", extra={"organizations": queued, "model": model})
        except Retryable as e:
            pause_s = LOOK_AGAIN_S
            log.warning("knowledge not looked through", extra={"reason": str(e)})
        except Exception:  # the worker's other jobs go on
            log.exception("knowledge not looked through")
        await asyncio.sleep(pause_s)
