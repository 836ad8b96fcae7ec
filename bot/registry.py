"""Finds, orders and loads skills. A broken skill is off, and says why; the others run.

Built-in skills are folders of the package `skills` with a `skill.yml`, and so are those of the user's folders; installed packages bring theirs by the entry point group
`chatnation.skills`. Flows are read in every process, Python code only where it runs: workers import `actions.py`, and of the task modules only
those of their own queue.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from bot.flows import Compiled, Diagnostic, SkillSource
from bot.http import Routes
from bot.loading.code import import_code, import_module, import_tasks, marked
from bot.loading.order import compile_each, follow_the_required, in_order_of_requirements
from bot.loading.read import FLOW_FILES, find_skills, read_skills
from bot.loading.sets import CompiledSets
from bot.loading.skill import Handler, Skill, TaskFunction
from bot.manifest import MenuItem, Trigger, Trust
from bot.network import asker_of
from bot.publishing.overlay import Overlay
from bot.remote.settings import RemoteSettings
from bot.skill import Event, Job, MenuEntry, NamesFunction, SkillContext
from bot.timeline import Teller
from store.access import Asker

__all__ = ["FLOW_FILES", "Registry", "Skill", "find_skills"]

log = logging.getLogger(__name__)

QUEUES = ("interactive", "bulk", "render")


class Registry:
    """The skills of one process. Immutable once loaded, but for the cache of compiled sets."""

    def __init__(self, skills: Sequence[Skill]) -> None:
        self.skills: dict[str, Skill] = {}
        for skill in skills:
            # The first of a name has it: an installed package does not put itself before a built-in skill.
            self.skills[skill.name if skill.name not in self.skills else f"{skill.name} ({skill.package})"] = skill
        self._sets = CompiledSets(self.skills)

    @classmethod
    def load(
        cls,
        *,
        context: Callable[[str], SkillContext] | None = None,
        queue: str | None = None,
        package: str = "skills",
        remote: RemoteSettings | None = None,
        admin: bool = False,
    ) -> Registry:
        """Reads every skill; with `context` also imports actions and event handlers, with `queue` the task modules of that queue ("all": of every one),
        with `admin` its pages of the admin app."""
        ordered = in_order_of_requirements(read_skills(package))
        compile_each(ordered)
        for skill in ordered:
            follow_the_required(skill, ordered)
            if not skill.off and context is not None:
                import_code(skill, context(skill.name), remote or RemoteSettings())
            for each in QUEUES if queue == "all" else (queue,):
                if not skill.off and each is not None:
                    import_tasks(skill, each)
            if admin and not skill.off and skill.manifest is not None and skill.manifest.trust is not Trust.REMOTE:
                import_module(skill, "admin")
        for skill in ordered:
            for problem in skill.problems:
                log.error("skill problem", extra={"skill": skill.name, "off": skill.off, "problem": problem})
        return cls(ordered)

    @property
    def usable(self) -> list[Skill]:
        return [skill for skill in self.skills.values() if not skill.off]

    def held(self, enabled: Iterable[str], versions: Mapping[str, str]) -> Compiled | None:
        """The set with these versions (skill to `Overlay.dialogue_hash`), if it was compiled lately."""
        return self._sets.held(self._usable(enabled), versions)

    def compiled(self, enabled: Iterable[str], overlays: Mapping[str, Overlay] | None = None) -> Compiled:
        """The flows of these skills, in this order; unknown and broken ones are passed over.

        An overlay that does not fit the skill any more is passed over too: the organization has the skill as shipped.
        """
        return self._sets.compiled(self._usable(enabled), overlays or {})

    def faults(self, enabled: Iterable[str], overlays: Mapping[str, Overlay]) -> list[Diagnostic]:
        """What is to be said of these overlays that is not said of the skills as shipped; places are relative to the skill."""
        return self._sets.faults(self._usable(enabled), overlays)

    def source(self, name: str, overlay: Overlay | None = None) -> SkillSource:
        """A skill as loaded, with these files over it."""
        return self._sets.source(name, overlay)

    def sources(self, names: Iterable[str], made: Mapping[str, SkillSource] | None = None) -> list[SkillSource]:
        return self._sets.sources(names, made)

    def _usable(self, enabled: Iterable[str]) -> tuple[str, ...]:
        return self._sets.usable(enabled)

    def menu(self, enabled: Iterable[str], locale: str) -> list[MenuEntry]:
        entries = []
        for name in enabled:
            skill = self.skills.get(name)
            if skill is not None and skill.manifest is not None and not skill.off:
                entries += [_in_language(name, item, locale) for item in skill.manifest.menu]
        return entries

    def diagnostics(self, name: str) -> list[Diagnostic]:
        """What loader and compiler have to say of a skill."""
        skill = self.skills[name]
        return [
            *(skill.source.diagnostics if skill.source else ()),
            *(d for d in skill.found if d not in (skill.source.diagnostics if skill.source else ())),
        ]

    def declared_actions(self, name: str) -> set[str]:
        """As the skill's domain lists them."""
        source = self.skills[name].source
        return set() if source is None else set(source.actions)

    def action(self, loaded_id: str) -> Any | None:
        """The action instance behind `skill:action`, or None."""
        skill, _, name = loaded_id.partition(":")
        return self.skills[skill].actions.get(name) if skill in self.skills else None

    def action_timeout_s(self, skill: str) -> float | None:
        """The skill's own limit for one action, if it has one."""
        found = self.skills.get(skill)
        return found.manifest.limits.action_timeout if found is not None and found.manifest is not None else None

    def may_send(self, skill: str) -> bool:
        """Whether jobs of the skill may send messages. Those of no skill are the platform's own."""
        found = self.skills.get(skill)
        return found is None or found.manifest is None or found.manifest.capabilities.send_proactive

    def asker(self, skill: str) -> Asker | None:
        """For whom its actions and jobs run, which is what its manifest lets them do; None: it is no skill of ours, or the platform."""
        found = self.skills.get(skill)
        return (
            asker_of(skill, found.manifest.capabilities) if found is not None and found.manifest is not None else None
        )

    def llm_limits(self) -> dict[str, int]:
        """How often models may be asked for a skill in one turn, of those that say so."""
        return {
            skill.name: limit
            for skill in self.usable
            if skill.manifest is not None and (limit := skill.manifest.limits.llm_calls_per_turn) is not None
        }

    def webhooks(self, enabled: Iterable[str]) -> dict[tuple[str, str], Trigger]:
        """What listens to other systems, of these skills: (skill, name of the trigger) -> it."""
        return {
            (name, trigger.label): trigger
            for name in self._usable(enabled)
            if (manifest := self.skills[name].manifest) is not None
            for trigger in manifest.triggers
            if trigger.kind == "webhook"
        }

    def task(self, name: str) -> tuple[type[Job], TaskFunction] | None:
        skill = self.skills.get(name.partition(".")[0])
        return skill.tasks.get(name) if skill is not None and not skill.off else None

    def names(self, enabled: Iterable[str]) -> dict[str, NamesFunction]:
        """Who tells what there is of an entity, of these skills."""
        return {entity: tell for name in self._usable(enabled) for entity, tell in self.skills[name].names.items()}

    def routes(self) -> list[tuple[str, Routes]]:
        """What skills bring in their `http.py`, which is imported here: only the web process asks."""
        found = []
        for skill in self.usable:
            if skill.manifest is not None and skill.manifest.trust is Trust.REMOTE:
                continue
            module = import_module(skill, "http")
            found += [
                (skill.name, each)
                for each in (vars(module).values() if module is not None else ())
                if isinstance(each, Routes)
            ]
        return found

    def told(self) -> dict[str, type[Event]]:
        """What organizations may have sent to them, by name: the events of the skills' `events.py` that say so. It is imported here."""
        found: dict[str, type[Event]] = {}
        for skill in self.usable:
            if skill.manifest is None or skill.manifest.trust is Trust.REMOTE:
                continue
            module = import_module(skill, "events")
            events = [
                each
                for each in (vars(module).values() if module is not None else ())
                if isinstance(each, type) and issubclass(each, Event) and each.webhook is not None
            ]
            found.update({each.name: each for each in events if each.name.startswith(f"{skill.name}.")})
        return found

    def tellers(self, enabled: Iterable[str]) -> list[Teller]:
        """Who tells, of these skills, what happened to a contact: the functions of their `timeline.py`, which is imported here."""
        return [
            tell
            for name in self._usable(enabled)
            if (manifest := self.skills[name].manifest) is not None and manifest.trust is not Trust.REMOTE
            for tell in marked(import_module(self.skills[name], "timeline"), "__chatnation_timeline__")
        ]

    def permissions(self) -> dict[str, str]:
        """What the skills' manifests define, each with its least role."""
        return {
            name: least
            for skill in self.usable
            if skill.manifest is not None
            for name, least in skill.manifest.permissions.items()
        }

    def handlers(self, event: Event, enabled: Iterable[str]) -> list[Handler]:
        return [
            handler
            for name in enabled
            if name in self.skills and not self.skills[name].off
            for handler in self.skills[name].handlers.get(event.name, ())
        ]


def _in_language(skill: str, item: MenuItem, locale: str) -> MenuEntry:
    def pick(texts: dict[str, str]) -> str:
        return texts.get(locale) or texts.get(locale.split("-")[0]) or texts.get("en") or next(iter(texts.values()), "")

    return MenuEntry(f"{skill}:{item.flow}", pick(item.title), pick(item.description))
