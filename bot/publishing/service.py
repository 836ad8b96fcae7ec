"""Drafts, publishing and rolling back. Every verb takes an open unit of work (`bot.unit.open_unit`): its actor is who did it.

async with open_unit(runtime, organization_id, actor="user:jane") as work:
    draft = await open_draft(work, "events")
    draft = await save(work, "events", "locales/sw.yml", text, revision=draft.revision)
found = await examine(runtime, organization_id, "events", revision=draft.revision)      # computes: no transaction is open
async with open_unit(runtime, organization_id, actor="user:jane") as work:
    version = await publish(work, found, note="Warmer words")                           # refuses what moved since
runtime.directory.forget()          # this process sees it now, every other within `bot.accounts.FRESH_S`
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from bot.errors import Refused
from bot.flows import Diagnostic
from bot.notifications import notify, person_behind
from bot.publishing.examine import Examined, compiled_draft, examine, examine_version
from bot.publishing.overlay import (
    MAX_BYTES,
    MAX_FILES,
    Overlay,
    Unfit,
    differing,
    knowledge_over,
    path_problem,
    text_problem,
)
from bot.publishing.rows import (
    SHIPPED,
    Draft,
    Moved,
    Version,
    as_version,
    current_version,
    draft_of,
    expect,
    number_of,
    overlay_of,
    shipped_files,
    what_is_around,
    writable,
)
from bot.registry import Skill
from bot.unit import Unit
from store.ids import uuid7
from store.jsonb import to_jsonb

__all__ = [
    "SHIPPED",
    "Draft",
    "Examined",
    "FileChange",
    "Moved",
    "NotSound",
    "Version",
    "compiled_draft",
    "diff",
    "discard",
    "examine",
    "examine_version",
    "knowledge_of",
    "open_draft",
    "publish",
    "rebase",
    "roll_back",
    "save",
    "versions",
]


class NotSound(Refused):
    """The draft has errors. `diagnostics` says which, each with its place in the skill's folder."""

    def __init__(self, message: str, diagnostics: list[Diagnostic]) -> None:
        super().__init__(f"{message}: {diagnostics[0]}")
        self.diagnostics = diagnostics


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
    current = await current_version(work.tx, work.organization_id, skill)
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
    kept too: `examine` tells of them, `publish` refuses them.

    Raises:
        Moved: the draft is not at `revision` any more.
        Unfit: no such file may be written, or it is too large.
    """
    shipped = shipped_files(_skill(work, skill))
    draft = await _locked(work, skill)
    expect(draft, revision, await number_of(work.tx, work.organization_id, skill))
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
    current = await current_version(work.tx, work.organization_id, skill)
    expect(draft, revision, current.number if current else SHIPPED)
    work.audit("skill.draft_discarded", subject=f"skills:{skill}")
    return await _write(work, draft, current.files if current else {}, current.number if current else SHIPPED)


async def rebase(work: Unit, skill: str, *, revision: int) -> Draft:
    """Says that the draft may replace what is published now, having seen it; its files stay."""
    draft = await _locked(work, skill)
    number = await number_of(work.tx, work.organization_id, skill)
    expect(draft, revision, number)
    return await _write(work, draft, draft.files, number)


async def diff(work: Unit, skill: str, *, old: int | None = None, new: int | None = None) -> list[FileChange]:
    """From `old` (what is published) to `new` (the draft), file by file."""
    shipped = shipped_files(_skill(work, skill))
    before = (
        await overlay_of(
            work.tx,
            work.organization_id,
            skill,
            old if old is not None else await number_of(work.tx, work.organization_id, skill),
        )
    ).over(shipped)
    overlay = (
        Overlay((await _locked(work, skill)).files)
        if new is None
        else await overlay_of(work.tx, work.organization_id, skill, new)
    )
    return list(_changes(before, overlay.over(shipped)))


# -- versions


async def publish(work: Unit, examined: Examined, *, note: str = "") -> Version:
    """Makes the draft, as it was examined, the version that counts.

    Raises:
        Moved: the draft was changed, or something was published or switched on or off, since it was examined; or another version
            was published since the draft was made.
        NotSound: it has errors.
        Refused: nothing differs from what is published.
    """
    skill = examined.skill
    draft = await _locked(work, skill)
    current = await current_version(work.tx, work.organization_id, skill)
    number = current.number if current else SHIPPED
    expect(draft, examined.revision, number)
    if draft.base != number:
        why = f"{current.published_by} published version {number} since" if current else "another version counts by now"
        raise Moved(
            f"the draft of {skill} was made from version {draft.base}, and {why}",
            revision=draft.revision,
            current=number,
        )
    await _expect_unmoved(work, examined, number)
    if Overlay(examined.files).content_hash == Overlay(current.files if current else {}).content_hash:
        raise Refused(f"the draft of {skill} does not differ from what is published")
    if examined.errors:
        raise NotSound(f"the draft of {skill} cannot be published", examined.errors)
    made = await _add(work, examined, number + 1, note=note)
    await _write(work, draft, examined.files, made.number)
    work.audit(
        "skill.published",
        subject=f"skills:{skill}",
        before={"version": number},
        after={"version": made.number, "content": made.content_hash, "note": made.note},
    )
    await _tell_editors(work, skill, draft, made)
    return made


async def _tell_editors(work: Unit, skill: str, draft: Draft, made: Version) -> None:
    """Who else wrote at the draft since the last version."""
    rows = await work.tx.fetch(
        "SELECT DISTINCT actor FROM audit_entries WHERE organization_id = $1 AND subject = $2 AND action = 'skill.draft_saved'"
        " AND at > coalesce((SELECT published_at FROM skill_versions WHERE organization_id = $1 AND skill = $3 AND number = $4), '-infinity')",
        work.organization_id,
        f"skills:{skill}",
        skill,
        made.number - 1,
    )
    me = person_behind(work.actor)
    subject = {
        "en": f"Version {made.number} of {skill}, with what you wrote, is published",
        "sw": f"Toleo {made.number} la {skill}, pamoja na ulichoandika, limechapishwa",
    }
    for who in {person_behind(each) for each in [draft.edited_by, *(row["actor"] for row in rows)]} - {None, me}:
        await notify(work, "skill.published", subject, f"/skills/{skill}", user_id=who)


async def roll_back(work: Unit, examined: Examined, *, current: int, note: str = "") -> Version:
    """Publishes an older version again, as a new one; SHIPPED brings back what the skill ships. `current` is what the caller saw.

    Raises:
        Moved: `current` does not count any more, or something was published or switched on or off since it was examined.
        NotSound: the older version does not fit the skill any more.
    """
    skill, to = examined.skill, examined.restores
    assert to is not None, "made by examine_version"
    await open_draft(work, skill)  # its row is the lock
    number = await number_of(work.tx, work.organization_id, skill)
    if number != current:
        raise Moved(f"version {number} of {skill} counts by now, not {current}", revision=0, current=number)
    await _expect_unmoved(work, examined, number)
    if examined.errors:
        raise NotSound(f"version {to} of {skill} does not fit any more", examined.errors)
    made = await _add(work, examined, number + 1, note=note)
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
    return [as_version(row) for row in rows]


async def knowledge_of(work: Unit, skill: str) -> dict[str, str]:
    """path -> text of the knowledge that counts: as shipped, with what the organization published over it. For the index."""
    overlay = await overlay_of(
        work.tx, work.organization_id, skill, await number_of(work.tx, work.organization_id, skill)
    )
    return knowledge_over(_skill(work, skill).folder, overlay)


# -- below


def _skill(work: Unit, name: str) -> Skill:
    return writable(work.runtime.registry, name)


async def _locked(work: Unit, skill: str) -> Draft:
    return await draft_of(work.tx, work.organization_id, skill)


async def _expect_unmoved(work: Unit, examined: Examined, number: int) -> None:
    """What was found sound is sound only beside what stood around it; of two skills that are published at once the second looks again."""
    await work.tx.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended('publishing:' || $1, 0))", str(work.organization_id)
    )
    around = await what_is_around(work.tx, work.organization_id, _skill(work, examined.skill))
    if number != examined.number or not examined.around.same_beside(examined.skill, around):
        raise Moved(
            f"what counts beside the draft of {examined.skill} changed while it was checked: check it again",
            revision=examined.revision,
            current=number,
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


async def _add(work: Unit, examined: Examined, number: int, *, note: str) -> Version:
    overlay = Overlay(examined.files)
    manifest = _skill(work, examined.skill).manifest
    assert manifest is not None
    row = await work.tx.fetchrow(
        "INSERT INTO skill_versions (id, organization_id, skill, number, files, content_hash, dialogue_hash, shipped_version,"
        " restores, note, published_by, published_at)"
        " VALUES ($1, $2, $3, $4, $5::jsonb, $6, $7, $8, $9, $10, $11, $12) RETURNING *",
        uuid7(),
        work.organization_id,
        examined.skill,
        number,
        to_jsonb(examined.files),
        overlay.content_hash,
        overlay.dialogue_hash,
        manifest.version,
        examined.restores,
        note[:300],
        work.actor[:120],
        work.now,
    )
    return as_version(row)


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
