r"""Numbered conversations: people write texts that match `n-(\d+)`, the bot answers with the same number; what went wrong?

What counts as out of order. Meta promises no order between POSTs, so two messages of one person that were in the air together, or
that were answered 200 in another order than they were written, may be answered either way round. Only this is the bot's fault: A was
written before B, A's POST was answered 200 before the POST with B began, and B's reply was accepted before A's.
"""

import itertools
import re
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from channels.emulator.state import Message


def analyse(messages: Iterable[Message], pattern: str, *, reply_pattern: str | None = None) -> dict[str, Any]:
    """Lost, duplicated, misordered and unasked replies, over all people and for each person who has any.

    Args:
        messages: both directions, any order.
        pattern: its first group is the number in what people write (and in replies, without `reply_pattern`).

    Raises:
        re.error: a pattern is not valid.
        IndexError: a pattern has no group.
    """
    asked_in = re.compile(pattern)
    answered_in = re.compile(reply_pattern or pattern)
    threads: dict[tuple[str, str], list[Message]] = defaultdict(list)
    for message in messages:
        threads[message.phone_number_id, message.wa_id].append(message)
    reports = [
        _thread(key, sorted(thread, key=lambda m: m.seq), asked_in, answered_in) for key, thread in threads.items()
    ]
    totals = {
        name: sum(len(r[name]) for r in reports) for name in ("lost", "duplicated", "misordered", "unasked", "unacked")
    }
    totals |= {name: sum(r[name] for r in reports) for name in ("asked", "answered", "out_of_sent_order")}
    faulty = [r for r in reports if r["lost"] or r["duplicated"] or r["misordered"] or r["unasked"] or r["unacked"]]
    return {**totals, "clean": not faulty, "threads": faulty}


def _thread(
    key: tuple[str, str], messages: list[Message], asked_in: re.Pattern[str], answered_in: re.Pattern[str]
) -> dict[str, Any]:
    asked: dict[str, Message] = {}
    answers: list[tuple[str, Message]] = []
    for message in messages:
        if message.direction == "in":
            if found := asked_in.search(message.text):
                asked.setdefault(found.group(1), message)
        elif message.status != "failed" and message.kind != "reaction" and (found := answered_in.search(message.text)):
            answers.append((found.group(1), message))
    first: dict[str, Message] = {}
    again: dict[str, list[Message]] = defaultdict(list)
    for marker, message in answers:
        if marker in first:
            again[marker].append(message)
        else:
            first[marker] = message
    acked = {marker for marker, m in asked.items() if m.first_200_at is not None}
    order = [marker for marker in first if marker in asked]
    return {
        "phone_number_id": key[0],
        "wa_id": key[1],
        "asked": len(asked),
        "answered": len(order),
        "lost": [marker for marker in asked if marker in acked and marker not in first],
        "unacked": [marker for marker in asked if marker not in acked],
        "duplicated": [
            {
                "marker": marker,
                "times": 1 + len(extra),
                "ids": [m.id for m in (first[marker], *extra)],
                "opaque": [m.opaque for m in (first[marker], *extra)],
            }
            for marker, extra in again.items()
        ],
        "misordered": _misordered(order, asked),
        "unasked": [marker for marker in first if marker not in asked],
        "out_of_sent_order": sum(1 for a, b in itertools.pairwise(order) if asked[a].seq > asked[b].seq),
    }


def _misordered(order: list[str], asked: dict[str, Message]) -> list[dict[str, str]]:
    """Pairs (earlier, overtaken_by) as the module's docstring defines them; one pair for each overtaken message."""
    pairs: list[dict[str, str]] = []
    latest_start = float("-inf")  # of the messages answered so far
    for i, marker in enumerate(order):
        message = asked[marker]
        acked_at = message.first_200_at
        if acked_at is not None and latest_start >= acked_at:
            for earlier_reply in order[:i]:
                other = asked[earlier_reply]
                if other.seq > message.seq and (other.first_200_started_at or 0.0) >= acked_at:
                    pairs.append({"earlier": marker, "overtaken_by": earlier_reply})
                    break
        latest_start = max(latest_start, message.first_200_started_at or float("-inf"))
    return pairs
