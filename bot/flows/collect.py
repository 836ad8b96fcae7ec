"""The collect step: ask until the slot is filled and valid."""

from __future__ import annotations

from collections.abc import Sequence

from bot.flows.effects import Button, Say
from bot.flows.model import Flow, Rejection, Step
from bot.flows.move import move_on
from bot.flows.run import Run
from bot.flows.state import Frame, OfferedOption

__all__ = [
    "HAND_OFF_FROM",
    "PERSON_FROM",
    "chain",
    "example",
    "hint",
    "offer_person",
    "reject",
    "run_collect",
    "wait_after_question",
]

REWORD_FROM = 1  # wrong answers before the question is put in other words and we say what is expected,
HINT_FROM = 2  # before options or examples are added,
PERSON_FROM = 3  # before a way out is offered: leave it, or a person,
HAND_OFF_FROM = 5  # and before we call one; then it begins anew

MAX_SPELLED_OUT = 20  # options in the text of a hint: more is a list that nobody reads

_COLLECT = "pattern_collect_information"


def run_collect(run: Run, frame: Frame, flow: Flow, step: Step) -> None:
    if not frame.entered:
        _enter(run, frame, step)
    value = run.state.slots.get(step.target)
    if frame.kind != "pattern" and run.has_own(_COLLECT, run.skill_of(frame)):
        if value is not None and frame.checked:
            move_on(run, frame, flow, step)
        else:
            _push_own_cycle(run, frame, step)
        return
    if value is not None:
        if _reject(run, frame, step):
            if run.top is frame:
                _ask(run, frame, step)
            return
        if step.validate_action is not None and not frame.checked:
            run.run_action(frame, step.validate_action, "validate")
            return
        move_on(run, frame, flow, step)
        return
    frame.checked = False
    _ask(run, frame, step)


def _push_own_cycle(run: Run, frame: Frame, step: Step) -> None:
    """The skill's or the organization's own way to ask. What follows here is the default one, run without a frame of its own."""
    frame.checked = True
    plain = _plain(step.target)
    run.push_pattern(
        _COLLECT,
        skill=run.skill_of(frame),
        collect=plain,
        utter=_plain(step.utter) if step.utter else "",
        utter_again=_plain(_reworded(run, step) or ""),
        collect_action=_plain(step.ask_action) if step.ask_action else "",
        rejections=[_plain(rejection.utter) for rejection in step.rejections],
        slot=step.target,
    )


def _plain(loaded_id: str) -> str:
    return loaded_id.partition(":")[2]


def chain(run: Run) -> tuple[Frame, tuple[str, ...]] | None:
    """The outermost running flow's frame, and where its called flows stand: one step id for each."""
    root = run.root()
    if root is None:
        return None
    frames = run.state.stack[root : run.group_end(root)]
    return frames[0], tuple([frame.step or "" for frame in frames])


def _enter(run: Run, frame: Frame, step: Step) -> None:
    """Once per visit: forgets an old value where asked to, and notes that the question was passed."""
    frame.entered = True
    slots = run.state.slots
    if frame.kind == "pattern":
        if step.ask_before_filling:
            slots.pop(step.target, None)
        return
    found = chain(run)
    assert found is not None
    root, entry = found
    fresh = root.ctx.get("fresh", ())
    if entry in root.reask:
        root.reask.remove(entry)
        slots.pop(step.target, None)
    elif step.ask_before_filling and step.target not in fresh and slots.get(step.target) is not None:
        run.set_slot(step.target, None, "flow")
    if entry in root.path:
        root.path.remove(entry)
    root.path.append(entry)


def _reject(run: Run, frame: Frame, step: Step) -> bool:
    if not reject(run, frame, step.target, step.rejections):
        return False
    frame.attempts += 1
    frame.checked = False
    return True


def reject(run: Run, frame: Frame, slot: str, rejections: Sequence[Rejection]) -> bool:
    """Says why the value will not do and forgets it; the first rejection that holds counts, the domain's come last."""
    for rejection in (*rejections, *run.compiled.slots[slot].rejections):
        if run.holds(rejection.condition, frame):
            run.log("slot_rejected", slot=slot, utter=rejection.utter)
            run.say(rejection.utter, frame)
            run.set_slot(slot, None, "flow")
            run.missed = True
            return True
    return False


# -- asking ---------------------------------------------------------------------------------------


def _ask(run: Run, frame: Frame, step: Step) -> None:
    before = run.before
    if (
        run.quiet
        and before is not None
        and before.kind == "slot"
        and before.step == step.id
        and before.flow == frame.flow
    ):
        run.state.pending = before
        run.stopped = True
        return
    _settle_correction(run, frame)
    if frame.attempts >= HAND_OFF_FROM:
        frame.attempts = 0
        run.push_pattern("pattern_human_handoff", reason="repeated_failure")
        return
    offered = _escalate(run, frame, step) if run.missed else ()
    if step.ask_action is not None:
        run.run_action(frame, step.ask_action, "ask")
        return
    assert step.utter is not None
    said = run.say(_wording(run, step, frame), frame, shift=frame.attempts)
    if said is None:
        return
    if _plain(step.target) == "interrupted_flow_to_continue" and "interrupted_flow_ids" in frame.ctx:
        said = _with_flow_buttons(run, frame, said)
    wait_after_question(run, frame, step.target, (*said.buttons, *offered))


