"""The clock of every program here: started by its first 5,000 samples, stopped by its last commit."""

from __future__ import annotations

import json
import time

BATCH = 5_000


class Clock:
    """Notes wall and CPU time, of all threads, at the first and the last call of :meth:`done`."""

    def __init__(self) -> None:
        self._first: tuple[int, float, float] | None = None
        self._last = (0, 0.0, 0.0)

    def done(self, records: int) -> None:
        """Note that so many records are done by now."""
        self._last = (records, time.perf_counter(), time.process_time())
        self._first = self._first or self._last

    def print(self) -> None:
        """Print the times between the two, scaled to all records, as JSON."""
        assert self._first is not None, "nothing was done"
        (few, began, cpu_began), (all_, ended, cpu_ended) = self._first, self._last
        if all_ <= few:
            raise SystemExit(f"{all_} records are too few: more than one batch of {BATCH:,} has to be timed")
        scale = all_ / (all_ - few)
        print(
            json.dumps({"seconds": (ended - began) * scale, "cpu_seconds": (cpu_ended - cpu_began) * scale})
        )
