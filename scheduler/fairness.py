"""How many of an organization's jobs may be in flight: the backlog stays in Postgres, and NATS holds a small window of everybody's. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from uuid import UUID

from store.queue_state import DueJob, QueueLoad

__all__ = ["admit"]


def admit(due: Sequence[DueJob], load: Sequence[QueueLoad], *, per_organization: int, in_total: int) -> list[DueJob]:
    """Which of the due jobs to kick now, in the order of kicking: round robin, whoever has least in flight first.

    Running jobs (`load`) and those kicked but not started fill the window of their organization and of their queue. `due` is oldest first.
    """
    in_flight: Counter[tuple[str, UUID]] = Counter()
    for each in load:
        in_flight[each.queue, each.organization_id] += each.in_flight
    waiting: defaultdict[str, list[DueJob]] = defaultdict(list)
    for job in due:
        if job.is_kicked:
            in_flight[job.queue, job.organization_id] += 1
        else:
            waiting[job.queue].append(job)
    busy: Counter[str] = Counter()
    for (queue, _), count in in_flight.items():
        busy[queue] += count
    admitted = []
    for queue, jobs in waiting.items():
        ranked: list[tuple[int, int, DueJob]] = []
        for age, job in enumerate(jobs):
            rank = in_flight[queue, job.organization_id]
            in_flight[queue, job.organization_id] += 1
            if rank < per_organization:
                ranked.append((rank, age, job))
        ranked.sort(key=lambda entry: entry[:2])
        admitted += [job for _, _, job in ranked[: max(0, in_total - busy[queue])]]
    return admitted
