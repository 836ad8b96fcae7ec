"""The default actions: what patterns do besides talking. Each returns whether its flow goes on to the next step."""

from __future__ import annotations

from collections.abc import Callable

from bot.flows.correct import correct_flow_slot
from bot.flows.effects import Button, HandOffRequested, Say
from bot.flows.interrupt import open_flows
from bot.flows.run import Run
from bot.flows.state import Frame, OfferedOption

__all__ = ["BUILTINS"]

MAX_CLARIFICATIONS = 3  # more than three choices is a menu, not a question


def _cancel_flow(run: Run, frame: Frame) -> bool:
    """Ends the user flow below, with those it calls; its slots fall back."""
    root = run.root_of(frame.ctx.get("canceled_flow"))
    if root is None:
        return True
    stack = run.state.stack
    cancelled = stack[root]
    last = stack[run.group_end(root) - 1]
    del stack[root : run.group_end(root)]
    run.settle_slots(cancelled)
    run.log("flow_cancelled", flow=cancelled.flow, step=last.step)
    run.ended = run.compiled.flows[cancelled.flow]
    return True


def _continue_interrupted(run: Run, frame: Frame) -> bool:
    """Puts the chosen flow right below this pattern, so that it goes on when the pattern ends."""
    stack = run.state.stack
    ids = frame.ctx.get("interrupted_flow_ids", [])
    wanted = run.state.slots.get("core:interrupted_flow_to_continue") or (ids[0] if ids else "")
    flow = next((flow for flow in open_flows(run) if flow.frame.flow == wanted), None)
    if flow is None:
        run.log("nothing_to_continue", flow=wanted)
        return True
    frames = stack[flow.start : flow.end]
    del stack[flow.start : flow.end]
    at = stack.index(frame)
    stack[at:at] = frames
    run.log("flow_resumed", flow=wanted)
    return True


def _cancel_interrupted(run: Run, frame: Frame) -> bool:
    wanted = frame.ctx.get("interrupted_flow_ids", ())
    for flow in open_flows(run):
        if flow.frame.flow in wanted:
            del run.state.stack[flow.start : flow.end]
            run.settle_slots(flow.frame)
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
    run.log("session_started")
    return True


def _default_fallback(run: Run, frame: Frame) -> bool:
    return run.say("core:utter_ask_rephrase", frame) is not None


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
    ids = list(frame.ctx.get("flow_ids", ()))[:MAX_CLARIFICATIONS]
    if not ids:
        return run.say("core:utter_clarification_no_options_rasa", frame) is not None
    said = run.render("core:utter_clarification_options_rasa", frame)
    buttons = tuple(_flow_button(run, flow, ids) for flow in ids)
    text = said.text if said else ""
    run.effects.append(Say(text, buttons, utter=said.utter if said else None, flow=frame.flow, step=frame.step or ""))
    run.wait_for_answer(frame, options=tuple(OfferedOption(b.title, b.payload) for b in buttons))
    return False


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
    "action_repeat_bot_messages": _repeat,
    "action_trigger_search": _trigger_search,
    "action_human_handoff": _human_handoff,
    "action_offer_retry": _offer_retry,
    "action_clarify_flows": _clarify,
    "action_correct_flow_slot": correct_flow_slot,
}
