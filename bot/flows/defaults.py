"""The default actions: what patterns do besides talking. Each returns whether its flow goes on to the next step."""

from __future__ import annotations

from collections.abc import Callable

from bot.flows.collect import example, hint, reject
from bot.flows.correct import correct_flow_slot, go_back
from bot.flows.effects import Button, HandOffRequested, Say
from bot.flows.interrupt import bring_to_top, close, open_flows
from bot.flows.model import Step
from bot.flows.run import Run
from bot.flows.state import Frame, OfferedOption

__all__ = ["BUILTINS"]

MAX_CLARIFICATIONS = 3  # more than three choices is a menu, not a question; slot `max_clarification_options`


def _cancel_flow(run: Run, frame: Frame) -> bool:
    """Ends the user flow below, with those it calls; its slots fall back."""
    root = run.root_of(frame.ctx.get("canceled_flow"))
    flow = next((flow for flow in open_flows(run) if flow.start == root), None)
    if flow is None:
        return True
    last = run.state.stack[flow.end - 1]
    close(run, flow)
    run.log("flow_cancelled", flow=flow.frame.flow, step=last.step)
    run.ended = run.compiled.flows[flow.frame.flow]
    return True


def _continue_interrupted(run: Run, frame: Frame) -> bool:
    """Puts the chosen flow right below this pattern, so that it goes on when the pattern ends."""
    stack = run.state.stack
    ids = frame.ctx.get("interrupted_flow_ids", [])
    chosen = run.scope_of(frame).slots.get("interrupted_flow_to_continue", "")
    wanted = run.state.slots.get(chosen) or (ids[0] if ids else "")
    flow = next((flow for flow in open_flows(run) if flow.frame.flow == wanted), None)
    if flow is None:
        run.log("nothing_to_continue", flow=wanted)
        return True
    bring_to_top(run, flow, below=stack.index(frame))
    run.log("flow_resumed", flow=wanted)
    return True


def _cancel_interrupted(run: Run, frame: Frame) -> bool:
    wanted = frame.ctx.get("interrupted_flow_ids", ())
    for flow in open_flows(run):
        if flow.frame.flow in wanted:
            close(run, flow)
            run.log("flow_cancelled", flow=flow.frame.flow, step=flow.frame.step)
    return True


def _clean_stack(run: Run, frame: Frame) -> bool:
    """Ends everything else that is open."""
    stack = run.state.stack
    root = run.root()
    keep = [frame] if frame.kind == "pattern" or root is None else stack[root:]
    for flow in open_flows(run):
        if flow.frame not in keep:
            run.settle_slots(flow.frame)
            run.log("flow_cancelled", flow=flow.frame.flow, step=flow.frame.step)
    keep[0].saved.clear()
    stack[:] = keep
    return True


def _restart(run: Run, frame: Frame) -> bool:
    run.state.stack[:] = [frame]
    run.state.slots = dict(run.compiled.initial)
    run.log("restarted")
    return True


def _session_start(run: Run, frame: Frame) -> bool:
    """Without carry-over, slots that no open flow uses fall back."""
    if frame.ctx.get("carry_over", True) is False:
        open_slots = {slot for other in run.state.stack for slot in run.compiled.flows[other.flow].touches}
        kept = {slot: value for slot, value in run.state.slots.items() if slot in open_slots}
        run.state.slots = {**run.compiled.initial, **kept}
    run.log("session_started")
    return True


def _default_fallback(run: Run, frame: Frame) -> bool:
    named = run.scope_of(frame).responses.get("utter_default", "core:utter_ask_rephrase")
    return run.say(named, frame) is not None


def _run_slot_rejections(run: Run, frame: Frame) -> bool:
    """In pattern_collect_information and pattern_validate_slot: the step's rejections, then the domain's."""
    slot = frame.ctx.get("slot")
    if slot is None or run.state.slots.get(slot) is None:
        return True
    at = run.state.stack.index(frame)
    below = run.step_of(run.state.stack[at - 1]) if at else None
    rejections = below.rejections if below is not None and below.target == slot else ()
    if reject(run, frame, slot, rejections):
        frame.ctx["attempts"] = frame.ctx.get("attempts", 0) + 1
    return True


def _trigger_chitchat(run: Run, frame: Frame) -> bool:
    return run.say("core:utter_cannot_handle", frame) is not None


def _hang_up(run: Run, frame: Frame) -> bool:
    """There is no call to end in a chat: whatever is open is closed."""
    _clean_stack(run, frame)
    run.log("session_ended")
    return True


def _deactivate_loop(run: Run, frame: Frame) -> bool:
    """The running form (a flow, with us) is left."""
    if frame.kind == "pattern":
        return _cancel_flow(run, frame)
    run.drop_running()
    return False


def _back(run: Run, frame: Frame) -> bool:
    """One question back; in a pattern it moves the flow below."""
    if not go_back(run):
        return run.say("core:utter_nothing_to_go_back_to", frame) is not None
    return frame.kind == "pattern"


def _ask_affirmation(run: Run, frame: Frame) -> bool:
    return run.say("core:utter_clarification_no_options_rasa", frame) is not None


def _nothing(run: Run, frame: Frame) -> bool:
    """Belongs to parts of Rasa that are not here: coexistence routing, intent ranking, slot extraction before actions."""
    run.log("no_effect", step=frame.step, flow=frame.flow)
    return True


def _explain_question(run: Run, frame: Frame) -> bool:
    """What the question below this pattern wants: its options, or an example."""
    if (below := _question_below(run, frame)) is not None:
        hint(run, *below)
    return True


