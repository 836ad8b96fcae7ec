"""Skills: on and off, and what the organization makes of them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, StringConstraints

from bot.flows import Diagnostic
from bot.http import NOT_FOUND, Answer, Ask, Body, Filter, Kind, Line, Listed, Problem, Routes
from bot.publishing import service
from bot.publishing.overlay import Unfit
from bot.publishing.switch import Needed, set_enabled
from bot.registry import Skill
from bot.unit import Unit
from channels.api.problems import MOVED, NOT_SOUND
from store.models import SkillInstall

routes = Routes(
    "Skills",
    "What your bot can do. Everybody of your organization shares one draft of a skill; each change says the `revision` that it was made from.",
)

NEEDED = Kind("skill-needed", 409, "Skills stand on each other")
UNFIT = Kind("unfit-file", 422, "No such file can be published")

SkillName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,30}$")]
Revision = Annotated[int, Field(ge=1, le=2**31 - 1, description="Of the draft that you saw.")]
Number = Annotated[int, Field(ge=0, le=2**31 - 1)]
Note = Annotated[Line, StringConstraints(max_length=300)]


class SkillOut(Answer):
    name: str
    title: str
    description: str
    version: str
    languages: list[str]
    requires: list[str]
    enabled: bool
    published: int = Field(description="The number of your own version that counts; 0: as shipped.")


class Switch(Body):
    model_config = ConfigDict(json_schema_extra={"examples": [{"enabled": True}]})

    enabled: bool


class DraftOut(Answer):
    skill: str
    files: dict[str, str | None] = Field(description="What differs from the skill as shipped; null: taken away.")
    revision: int
    base: int
    edited_by: str
    edited_at: datetime


class FileIn(Body):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"path": "locales/sw.yml", "text": "responses: {}\n", "revision": 1}]}
    )

    path: Annotated[Line, StringConstraints(min_length=1, max_length=200)]
    text: Annotated[str, StringConstraints(pattern=r"^[^\x00]*$", max_length=500_000)] | None = Field(
        description="null takes the file away."
    )
    revision: Revision


class AtRevision(Body):
    model_config = ConfigDict(json_schema_extra={"examples": [{"revision": 1}]})

    revision: Revision


class Publish(AtRevision):
    note: Note = ""


class RollBack(Body):
    model_config = ConfigDict(json_schema_extra={"examples": [{"to": 0, "current": 1}]})

    to: Number = Field(description="The version to publish again; 0: as shipped.")
    current: Number = Field(description="The version that you saw as the one that counts.")
    note: Note = ""


class VersionOut(Answer):
    number: int
    restores: int | None
    shipped_version: str
    note: str
    published_by: str
    published_at: datetime


class DiagnosticOut(Answer):
    severity: str
    code: str
    message: str
    file: str
    line: int
    column: int


class ChangeOut(Answer):
    path: str
    what: Literal["added", "changed", "removed"]
    text: str = Field(description="A unified diff.")


class Versions(Filter):
    old: Number | None = Field(None, description="Left out: what is published.")
    new: Number | None = Field(None, description="Left out: the draft.")


@routes.get("/skills", permission="skills.view")
async def list_skills(ask: Ask) -> Listed[SkillOut]:
    """List the skills that there are."""
    installs = await _installs()
    return Listed([await _shown(ask, skill, installs) for skill in ask.runtime.registry.usable])


@routes.get("/skills/{skill}", permission="skills.view")
async def get_skill(ask: Ask, skill: SkillName) -> SkillOut:
    """Read a skill."""
    return await _shown(ask, _known(ask, skill), await _installs())


@routes.put("/skills/{skill}", permission="skills.switch", of=get_skill, raises={Needed: NEEDED})
async def switch_skill(ask: Ask, work: Unit, skill: SkillName, body: Switch) -> SkillOut:
    """Switch a skill on or off. What you made of it stays."""
    known = _known(ask, skill)
    await set_enabled(work, skill, enabled=body.enabled)
    ask.afterwards.append(ask.runtime.directory.forget)
    return await _shown(ask, known, await _installs())


@routes.post("/skills/{skill}/draft", permission="skills.edit")
async def open_draft(ask: Ask, work: Unit, skill: SkillName) -> DraftOut:
    """Open the draft; it is made from what is published where there is none."""
    _known(ask, skill)
    return DraftOut.model_validate(await service.open_draft(work, skill))


@routes.put(
    "/skills/{skill}/draft/file",
    permission="skills.edit",
    raises={Unfit: UNFIT},
    kinds=(MOVED,),
)
async def save_file(ask: Ask, work: Unit, skill: SkillName, body: FileIn) -> DraftOut:
    """Write one file of the draft. Mistakes may stand in it until it is published."""
    _known(ask, skill)
    await service.open_draft(work, skill)
    return DraftOut.model_validate(await service.save(work, skill, body.path, body.text, revision=body.revision))


@routes.post("/skills/{skill}/draft/discard", permission="skills.edit")
async def discard_draft(ask: Ask, work: Unit, skill: SkillName, body: AtRevision) -> DraftOut:
    """Make the draft what is published again."""
    _known(ask, skill)
    return DraftOut.model_validate(await service.discard(work, skill, revision=body.revision))


@routes.get("/skills/{skill}/draft/diagnostics", permission="skills.edit")
async def check_draft(ask: Ask, work: Unit, skill: SkillName) -> Listed[DiagnosticOut]:
    """List what is wrong with the draft, errors first."""
    _known(ask, skill)
    await service.open_draft(work, skill)
    return Listed([_diagnostic(each) for each in await service.check(work, skill)])


@routes.get("/skills/{skill}/diff", permission="skills.edit")
async def diff_skill(ask: Ask, work: Unit, skill: SkillName, query: Versions) -> Listed[ChangeOut]:
    """Compare two versions, or the draft with what is published."""
    _known(ask, skill)
    await service.open_draft(work, skill)
    numbers = {each.number for each in await service.versions(work, skill)} | {service.SHIPPED, None}
    for wanted in (query.old, query.new):
        if wanted not in numbers:
            raise Problem(NOT_FOUND, f"{skill} has no version {wanted}")
    changes = await service.diff(work, skill, old=query.old, new=query.new)
    return Listed([ChangeOut.model_validate(each) for each in changes])


@routes.post("/skills/{skill}/publish", permission="skills.publish", kinds=(NOT_SOUND, MOVED))
async def publish_skill(ask: Ask, work: Unit, skill: SkillName, body: Publish) -> VersionOut:
    """Publish the draft. One with errors is refused; `diagnostics` lists them."""
    _known(ask, skill)
    made = await service.publish(work, skill, revision=body.revision, note=body.note)
    ask.afterwards.append(ask.runtime.directory.forget)
    return VersionOut.model_validate(made)


@routes.get("/skills/{skill}/versions", permission="skills.view")
async def list_versions(ask: Ask, work: Unit, skill: SkillName) -> Listed[VersionOut]:
    """List what was published, the newest first."""
    _known(ask, skill)
    return Listed([VersionOut.model_validate(each) for each in await service.versions(work, skill)])


@routes.post("/skills/{skill}/rollback", permission="skills.publish", kinds=(NOT_SOUND, MOVED))
async def roll_back_skill(ask: Ask, work: Unit, skill: SkillName, body: RollBack) -> VersionOut:
    """Publish an older version again, under a new number."""
    _known(ask, skill)
    made = await service.roll_back(work, skill, to=body.to, current=body.current, note=body.note)
    ask.afterwards.append(ask.runtime.directory.forget)
    return VersionOut.model_validate(made)


def _known(ask: Ask, name: str) -> Skill:
    skill = ask.runtime.registry.skills.get(name)
    if skill is None or skill.off or skill.manifest is None:
        raise Problem(NOT_FOUND, f"there is no skill {name}")
    return skill


async def _installs() -> dict[str, bool]:
    return {each.skill: each.enabled for each in await SkillInstall.all()}


async def _shown(ask: Ask, skill: Skill, installs: dict[str, bool]) -> SkillOut:
    profile = await ask.runtime.directory.organization(ask.organization_id)
    version = profile.versions.get(skill.name)
    manifest = skill.manifest
    assert manifest is not None
    locale = profile.info.locale

    def said(texts: dict[str, str]) -> str:
        return texts.get(locale) or texts.get("en") or next(iter(texts.values()), "")

    return SkillOut(
        name=skill.name,
        title=said(manifest.title),
        description=said(manifest.description),
        version=manifest.version,
        languages=list(manifest.languages),
        requires=list(manifest.requires),
        enabled=installs.get(skill.name, False),
        published=version.number if version is not None else 0,
    )


def _diagnostic(each: Diagnostic) -> DiagnosticOut:
    return DiagnosticOut(
        severity=each.severity,
        code=each.code,
        message=each.message,
        file=each.file,
        line=each.line,
        column=each.column,
    )
