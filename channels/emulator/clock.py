"""The emulator's two times: a real one that never leaps, and an emulated one that tests may shift."""

import time


class Clock:
    """`now()` is the world's time (epoch seconds, shiftable); `real()` measures and never goes back."""

    def __init__(self, *, speed: float = 1.0) -> None:
        self._speed = speed
        self._started_at = time.time()
        self._started_mono = time.monotonic()
        self.shift_s = 0.0

    def real(self) -> float:
        """Epoch seconds on the monotonic clock: comparable over a run, near to the wall clock."""
        return self._started_at + (time.monotonic() - self._started_mono)

    def now(self) -> float:
        """Epoch seconds of the emulated world."""
        return self._started_at + (time.monotonic() - self._started_mono) * self._speed + self.shift_s

    def shift(self, seconds: float) -> None:
        self.shift_s += seconds

    def reset(self) -> None:
        self.shift_s = 0.0