def wait_after_question(run: Run, frame: Frame, slot: str, buttons: tuple[Button, ...]) -> None:
    options = tuple([OfferedOption(button.title, button.payload) for button in buttons])
    run.wait_for_answer(frame, slot=slot, options=options)


def _wording(run: Run, step: Step, frame: Frame) -> str:
    assert step.utter is not None
    return (_reworded(run, step) if frame.attempts >= REWORD_FROM else None) or step.utter


def _reworded(run: Run, step: Step) -> str | None:
    return step.again or run.compiled.slots[step.target].refill_utter


def _escalate(run: Run, frame: Frame, step: Step) -> tuple[Button, ...]:
    """What is said before the question is put again: first what is expected, then a hint, then a way out."""
    run.missed = False
    if frame.attempts >= PERSON_FROM:
        return offer_person(run, frame)
    titles = _choices(run, frame, step)
    explained = any(isinstance(effect, Say) for effect in run.effects)  # a rejection has its own words, and examples
    if frame.attempts >= HINT_FROM and (titles or not explained):
        hint(run, frame, step)
    elif not explained and (said := _help(run, frame, "expect", step, known=bool(titles))) is not None:
        run.effects.append(said)
    return ()


def offer_person(run: Run, frame: Frame) -> tuple[Button, ...]:
    said = run.say("core:utter_offer_person", frame)
    return said.buttons if said else ()


def hint(run: Run, frame: Frame, step: Step) -> None:
    """The options of a question, or an example of an answer, if there is one."""
    if (said := _hint(run, frame, step)) is not None:
        run.effects.append(said)


def example(run: Run, frame: Frame, step: Step) -> Say | None:
    """As `hint`, for a question that is put again at once, with all its options."""
    known = _help(run, frame, "hint", step, known=False)
    return known or (run.render("core:utter_hint_choose", frame) if _choices(run, frame, step) else None)


def _hint(run: Run, frame: Frame, step: Step) -> Say | None:
    titles = _choices(run, frame, step)
    if not titles:
        return _help(run, frame, "hint", step, known=False)
    options = "\n".join(f"{n}. {title}" for n, title in enumerate(titles[:MAX_SPELLED_OUT], 1))
    return run.render("core:utter_hint_options", frame, values={"options": options})


def _help(run: Run, frame: Frame, kind: str, step: Step, *, known: bool) -> Say | None:
    """`utter_<kind>_<what is asked>`, where there are words for that."""
    slot = run.compiled.slots[step.target]
    what = "options" if known else slot.accept or slot.type
    values = {}
    if what == "float" and slot.min_value is not None and slot.max_value is not None:
        what, values = "range", {"low": f"{slot.min_value:g}", "high": f"{slot.max_value:g}"}
    response = f"core:utter_{kind}_{what}"
    return run.render(response, frame, values=values)


def _choices(run: Run, frame: Frame, step: Step) -> list[str]:
    """Titles of what the question offers; those of an action stand in the question that was put before."""
    asked = run.render(step.utter, frame) if step.utter else None
    if asked is not None and asked.buttons:
        return [button.title for button in asked.buttons]
    before = run.before
    if before is not None and before.options and (before.flow, before.step) == (frame.flow, step.id):
        return [option.title for option in before.options]
    return list(run.compiled.slots[step.target].values)


def _with_flow_buttons(run: Run, frame: Frame, said: Say) -> Say:
    """The question which flow to go on with has one button for each, and one for none."""
    none = run.render("core:utter_none_of_these", frame)
    pairs = zip(frame.ctx["interrupted_flow_ids"], frame.ctx["interrupted_flow_names"], strict=True)
    buttons = [Button(name, f"/SetSlots(interrupted_flow_to_continue={flow})") for flow, name in pairs]
    buttons.append(Button(none.text if none else "-", "/SetSlots(interrupted_flow_to_continue=leave)"))
    full = Say(said.text, (*said.buttons, *buttons), utter=said.utter, flow=said.flow, step=said.step)
    run.effects[run.effects.index(said)] = full
    return full


def _settle_correction(run: Run, frame: Frame) -> None:
    """The first question after a correction: what cannot be reached any more was on the abandoned branch."""
    if frame.kind == "pattern":
        return
    found = chain(run)
    if found is None:
        return
    root, here = found
    root.ctx.pop("fresh", None)
    dropped = root.ctx.pop("dropped", None)
    if not dropped:
        return
    for entry in map(tuple, dropped):
        if entry not in root.path and not _reachable(run, root.flow, here, entry):
            root.reask.append(entry)


def _reachable(run: Run, flow_id: str, here: tuple[str, ...], there: tuple[str, ...]) -> bool:
    """Whether going on from `here` the flow can come to the question `there`."""
    flow = run.compiled.flows[flow_id]
    if here and there and here[0] == there[0] and len(here) > 1 and len(there) > 1:
        step = flow.steps[flow.index[here[0]]]
        return _reachable(run, step.target, here[1:], there[1:])
    seen: set[int] = set()
    todo = [flow.index[here[0]]]
    goal = flow.index.get(there[0])
    while todo:
        n = todo.pop()
        if n < 0 or n in seen:
            continue
        seen.add(n)
        to = flow.steps[n].next
        todo.extend([to] if isinstance(to, int) else [branch.to for branch in to])
    return goal in seen
