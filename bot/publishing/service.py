"""Drafts, checks, publishing and rolling back. Every verb takes an open unit of work (`bot.unit.open_unit`): its actor is who did it.

async with open_unit(runtime, organization_id, actor="user:jane") as work:
    draft = await open_draft(work, "events")
    draft = await save(work, "events", "locales/sw.yml", text, revision=draft.revision)
    version = await publish(work, "events", revision=draft.revision, note="Warmer words")
runtime.directory.forget()          # this process sees it now, every other within `bot.accounts.FRESH_S`
"""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from bot.check.language import LANGUAGE_RULES
from bot.check.window import prove_window, waiting_of
from bot.errors import Refused
from bot.flows import Compiled, Diagnostic
from bot.publishing.overlay import (
    MAX_BYTES,
    MAX_FILES,
    Overlay,
    Unfit,
    differing,
    knowledge_over,
    path_problem,
    read_shipped,
    text_problem,
)
from bot.registry import Registry, Skill
from bot.unit import Unit
from store.db import Tx
from store.ids import uuid7
from store.jsonb import from_jsonb, to_jsonb

__all__ = [
    "SHIPPED",
    "Draft",
    "FileChange",
    "Moved",
    "NotSound",
    "Version",
    "check",
    "compiled_draft",
    "diff",
    "discard",
    "knowledge_of",
    "open_draft",
    "publish",
    "rebase",
    "roll_back",
    "save",
    "versions",
]

SHIPPED = 0  # the number of what the skill brings


class Moved(Refused):
    """Somebody else saved, published or rolled back in the meantime. `revision` and `current` are what counts now."""

    def __init__(self, message: str, *, revision: int, current: int) -> None:
        super().__init__(message)
        self.revision = revision
        self.current = current


class NotSound(Refused):
    """The draft has errors. `diagnostics` says which, each with its place in the skill's folder."""

    def __init__(self, message: str, diagnostics: list[Diagnostic]) -> None:
        super().__init__(f"{message}: {diagnostics[0]}")
        self.diagnostics = diagnostics


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
class FileChange:
    """`text` is a unified diff."""

    path: str
    what: Literal["added", "changed", "removed"]
    text: str


# -- drafts


async def open_draft(work: Unit, skill: str) -> Draft:
    """The organization's one draft of this skill; made from what is published where there is none.

    Raises:
        Refused: there is no such skill, or it is broken as shipped.
    """
    _skill(work, skill)
    current = await _current(work.tx, work.organization_id, skill)
    await work.tx.execute(
        "INSERT INTO skill_drafts (id, organization_id, skill, files, revision, base, edited_by, edited_at)"
        " VALUES ($1, $2, $3, $4::jsonb, 1, $5, $6, $7) ON CONFLICT (organization_id, skill) DO NOTHING",
        uuid7(),
        work.organization_id,
        skill,
        to_jsonb(current.files if current else {}),
        current.number if current else SHIPPED,
        work.actor,
        work.now,
    )
    return await _locked(work, skill)


async def save(work: Unit, skill: str, path: str, text: str | None, *, revision: int) -> Draft:
    """Writes one file; None takes it away. The same text as shipped is no difference and is not kept. A text with mistakes is
    kept too: `check` tells of them, `publish` refuses them.

    Raises:
        Moved: the draft is not at `revision` any more.
        Unfit: no such file may be written, or it is too large.
    """
    shipped = _shipped(_skill(work, skill))
    draft = await _locked(work, skill)
    _expect(draft, revision, await _number(work, skill))
    if problem := path_problem(path):
        raise Unfit(f"{path}: {problem}")
    if text is not None and (problem := text_problem(text)):
        raise Unfit(f"{path}: {problem}")
    files = differing({**draft.files, path: text}, shipped)
    if len(files) > MAX_FILES or sum(len((each or "").encode()) for each in files.values()) > MAX_BYTES:
        raise Unfit(f"{path}: with it the draft has more than {MAX_FILES} files or {MAX_BYTES:,} bytes")
    work.audit("skill.draft_saved", subject=f"skills:{skill}", after={"path": path, "removed": text is None})
    return await _write(work, draft, files, draft.base)


