"""Jobs of webhooks out; light to import."""

from __future__ import annotations

from uuid import UUID

from bot.skill import Job

__all__ = ["DeliverHooks"]


class DeliverHooks(Job):
    """Made by the clock, one per endpoint (`cn_put_hook_jobs`). What is not taken is due again by its own row; the job itself only fails when PostgreSQL does."""

    name = "core.deliver_hooks"
    queue = "bulk"
    lease_s = 60
    endpoint_id: UUID
