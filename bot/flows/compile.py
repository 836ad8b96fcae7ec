"""From loaded skills to one Compiled: names resolved, conditions and texts compiled, unusable flows left out."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from bot.flows.core import core_skill
from bot.flows.diagnostics import Pos, Reporter
from bot.flows.model import Compiled, Flow, Response, Scopes, Slot
from bot.flows.resolve import CORE, Names, bind_condition, bind_rejections
from bot.flows.responses import compile_response
from bot.flows.source import FlowSource, SkillSource, SlotSource
from bot.flows.steps import compile_steps
from bot.flows.values import Unfit, coerce
from bot.flows.words import normalise

__all__ = ["compile_flows"]


def compile_flows(
    skills: Sequence[SkillSource], *, default_locale: str = "en", organization: str = "organization"
) -> Compiled:
    """Compiles usable skills together with the built-in `core`; what cannot be resolved is in `.diagnostics`.

    Ids become `skill:name`. A plain name means the skill's own, then that of a skill it requires, then core's. A flow
    that names what does not exist is refused and left out, with those that call or link to it.

    The skill named `organization` speaks for the whole: its patterns, their texts and its default actions stand in for
    core's, whatever skill is running. Any other skill's patterns hold for its own flows only.
    """
    sources = [skill for skill in skills if skill.usable and skill.name != CORE]
    sources.append(next((skill for skill in skills if skill.name == CORE), core_skill()))
    return _Compiler(sources, default_locale, organization).run()


@dataclass(slots=True)
class _Draft:
    source: FlowSource
    skill: str
    flow: Flow
    called: tuple[str, ...]
    linked: tuple[str, ...]


class _Compiler:
    def __init__(self, sources: Sequence[SkillSource], default_locale: str, organization: str) -> None:
        self._sources = sources
        self._default_locale = default_locale
        self._organization = organization
        self._names = Names(sources, organization)
        self._report = Reporter()

    def run(self) -> Compiled:
        slots = {slot.id: slot for skill in self._sources for slot in self._slots(skill)}
        drafts = {draft.flow.id: draft for skill in self._sources for draft in self._drafts(skill, slots)}
        self._refuse_dangling(drafts)
        flows = {flow_id: self._with_calls(draft, drafts, slots) for flow_id, draft in drafts.items()}
        intents = _intents(drafts)
        return Compiled(
            content_hash=self._hash(),
            default_locale=self._default_locale,
            flows=MappingProxyType(flows),
            slots=MappingProxyType(slots),
            responses=MappingProxyType(self._responses()),
            scopes=MappingProxyType({skill.name: self._scopes(skill.name, flows) for skill in self._sources}),
            initial=MappingProxyType({slot.id: slot.initial for slot in slots.values() if slot.initial is not None}),
            words=MappingProxyType(self._words(drafts)),
            examples=MappingProxyType(self._examples(drafts, intents)),
            intents=MappingProxyType(intents),
            synonyms=MappingProxyType({normalise(k): v for skill in self._sources for k, v in skill.synonyms.items()}),
            diagnostics=tuple(self._report.found),
            session=MappingProxyType({skill.name: skill.session for skill in self._sources}),
            organization=self._organization,
        )

    def _hash(self) -> str:
        digest = hashlib.sha256(f"{self._default_locale}/{self._organization}".encode())
        for skill in sorted(self._sources, key=lambda skill: skill.name):
            digest.update(f"{skill.name}={skill.digest}:{','.join(skill.requires)};".encode())
        return digest.hexdigest()[:32]

    # -- slots and responses

    def _slots(self, skill: SkillSource) -> list[Slot]:
        return [self._slot(skill.name, source) for source in skill.slots.values()]

    def _slot(self, skill: str, source: SlotSource) -> Slot:
        slot = Slot(
            id=f"{skill}:{source.name}",
            name=source.name,
            skill=skill,
            type=source.type,  # type: ignore[arg-type]  # checked by the reader
            values=source.values,
            min_value=source.min_value,
            max_value=source.max_value,
            accept=source.accept,
            controlled=source.mappings == ("controlled",),
            rejections=bind_rejections(source.rejections, skill, self._names, self._report),
            refill_utter=self._names.response(source.refill_utter, skill) if source.refill_utter else None,
        )
        try:
            initial = coerce(slot, source.initial)
        except Unfit as e:
            self._report.error("CN-SLOT-012", f'initial value of "{source.name}" is {e}', source.pos)
            return slot
        return replace(slot, initial=initial)

    def _responses(self) -> dict[str, Mapping[str, Response]]:
        found: dict[str, dict[str, Response]] = {"": {}}
        for skill in self._sources:
            for locale, responses in skill.responses.items():
                here = found.setdefault("" if locale == self._default_locale else locale, {})
                for source in responses.values():
                    response = compile_response(source, skill.name, self._names, self._report)
                    here.setdefault(response.id, response)
        return {locale: MappingProxyType(here) for locale, here in found.items()}

    # -- flows

    def _drafts(self, skill: SkillSource, slots: Mapping[str, Slot]) -> list[_Draft]:
        made = []
        for source in skill.flows.values():
            if source.refused:
                continue
            self._report.flow = source.id
            before = len(self._report.found)
            draft = self._draft(source, skill.name, slots)
            refused = any(found.severity == "error" for found in self._report.found[before:])
            if not refused:
                made.append(draft)
        self._report.flow = ""
        return made

    def _draft(self, source: FlowSource, skill: str, slots: Mapping[str, Slot]) -> _Draft:
        steps = compile_steps(source, skill, self._names, slots, self._report)
        collects = frozenset(step.target for step in steps if step.kind == "collect")
        assigned = frozenset(slot for step in steps for slot, _ in step.assignments)
        flow = Flow(
            id=f"{skill}:{source.id}",
            skill=skill,
            name=source.name or source.id.replace("_", " "),
            names=MappingProxyType(dict(source.names)),
            description=source.description,
            steps=steps,
            index=MappingProxyType({step.id: n for n, step in enumerate(steps)}),
            guard=bind_condition(source.guard, skill, self._names, self._report) if source.guard else None,
            intents=source.intents,
            run_pattern_completed=source.run_pattern_completed,
            always_include_in_prompt=source.always_include_in_prompt,
            collects=collects,
            touches=collects | assigned,
            resets=(),
            is_pattern=source.id.startswith("pattern_"),
        )
        called = tuple(step.target for step in steps if step.kind == "call")
        linked = tuple(step.target for step in steps if step.kind == "link")
        return _Draft(source, skill, flow, called, linked)

    def _refuse_dangling(self, drafts: dict[str, _Draft]) -> None:
        """Leaves out flows that call or link to one that is not there, until nothing changes."""
        while True:
            broken = [
                (flow_id, target)
                for flow_id, draft in drafts.items()
                for target in (*draft.called, *draft.linked)
                if target not in drafts
            ]
            if not broken:
                break
            for flow_id, target in broken:
                if draft := drafts.pop(flow_id, None):
                    self._report.flow = draft.source.id
                    self._report.error("CN-NAME-003", f'it needs flow "{target}", which was refused', draft.source.pos)
        for draft in drafts.values():
            self._report.flow = draft.source.id
            for target in draft.called:
                if drafts[target].linked:
                    self._report.warning("CN-FLOW-034", f'called flow "{target}" may not `link`', draft.source.pos)
        self._report.flow = ""

    def _with_calls(self, draft: _Draft, drafts: Mapping[str, _Draft], slots: Mapping[str, Slot]) -> Flow:
        """The flow with the slots of all that it calls, at any depth: they live and end with it."""
        members = _reach(draft, drafts)
        kept = {self._names.slot(name, member.skill) for member in members for name, _ in member.source.persisted}
        kept |= {
            self._names.slot(step.target, member.skill)
            for member in members
            for step in member.source.steps
            if step.reset_after_flow_ends is False
        }
        touches = frozenset(slot for member in members for slot in member.flow.touches)
        return replace(
            draft.flow,
            collects=frozenset(slot for member in members for slot in member.flow.collects),
            touches=touches,
            resets=tuple((slot, slots[slot].initial) for slot in sorted(touches) if slot not in kept),
        )

    # -- words

    def _scopes(self, skill: str, flows: Mapping[str, Flow]) -> Scopes:
        names = self._names
        return Scopes(
            flows=MappingProxyType({k: v for k, v in names.all_flows(skill).items() if v in flows}),
            slots=MappingProxyType(names.all_slots(skill)),
            responses=MappingProxyType(names.all_responses(skill)),
            actions=MappingProxyType(names.all_actions(skill)),
        )

    def _words(self, drafts: Mapping[str, _Draft]) -> dict[str, str]:
        found: dict[str, str] = {}
        for flow_id, draft in drafts.items():
            for phrases in draft.source.words.values():
                for phrase in phrases:
                    taken = found.setdefault(normalise(phrase), flow_id)
                    if taken != flow_id:
                        self._report.warning(
                            "CN-NAME-004", f'the words "{phrase}" already start {taken}', draft.source.pos
                        )
        found.pop("", None)
        return found

    def _examples(
        self, drafts: Mapping[str, _Draft], intents: Mapping[str, tuple[tuple[str, float], ...]]
    ) -> dict[str, tuple[str, ...]]:
        found: dict[str, tuple[str, ...]] = {}
        for skill in self._sources:
            for name, texts in skill.examples.items():
                flows = self._flows_of(name, skill.name, drafts, intents, texts[0][1] if texts else Pos(skill.name))
                for text, _ in texts:
                    words = normalise(text)
                    known = found.get(words, ())
                    found[words] = known + tuple(flow for flow in flows if flow not in known)
        found.pop("", None)
        return found

    def _flows_of(
        self,
        name: str,
        skill: str,
        drafts: Mapping[str, _Draft],
        intents: Mapping[str, tuple[tuple[str, float], ...]],
        pos: Pos,
    ) -> tuple[str, ...]:
        own = self._names.flow(name, skill)
        if own in drafts:
            return (str(own),)
        triggered = tuple(flow for flow, _ in intents.get(name, ()) if drafts[flow].skill == skill)
        if not triggered:
            self._report.note("CN-NLU-007", f'no flow is started by "{name}"', pos, "use the flow's id, or nlu_trigger")
        return triggered


def _intents(drafts: Mapping[str, _Draft]) -> dict[str, tuple[tuple[str, float], ...]]:
    found: dict[str, tuple[tuple[str, float], ...]] = {}
    for flow_id, draft in drafts.items():
        for intent, threshold in draft.source.intents:
            found[intent] = (*found.get(intent, ()), (flow_id, threshold))
    return found


def _reach(draft: _Draft, drafts: Mapping[str, _Draft]) -> list[_Draft]:
    seen: dict[str, _Draft] = {}
    todo = [draft]
    while todo:
        member = todo.pop()
        if member.flow.id not in seen:
            seen[member.flow.id] = member
            todo.extend(drafts[target] for target in member.called)
    return list(seen.values())