async def discard(work: Unit, skill: str, *, revision: int) -> Draft:
    """The draft is as what is published again."""
    draft = await _locked(work, skill)
    current = await _current(work.tx, work.organization_id, skill)
    _expect(draft, revision, current.number if current else SHIPPED)
    work.audit("skill.draft_discarded", subject=f"skills:{skill}")
    return await _write(work, draft, current.files if current else {}, current.number if current else SHIPPED)


async def rebase(work: Unit, skill: str, *, revision: int) -> Draft:
    """Says that the draft may replace what is published now, having seen it; its files stay."""
    draft = await _locked(work, skill)
    number = await _number(work, skill)
    _expect(draft, revision, number)
    return await _write(work, draft, draft.files, number)


async def check(work: Unit, skill: str) -> list[Diagnostic]:
    """What is to be said of the draft and not of the skill as shipped, with places in the skill's folder; errors first."""
    draft = await _locked(work, skill)
    found = await _check(work, _skill(work, skill), draft.files)
    return sorted(found, key=lambda each: each.severity != "error")


async def diff(work: Unit, skill: str, *, old: int | None = None, new: int | None = None) -> list[FileChange]:
    """From `old` (what is published) to `new` (the draft), file by file."""
    shipped = _shipped(_skill(work, skill))
    before = (await _version(work, skill, old if old is not None else await _number(work, skill))).over(shipped)
    overlay = Overlay((await _locked(work, skill)).files) if new is None else await _version(work, skill, new)
    return list(_changes(before, overlay.over(shipped)))


async def compiled_draft(work: Unit, skill: str) -> Compiled:
    """The organization's flows as they would be with its draft published; for a preview, and for `stranded`."""
    draft = await _locked(work, skill)
    enabled, overlays = await _around(work, skill, draft.files)
    return await asyncio.to_thread(work.runtime.registry.compiled, enabled, overlays)


# -- versions


async def publish(work: Unit, skill: str, *, revision: int, note: str = "") -> Version:
    """Makes the draft the version that counts.

    Raises:
        Moved: the draft is not at `revision`, or another version was published since it was made.
        NotSound: it has errors.
        Refused: nothing differs from what is published.
    """
    found = _skill(work, skill)
    draft = await _locked(work, skill)
    current = await _current(work.tx, work.organization_id, skill)
    number = current.number if current else SHIPPED
    _expect(draft, revision, number)
    if draft.base != number:
        why = f"{current.published_by} published version {number} since" if current else "another version counts by now"
        raise Moved(
            f"the draft of {skill} was made from version {draft.base}, and {why}", revision=revision, current=number
        )
    files = differing(draft.files, _shipped(found))
    if Overlay(files).content_hash == Overlay(current.files if current else {}).content_hash:
        raise Refused(f"the draft of {skill} does not differ from what is published")
    await _refuse_errors(work, found, files, f"the draft of {skill} cannot be published")
    made = await _add(work, found, files, number + 1, note=note)
    await _write(work, draft, files, made.number)
    work.audit(
        "skill.published",
        subject=f"skills:{skill}",
        before={"version": number},
        after={"version": made.number, "content": made.content_hash, "note": made.note},
    )
    return made


async def roll_back(work: Unit, skill: str, *, to: int, current: int, note: str = "") -> Version:
    """Publishes an older version again, as a new one; SHIPPED brings back what the skill ships. `current` is what the caller saw.

    Raises:
        Moved: `current` does not count any more.
        NotSound: the older version does not fit the skill any more.
        Refused: there is no such version.
    """
    found = _skill(work, skill)
    await open_draft(work, skill)  # its row is the lock
    number = await _number(work, skill)
    if number != current:
        raise Moved(f"version {number} of {skill} counts by now, not {current}", revision=0, current=number)
    files = (await _version(work, skill, to)).files
    await _refuse_errors(work, found, files, f"version {to} of {skill} does not fit any more")
    made = await _add(work, found, files, number + 1, note=note, restores=to)
    work.audit(
        "skill.rolled_back",
        subject=f"skills:{skill}",
        before={"version": number},
        after={"version": made.number, "restores": to, "note": made.note},
    )
    return made


