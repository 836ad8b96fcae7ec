from __future__ import annotations

from uuid import UUID, uuid4

from scheduler.fairness import admit
from store.queue_state import DueJob, QueueLoad

LARGE, SMALL = uuid4(), uuid4()


def due(organization_id: UUID, count: int, *, queue: str = "bulk", is_kicked: bool = False) -> list[DueJob]:
    return [DueJob(uuid4(), organization_id, queue, is_kicked) for _ in range(count)]


def organizations(jobs: list[DueJob]) -> list[UUID]:
    return [job.organization_id for job in jobs]


def test_a_small_organization_comes_second_not_behind_the_large_ones_backlog() -> None:
    backlog = due(LARGE, 100) + due(SMALL, 2)
    assert organizations(admit(backlog, [], per_organization=10, in_total=4)) == [LARGE, SMALL, LARGE, SMALL]


def test_no_organization_has_more_in_flight_than_its_window() -> None:
    load = [QueueLoad(LARGE, "bulk", 2)]
    admitted = admit(due(LARGE, 1, is_kicked=True) + due(LARGE, 50), load, per_organization=4, in_total=100)
    assert len(admitted) == 1


def test_whoever_has_least_in_flight_goes_first() -> None:
    admitted = admit(due(LARGE, 3) + due(SMALL, 1), [QueueLoad(LARGE, "bulk", 3)], per_organization=9, in_total=100)
    assert organizations(admitted) == [SMALL, LARGE, LARGE, LARGE]


def test_a_full_queue_admits_nothing_and_holds_up_no_other_queue() -> None:
    load = [QueueLoad(uuid4(), "bulk", 4)]
    admitted = admit(due(SMALL, 1) + due(SMALL, 1, queue="render"), load, per_organization=4, in_total=4)
    assert [job.queue for job in admitted] == ["render"]


def test_within_an_organization_the_oldest_goes_first() -> None:
    jobs = due(SMALL, 5)
    assert admit(jobs, [], per_organization=3, in_total=100) == jobs[:3]
