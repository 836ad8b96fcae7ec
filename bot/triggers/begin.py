"""What an event that starts a flow means to a conversation. Pure."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from bot.flows import Command, Compiled, FlowState, SetSlot, StartFlow
from bot.flows.look import can_start

__all__ = ["STARTED", "begin"]

log = logging.getLogger(__name__)

STARTED = "core.start_flow"  # the event in the inbox


def begin(payload: Mapping[str, Any], state: FlowState, compiled: Compiled) -> Sequence[Command] | None:
    """None: nothing (the skill is off by now, or the flow's guard does not hold)."""
    flow = str(payload.get("flow"))
    if not can_start(compiled, state, flow):
        log.info("flow not begun from outside", extra={"flow": flow})
        return None
    skill = flow.partition(":")[0]
    slots = payload.get("slots") or {}
    return [StartFlow(flow), *(SetSlot(f"{skill}:{name}", value, source="nlu") for name, value in slots.items())]