async def versions(work: Unit, skill: str) -> list[Version]:
    """Newest first."""
    rows = await work.tx.fetch(
        "SELECT * FROM skill_versions WHERE organization_id = $1 AND skill = $2 ORDER BY number DESC",
        work.organization_id,
        skill,
    )
    return [_made(row) for row in rows]


async def knowledge_of(work: Unit, skill: str) -> dict[str, str]:
    """path -> text of the knowledge that counts: as shipped, with what the organization published over it. For the index."""
    overlay = await _version(work, skill, await _number(work, skill))
    return knowledge_over(_skill(work, skill).folder, overlay)


# -- below


def _skill(work: Unit, name: str) -> Skill:
    registry: Registry = work.runtime.registry
    found = registry.skills.get(name)
    if found is None or found.source is None or found.off:
        known = ", ".join(skill.name for skill in registry.usable)
        raise Refused(f"there is no skill {name} that can be written over; there are: {known}")
    return found


def _shipped(skill: Skill) -> dict[str, str]:
    assert skill.source is not None
    return read_shipped(skill.folder, skill.source.files)


async def _locked(work: Unit, skill: str) -> Draft:
    row = await work.tx.fetchrow(
        "SELECT skill, files, revision, base, edited_by, edited_at FROM skill_drafts"
        " WHERE organization_id = $1 AND skill = $2 FOR UPDATE",
        work.organization_id,
        skill,
    )
    if row is None:
        raise Refused(f"there is no draft of {skill}: open one first")
    values = dict(row)
    return Draft(**{**values, "files": from_jsonb(values["files"])})


def _expect(draft: Draft, revision: int, current: int) -> None:
    if draft.revision != revision:
        raise Moved(
            f"{draft.edited_by} changed the draft of {draft.skill} at {draft.edited_at:%H:%M} UTC:"
            f" it is at revision {draft.revision}, you have {revision}",
            revision=draft.revision,
            current=current,
        )


async def _write(work: Unit, draft: Draft, files: Mapping[str, str | None], base: int) -> Draft:
    made = Draft(draft.skill, dict(files), draft.revision + 1, base, work.actor, work.now)
    await work.tx.execute(
        "UPDATE skill_drafts SET files = $3::jsonb, revision = $4, base = $5, edited_by = $6, edited_at = $7"
        " WHERE organization_id = $1 AND skill = $2",
        work.organization_id,
        draft.skill,
        to_jsonb(made.files),
        made.revision,
        made.base,
        made.edited_by,
        made.edited_at,
    )
    return made


async def _current(tx: Tx, organization_id: UUID, skill: str) -> Version | None:
    row = await tx.fetchrow(
        "SELECT * FROM skill_versions WHERE organization_id = $1 AND skill = $2 ORDER BY number DESC LIMIT 1",
        organization_id,
        skill,
    )
    return _made(row) if row is not None else None


async def _number(work: Unit, skill: str) -> int:
    current = await _current(work.tx, work.organization_id, skill)
    return current.number if current else SHIPPED


async def _version(work: Unit, skill: str, number: int) -> Overlay:
    if number == SHIPPED:
        return Overlay({})
    row = await work.tx.fetchrow(
        "SELECT files FROM skill_versions WHERE organization_id = $1 AND skill = $2 AND number = $3",
        work.organization_id,
        skill,
        number,
    )
    if row is None:
        raise Refused(f"{skill} has no version {number}")
    return Overlay(from_jsonb(row["files"]))


