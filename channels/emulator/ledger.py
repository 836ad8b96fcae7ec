"""The truth: what people sent and saw, what the business was told and sent, and every rule it broke."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

from channels.emulator.business import Business
from channels.emulator.courier import Courier
from channels.emulator.limits import LimitKeeper
from channels.emulator.state import Message
from channels.emulator.world import World


class Ledger:
    """Reports over everything since the start or the last reset. Nothing is kept twice: the messages are the record."""

    def __init__(self, world: World, courier: Courier, business: Business, limits: LimitKeeper) -> None:
        self._world = world
        self._courier = courier
        self._business = business
        self._limits = limits

    def report(self, *, details: bool = True) -> dict[str, Any]:
        """Counts, and with `details` each person's messages in order."""
        inbound = [m for m in self._world.messages.values() if m.direction == "in"]
        outbound = [m for m in self._world.messages.values() if m.direction == "out"]
        report: dict[str, Any] = {
            "inbound": len(inbound),
            "unacked": [_inbound_row(m) for m in inbound if m.acked_at is None],
            "outbound": len(outbound),
            "failed": [_outbound_row(m) for m in outbound if m.status == "failed"],
            "unanswered_sends": [
                _outbound_row(m) for m in outbound if set(m.marks) & {"accept_then_hang", "accept_then_reset"}
            ],
            "duplicates": self.duplicates(outbound),
            "refused": {str(code): count for code, count in sorted(self._business.refused.items())},
            "outside_window": {
                "accepted": [_outbound_row(m) for m in outbound if m.outside_window],
                "tried": self._business.outside_window,
            },
            "rates": self.rates(),
            "webhooks": {
                "posted": self._courier.posted,
                "acked": self._courier.acked,
                "pending": self._courier.pending,
            },
            "latency_ms": latencies(inbound, outbound),
        }
        if details:
            report["users"] = {wa_id: self.user_report(wa_id) for wa_id in self._wa_ids()}
        return report

    def user_report(self, wa_id: str) -> dict[str, Any]:
        """One person: what was sent, and what the phone showed, in order."""
        messages = sorted((m for t in self._world.threads_of(wa_id) for m in t.messages), key=lambda m: m.seq)
        return {
            "sent": [_inbound_row(m) for m in messages if m.direction == "in"],
            "seen": [_outbound_row(m) for m in messages if m.direction == "out" and m.visible_at is not None],
        }

    def duplicates(self, outbound: Iterable[Message]) -> list[dict[str, Any]]:
        """Sends with the same `biz_opaque_callback_data` to the same person, accepted more than once."""
        groups: dict[tuple[str, str, str], list[Message]] = defaultdict(list)
        for message in outbound:
            if message.opaque:
                groups[message.phone_number_id, message.wa_id, message.opaque].append(message)
        return [
            {"opaque": opaque, "wa_id": wa_id, "phone_number_id": number, "messages": [_outbound_row(m) for m in group]}
            for (number, wa_id, opaque), group in groups.items()
            if len(group) > 1
        ]

    def rates(self) -> dict[str, Any]:
        """Per number: accepted and tried sends, the worst sliding second of each, the worst ten seconds, and how often a rule was broken."""
        limits = self._limits
        return {
            number.id: {
                "accepted": limits.accepted[number.id].total,
                "tried": limits.attempted[number.id].total,
                "sliding_second_max": limits.accepted[number.id].maximum,
                "tried_sliding_second_max": limits.attempted[number.id].maximum,
                "tried_ten_seconds_max": limits.attempted_long[number.id].maximum,
                "both_ways_sliding_second_max": limits.both_ways[number.id].maximum,
                "limit_per_s": number.settings.throughput_per_s,
                "over_rate": limits.over_rate[number.id],
                "over_pair": limits.over_pair[number.id],
                "tier_used": limits.tier_used(number.settings.portfolio),
            }
            for number in self._world.numbers.values()
        }

    def _wa_ids(self) -> list[str]:
        return list(dict.fromkeys(wa_id for _, wa_id in self._world.threads))


def _inbound_row(message: Message) -> dict[str, Any]:
    return {
        "id": message.id,
        "seq": message.seq,
        "wa_id": message.wa_id,
        "phone_number_id": message.phone_number_id,
        "type": message.kind,
        "text": message.text,
        "sent_at": message.at,
        "acked_at": message.acked_at,
        "first_200_at": message.first_200_at,
        "attempts": [
            {
                "at": a.started_at,
                "ms": round((a.ended_at - a.started_at) * 1000, 2),
                "code": a.code,
                "marks": list(a.marks),
            }
            for a in message.attempts
        ],
    }


def _outbound_row(message: Message) -> dict[str, Any]:
    return {
        "id": message.id,
        "seq": message.seq,
        "wa_id": message.wa_id,
        "phone_number_id": message.phone_number_id,
        "type": message.kind,
        "text": message.text,
        "opaque": message.opaque,
        "accepted_at": message.at,
        "visible_at": message.visible_at,
        "status": message.status,
        "marks": list(message.marks),
        "error": message.error["code"] if message.error else None,
    }


def latencies(inbound: list[Message], outbound: list[Message]) -> dict[str, dict[str, float]]:
    """p50, p95, p99 and maximum in ms of each stage: webhook answered, first reply accepted, delivered."""
    replies: dict[tuple[str, str], list[float]] = defaultdict(list)
    for message in outbound:
        replies[message.phone_number_id, message.wa_id].append(message.at)
    first_reply: list[float] = []
    for key, sent in _by_thread(inbound).items():
        answers = iter(sorted(replies.get(key, ())))
        answer = next(answers, None)
        for message in sent:
            while answer is not None and answer < message.at:
                answer = next(answers, None)
            if answer is not None:
                first_reply.append(answer - message.at)
    return {
        "webhook_ack": _quantiles(m.acked_at - m.at for m in inbound if m.acked_at is not None),
        "first_reply": _quantiles(first_reply),
        "delivered": _quantiles(m.times["delivered"] - m.at for m in outbound if "delivered" in m.times),
    }


def _by_thread(messages: Iterable[Message]) -> dict[tuple[str, str], list[Message]]:
    threads: dict[tuple[str, str], list[Message]] = defaultdict(list)
    for message in messages:
        threads[message.phone_number_id, message.wa_id].append(message)
    return threads


def _quantiles(seconds: Iterable[float]) -> dict[str, float]:
    values = sorted(s * 1000 for s in seconds)
    if not values:
        return {"n": 0}
    at = {"p50": 0.50, "p95": 0.95, "p99": 0.99}
    picked = {name: round(values[min(len(values) - 1, int(q * len(values)))], 2) for name, q in at.items()}
    return {"n": len(values), **picked, "max": round(values[-1], 2)}


def counts_of(messages: Iterable[Message]) -> dict[str, int]:
    return dict(Counter(f"{m.direction}.{m.status}" for m in messages))
