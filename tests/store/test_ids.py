"""UUIDv7."""

from __future__ import annotations

import os
import threading
import time
from uuid import UUID, uuid4

from store.ids import uuid7


def test_it_is_a_version_7_of_now() -> None:
    before = time.time_ns() // 1_000_000
    made = uuid7()
    assert (made.version, made.variant) == (7, uuid4().variant)
    assert before <= made.int >> 80 <= time.time_ns() // 1_000_000


def test_ids_sort_as_they_were_made() -> None:
    made = [uuid7() for _ in range(20_000)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)


def test_ids_of_one_given_moment_carry_it_and_sort() -> None:
    made = [uuid7(1_700_000_000_000) for _ in range(1000)]
    assert made == sorted(set(made))
    assert {each.int >> 80 for each in made} == {1_700_000_000_000}
    assert uuid7(5).int >> 80 == 5  # an earlier moment is taken as given


def test_threads_never_get_the_same_one() -> None:
    made: list[UUID] = []

    def many() -> None:
        made.extend([uuid7() for _ in range(3000)])

    threads = [threading.Thread(target=many) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 12_000


def test_a_forked_child_does_not_repeat_its_parent() -> None:
    uuid7(7)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writer, uuid7(7).bytes)
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reader, 16) != uuid7(7).bytes
    os.close(reader)
    os.close(writer)
