"""Going back: to the question a correction touches, or to the one before."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from bot.flows.collect import chain
from bot.flows.model import Slot
from bot.flows.run import Run
from bot.flows.state import Frame
from bot.flows.templates import show

__all__ = ["begin_correction", "correct_flow_slot", "correction_of", "go_back", "question_of"]


class Question(NamedTuple):
    flow: str  # the one that asks: the running flow, or one that it calls
    slot: str


def question_of(run: Run, root: Frame, entry: tuple[str, ...]) -> Question | None:
    """What a place in the path asks; None when a step of it is gone."""
    flow = run.compiled.flows[root.flow]
    for n, step_id in enumerate(entry):
        index = flow.index.get(step_id)
        if index is None:
            return None
        step = flow.steps[index]
        if n == len(entry) - 1:
            return Question(flow.id, step.target) if step.kind == "collect" else None
        if step.kind != "call":
            return None
        flow = run.compiled.flows[step.target]
    return None


def begin_correction(run: Run, values: Mapping[str, Any], titles: Mapping[str, str]) -> Frame | None:
    """Pushes pattern_correction for slots of the running flow that have a value already. `titles`: of values that are ids."""
    root = run.root()
    assert root is not None
    context = correction_of(run, run.state.stack[root], values, titles=titles)
    return run.push_pattern("pattern_correction", **context)


def correction_of(
    run: Run,
    flow: Frame,
    values: Mapping[str, Any],
    *,
    entry: tuple[str, ...] | None = None,
    titles: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, Any]:
    """The context of a correction: back to the earliest question among `values`; without a new value it is asked anew."""
    if entry is None:  # the path is in the order in which the questions were passed
        entry = next((e for e in flow.path if (q := question_of(run, flow, e)) and q.slot in values), None)
    shown = {slot: titles.get(slot) or show(value) for slot, value in values.items() if value is not None}
    return {
        "is_reset_only": all(value is None for value in values.values()),
        "corrected_slots": {slot: run.state.slots.get(slot) for slot in values},
        "new_slot_values": dict(values),
        "reset_flow_id": flow.flow,
        "reset_step_id": entry[-1] if entry else None,
        "entry": list(entry) if entry else None,
        "corrected_text": ", ".join(f"{label(run.compiled.slots[slot])}: {text}" for slot, text in shown.items()),
        # Slots are named in English: other languages say the values alone.
        "corrected_values": ", ".join(shown.values()),
    }


def label(slot: Slot) -> str:
    """As people would call it: without the skill's name that it starts with by house style."""
    return slot.name.removeprefix(f"{slot.skill}_").replace("_", " ")


def correct_flow_slot(run: Run, frame: Frame) -> bool:
    """Sets the new values and takes the flow back to the earliest question among them."""
    values: Mapping[str, Any] = frame.ctx.get("new_slot_values", {})
    for slot, value in values.items():
        run.set_slot(slot, value, "user")
    root = run.root_of(frame.ctx.get("reset_flow_id"))
    entry = tuple(frame.ctx.get("entry") or ())
    if root is None or entry not in run.state.stack[root].path:
        return True
    stack = run.state.stack
    flow = stack[root]
    asks = question_of(run, flow, entry)
    if asks is None:
        return True
    fresh = {slot for slot, value in values.items() if value is not None} | set(flow.ctx.get("answered", ()))
    rewind(run, root, entry, keep=values.get(asks.slot) is not None)
    flow.ctx["fresh"] = sorted(fresh)
    return True


def rewind(run: Run, root: int, entry: tuple[str, ...], *, keep: bool) -> None:
    """Stands the flow at `root` at an earlier question; patterns above it stay. `keep`: its value is a new one."""
    stack = run.state.stack
    flow = stack[root]
    at = flow.path.index(entry)
    dropped = flow.path[at + 1 :]
    del flow.path[at + 1 if keep else at :]
    frames = [flow]
    for step_id in entry[:-1]:
        parent = run.compiled.flows[frames[-1].flow]
        _stand(frames[-1], step_id)
        frames.append(Frame(parent.steps[parent.index[step_id]].target, "call"))
    _stand(frames[-1], entry[-1])
    frames[-1].entered = keep
    stack[root : run.group_end(root)] = frames
    flow.ctx["dropped"] = [list(passed) for passed in dropped]


def _stand(frame: Frame, step_id: str) -> None:
    frame.step, frame.entered, frame.attempts, frame.checked, frame.asked = step_id, False, 0, False, 0
    frame.wait = None
    frame.ctx.pop("failed", None)


def go_back(run: Run) -> bool:
    """To the question before the open one, which loses its answer; False when there is none."""
    found = chain(run)
    root = run.root()
    if found is None or root is None:
        return False
    flow, here = found
    before = [entry for entry in flow.path if entry != here]
    while before:
        entry = before.pop()
        asks = question_of(run, flow, entry)
        if asks is not None:
            run.set_slot(asks.slot, None, "user")
            rewind(run, root, entry, keep=False)
            flow.ctx.pop("dropped", None)
            return True
    return False
