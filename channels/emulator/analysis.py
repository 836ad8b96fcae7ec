r"""Numbered conversations: people write texts that match `n-(\d+)`, the bot answers with the same number; what went wrong?

What counts as out of order. Meta promises no order between POSTs, so two messages of one person that were in the air together, or
that were answered 200 in another order than they were written, may be answered either way round. Only this is the bot's fault: A was
written before B, A's POST was answered 200 before any POST with B began that the bot may have taken, and B's reply was accepted
before A's. An answer other than 200 says "not taken"; a POST without an answer may have been taken, unless it met no server.

Every other pair whose replies changed places is excused, by name: *overtaken in the air*, A had no 200 yet when the POST with B began that
was answered 200; *overtaken in silence*, it had, and only an earlier POST with B, one that never got an answer, began before. A bot whose
answers all arrive has none of the latter.
"""

import itertools
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from channels.emulator.state import Message

FAULTS = ("lost", "duplicated", "misordered", "unasked", "unacked")
EXCUSED = ("overtaken_in_air", "overtaken_in_silence")


def analyse(messages: Iterable[Message], pattern: str, *, reply_pattern: str | None = None) -> dict[str, Any]:
    """Counts of what went wrong and of what was excused, over all people and for each person who has any; those with faults come first.

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
    totals = {name: sum(len(r[name]) for r in reports) for name in (*FAULTS, *EXCUSED)}
    totals |= {name: sum(r[name] for r in reports) for name in ("asked", "answered", "out_of_sent_order")}
    faulty = [r for r in reports if any(r[name] for name in FAULTS)]
    excused = [r for r in reports if r not in faulty and any(r[name] for name in EXCUSED)]
    return {**totals, "clean": not faulty, "threads": [*faulty, *excused]}


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
        **_overtaken(order, asked),
        "unasked": [marker for marker in first if marker not in asked],
        "out_of_sent_order": sum(1 for a, b in itertools.pairwise(order) if asked[a].seq > asked[b].seq),
    }


def _overtaken(order: list[str], asked: dict[str, Message]) -> dict[str, list[dict[str, str]]]:
    """Pairs (earlier, overtaken_by) by their names in the module's docstring; one pair for each overtaken message, the worst."""
    pairs: dict[str, list[dict[str, str]]] = {"misordered": [], "overtaken_in_silence": [], "overtaken_in_air": []}
    latest = -1  # seq of what was answered so far
    for i, marker in enumerate(order):
        message = asked[marker]
        if message.seq < latest:
            found = dict(_overtakers(message, reversed(order[:i]), asked))
            worst = next(name for name in pairs if name in found)
            pairs[worst].append({"earlier": marker, "overtaken_by": found[worst]})
        latest = max(latest, message.seq)
    return pairs


def _overtakers(message: Message, answered: Iterable[str], asked: dict[str, Message]) -> Iterator[tuple[str, str]]:
    """What the overtaking of `message` by each of those that were written after it is called."""
    for marker in answered:
        other = asked[marker]
        if other.seq < message.seq:
            continue
        acked_at = message.first_200_at
        if acked_at is None or _began(other) < acked_at:
            plainly = acked_at is None or (other.first_200_started_at or acked_at) < acked_at
            yield "overtaken_in_air" if plainly else "overtaken_in_silence", marker
        else:
            yield "misordered", marker


def _began(message: Message) -> float:
    """When it may first have been taken. One that was refused each time and answered all the same: when it was first posted."""
    starts = [a.started_at for a in message.attempts if a.may_have_been_taken] or [
        a.started_at for a in message.attempts
    ]
    return min(starts, default=float("-inf"))
