"""The port `Knowledge` of a worker."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from bot.bounded import Bounded
from bot.embedding.cache import VectorCache
from bot.embedding.settings import EmbeddingSettings
from bot.knowledge.base import MAX_VERSIONS, KnowledgeStore, Own
from bot.knowledge.shelf import ShelfPassage, passages_of
from bot.publishing.overlay import Overlay, knowledge_over
from bot.publishing.serve import published_files

if TYPE_CHECKING:
    from pathlib import Path

    from bot.runtime import Runtime

__all__ = ["open_knowledge"]


async def open_knowledge(runtime: Runtime) -> KnowledgeStore:
    folders = {skill.name: skill.folder for skill in runtime.registry.usable}
    known: Bounded[UUID, Sequence[ShelfPassage]] = Bounded(MAX_VERSIONS)

    async def enabled(organization_id: UUID) -> Sequence[str]:
        return (await runtime.directory.organization(organization_id)).skills

    async def published(organization_id: UUID) -> Own:
        profile = await runtime.directory.organization(organization_id)
        own = {name: each for name, each in profile.versions.items() if each.has_knowledge and name in folders}
        unread = {name: each for name, each in own.items() if known.get(each.id) is None}
        if unread:
            for name, overlay in (await published_files(profile, unread)).items():
                known.put(own[name].id, await asyncio.to_thread(_passages, name, folders[name], overlay))
        return {name: (each.id, known.get(each.id) or ()) for name, each in own.items()}

    timeout_s = runtime.configuration.section(EmbeddingSettings, "embeddings").timeout_s
    return KnowledgeStore(
        runtime.embedder,
        timeout_s=timeout_s,
        enabled=enabled,
        folders=folders,
        published=published,
        cache=VectorCache(runtime.configuration.data / "vectors.sqlite"),
    )


def _passages(skill: str, folder: Path, overlay: Overlay) -> tuple[ShelfPassage, ...]:
    return tuple(passages_of(skill, knowledge_over(folder, overlay)))
