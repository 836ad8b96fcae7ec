"""Meta's rules with state: throughput, pair rate, window, tier, marketing cap. Judged here, counted always."""

from collections import defaultdict, deque

from channels.emulator.clock import Clock
from channels.emulator.errors import GraphError
from channels.emulator.settings import Limits
from channels.emulator.state import Number, Thread

DAY_S = 86_400.0
LONG_S = 10.0  # so long that what arrived some milliseconds late or early no longer shows


class RateMeter:
    """Counts events of the last `window_s` seconds on the monotonic clock and remembers the most that one window saw."""

    __slots__ = ("_at", "_window_s", "maximum", "total")

    def __init__(self, window_s: float = 1.0) -> None:
        self._at: deque[float] = deque()
        self._window_s = window_s
        self.maximum = 0
        self.total = 0

    def count(self, at: float) -> int:
        """Events in the window before `at`, without it."""
        while self._at and self._at[0] <= at - self._window_s:
            self._at.popleft()
        return len(self._at)

    def add(self, at: float) -> None:
        in_window = self.count(at) + 1
        self._at.append(at)
        self.total += 1
        self.maximum = max(self.maximum, in_window)


class LimitKeeper:
    """Says whether a send may pass, and keeps the counts that the ledger reports whether or not a rule is enforced."""

    def __init__(self, limits: Limits, clock: Clock) -> None:
        self.limits = limits
        self._clock = clock
        self.accepted: dict[str, RateMeter] = defaultdict(RateMeter)
        self.attempted: dict[str, RateMeter] = defaultdict(RateMeter)
        self.attempted_long: dict[str, RateMeter] = defaultdict(lambda: RateMeter(LONG_S))
        self.both_ways: dict[str, RateMeter] = defaultdict(RateMeter)
        self.over_rate: dict[str, int] = defaultdict(int)
        self.over_pair: dict[str, int] = defaultdict(int)
        self._tier: dict[str, dict[str, float]] = defaultdict(
            dict
        )  # portfolio -> wa_id -> when first reached outside the window

    def check_throughput(self, number: Number) -> None:
        """Counts one send attempt; raises 130429 when the number is over its messages per second."""
        at = self._clock.real()
        meter = self.both_ways[number.id] if self.limits.rate_counts_inbound else self.accepted[number.id]
        self.attempted[number.id].add(at)
        self.attempted_long[number.id].add(at)
        allowed = number.settings.throughput_per_s
        if meter.count(at) < allowed:
            return
        self.over_rate[number.id] += 1
        if self.limits.enforce_rate and meter.count(at) >= allowed * (1 + self.limits.rate_tolerance):
            raise GraphError(
                130429,
                "Message failed to send because there were too many messages sent from this phone number in a short period of time.",
            )

    def check_pair(self, thread: Thread) -> None:
        """Raises 131056 when this pair has used its burst; one message comes back every `pair_interval_s`.

        A shift of the emulated clock refills the bucket: time went by for it too.
        """
        if self._pair_tokens(thread) >= 1.0:
            return
        self.over_pair[thread.phone_number_id] += 1
        if self.limits.enforce_pair:
            raise GraphError(
                131056,
                "Message failed to send because there were too many messages sent from this phone number to the same phone number in a short period of time.",
            )

    def count_sent(self, number: Number, thread: Thread) -> None:
        at = self._clock.real()
        self.accepted[number.id].add(at)
        self.both_ways[number.id].add(at)
        thread.pair_tokens = max(self._pair_tokens(thread) - 1.0, 0.0)

    def count_inbound(self, number: Number) -> None:
        self.both_ways[number.id].add(self._clock.real())

    def is_window_open(self, thread: Thread) -> bool:
        return thread.last_inbound_at is not None and self._clock.now() - thread.last_inbound_at < self.limits.window_s

    def check_tier(self, number: Number, wa_id: str) -> None:
        """Raises 131048 when the portfolio has reached its distinct people outside the window in the last 24 hours."""
        now = self._clock.now()
        reached = self._tier[number.settings.portfolio]
        if now - reached.get(wa_id, -DAY_S) < DAY_S:
            return
        if len(reached) >= number.settings.messaging_limit:
            for old in [w for w, at in reached.items() if now - at >= DAY_S]:
                del reached[old]
        if self.limits.enforce_tier and len(reached) >= number.settings.messaging_limit:
            raise GraphError(
                131048, f"The messaging limit of {number.settings.messaging_limit} people in 24 hours is used up."
            )
        reached[wa_id] = now

    def check_marketing(self, thread: Thread) -> None:
        """Raises 131049 over the cap of marketing messages to one person in 24 hours, when one is set."""
        now = self._clock.now()
        while thread.marketing_at and now - thread.marketing_at[0] >= DAY_S:
            thread.marketing_at.popleft()
        cap = self.limits.marketing_per_user_24h
        if cap is not None and len(thread.marketing_at) >= cap:
            raise GraphError(131049, "This message was not delivered to maintain healthy ecosystem engagement.")
        thread.marketing_at.append(now)

    def tier_used(self, portfolio: str) -> int:
        now = self._clock.now()
        return sum(1 for at in self._tier[portfolio].values() if now - at < DAY_S)

    def forget(self) -> None:
        """Starts all counts anew; pair buckets live in the threads."""
        for meters in (self.accepted, self.attempted, self.attempted_long, self.both_ways):
            meters.clear()
        for counts in (self.over_rate, self.over_pair, self._tier):
            counts.clear()

    def _pair_tokens(self, thread: Thread) -> float:
        at = self._clock.real() + self._clock.shift_s
        if thread.pair_tokens is None:
            thread.pair_tokens = float(self.limits.pair_burst)
        elif at > thread.pair_filled_at:
            refill = (at - thread.pair_filled_at) / self.limits.pair_interval_s
            thread.pair_tokens = min(float(self.limits.pair_burst), thread.pair_tokens + refill)
        thread.pair_filled_at = at
        return thread.pair_tokens
