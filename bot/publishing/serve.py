"""The compiled set of an organization: shared with everybody, but for what it published itself."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

from bot.flows import Compiled
from bot.publishing.overlay import Overlay
from bot.understand import is_prepared, prepare
from store.db import fetch
from store.jsonb import from_jsonb
from store.tenancy import organization_scope

if TYPE_CHECKING:
    from bot.accounts import OrganizationProfile, PublishedVersion
    from bot.runtime import Runtime

__all__ = ["compiled_for", "published_files"]

_FILES = "SELECT skill, files FROM skill_versions WHERE organization_id = $1 AND id = ANY($2)"


async def compiled_for(runtime: Runtime, profile: OrganizationProfile) -> Compiled:
    """Compiles at most once for the same texts, beside the event loop, and makes there what messages are compared with."""
    found = await _compiled(runtime, profile)
    if not is_prepared(found):
        async with runtime.compiling:
            await asyncio.to_thread(prepare, found)
    return found


async def _compiled(runtime: Runtime, profile: OrganizationProfile) -> Compiled:
    registry = runtime.registry
    own = {name: version for name, version in profile.versions.items() if version.dialogue_hash}
    hashes = {name: version.dialogue_hash for name, version in own.items()}
    if (held := registry.held(profile.skills, hashes)) is not None:
        return held
    async with runtime.compiling:
        if (held := registry.held(profile.skills, hashes)) is not None:
            return held
        overlays = await published_files(profile, own) if own else {}
        return await asyncio.to_thread(registry.compiled, profile.skills, overlays)


async def published_files(profile: OrganizationProfile, own: Mapping[str, PublishedVersion]) -> dict[str, Overlay]:
    """The overlays of these versions, by skill."""
    with organization_scope(profile.info.id):
        rows = await fetch(_FILES, profile.info.id, [version.id for version in own.values()])
    return {row["skill"]: Overlay(from_jsonb(row["files"])) for row in rows}
