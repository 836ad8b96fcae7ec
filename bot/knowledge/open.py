"""The port `Knowledge` of a worker."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from bot.knowledge.base import KnowledgeStore

if TYPE_CHECKING:
    from bot.runtime import Runtime

__all__ = ["open_knowledge"]


async def open_knowledge(runtime: Runtime) -> KnowledgeStore:
    async def enabled(organization_id: UUID) -> Sequence[str]:
        return (await runtime.directory.organization(organization_id)).skills

    folders = {skill.name: skill.folder for skill in runtime.registry.usable}
    return KnowledgeStore(runtime.embedder, enabled=enabled, folders=folders)