async def _add(
    work: Unit, skill: Skill, files: Mapping[str, str | None], number: int, *, note: str, restores: int | None = None
) -> Version:
    overlay = Overlay(files)
    assert skill.manifest is not None
    row = await work.tx.fetchrow(
        "INSERT INTO skill_versions (id, organization_id, skill, number, files, content_hash, dialogue_hash, shipped_version,"
        " restores, note, published_by, published_at)"
        " VALUES ($1, $2, $3, $4, $5::jsonb, $6, $7, $8, $9, $10, $11, $12) RETURNING *",
        uuid7(),
        work.organization_id,
        skill.name,
        number,
        to_jsonb(files),
        overlay.content_hash,
        overlay.dialogue_hash,
        skill.manifest.version,
        restores,
        note[:300],
        work.actor[:120],
        work.now,
    )
    return _made(row)


def _made(row: Any) -> Version:
    values = {key: row[key] for key in Version.__dataclass_fields__}
    return Version(**{**values, "files": from_jsonb(values["files"])})


async def _around(work: Unit, skill: str, files: Mapping[str, str | None]) -> tuple[list[str], dict[str, Overlay]]:
    """The skills that the organization has on, this one too, with what it published of the others."""
    rows = await work.tx.fetch(
        "SELECT i.skill, (SELECT v.files FROM skill_versions v WHERE v.organization_id = i.organization_id AND v.skill = i.skill"
        " ORDER BY v.number DESC LIMIT 1) AS files"
        " FROM skill_installs i WHERE i.organization_id = $1 AND i.enabled ORDER BY i.position, i.skill",
        work.organization_id,
    )
    overlays = {row["skill"]: Overlay(from_jsonb(row["files"])) for row in rows if row["files"] is not None}
    enabled = [row["skill"] for row in rows]
    manifest = work.runtime.registry.skills[skill].manifest
    needed = [name for name in (manifest.requires if manifest else ()) if name not in enabled]
    return [*enabled, *needed, *([] if skill in enabled else [skill])], {**overlays, skill: Overlay(files)}


async def _refuse_errors(work: Unit, skill: Skill, files: Mapping[str, str | None], what: str) -> None:
    errors = [each for each in await _check(work, skill, files) if each.severity == "error"]
    if errors:
        raise NotSound(what, errors)


async def _check(work: Unit, skill: Skill, files: Mapping[str, str | None]) -> list[Diagnostic]:
    enabled, overlays = await _around(work, skill.name, files)
    return await asyncio.to_thread(_faults, work.runtime.registry, skill, enabled, overlays)


def _faults(registry: Registry, skill: Skill, enabled: list[str], overlays: dict[str, Overlay]) -> list[Diagnostic]:
    """What loader and compiler say, then what `chatnation check` adds."""
    others = {name: overlay for name, overlay in overlays.items() if name != skill.name}
    known = registry.faults(enabled, others)
    found = [each for each in registry.faults(enabled, overlays) if each not in known]
    if any(each.severity == "error" for each in found):
        return found
    said = set(_rules(registry, skill, enabled, others))
    return found + [each for each in _rules(registry, skill, enabled, overlays) if each not in said]


def _rules(
    registry: Registry, skill: Skill, enabled: list[str], overlays: Mapping[str, Overlay]
) -> Iterator[Diagnostic]:
    compiled = registry.compiled(enabled, overlays)
    source = registry.source(skill.name, overlays.get(skill.name))
    for rule in LANGUAGE_RULES:
        yield from rule(source, compiled)
    yield from prove_window(source, compiled, waiting_of(skill.name, skill.actions))


def _changes(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[FileChange]:
    for path in sorted({*before, *after}):
        old, new = before.get(path), after.get(path)
        if old == new:
            continue
        what: Literal["added", "changed", "removed"] = (
            "added" if old is None else "removed" if new is None else "changed"
        )
        lines = difflib.unified_diff(
            (old or "").splitlines(), (new or "").splitlines(), f"a/{path}", f"b/{path}", lineterm=""
        )
        yield FileChange(path, what, "\n".join(lines))
