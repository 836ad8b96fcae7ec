"""Finds skills and reads their files, without importing a line of theirs."""

from __future__ import annotations

from pathlib import Path

from bot.flows import SkillSource, load_skill
from bot.loading.skill import Skill
from bot.manifest import ENGINE, Manifest, ManifestError, place_of, read_manifest
from store.apps import installed_skills, skill_roots

__all__ = ["FLOW_FILES", "find_skills", "give_what_the_manifest_says", "read_skills"]

FLOW_FILES = (
    "flows.yml",
    "domain.yml",
    "nlu.yml",
    "flows/*.yml",
    "domain/*.yml",
    "nlu/*.yml",
    "locales/*.yml",
    "locales/*/*.yml",
)


def find_skills(package: str = "skills") -> list[tuple[str, str, Path]]:
    """(name, package, folder) of every installed skill, built-in ones first."""
    found: list[tuple[str, str, Path]] = []
    for root in skill_roots(package):
        found += [(m.parent.name, f"{package}.{m.parent.name}", m.parent) for m in sorted(root.glob("*/skill.yml"))]
    found += [(each.name, each.package, each.folder) for each in installed_skills() if each.folder is not None]
    return found


def read_skills(package: str) -> list[Skill]:
    """Every skill there is, broken ones with what is wrong. The first of a name has it, and says that there is another."""
    skills: list[Skill] = []
    for name, module, folder in find_skills(package):
        known = next((other for other in skills if other.name == name), None)
        if known is not None:
            known.problems.append(
                f"{folder / 'skill.yml'}:1:1 a skill named {name} is installed already, in {known.folder}"
            )
            continue
        skills.append(skill := Skill(name, module, folder))
        _read(skill)
    for lost in installed_skills():
        if lost.folder is None and not any(other.name == lost.name for other in skills):
            skills.append(skill := Skill(lost.name, lost.package, Path(lost.name)))
            skill.turn_off(
                f"{skill.folder / 'skill.yml'}:1:1 the package of this skill cannot be found: {lost.problem}"
            )
    return skills


def _read(skill: Skill) -> None:
    try:
        skill.manifest = read_manifest(skill.folder / "skill.yml", name=skill.name)
    except (ManifestError, OSError) as e:
        skill.turn_off(str(e))
        return
    if not skill.manifest.fits_engine():
        where = place_of(skill.folder / "skill.yml", "engine")
        skill.turn_off(f"{where} engine {skill.manifest.engine} is not this one, which is {ENGINE}")
        return
    files: dict[str, str] = {}
    for path in (path for pattern in FLOW_FILES for path in sorted(skill.folder.glob(pattern))):
        try:
            files[str(path.relative_to(skill.folder))] = path.read_text("utf-8")
        except (UnicodeDecodeError, OSError) as e:
            skill.turn_off(f"{path}:1:1 cannot be read as UTF-8 text: {e}")
            return
    source = load_skill(skill.name, files)
    give_what_the_manifest_says(source, skill.manifest)
    skill.source = source
    _check_promises(skill, source)
    skill.problems += [f"{skill.folder}/{each}" for each in source.diagnostics if each.severity == "error"]
    if not source.usable or skill.problems:
        # A flow file with an error turns the skill off as a whole: half a skill answers half a question.
        skill.off = True


def give_what_the_manifest_says(source: SkillSource, manifest: Manifest | None) -> None:
    """Words that start a flow may stand in the manifest too: whoever words the flow anew does not lose them."""
    if manifest is None:
        return
    source.requires = tuple(manifest.requires)
    for trigger in manifest.triggers:
        flow = source.flows.get(trigger.flow)
        if flow is None:
            continue
        for locale, phrases in trigger.words.items():
            flow.words[locale] = (*flow.words.get(locale, ()), *phrases)


def _check_promises(skill: Skill, source: SkillSource) -> None:
    """What the manifest says of flows and slots is there, and its names carry the skill's."""
    manifest, file = skill.manifest, skill.folder / "skill.yml"
    assert manifest is not None
    promised = (
        (("provides", "flows"), manifest.provides.flows, source.flows, "flow"),
        (("slots", "exports"), manifest.slots.exports, source.slots, "slot"),
    )
    for keys, names, known, what in promised:
        for n, name in enumerate(names):
            if name not in known:
                skill.turn_off(f"{place_of(file, *keys, n)} {'.'.join(keys)}: there is no {what} {name}")
    _check_triggers(skill, manifest, source)
    for key, found in (("meters", manifest.meters), ("permissions", tuple(manifest.permissions))):
        for n, name in enumerate(found):
            if not name.startswith(f"{skill.name}.") and name != "message.out":
                where = place_of(file, key, n if key == "meters" else name)
                skill.turn_off(f"{where} {key}: {name} does not begin with {skill.name}.")


def _check_triggers(skill: Skill, manifest: Manifest, source: SkillSource) -> None:
    file, labels = skill.folder / "skill.yml", set[tuple[str, str]]()
    for n, trigger in enumerate(manifest.triggers):
        key, why = "", ""
        if trigger.flow and trigger.flow not in source.flows:
            key, why = "flow", f"there is no flow {trigger.flow}"
        elif trigger.job and not trigger.job.startswith(f"{skill.name}."):
            key, why = "job", f"{trigger.job} does not begin with {skill.name}."
        elif trigger.job and trigger.queue not in manifest.tasks:
            key, why = "job", f"the skill has no tasks for the queue {trigger.queue}: name their module under `tasks`"
        elif trigger.kind != "words" and trigger.flow and not manifest.capabilities.send_proactive:
            key, why = "flow", "what it starts speaks first: say capabilities.send_proactive: true"
        elif trigger.kind != "words" and (trigger.kind, trigger.label) in labels:
            key, why = "kind", f"two triggers of this kind are called {trigger.label}: give each a `name`"
        if why:
            skill.turn_off(f"{place_of(file, 'triggers', n, key)} triggers: {why}")
        labels.add((trigger.kind, trigger.label))
