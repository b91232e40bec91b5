"""The service's learner over N messages, to be run under a counter: ``workload.py SHAPE RATE N``."""

from __future__ import annotations

import sys

from benchmarks.peers.samples import SHAPES
from service.learner import Learner
from service.settings import Settings
from service.streams.port import Batch

BATCH = 500
MOST = 6_000


def main() -> None:
    """Decode, predict, learn and encode; what is made ready is the same, whatever N."""
    shape, rate, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    samples = SHAPES[shape].make(MOST)
    settings = Settings.model_validate({"model": {"learning_rate": rate if rate == "auto" else float(rate)}})
    topics = settings.topics
    learner = Learner(settings, {topics.predictions: 1, topics.dlq: 1})
    messages, nothing = samples.messages, [None] * BATCH
    for start in range(0, count, BATCH):
        offsets = range(start, start + BATCH)
        values = messages[start : start + BATCH]
        learner.process(Batch(topics.samples, 0, offsets, nothing, values, [()] * BATCH))
        learner.commit()


if __name__ == "__main__":
    main()
