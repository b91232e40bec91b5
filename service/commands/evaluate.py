"""``perceptron evaluate``: predict, then learn, over a file; no stream, the same code."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from perceptron_core import Perceptron
from service.commands.lines import Source
from service.commands.progress import Progress, in_words
from service.learner import Learner
from service.settings import Settings
from service.streams.port import Batch, Output

BATCH = 500
FINE_BATCH = 10  # a point of the curve each


@dataclass
class Rejected:
    """How often a reason came up, and where first."""

    count: int
    line: int
    message: str


@dataclass
class Evaluation:
    """What came out of a file; ``curve`` holds the state of the metrics after each batch."""

    learner: Learner
    seconds: float = 0.0
    records: int = 0
    rejected: dict[str, Rejected] = field(default_factory=dict)
    curve: list[list[float]] = field(default_factory=list)

    @property
    def speed(self) -> float:
        """Records a second, reading and decoding included."""
        return self.records / self.seconds if self.seconds else 0.0

    def line(self) -> str:
        """Return where it is now."""
        parts = [f"{self.records:,} records", *in_words(self.learner.metric_values())]
        return " · ".join(parts)

    def as_json(self) -> dict[str, Any]:
        """Return the outcome as plain data."""
        model = self.learner.model
        return {
            "records": self.records,
            "predicted": self.learner.position.predicted,
            "rejected": {reason: vars(rejected) for reason, rejected in self.rejected.items()},
            "metrics": self.learner.metric_values(),
            "version": model.version,
            "features": model.n_features if isinstance(model, Perceptron) else None,
            "bias": model.bias,
            "hash": model.hash(),
            "seconds": self.seconds,
            "records_per_second": self.speed,
        }


def evaluate(settings: Settings, source: Source, batch: int, stop: threading.Event) -> Evaluation:
    """Take every line of ``source`` through the learner, as the service would."""
    topics = settings.topics
    evaluation = Evaluation(Learner(settings, {topics.predictions: 1, topics.dlq: 1}))
    started = 0.0
    with Progress(evaluation.line, hidden=source.is_typed):
        for lines in source.batches(stop):
            started = started or time.monotonic()  # of the first line
            for start in range(0, len(lines), batch):
                _take(evaluation, topics.samples, lines[start : start + batch])
                evaluation.seconds = time.monotonic() - started
    return evaluation


def _take(evaluation: Evaluation, topic: str, lines: Sequence[bytes]) -> None:
    """Process a batch made of lines; offsets count them from 0."""
    first, count = evaluation.records, len(lines)
    offsets = range(first, first + count)
    outputs = evaluation.learner.process(Batch(topic, 0, offsets, [None] * count, lines, [()] * count))
    evaluation.learner.commit()
    evaluation.records += count
    evaluation.curve.append(evaluation.learner.metrics.state())
    for output in outputs:
        if output.headers is not None:
            _count_rejected(evaluation.rejected, output)


def _count_rejected(rejected: dict[str, Rejected], dead_letters: Output) -> None:
    for headers in dead_letters.headers or ():
        told = {name.removeprefix("perceptron.error."): (value or b"").decode() for name, value in headers}
        line, reason = int(told["offset"]) + 1, told["reason"]
        rejected.setdefault(reason, Rejected(0, line, told["message"])).count += 1
