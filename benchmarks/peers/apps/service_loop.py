"""The whole service on a stream: guards, metrics, model log, exactly once.

``python service_loop.py STREAM CLIENT SAMPLES OUTPUTS RATE``: learns all that is in the topic of samples.
"""

from __future__ import annotations

import sys

from benchmarks.peers.apps.clock import Clock
from service.engine import Engine
from service.memory import live_long
from service.observer import Commit, Observer
from service.settings import Settings
from service.streams.select import open_stream


class Timed(Observer):
    """Tells the clock of each commit."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._done = 0

    def on_commit(self, commit: Commit) -> None:
        """Count what was committed."""
        self._done += commit.records
        self._clock.done(self._done)


def main() -> None:
    """Learn all that is there."""
    url, client, samples, outputs, rate = sys.argv[1:]
    topics = {"samples": samples, "predictions": outputs}
    settings = Settings.model_validate(
        {
            "model": {"name": outputs, "learning_rate": rate if rate == "auto" else float(rate)},
            "topics": topics,
        }
    )
    clock = Clock()
    with open_stream(url, client=client) as stream:
        engine = Engine(stream, settings, observer=Timed(clock))
        live_long()
        engine.run(until_end=True)
    clock.print()


if __name__ == "__main__":
    main()
