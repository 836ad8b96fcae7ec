"""What is to be said of a draft before it is published. No transaction is open while this computes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from bot.check.language import LANGUAGE_RULES
from bot.check.window import prove_window, waiting_of
from bot.flows import Compiled, Diagnostic
from bot.publishing.overlay import Overlay, differing
from bot.publishing.rows import (
    Around,
    draft_of,
    expect,
    number_of,
    overlay_of,
    shipped_files,
    what_is_around,
    writable,
)
from bot.registry import Registry, Skill
from store.db import transaction
from store.tenancy import organization_scope

if TYPE_CHECKING:
    from bot.runtime import Runtime

__all__ = ["Examined", "compiled_draft", "examine", "examine_version", "with_draft"]


@dataclass(frozen=True, slots=True)
class Examined:
    """Of which state of things it is true is written down with it: publishing compares that with what counts by then."""

    skill: str
    files: Mapping[str, str | None]
    revision: int  # of the draft; of an older version 0
    number: int  # of the version that counted
    restores: int | None
    around: Around
    diagnostics: tuple[Diagnostic, ...]
    """What is not to be said of the skill as shipped, with places in its folder; errors first."""

    @property
    def errors(self) -> list[Diagnostic]:
        return [each for each in self.diagnostics if each.severity == "error"]


async def examine(runtime: Runtime, organization_id: UUID, skill: str, *, revision: int | None = None) -> Examined:
    """Loads, compiles and checks the draft, with everything else that the organization has on. `revision`: what the caller saw.

    Raises:
        Moved: the draft is not at `revision` any more.
        Refused: there is no such skill, or no draft of it.
    """
    found = writable(runtime.registry, skill)
    with organization_scope(organization_id):
        async with transaction() as tx:
            draft = await draft_of(tx, organization_id, skill, locked=False)
            number = await number_of(tx, organization_id, skill)
            around = await what_is_around(tx, organization_id, found)
    if revision is not None:
        expect(draft, revision, number)
    files = differing(draft.files, shipped_files(found))
    told = await asyncio.to_thread(_faults, runtime.registry, found, around, Overlay(files))
    return Examined(skill, files, draft.revision, number, None, around, tuple(told))


async def examine_version(runtime: Runtime, organization_id: UUID, skill: str, number: int) -> Examined:
    """Whether an older version still fits the skill; SHIPPED always does.

    Raises:
        Refused: there is no such skill or version.
    """
    found = writable(runtime.registry, skill)
    with organization_scope(organization_id):
        async with transaction() as tx:
            overlay = await overlay_of(tx, organization_id, skill, number)
            current = await number_of(tx, organization_id, skill)
            around = await what_is_around(tx, organization_id, found)
    told = await asyncio.to_thread(_faults, runtime.registry, found, around, overlay)
    return Examined(skill, overlay.files, 0, current, number, around, tuple(told))


async def compiled_draft(runtime: Runtime, organization_id: UUID, skill: str) -> Compiled:
    """The organization's flows as they would be with its draft published; for a preview, and for `stranded`."""
    around = await with_draft(runtime, organization_id, skill)
    return await asyncio.to_thread(runtime.registry.compiled, around.enabled, around.overlays)


async def with_draft(runtime: Runtime, organization_id: UUID, skill: str) -> Around:
    """What would be on, and worded how, with the draft published."""
    found = writable(runtime.registry, skill)
    with organization_scope(organization_id):
        async with transaction() as tx:
            draft = await draft_of(tx, organization_id, skill, locked=False)
            around = await what_is_around(tx, organization_id, found)
    return Around(around.enabled, {**around.overlays, skill: Overlay(draft.files)})


def _faults(registry: Registry, skill: Skill, around: Around, overlay: Overlay) -> list[Diagnostic]:
    """What loader and compiler say, then what `chatnation check` adds."""
    others = around.without(skill.name)
    overlays = {**others, skill.name: overlay}
    known = registry.faults(around.enabled, others)
    found = [each for each in registry.faults(around.enabled, overlays) if each not in known]
    if not any(each.severity == "error" for each in found):
        said = set(_rules(registry, skill, around, others))
        found += [each for each in _rules(registry, skill, around, overlays) if each not in said]
    return sorted(found, key=lambda each: each.severity != "error")


def _rules(registry: Registry, skill: Skill, around: Around, overlays: Mapping[str, Overlay]) -> Iterator[Diagnostic]:
    compiled = registry.compiled(around.enabled, overlays)
    source = registry.source(skill.name, overlays.get(skill.name))
    for rule in LANGUAGE_RULES:
        yield from rule(source, compiled)
    yield from prove_window(source, compiled, waiting_of(skill.name, skill.actions))
