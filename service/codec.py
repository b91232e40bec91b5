"""Outcomes to records: predictions and dead letters, byte for byte the same on every replay.

No clock, no order but that of the input, no randomness in anything that is written here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
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

try:
    from service.printer import Printer
except ImportError:  # not compiled
    Printer = None  # type: ignore[assignment,misc]

Numbers = npt.NDArray[np.float64]

MAX_MESSAGE = 1000
"""A message may quote what it refuses, and has to fit beside it into the dead letter."""

ERROR_PREFIX = "perceptron.error."
ERROR_FIELDS = ("reason", "message", "topic", "partition", "offset", "model")
"""The headers behind a dead letter's own."""

OMITTED = f"{ERROR_PREFIX}omitted_bytes"
"""The header behind these where the record itself did not fit."""

TRACE = frozenset({"traceparent", "tracestate"})
"""The headers of a sample that its prediction carries on (W3C Trace Context)."""

MAX_TRACE_BYTES = 512
"""A longer value is left behind: W3C asks for as much, and a prediction has to fit its topic."""

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


class BinaryAnswer(msgspec.Struct, gc=False):
    """What is answered for a sample of task ``binary`` that was asked about, not published."""

    id: Id | None
    prediction: int | str
    probability: float
    label: int | str | None
    model: str
    version: int
    contributions: dict[str, float] | msgspec.UnsetType = msgspec.UNSET


class RegressionAnswer(msgspec.Struct, gc=False):
    """What is answered for a sample of task ``regression`` that was asked about, not published."""

    id: Id | None
    prediction: float
    label: float | None
    model: str
    version: int
    contributions: dict[str, float] | msgspec.UnsetType = msgspec.UNSET


class PredictionCodec:
    """Encodes the predictions of one model."""

    def __init__(self, model: ModelSettings) -> None:
        self._name = model.name
        self._labels = model.labels
        is_binary = model.task == "binary"
        self._predictions = self._binary if is_binary else self._regression
        self._published: Callable[..., Any] = BinaryPrediction if is_binary else RegressionPrediction
        self._answered: Callable[..., Any] = BinaryAnswer if is_binary else RegressionAnswer
        self._lines = self._by_msgspec
        if Printer is not None:
            self._lines = Printer(model.name, model.labels if is_binary else None).lines

    def answers(
        self, ids: Sequence[Id | None], predicted: Numbers, labels: Numbers, version: int
    ) -> list[Any]:
        """Return what a version says of samples that are nowhere in a topic."""
        same = repeat(self._name), repeat(version)
        return list(self._predictions(self._answered, ids, predicted, labels, *same))

    def encode(
        self, batch: Batch, samples: Samples, predicted: Numbers, labels: Numbers, version: int
    ) -> tuple[list[bytes | None], list[bytes], list[Sequence[Header]] | None]:
        """Return the predictions' keys, values and headers; NaN stands where the model refused a sample.

        Each names the version that made it: ``version`` is the first one's.
        """
        rows, ids = samples.rows, samples.ids
        if (refused := np.isnan(predicted)).any():
            kept = (~refused).tolist()
            rows, ids = list(compress(rows, kept)), list(compress(ids, kept))
            predicted, labels = predicted[kept], labels[kept]
        offsets = [batch.offsets[row] for row in rows]
        values = self._lines(batch.topic, batch.partition, offsets, ids, predicted, labels, version)
        return [batch.keys[row] for row in rows], values, _trace_headers(batch, rows)

    def _by_msgspec(
        self,
        topic: str,
        partition: int,
        offsets: list[int],
        ids: list[Id | None],
        predicted: Numbers,
        labels: Numbers,
        version: int,
    ) -> list[bytes]:
        """Do as :meth:`service.printer.Printer.lines`, where that is not compiled: to the same bytes."""
        labelled = ~np.isnan(labels)
        where = f"{topic}-{partition}-"
        predictions = self._predictions(
            self._published,
            [f"{where}{offset}" if id is None else id for id, offset in zip(ids, offsets, strict=True)],
            predicted,
            labels,
            repeat(self._name),
            (version + np.cumsum(labelled) - labelled).tolist(),
            repeat(topic),
            repeat(partition),
            offsets,
        )
        return _encode_lines(list(predictions)).split(b"\n")[:-1]

    def _binary(
        self,
        kind: Callable[..., Any],
        ids: Sequence[Id | None],
        predicted: Numbers,
        labels: Numbers,
        *at: Iterable[Any],
    ) -> Iterable[Any]:
        name = (*self._labels, None).__getitem__
        known = np.where(np.isnan(labels), 2, labels > 0.5)
        classes = map(name, (predicted > 0.5).tolist())
        return map(kind, ids, classes, predicted.tolist(), map(name, known.tolist()), *at)

    def _regression(
        self,
        kind: Callable[..., Any],
        ids: Sequence[Id | None],
        predicted: Numbers,
        labels: Numbers,
        *at: Iterable[Any],
    ) -> Iterable[Any]:
        known = [None if y != y else y for y in labels.tolist()]
        return map(kind, ids, predicted.tolist(), known, *at)


def _trace_headers(batch: Batch, rows: Sequence[int]) -> list[Sequence[Header]] | None:
    """Return what the records say of the traces they belong to, None where none says anything."""
    if not any(batch.headers):
        return None
    found = [_trace(batch.headers[row]) for row in rows]
    return found if any(found) else None


def _trace(headers: Sequence[Header]) -> Sequence[Header]:
    """Return the first of each trace header, in the order of the record."""
    found: dict[str, bytes] = {}
    for name, value in headers:
        if name in TRACE and value is not None and len(value) <= MAX_TRACE_BYTES:
            found.setdefault(name, value)
    return tuple(found.items())


def dead_letter_headers(batch: Batch, row: int, rejection: Rejection, model: str) -> Sequence[Header]:
    """Return the record's own headers with the reason behind them."""
    at = (batch.topic, batch.partition, batch.offsets[row], model)
    error = zip(ERROR_FIELDS, (rejection.reason, rejection.message[:MAX_MESSAGE], *at), strict=True)
    added = [
        (f"{ERROR_PREFIX}{name}", str(value).encode("utf-8", "backslashreplace")) for name, value in error
    ]
    return [*batch.headers[row], *added]
