"""Core job `core.embed_knowledge`: passages that have no embedding yet get one. Written beside each document that comes in."""

from __future__ import annotations

import logging

from bot.knowledge import KnowledgeStore
from bot.runtime import Runtime
from bot.skill import Job, TaskContext

__all__ = ["EmbedKnowledge", "embed_knowledge"]

log = logging.getLogger(__name__)


class EmbedKnowledge(Job):
    name = "core.embed_knowledge"
    queue = "bulk"
    lease_s = 120


async def embed_knowledge(runtime: Runtime, job: EmbedKnowledge, ctx: TaskContext) -> None:
    if isinstance(runtime.knowledge, KnowledgeStore):
        made = await runtime.knowledge.embed(ctx.organization.id)
        log.info("knowledge embedded", extra={"passages": made})
