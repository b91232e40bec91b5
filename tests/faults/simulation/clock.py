"""Time in a world of its own: events in their order, and a clock that jumps from one to the next."""

from __future__ import annotations

import heapq
import random
import time
from collections.abc import Callable


class Clock:
    """Virtual time; equal seeds give equal worlds."""

    def __init__(self, seed: int) -> None:
        self.now = 1_000.0
        self.random = random.Random(seed)
        self._events: list[tuple[float, int, Callable[[], object]]] = []
        self._count = 0

    def later(self, seconds: float, event: Callable[[], object]) -> None:
        """Let something happen; events of one moment happen in the order in which they were announced."""
        self._count += 1
        heapq.heappush(self._events, (self.now + seconds, self._count, event))

    def is_quiet_until(self, moment: float) -> bool:
        """Whether nothing is to happen up to that moment."""
        return not self._events or self._events[0][0] > moment

    def next_event(self) -> None:
        """Jump to the next event and let it happen."""
        moment, _, event = heapq.heappop(self._events)
        self.now = max(self.now, moment)
        event()

    def pass_time(self, seconds: float) -> None:
        """Let everything happen that is to happen within these seconds."""
        over: list[bool] = []
        self.later(seconds, lambda: over.append(True))  # an event, or a process alone would run on past it
        while not over:
            self.next_event()


class WallClock(Clock):
    """Real time, for whoever holds the model broker against a contract."""

    @property
    def now(self) -> float:
        """The real time."""
        return time.monotonic()

    @now.setter
    def now(self, moment: float) -> None:
        """Real time can't be set."""

    def pass_time(self, seconds: float) -> None:
        """Wait, and let happen what was to happen by now."""
        time.sleep(seconds)
        while not self.is_quiet_until(self.now):
            self.next_event()
