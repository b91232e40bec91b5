"""An event that a signal handler may set."""

from __future__ import annotations

import threading
import time

SLICE_S = 0.05


class Wish(threading.Event):
    """An event without a lock.

    A handler runs in the midst of what the main thread does. With a lock, that could be waiting for this very
    event and hold it: neither would go on.
    """

    def __init__(self) -> None:
        super().__init__()
        self._is_set = False

    def set(self) -> None:
        """Wish it; whoever waits is awake within a twentieth of a second."""
        self._is_set = True

    def clear(self) -> None:
        """Wish it no more."""
        self._is_set = False

    def is_set(self) -> bool:
        """Whether it was wished."""
        return self._is_set

    def wait(self, timeout: float | None = None) -> bool:
        """Return once it is wished, or the time is over."""
        until = time.monotonic() + (float("inf") if timeout is None else timeout)
        while not self._is_set and (left_s := until - time.monotonic()) > 0:
            time.sleep(min(left_s, SLICE_S))
        return self._is_set
