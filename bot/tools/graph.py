"""`chatnation graph`: flows as Mermaid, to be pasted into any Markdown."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping

from bot.errors import ChatNationError
from bot.flows import Compiled, Flow, Step
from bot.flows.model import END
from bot.flows.source import FlowSource, StepSource
from bot.registry import Registry

__all__ = ["graph_of", "mermaid"]

_SHAPES = {
    "collect": '{id}[/"{text}"/]',
    "utter": '{id}("{text}")',
    "action": '{id}[["{text}"]]',
    "builtin": '{id}[["{text}"]]',
    "call": '{id}[["{text}"]]',
    "link": '{id}>"{text}"]',
}
_MAX_TEXT = 60


def graph_of(what: str) -> str:
    """One flow (`flow` or `skill:flow`), or all of a skill.

    Raises:
        ChatNationError: nothing is called that.
    """
    registry = Registry.load()
    found: list[str] = []
    known: list[str] = []
    for skill in registry.usable:
        if skill.source is None or skill.manifest is None:
            continue
        compiled = registry.compiled([*skill.manifest.requires, skill.name])
        known += [skill.name, *skill.source.flows]
        found += [
            mermaid(compiled.flows[f"{skill.name}:{flow.id}"], compiled, flow)
            for flow in skill.source.flows.values()
            if what in (skill.name, flow.id, f"{skill.name}:{flow.id}")
        ]
    if not found:
        broken = registry.skills.get(what.partition(":")[0])
        if broken is not None and broken.off:
            raise ChatNationError(f"the skill {broken.name} is off: " + "; ".join(broken.problems))
        near = difflib.get_close_matches(what, known, 1)
        hint = (
            f"; did you mean {near[0]}?"
            if near
            else f"; there are the skills {', '.join(each.name for each in registry.usable)}"
        )
        raise ChatNationError(f"there is no skill or flow {what}{hint}")
    return "\n".join(found).rstrip()


def mermaid(
    flow: Flow, compiled: Compiled, source: FlowSource, *, standing: Mapping[tuple[str, str], int] | None = None
) -> str:
    """Questions are slanted, answers round, actions framed; a condition stands on its arrow.

    Args:
        standing: (flow, step) -> how many conversations stand there; a number beside the step.
    """
    written = {step.id: step for step in source.steps}
    lines = [f"%% {flow.id}", "flowchart TD", f'    begin(["{_quoted(flow.name or flow.id)}"]) --> s0']
    for number, step in enumerate(flow.steps):
        shape = _SHAPES.get(step.kind, '{id}["{text}"]')
        lines.append("    " + shape.format(id=f"s{number}", text=_quoted(_text_of(step, compiled))))
    for number, step in enumerate(flow.steps):
        if step.kind != "link":
            lines += [f"    s{number} {arrow}" for arrow in _arrows(step, written.get(step.id))]
    for number, step in enumerate(flow.steps):
        if count := (standing or {}).get((flow.id, step.id)):
            lines.append(f'    s{number} -.- here{number}(("{count}"))')
            lines.append(f"    class here{number} here")
    if standing:
        lines.append("    classDef here fill:#0d7a5f,stroke:#0d7a5f,color:#ffffff,font-weight:bold")
    lines.append('    finish(["end"])')
    return "\n".join(lines) + "\n"


def _arrows(step: Step, written: StepSource | None) -> Iterator[str]:
    if isinstance(step.next, int):
        yield f"--> {_place(step.next)}"
        return
    conditions = written.next if written is not None and isinstance(written.next, tuple) else ()
    for n, branch in enumerate(step.next):
        said = conditions[n].condition if n < len(conditions) else None
        yield f'-->|"{_quoted(said.text if said is not None else "else")}"| {_place(branch.to)}'


def _place(to: int) -> str:
    return "finish" if to == END else f"s{to}"


def _text_of(step: Step, compiled: Compiled) -> str:
    target = step.target.partition(":")[2] or step.target
    match step.kind:
        case "collect":
            return f"{target}?"
        case "set_slots":
            return ", ".join(f"{slot.partition(':')[2]} = {value}" for slot, value in step.assignments)
        case "call" | "link":
            flow = compiled.flows.get(step.target)
            return f"{step.kind} {flow.name if flow is not None and flow.name else target}"
        case "noop":
            return step.id
        case _:
            return target


def _quoted(text: str) -> str:
    """Mermaid ends a label at a quote and reads entities by their number."""
    text = " ".join(text.split())
    text = text if len(text) <= _MAX_TEXT else f"{text[: _MAX_TEXT - 1]}…"
    return text.replace("#", "#35;").replace('"', "#quot;").replace("<", "#lt;").replace(">", "#gt;")
