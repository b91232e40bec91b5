"""Read this first: a batch of records in, what is to be written out; no I/O.

For each record in order: decode; reject what must not reach the weights; predict; learn. The state has
two copies. :meth:`Learner.process` changes the working one; :meth:`Learner.stage` sets it apart once it is
handed over to the stream, :meth:`Learner.commit` makes that the committed one, once the stream has accepted
it, and :meth:`Learner.rollback` throws away all that is not committed.

Do: decide what a record is and what becomes of it. Do not: touch a stream, a clock or a setting of one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from perceptron_core import Rejection
from perceptron_core.metrics import BinaryMetrics, RegressionMetrics
from service.codec import PredictionCodec, dead_letter_headers
from service.records import Decoder
from service.river_metrics import RiverMetrics
from service.settings import Settings
from service.streams.port import Batch, Output, Partition


@dataclass(slots=True)
class Position:
    """Where the learner is in its input, and what it has counted on the way."""

    next_offsets: dict[Partition, int] = field(default_factory=dict)
    predicted: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    topic_ids: dict[str, str] = field(default_factory=dict, compare=False)  # the stream's own, and random

    def copy(self) -> Position:
        """Return a copy that shares nothing."""
        return Position(dict(self.next_offsets), self.predicted, Counter(self.rejected), dict(self.topic_ids))

    def to_wire(self) -> dict[str, dict[int, int]]:
        """Return the next offsets by topic and partition, as the head holds them."""
        offsets: dict[str, dict[int, int]] = {}
        for (topic, partition), offset in self.next_offsets.items():
            offsets.setdefault(topic, {})[partition] = offset
        return offsets

    @staticmethod
    def from_wire(offsets: Mapping[str, Mapping[int, int]]) -> dict[Partition, int]:
        """Return the next offsets of a head."""
        return {(topic, number): offset for topic, by in offsets.items() for number, offset in by.items()}


Snapshot = tuple[list[float], bytes, Position]
"""The state beside the model's: of both kinds of metrics, and the position."""


class Learner:
    """The model of one shard, its metrics and its position.

    Parameters
    ----------
    settings
        Checked settings.
    widths
        The number of partitions of the predictions and dead-letter topics, by topic.
    """

    def __init__(self, settings: Settings, widths: Mapping[str, int]) -> None:
        self._settings = settings.model
        self._topics = settings.topics
        self._widths = widths
        self._codec = PredictionCodec(settings.model)
        self.restart()
        self._decoder = Decoder(settings, may_be_rows=self.model.takes_rows)

    def restart(self) -> None:
        """Begin with an untrained model at no position, working and committed."""
        self.model = self._settings.new_model()
        self.metrics = BinaryMetrics() if self._settings.task == "binary" else RegressionMetrics()
        self.river_metrics = RiverMetrics(self._settings.metrics, self._settings.task)
        self.position = Position()
        self._committed = self._snapshot()
        self._staged: Snapshot | None = None

    def process(self, batch: Batch) -> list[Output]:
        """Predict and learn record by record; return predictions and dead letters."""
        version = self.model.version
        samples = self._decoder.decode(batch.values)
        refused: list[tuple[int, Rejection]] = []
        labels = np.array(samples.labels)
        predictions = self.model.predict_learn_many(samples.features, labels, samples.weights, refused)
        self.metrics.update(labels, predictions)
        self.river_metrics.update(labels, predictions)
        rejections = samples.rejections + [(samples.rows[index], why) for index, why in refused]
        rejections.sort(key=lambda rejection: rejection[0])
        keys, values, headers = self._codec.encode(batch, samples, predictions, labels, version)
        outputs = [Output(*self._to(self._topics.predictions, batch), keys, values, headers)]
        outputs.append(self._dead_letters(batch, rejections))
        self._advance(batch, len(outputs[0]), rejections)
        return [output for output in outputs if len(output)]

    def metric_values(self) -> dict[str, float]:
        """Return all metrics by name."""
        return {**self.metrics.values(), **self.river_metrics.values()}

    def stage(self) -> None:
        """Set the working state apart as what :meth:`commit` will commit; learning may go on."""
        self.model.stage()
        self._staged = self._snapshot()

    def commit(self) -> None:
        """Make the staged state the committed one; the working one where none was staged."""
        self.model.commit()
        self._committed, self._staged = self._staged or self._snapshot(), None

    def rollback(self) -> None:
        """Go back to the committed state, whatever was staged or learned since."""
        self.model.rollback()
        self._staged = None
        metrics, river_metrics, position = self._committed
        self.metrics.load(metrics)
        self.river_metrics.load(river_metrics)
        self.position = position.copy()

    def _snapshot(self) -> Snapshot:
        return self.metrics.state(), self.river_metrics.state(), self.position.copy()

    def _dead_letters(self, batch: Batch, rejections: list[tuple[int, Rejection]]) -> Output:
        rows = [row for row, _ in rejections]
        return Output(
            *self._to(self._topics.dlq, batch),
            keys=[batch.keys[row] for row in rows],
            values=[batch.values[row] for row in rows],
            headers=[dead_letter_headers(batch, row, why, self._settings.name) for row, why in rejections],
        )

    def _to(self, topic: str, batch: Batch) -> Partition:
        """Return where in ``topic`` the outcomes of an input partition go."""
        return topic, batch.partition % self._widths[topic]

    def _advance(self, batch: Batch, predicted: int, rejections: list[tuple[int, Rejection]]) -> None:
        self.position.next_offsets[batch.topic, batch.partition] = batch.offsets[-1] + 1
        self.position.predicted += predicted
        self.position.rejected.update(why.reason for _, why in rejections)
