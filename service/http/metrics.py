"""What Prometheus scrapes: counts of this process as it commits, and what the board knows at that moment.

Counts are those of this process and start at 0 with it, as Prometheus expects. The names, once given, are
a contract with the alerts and the dashboard in ``deploy``.

Do: count, in a few microseconds, on the engine's thread. Do not: put an id, an offset or a feature's name
into a label.
"""

from __future__ import annotations

import time

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

from service.board import Board
from service.http.metrics_now import MetricsNow
from service.model_state import Head
from service.observer import Commit, Observer

SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
AGES_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600)
REASONS = (
    *("empty", "not_json", "wrong_type", "missing_features", "bad_label", "bad_weight", "not_finite"),
    *("too_large", "too_many_features", "diverged"),
)
RECORDS = (1, 10, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 50_000, 100_000)


class Metrics(Observer):
    """Counts what an engine does, and tells that and the board's state in Prometheus's text format.

    Parameters
    ----------
    board
        What is known of the engine.
    client
        The stream's client, with its version.
    """

    content_type = CONTENT_TYPE_LATEST

    def __init__(self, board: Board, client: str = "") -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for each count, which nobody asks for
        self._registry = CollectorRegistry()
        self._head: Head | None = None
        self._now = MetricsNow(board, client)
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self._registry)
        self._define_counts()
        self._registry.register(self._now)

    def _define_counts(self) -> None:
        samples = self._counter("samples", "Samples committed, by what became of them.", "result")
        self._predicted, self._rejected = samples.labels("predicted"), samples.labels("rejected")
        self._rejections = self._counter("rejections", "Samples that became dead letters.", "reason")
        for reason in REASONS:  # from 0 on: of a count that begins at 1, Prometheus sees no increase
            self._rejections.labels(reason)
        self._batch_s = self._histogram("batch_seconds", "From poll to commit.", SECONDS)
        self._commit_s = self._histogram("commit_seconds", "Of a commit by itself.", SECONDS)
        self._records = self._histogram("commit_records", "Samples in a commit.", RECORDS)
        help = "From producing to committing, of the last sample of each partition in a commit; Kafka only."
        self._age_s = self._histogram("event_age_seconds", help, AGES_S)
        help = "Of taking the shard over, restoring included."
        self._takeover_s = self._histogram("takeover_seconds", help, SECONDS)

    def _counter(self, name: str, help: str, *labels: str) -> Counter:
        return Counter(f"perceptron_{name}", help, labels, registry=self._registry)

    def _histogram(self, name: str, help: str, buckets: tuple[float, ...]) -> Histogram:
        return Histogram(f"perceptron_{name}", help, registry=self._registry, buckets=buckets)

    def text(self) -> bytes:
        """Return all metrics as they are now."""
        return generate_latest(self._registry)

    # The engine tells

    def on_restored(self, head: Head, metrics: dict[str, float]) -> None:
        """Count from here; a commit of ours that had been in doubt turns out to be in the log."""
        if self._head is not None and self._head.attempt == head.attempt:
            self._count(head)
        self._head = head

    def on_commit(self, commit: Commit) -> None:
        """Count a commit's samples, and time it."""
        self._count(commit.head)
        self._head = commit.head
        self._batch_s.observe(commit.seconds)
        self._commit_s.observe(commit.commit_seconds)
        self._records.observe(commit.records)
        now = time.time()
        self._now.committed_at = now
        for produced_ms in commit.newest_ms.values():
            self._age_s.observe(max(0.0, now - produced_ms / 1000))

    def on_caught_up(self) -> None:
        """Note when the standby's copy was last complete."""
        self._now.caught_up_at = time.monotonic()

    def on_takeover(self, seconds: float) -> None:
        """Time it; the board counts it."""
        self._takeover_s.observe(seconds)

    def _count(self, head: Head) -> None:
        """Count what the model has counted since its last head that is known here."""
        last = self._head if self._head is not None and self._head.model_id == head.model_id else None
        self._predicted.inc(max(0, head.predicted - (last.predicted if last else 0)))
        before = last.rejected if last else {}
        if head.rejected != before:
            for reason, count in head.rejected.items():
                new = max(0, count - before.get(reason, 0))
                self._rejected.inc(new)
                self._rejections.labels(reason).inc(new)
