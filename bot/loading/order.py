"""Skills together: which stands on which, and what that turns off."""

from __future__ import annotations

from collections.abc import Sequence

from bot.flows import compile_flows
from bot.loading.skill import Skill
from bot.manifest import place_of

__all__ = ["compile_each", "follow_the_required", "in_order_of_requirements"]


def in_order_of_requirements(skills: Sequence[Skill]) -> list[Skill]:
    by_name = {skill.name: skill for skill in skills if not skill.off}
    ordered: list[Skill] = []
    visiting: set[str] = set()

    def visit(skill: Skill) -> None:
        if skill in ordered:
            return
        if skill.name in visiting:
            skill.turn_off(f"{skill.folder / 'skill.yml'}:1:1 skills require each other in a circle")
            return
        visiting.add(skill.name)
        for n, needed in enumerate(skill.manifest.requires if skill.manifest else ()):
            where = place_of(skill.folder / "skill.yml", "requires", n)
            if needed not in by_name:
                skill.turn_off(f"{where} requires the skill {needed}, which is not there or broken")
            else:
                visit(by_name[needed])
                if by_name[needed].off:
                    skill.turn_off(f"{where} requires the skill {needed}, which is off")
        ordered.append(skill)

    for skill in skills:
        if skill.off:
            ordered.append(skill)  # it may carry the name of another that is on
        else:
            visit(skill)
    return ordered


def compile_each(ordered: Sequence[Skill]) -> None:
    """Names that lead nowhere show when a skill is put together with those it requires; they turn it off."""
    sources = {skill.name: skill.source for skill in ordered if not skill.off}
    for skill in ordered:
        if skill.off or skill.source is None or skill.manifest is None:
            continue
        needed = [source for name in skill.manifest.requires if (source := sources.get(name)) is not None]
        skill.found = compile_flows([*needed, skill.source]).diagnostics
        errors = [each for each in skill.found if each.severity == "error"]
        if errors:
            skill.off = True
            skill.problems += [f"{skill.folder / each.file}{str(each).removeprefix(each.file)}" for each in errors]


def follow_the_required(skill: Skill, ordered: Sequence[Skill]) -> None:
    """What a skill stands on may have been turned off after the order was found."""
    there = {other.name for other in ordered if not other.off}
    for other in ordered:
        if (
            not skill.off
            and other.off
            and other.name not in there
            and skill.manifest is not None
            and other.name in skill.manifest.requires
        ):
            skill.turn_off(f"{skill.folder / 'skill.yml'}:1:1 requires the skill {other.name}, which is off")
