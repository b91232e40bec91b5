"""Outcomes to records: predictions and dead letters, byte for byte the same on every replay.

No clock, no order but that of the input, no randomness in anything that is written here.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from perceptron_core import Rejection
from service.careful import Id
from service.settings import ModelSettings
from service.streams.port import Batch, Header

MAX_MESSAGE = 1000
"""A message may quote what it refuses, and has to fit beside it into the dead letter."""

ERROR_PREFIX = "perceptron.error."
ERROR_FIELDS = ("reason", "message", "topic", "partition", "offset", "model")
"""The headers behind a dead letter's own."""

_encode = msgspec.json.Encoder().encode


class BinaryPrediction(msgspec.Struct, gc=False):
    """What is published for a sample of task ``binary``."""

    id: Id
    prediction: int | str
    probability: float
    label: int | str | None
    model: str
    version: int
    topic: str
    partition: int
    offset: int


class RegressionPrediction(msgspec.Struct, gc=False):
    """What is published for a sample of task ``regression``."""

    id: Id
    prediction: float
    label: float | None
    model: str
    version: int
    topic: str
    partition: int
    offset: int


class PredictionCodec:
    """Encodes the predictions of one model."""

    def __init__(self, model: ModelSettings) -> None:
        self._name = model.name
        self._is_binary = model.task == "binary"
        self._labels = model.labels

    def encode(
        self, batch: Batch, row: int, id: Id | None, predicted: float, y: float, version: int
    ) -> bytes:
        """Return the prediction for a row of ``batch``; ``y`` is NaN where there was no label."""
        offset = batch.offsets[row]
        if id is None:
            id = f"{batch.topic}-{batch.partition}-{offset}"
        if not self._is_binary:
            label = None if y != y else y
            return _encode(
                RegressionPrediction(
                    id, predicted, label, self._name, version, batch.topic, batch.partition, offset
                )
            )
        labels = self._labels
        return _encode(
            BinaryPrediction(
                id,
                labels[predicted > 0.5],
                predicted,
                None if y != y else labels[y > 0.5],
                self._name,
                version,
                batch.topic,
                batch.partition,
                offset,
            )
        )


def dead_letter_headers(batch: Batch, row: int, rejection: Rejection, model: str) -> Sequence[Header]:
    """Return the record's own headers with the reason behind them."""
    at = (batch.topic, batch.partition, batch.offsets[row], model)
    error = zip(ERROR_FIELDS, (rejection.reason, rejection.message[:MAX_MESSAGE], *at), strict=True)
    added = [
        (f"{ERROR_PREFIX}{name}", str(value).encode("utf-8", "backslashreplace")) for name, value in error
    ]
    return [*batch.headers[row], *added]
