"""From loaded skills to one Compiled: names resolved, conditions and texts compiled, unusable flows left out."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from bot.flows.circles import find_circles
from bot.flows.core import core_skill
from bot.flows.diagnostics import Diagnostic, Pos, Reporter, nearest
from bot.flows.model import Compiled, Flow, Response, Scopes, Slot, SlotMapping
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


_PATTERNS_NOT_RUN = {
    "pattern_user_silence": "silence is known in calls only",
    "pattern_external_agent_processing": "agents cannot be called yet",
}


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
        self._broken: dict[str, Diagnostic] = {}  # loaded id of a slot or response -> what is wrong with it
        core = next((skill for skill in sources if skill.name == CORE), None)
        self._patterns_known = frozenset(core.flows if core else ())

    def run(self) -> Compiled:
        slots = {slot.id: slot for skill in self._sources for slot in self._slots(skill)}
        responses = self._responses()
        self._broken = self._find_broken()
        drafts = {draft.flow.id: draft for skill in self._sources for draft in self._drafts(skill, slots)}
        self._refuse_circles(drafts)
        self._refuse_dangling(drafts)
        flows = {flow_id: self._with_calls(draft, drafts, slots) for flow_id, draft in drafts.items()}
        self._let_project_replace_core(flows, responses)
        intents = _intents(drafts)
        return Compiled(
            content_hash=self._hash(),
            default_locale=self._default_locale,
            flows=MappingProxyType(flows),
            slots=MappingProxyType(slots),
            responses=MappingProxyType(responses),
            scopes=MappingProxyType({skill.name: self._scopes(skill.name, flows) for skill in self._sources}),
            initial=MappingProxyType({slot.id: slot.initial for slot in slots.values() if slot.initial is not None}),
            words=MappingProxyType(self._words(drafts)),
            examples=MappingProxyType(self._examples(drafts, intents)),
            intents=MappingProxyType(intents),
            synonyms=MappingProxyType({normalise(k): v for skill in self._sources for k, v in skill.synonyms.items()}),
            entities=MappingProxyType(self._entities()),
            patterns=MappingProxyType(self._patterns()),
            said=MappingProxyType(self._said()),
            forms=MappingProxyType(self._forms(flows)),
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
        made = []
        for source in skill.slots.values():
            with self._report.about(subject=f"slot:{source.name}"):
                made.append(self._slot(skill.name, source))
        return made

    def _mapping(self, mapping: SlotMapping, skill: str, source: SlotSource) -> SlotMapping:
        found = []
        for name in mapping.active_flows:
            flow = self._names.flow(name, skill)
            if flow is None:
                hint = nearest(name, self._names.all_flows(skill))
                self._report.warning("CN-SLOT-018", f'a mapping is for "{name}", which is no flow', source.pos, hint)
            found.append(flow or f"{skill}:{name}")
        return replace(mapping, active_flows=tuple(found))

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
            controlled=_is_controlled(source.mappings),
            mappings=tuple(self._mapping(mapping, skill, source) for mapping in source.mappings),
            action_every_turn=source.action_every_turn,
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
                    with self._report.about(subject=f"response:{source.name}"):
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
            self._check_pattern(source)
            draft = self._draft(source, skill.name, slots)
            self._check_parts(draft)
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
            aside=source.aside,
            always_include_in_prompt=source.always_include_in_prompt,
            collects=collects,
            touches=collects | assigned,
            resets=(),
            is_pattern=source.id in self._patterns_known,
        )
        called = tuple(step.target for step in steps if step.kind == "call")
        linked = tuple(step.target for step in steps if step.kind == "link")
        return _Draft(source, skill, flow, called, linked)

    def _check_pattern(self, source: FlowSource) -> None:
        if not source.id.startswith("pattern_") or source.id in self._patterns_known:
            return
        if why := _PATTERNS_NOT_RUN.get(source.id):
            self._report.error("CN-FLOW-047", f"{source.id} is not run: {why}", source.pos)
            return
        hint = nearest(source.id, self._patterns_known) or "name it otherwise"
        self._report.warning("CN-FLOW-046", f"{source.id} is no pattern: nothing starts it by itself", source.pos, hint)

    def _find_broken(self) -> dict[str, Diagnostic]:
        """Slots and responses with an error: flows that use them cannot run."""
        found: dict[str, Diagnostic] = {}
        for skill in self._sources:
            for each in (*skill.diagnostics, *self._report.found):
                second = each.code in ("CN-NAME-001", "CN-YAML-005") and each.pointer.count("/") == 2
                if each.severity == "error" and each.subject and not second:
                    found.setdefault(f"{skill.name}:{each.subject.partition(':')[2]}", each)
        return found

    def _check_parts(self, draft: _Draft) -> None:
        if not self._broken:
            return
        for n, step in enumerate(draft.flow.steps):
            used = [step.target, step.utter, *(rejection.utter for rejection in step.rejections)]
            used += [slot for slot, _ in step.assignments]
            for name in used:
                if name in self._broken:
                    source, fault = draft.source.steps[n], self._broken[name]
                    at = f"{fault.file}:{fault.line}:{fault.column}"
                    what = f'it needs "{name.partition(":")[2]}", which has an error at {at}'
                    self._report.error("CN-NAME-007", what, source.target_pos or source.pos)

    def _let_project_replace_core(self, flows: dict[str, Flow], responses: dict[str, Mapping[str, Response]]) -> None:
        """A whole project owns its patterns and their texts; a skill words them for its own flows only."""
        for skill in self._sources:
            if not skill.is_project:
                continue
            for name in skill.flows.keys() & self._patterns_known:
                if (own := flows.get(f"{skill.name}:{name}")) is not None:
                    flows[f"{CORE}:{name}"] = replace(own, id=f"{CORE}:{name}")
            known = {
                name.partition(":")[2] for here in responses.values() for name in here if name.startswith(f"{CORE}:")
            }
            for locale, here in responses.items():
                own_texts = {
                    name.partition(":")[2]: made for name, made in here.items() if name.startswith(f"{skill.name}:")
                }
                replaced = {f"{CORE}:{name}": made for name, made in own_texts.items() if name in known}
                responses[locale] = MappingProxyType({**here, **replaced})

    def _refuse_circles(self, drafts: dict[str, _Draft]) -> None:
        for circle in list(find_circles({flow_id: draft.flow for flow_id, draft in drafts.items()})):
            draft = drafts.get(circle.flow)
            if draft is None:
                continue
            step = draft.source.steps[circle.step]
            with self._report.about(flow=draft.source.id):
                say = self._report.error if circle.severity == "error" else self._report.warning
                say(circle.code, circle.message, step.target_pos or step.pos, circle.suggestion)
            if circle.severity == "error":
                del drafts[circle.flow]

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

    def _entities(self) -> dict[str, tuple[tuple[str, object], ...]]:
        found: dict[str, dict[str, object]] = {}
        for skill in self._sources:
            for entity, words in skill.entities.items():
                values = list(words.items())
                values += [(text, value) for text, value in skill.synonyms.items() if value in words.values()]
                for text, value in values:
                    if key := normalise(text):
                        found.setdefault(key, {}).setdefault(entity, skill.synonyms.get(str(value), value))
        return {words: tuple(known.items()) for words, known in found.items()}

    def _said(self) -> dict[str, str]:
        named = self._mapped_intents()
        return {
            normalise(text): name
            for skill in self._sources
            for name in named & skill.examples.keys()
            for text, _ in skill.examples[name]
        }

    def _mapped_intents(self) -> set[str]:
        slots = (slot for skill in self._sources for slot in skill.slots.values())
        return {
            name for slot in slots for mapping in slot.mappings for name in (*mapping.intents, *mapping.not_intents)
        }

    def _forms(self, flows: Mapping[str, Flow]) -> dict[str, tuple[str, ...]]:
        return {
            f"{skill.name}:{form.name}": tuple(self._names.slot(name, skill.name) or name for name, _ in form.required)
            for skill in self._sources
            for form in skill.forms.values()
            if f"{skill.name}:{form.name}" in flows
        }

    def _patterns(self) -> dict[str, tuple[re.Pattern[str], ...]]:
        found: dict[str, tuple[re.Pattern[str], ...]] = {}
        for skill in self._sources:
            for entity, texts in skill.patterns.items():
                found[entity] = (*found.get(entity, ()), *(re.compile(text, re.IGNORECASE) for text, _ in texts))
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
        is_refused = any(name in source.flows for source in self._sources if source.name == skill)
        if not triggered and not is_refused and name not in self._mapped_intents():
            hint = nearest(name, [flow.partition(":")[2] for flow, each in drafts.items() if each.skill == skill])
            hint = hint or "use the flow's id, or nlu_trigger"
            self._report.note("CN-NLU-007", f'no flow is started by "{name}"', pos, hint)
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


def _is_controlled(mappings: Sequence[SlotMapping]) -> bool:
    """Also where entities are the only words that count."""
    types = {mapping.type for mapping in mappings}
    return types <= {"controlled"} or types == {"controlled", "from_entity"}
