"""The metrics that are looked up when they are asked for: what the board knows at that moment."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from platform import python_version
from typing import Any, get_args

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from perceptron_core import Perceptron
from service.board import Board
from service.commands.terminal import kernel_is_compiled
from service.errors import PerceptronError
from service.learner import Learner
from service.model_state import Head
from service.observer import Role
from service.version import own_version

KINDS = ("Fenced", "Aborted", "InDoubt", "Unreachable")
FACTS = {
    "model_version": "Samples that the model has learned.",
    "model_sequence": "Commits of the model.",
    "model_features": "Features of the model.",
    "model_bytes": "Size of the model in its topic.",
    "weight_norm": "Euclidean norm of the weights, of up to 100,000.",
}

NORM_FEATURES = 100_000
"""A larger model's weights are not looked at: that would take longer than a scrape may."""

NORM_EVERY_S = 10.0

Row = tuple[str, ...]


class MetricsNow(Collector):
    """Tells a board's state as gauges; every method may be called from any thread.

    ``committed_at`` (Unix seconds) and ``caught_up_at`` (monotonic) are told by the engine.
    """

    def __init__(self, board: Board, client: str) -> None:
        self._board = board
        self._client = client
        self._kernel = "compiled" if kernel_is_compiled() else "interpreted"
        self._norm: tuple[float, float] | None = None  # when it was looked up, and the norm
        self.committed_at = 0.0
        self.caught_up_at: float | None = None

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Name nothing beforehand: nothing is looked up where nobody asks."""
        return ()

    def collect(self) -> Iterator[GaugeMetricFamily | CounterMetricFamily]:
        """Return every metric as it is now; one without a value keeps its name."""
        yield from self._process()
        yield from self._role()
        yield from self._input()
        yield from self._model()

    def _process(self) -> Iterator[GaugeMetricFamily | CounterMetricFamily]:
        about = (own_version(), self._client, self._kernel, python_version())
        yield _gauge("info", "What runs here.", {about: 1.0}, ("version", "client", "kernel", "python"))
        counts = self._board.counts()
        yield _counter("rebalances", "Changes of the shards given by the group.", {(): counts["rebalances"]})
        yield _counter("takeovers", "Shards taken over, or taken up again.", {(): counts["takeovers"]})
        kinds = dict.fromkeys(KINDS, 0) | self._board.recoveries()
        recoveries = {(kind,): count for kind, count in kinds.items()}
        yield _counter("recoveries", "Failed commits and lost streams, by error.", recoveries, ("kind",))
        at = {(): self.committed_at}
        yield _gauge("last_commit_timestamp_seconds", "When this process last committed; 0: not yet.", at)

    def _role(self) -> Iterator[GaugeMetricFamily]:
        readiness = self._board.readiness()
        roles = {(role,): float(role == readiness.role) for role in get_args(Role)}
        yield _gauge("role", "What the process is: 1 at one role, 0 at the others.", roles, ("role",))
        yield _gauge("ready", "Whether the model here is kept up.", {(): float(readiness.ready)})
        age = {}
        if readiness.role == "standby" and self.caught_up_at is not None:
            age[()] = time.monotonic() - self.caught_up_at
        yield _gauge("standby_lag_seconds", "Since a standby had all that the owner had committed.", age)

    def _input(self) -> Iterator[GaugeMetricFamily]:
        reads = self._board.role in ("owner", "recovering")  # a standby's would be those of its past
        lags = {_place(at): float(lag) for at, lag in self._board.lags().items() if reads}
        yield _gauge("lag_records", "Offsets left to the end of the samples.", lags, ("topic", "partition"))
        ages = {_place(at): age for at, age in self._board.event_ages_s().items() if reads}
        help = "Since the last committed sample was produced, where there are more; Kafka only."
        yield _gauge("lag_seconds", help, ages, ("topic", "partition"))

    def _model(self) -> Iterator[GaugeMetricFamily]:
        head = self._board.head
        facts = {} if head is None else self._facts(head)
        for name, help in FACTS.items():
            yield _gauge(name, help, {(): facts[name]} if name in facts else {})
        help = 'Progressive metrics of predictions, over all samples or a window; "samples" counts these.'
        yield _gauge("metric", help, dict(self._progressive()), ("name", "window"))

    def _facts(self, head: Head) -> dict[str, float]:
        norm = self._weight_norm(head)
        return {
            "model_version": head.version,
            "model_sequence": head.sequence,
            "model_features": head.features,
            "model_bytes": self._board.model.size_bytes,
            **({} if norm is None else {"weight_norm": norm}),
        }

    def _progressive(self) -> Iterator[tuple[Row, float]]:
        for window, values in {"all": self._board.metrics, **self._board.windows()}.items():
            for name, value in values.items():
                if name == "samples" or values.get("samples"):  # of no samples there is no accuracy
                    yield (name, window), value

    def _weight_norm(self, head: Head) -> float | None:
        """Return the norm, looked up a moment ago or now."""
        if head.features > NORM_FEATURES:
            return None
        if self._norm is None or time.monotonic() - self._norm[0] >= NORM_EVERY_S:
            with suppress(PerceptronError):  # the engine's to tell
                norm = self._board.model.read(_norm_of)
                self._norm = None if norm is None else (time.monotonic(), norm)
        return self._norm and self._norm[1]


def _norm_of(head: Head, learner: Learner) -> float | None:
    """Return the norm of a neuron's weights; a pipeline has none that can be named in general."""
    if not isinstance(learner.model, Perceptron):
        return None
    return math.hypot(*learner.model.weights_by_identity().values())


def _place(partition: tuple[str, int]) -> Row:
    return partition[0], str(partition[1])


def _gauge(name: str, help: str, values: Mapping[Any, float], labels: Row = ()) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"perceptron_{name}", help, labels=labels)
    for row, value in values.items():
        family.add_metric(row, value)
    return family


def _counter(name: str, help: str, values: Mapping[Any, int], labels: Row = ()) -> CounterMetricFamily:
    family = CounterMetricFamily(f"perceptron_{name}", help, labels=labels)
    for row, value in values.items():
        family.add_metric(row, value)
    return family
