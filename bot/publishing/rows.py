"""Drafts and versions as they lie in the database, and what else the organization has on around a skill."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from bot.errors import Refused
from bot.publishing.overlay import Overlay, read_shipped
from bot.registry import Registry, Skill
from store.db import Tx
from store.jsonb import from_jsonb

__all__ = [
    "SHIPPED",
    "Around",
    "Draft",
    "Moved",
    "Version",
    "as_version",
    "current_version",
    "draft_of",
    "expect",
    "number_of",
    "overlay_of",
    "shipped_files",
    "what_is_around",
    "writable",
]

_DRAFT = (
    "SELECT skill, files, revision, base, edited_by, edited_at FROM skill_drafts"
    " WHERE organization_id = $1 AND skill = $2"
)
_DRAFT_LOCKED = f"{_DRAFT} FOR UPDATE"

SHIPPED = 0  # the number of what the skill brings


class Moved(Refused):
    """Somebody else saved, published or rolled back in the meantime. `revision` and `current` are what counts now."""

    def __init__(self, message: str, *, revision: int, current: int) -> None:
        super().__init__(message)
        self.revision = revision
        self.current = current


@dataclass(frozen=True, slots=True)
class Draft:
    skill: str
    files: Mapping[str, str | None]  # what differs from the skill as shipped; None: taken away
    revision: int  # to be given to the next verb
    base: int  # the version that it was made from
    edited_by: str
    edited_at: datetime


@dataclass(frozen=True, slots=True)
class Version:
    id: UUID
    skill: str
    number: int
    files: Mapping[str, str | None]
    content_hash: str
    shipped_version: str
    restores: int | None
    note: str
    published_by: str
    published_at: datetime


@dataclass(frozen=True, slots=True)
class Around:
    """The skills that an organization has on, in order, with what it published of those that it worded itself."""

    enabled: tuple[str, ...]
    overlays: Mapping[str, Overlay]

    def without(self, skill: str) -> dict[str, Overlay]:
        return {name: overlay for name, overlay in self.overlays.items() if name != skill}

    def same_beside(self, skill: str, other: Around) -> bool:
        """Whether nothing but this skill's own texts differs."""
        return self.enabled == other.enabled and self.without(skill) == other.without(skill)


def writable(registry: Registry, name: str) -> Skill:
    found = registry.skills.get(name)
    if found is None or found.source is None or found.off:
        known = ", ".join(skill.name for skill in registry.usable)
        raise Refused(f"there is no skill {name} that can be written over; there are: {known}")
    return found


def shipped_files(skill: Skill) -> dict[str, str]:
    assert skill.source is not None
    return read_shipped(skill.folder, skill.source.files)


async def draft_of(tx: Tx, organization_id: UUID, skill: str, *, locked: bool = True) -> Draft:
    """Locked: nobody else writes it, publishes it or rolls the skill back until the transaction ends."""
    row = await tx.fetchrow(_DRAFT_LOCKED if locked else _DRAFT, organization_id, skill)
    if row is None:
        raise Refused(f"there is no draft of {skill}: open one first")
    values = dict(row)
    return Draft(**{**values, "files": from_jsonb(values["files"])})


def expect(draft: Draft, revision: int, current: int) -> None:
    if draft.revision != revision:
        raise Moved(
            f"{draft.edited_by} changed the draft of {draft.skill} at {draft.edited_at:%H:%M} UTC:"
            f" it is at revision {draft.revision}, you have {revision}",
            revision=draft.revision,
            current=current,
        )


async def current_version(tx: Tx, organization_id: UUID, skill: str) -> Version | None:
    row = await tx.fetchrow(
        "SELECT * FROM skill_versions WHERE organization_id = $1 AND skill = $2 ORDER BY number DESC LIMIT 1",
        organization_id,
        skill,
    )
    return as_version(row) if row is not None else None


async def number_of(tx: Tx, organization_id: UUID, skill: str) -> int:
    current = await current_version(tx, organization_id, skill)
    return current.number if current else SHIPPED


async def overlay_of(tx: Tx, organization_id: UUID, skill: str, number: int) -> Overlay:
    if number == SHIPPED:
        return Overlay({})
    row = await tx.fetchrow(
        "SELECT files FROM skill_versions WHERE organization_id = $1 AND skill = $2 AND number = $3",
        organization_id,
        skill,
        number,
    )
    if row is None:
        raise Refused(f"{skill} has no version {number}")
    return Overlay(from_jsonb(row["files"]))


async def what_is_around(tx: Tx, organization_id: UUID, skill: Skill) -> Around:
    """This skill is among them, whether it is on or not, and so are those it requires."""
    rows = await tx.fetch(
        "SELECT i.skill, (SELECT v.files FROM skill_versions v WHERE v.organization_id = i.organization_id AND v.skill = i.skill"
        " ORDER BY v.number DESC LIMIT 1) AS files"
        " FROM skill_installs i WHERE i.organization_id = $1 AND i.enabled ORDER BY i.position, i.skill",
        organization_id,
    )
    enabled = [row["skill"] for row in rows]
    needed = [name for name in (skill.manifest.requires if skill.manifest else ()) if name not in enabled]
    own = {row["skill"]: Overlay(from_jsonb(row["files"])) for row in rows if row["files"] is not None}
    return Around((*enabled, *needed, *(() if skill.name in enabled else (skill.name,))), own)


def as_version(row: Any) -> Version:
    values = {key: row[key] for key in Version.__dataclass_fields__}
    return Version(**{**values, "files": from_jsonb(values["files"])})
