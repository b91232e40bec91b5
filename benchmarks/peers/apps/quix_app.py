"""Quix Streams and river; runs in the Python of another environment, where Quix is installed.

``python quix_app.py BOOTSTRAP SAMPLES OUTPUTS COUNT SHAPE GUARANTEE [COMMIT_INTERVAL_S]``; with COUNT 0 it
runs until it is stopped.
"""

from __future__ import annotations

import sys
from typing import Any

from quixstreams import Application

from benchmarks.peers.apps.clock import BATCH, Clock
from benchmarks.peers.apps.river_model import Answer


class Timed:
    """Answers, and tells the clock of every 5,000."""

    def __init__(self, shape: str, clock: Clock) -> None:
        self._answer = Answer(shape)
        self._clock = clock
        self._done = 0

    def __call__(self, sample: dict[str, Any]) -> dict[str, Any]:
        """Answer a sample."""
        found = self._answer.of(sample)
        self._done += 1
        if self._done % BATCH == 0:
            self._clock.done(self._done)
        return found


def main() -> None:
    """Run the application on so many samples."""
    bootstrap, samples, outputs, count, shape, guarantee = sys.argv[1:7]
    options = {"commit_interval": float(sys.argv[7])} if len(sys.argv) > 7 else {}
    clock = Clock()
    app = Application(
        broker_address=bootstrap,
        consumer_group=f"{outputs}.group",
        auto_offset_reset="earliest",
        processing_guarantee=guarantee,
        auto_create_topics=False,
        loglevel="WARNING",
        **options,
    )
    frame = app.dataframe(app.topic(samples, value_deserializer="json"))
    frame = frame.apply(Timed(shape, clock)).to_topic(app.topic(outputs, value_serializer="json"))
    app.run(count=int(count), collect=False)
    if int(count):
        clock.done(int(count))
        clock.print()


if __name__ == "__main__":
    main()
