from __future__ import annotations

from uuid import UUID

from bot.skill import Job

__all__ = ["StartFlowJob"]


class StartFlowJob(Job):
    """Begins a flow with everybody who may be written to now, or with the person that a delivery names."""

    name = "core.start_flow"
    queue = "bulk"
    flow: str  # loaded id, skill:flow
    once: str  # nobody gets it twice for the same
    delivery_id: UUID | None = None
