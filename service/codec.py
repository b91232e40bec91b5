"""Outcomes to records: predictions and dead letters, byte for byte the same on every replay.

No clock, no order but that of the input, no randomness in anything that is written here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import compress, repeat
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from perceptron_core import Rejection
from service.careful import Id
from service.records import Samples
from service.settings import ModelSettings
from service.streams.port import Batch, Header

Numbers = npt.NDArray[np.float64]

MAX_MESSAGE = 1000
"""A message may quote what it refuses, and has to fit beside it into the dead letter."""

ERROR_PREFIX = "perceptron.error."
ERROR_FIELDS = ("reason", "message", "topic", "partition", "offset", "model")
"""The headers behind a dead letter's own."""

OMITTED = f"{ERROR_PREFIX}omitted_bytes"
"""The header behind these where the record itself did not fit."""

_encode_lines = msgspec.json.Encoder().encode_lines  # JSON escapes line ends: each prediction is one line


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
        self._labels = model.labels
        self._predictions = self._binary if model.task == "binary" else self._regression

    def encode(
        self, batch: Batch, samples: Samples, predicted: Numbers, labels: Numbers, version: int
    ) -> tuple[list[bytes | None], list[bytes]]:
        """Return keys and values of the predictions; NaN stands where the model refused a sample.

        Each names the version that made it: ``version`` is the first one's. Column by column, because a
        call for each sample would cost as much again.
        """
        rows, ids = samples.rows, samples.ids
        if (refused := np.isnan(predicted)).any():
            kept = (~refused).tolist()
            rows, ids = list(compress(rows, kept)), list(compress(ids, kept))
            predicted, labels = predicted[kept], labels[kept]
        labelled = ~np.isnan(labels)
        offsets = [batch.offsets[row] for row in rows]
        where = f"{batch.topic}-{batch.partition}-"
        predictions = self._predictions(
            [f"{where}{offset}" if id is None else id for id, offset in zip(ids, offsets, strict=True)],
            predicted,
            labels,
            repeat(self._name),
            (version + np.cumsum(labelled) - labelled).tolist(),
            repeat(batch.topic),
            repeat(batch.partition),
            offsets,
        )
        return [batch.keys[row] for row in rows], _encode_lines(list(predictions)).split(b"\n")[:-1]

    def _binary(
        self, ids: list[Id], predicted: Numbers, labels: Numbers, *at: Iterable[Any]
    ) -> Iterable[BinaryPrediction]:
        name = (*self._labels, None).__getitem__
        known = np.where(np.isnan(labels), 2, labels > 0.5)
        classes = map(name, (predicted > 0.5).tolist())
        return map(BinaryPrediction, ids, classes, predicted.tolist(), map(name, known.tolist()), *at)

    def _regression(
        self, ids: list[Id], predicted: Numbers, labels: Numbers, *at: Iterable[Any]
    ) -> Iterable[RegressionPrediction]:
        known = [None if y != y else y for y in labels.tolist()]
        return map(RegressionPrediction, ids, predicted.tolist(), known, *at)


def dead_letter_headers(batch: Batch, row: int, rejection: Rejection, model: str) -> Sequence[Header]:
    """Return the record's own headers with the reason behind them."""
    at = (batch.topic, batch.partition, batch.offsets[row], model)
    error = zip(ERROR_FIELDS, (rejection.reason, rejection.message[:MAX_MESSAGE], *at), strict=True)
    added = [
        (f"{ERROR_PREFIX}{name}", str(value).encode("utf-8", "backslashreplace")) for name, value in error
    ]
    return [*batch.headers[row], *added]
