"""Ends the process when a call does not return: a client's call without a time-out must not hang for ever."""

from __future__ import annotations

import logging
import os
import threading
from types import TracebackType
from typing import Self

log = logging.getLogger("perceptron")

_SLICE_S = 1.0


class Watchdog:
    """Exits with 1 when nobody has called :meth:`tick` for ``limit_s`` seconds.

    Time is counted in slices in which the watchdog itself was awake, so that a process that was frozen,
    or a machine that slept, is not taken for one that hangs.
    """

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self._age_s = 0.0
        self._doing = "starting"
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    def tick(self, doing: str) -> None:
        """Say that the process is alive, and what it turns to next."""
        self._doing = doing
        self._age_s = 0.0

    def _watch(self) -> None:
        while not self._closed.wait(_SLICE_S):
            self._age_s += _SLICE_S
            if self._age_s > self._limit_s:
                log.critical("no progress for %g s while %s: ending the process", self._age_s, self._doing)
                os._exit(1)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed.set()