def _help_out(run: Run, frame: Frame) -> bool:
    """The same in `context.hint`, with who else could help in `context.people`."""
    below = _question_below(run, frame)
    said = example(run, *below) if below is not None else None
    frame.ctx["hint"] = f" {said.text}" if said is not None else ""
    frame.ctx["people"] = bool(run.view.organization.get("people"))
    return True


def _question_below(run: Run, frame: Frame) -> tuple[Frame, Step] | None:
    for other in reversed(run.state.stack):
        step = run.step_of(other)
        if other is not frame and step is not None and step.kind == "collect":
            return other, step
    return None


def _repeat(run: Run, frame: Frame) -> bool:
    frame.quiet = True
    if not run.state.last_bot:
        return run.say("core:utter_ask_rephrase", frame) is not None
    for said in run.state.last_bot:
        run.effects.append(
            Say(
                text=said.get("text", ""),
                buttons=tuple(Button(*button) for button in said.get("buttons", ())),
                image=said.get("image"),
                attachment=said.get("attachment"),
                custom=said.get("custom"),
                utter=said.get("utter"),
                flow=frame.flow,
                step=frame.step or "",
            )
        )
    return True


def _trigger_search(run: Run, frame: Frame) -> bool:
    """Says the answer that came with the question; without one, that there is none, or nowhere to look."""
    if frame.ctx.get("answer"):
        response = "core:utter_search_answer" if frame.ctx.get("source") else "core:utter_search_answer_plain"
    elif frame.ctx.get("searched"):
        response = "core:utter_no_relevant_answer_found"
    else:
        response = "core:utter_no_knowledge_base"
    return run.say(response, frame) is not None


def _human_handoff(run: Run, frame: Frame) -> bool:
    frame.quiet = True
    frame.ctx["reach"] = str(run.view.organization.get("reach", ""))
    frame.ctx["people"] = bool(run.view.organization.get("people"))
    run.effects.append(HandOffRequested(str(frame.ctx.get("reason", "flow"))))
    return True


def _offer_retry(run: Run, frame: Frame) -> bool:
    """Asks whether to run the failed step again; its flow stays on top."""
    said = run.say("core:utter_internal_error_retry", frame)
    run.state.stack.remove(frame)
    failed = run.top
    if said is None or failed is None:
        return False
    run.wait_for_answer(failed, options=tuple(OfferedOption(b.title, b.payload) for b in said.buttons))
    return False


def _clarify(run: Run, frame: Frame) -> bool:
    """Offers the flows that may have been meant; the choice comes back as `/start <flow>`."""
    if frame.entered and run.quiet and run.before is not None:
        run.wait_for_answer(frame, options=run.before.options)
        return False
    frame.entered = True
    ids = list(frame.ctx.get("flow_ids", ()))[: _most_options(run, frame)]
    if not ids:
        return run.say("core:utter_clarification_no_options_rasa", frame) is not None
    how = "options_rasa" if len(ids) > 1 else "one_option"
    said = run.render(f"core:utter_clarification_{how}", frame)
    buttons = tuple(_flow_button(run, flow, ids) for flow in ids)
    text = said.text if said else ""
    run.effects.append(Say(text, buttons, utter=said.utter if said else None, flow=frame.flow, step=frame.step or ""))
    run.wait_for_answer(frame, options=tuple(OfferedOption(b.title, b.payload) for b in buttons))
    return False


def _most_options(run: Run, frame: Frame) -> int:
    value = run.state.slots.get(run.scope_of(frame).slots.get("max_clarification_options", ""))
    return int(value) if isinstance(value, (int, float)) and value >= 1 else MAX_CLARIFICATIONS


def _flow_button(run: Run, flow_id: str, among: list[str]) -> Button:
    """Two flows may have the same name: then the description tells them apart."""
    flow = run.compiled.flows[flow_id]
    title = flow.title(run.view.locale)
    same = [other for other in among if run.compiled.flows[other].title(run.view.locale) == title]
    if len(same) > 1:
        title = (
            f"{title} ({flow.skill})"
            if len({f.partition(":")[0] for f in same}) > 1
            else f"{title} {same.index(flow_id) + 1}"
        )
    return Button(title, f"/start {flow_id}", flow.description)


BUILTINS: dict[str, Callable[[Run, Frame], bool]] = {
    "action_cancel_flow": _cancel_flow,
    "action_continue_interrupted_flow": _continue_interrupted,
    "action_cancel_interrupted_flows": _cancel_interrupted,
    "action_clean_stack": _clean_stack,
    "action_restart": _restart,
    "action_session_start": _session_start,
    "action_default_fallback": _default_fallback,
    "action_run_slot_rejections": _run_slot_rejections,
    "action_trigger_search": _trigger_search,
    "action_trigger_chitchat": _trigger_chitchat,
    "action_reset_routing": _nothing,
    "action_handoff_metric": _human_handoff,
    "action_hangup": _hang_up,
    "action_extract_slots": _nothing,
    "action_deactivate_loop": _deactivate_loop,
    "action_back": _back,
    "action_unlikely_intent": _nothing,
    "action_default_ask_affirmation": _ask_affirmation,
    "action_explain_question": _explain_question,
    "action_help_out": _help_out,
    "action_repeat_bot_messages": _repeat,
    "action_human_handoff": _human_handoff,
    "action_offer_retry": _offer_retry,
    "action_clarify_flows": _clarify,
    "action_correct_flow_slot": correct_flow_slot,
}
