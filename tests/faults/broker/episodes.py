"""An episode: one model on topics of its own, what is done to its learners, and the examination."""

from __future__ import annotations

import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cached_property
from typing import Any

from service.model_state import Head
from service.streams.port import Output, Stream
from service.streams.select import open_stream
from service.topics import topic_specs
from tests.contracts.rig import wait_until
from tests.corpus import Case, settings
from tests.faults.broker.flat import Sample, is_flat, told
from tests.faults.broker.points import CLIENTS
from tests.faults.checks import collect, examine, heads
from tests.faults.oracle import Oracle
from tests.faults.processes import Worker, worker

SESSION_TIMEOUT_MS = 1500
SAY_EVERY_S = 10.0
LEARNED_WITHIN_S = 120.0
"""A join whose answer is lost keeps a member out for a minute (``kafka_common.POLL_INTERVAL_MS``)."""

Table = list[dict[str, object]]


class Episode:
    """A model of its own and the records that its learners are given."""

    def __init__(self, bootstrap: str, kind: str, records: Sequence[Case]) -> None:
        self.url = f"kafka://{bootstrap}"
        self.name = f"{kind}-{uuid.uuid4().hex[:8]}"
        self.records = records
        self.provided = 0
        self.chosen = settings(**self.sections())
        with self.stream() as stream:
            stream.create_topics(topic_specs(self.chosen))

    def sections(self, **engine: Any) -> dict[str, Any]:
        """Return the settings of one of its learners."""
        return {"model": {"name": self.name}, "engine": engine}

    @contextmanager
    def stream(self) -> Iterator[Any]:
        """Open the stream by kafka-python, which can tell of open transactions."""
        with open_stream(self.url, client="kafka-python", session_timeout_ms=SESSION_TIMEOUT_MS) as stream:
            yield stream

    def provide(self, count: int | None = None, stream: Stream | None = None) -> None:
        """Give ``count`` more records, or all that are left, by a stream that is open, or another."""
        until = len(self.records) if count is None else self.provided + count
        some = self.records[self.provided : until]
        keys, values = [case.key for case in some], [case.value for case in some]
        with nullcontext(stream) if stream else self.stream() as opened:
            opened.append([Output(self.chosen.topics.samples, 0, keys, values)])
        self.provided += len(some)

    def worker(
        self, client: str, until_end: bool = True, engine: dict[str, Any] | None = None, **more: Any
    ) -> AbstractContextManager[Worker]:
        """Start a learner of it."""
        return worker(self.url, client, self.sections(**(engine or {})), until_end, **more)

    def wait_until_learned(self, workers: Sequence[Worker]) -> None:
        """Wait until what was provided is learned; whoever has died meanwhile is an error."""

        def is_learned() -> bool:
            for one in workers:
                one.require_alive()
            with self.stream() as stream:
                group = stream.group_offsets(self.chosen.group, self.chosen.topics.samples)
            return bool(group.get(0, 0) == self.provided)

        try:
            wait_until(is_learned, LEARNED_WITHIN_S)
        except AssertionError as error:
            said = "\n".join(f"{one}\n{one.errors()}" for one in workers)
            raise AssertionError(f"{self.name}: {error}\n{said}") from error

    def heads(self) -> list[Head]:
        """Return the heads so far."""
        with self.stream() as stream:
            return heads(stream, self.chosen)

    def finish(self, client: str) -> None:
        """Learn what is left."""
        with self.worker(client) as last:
            last.finish()

    @cached_property
    def findings(self) -> dict[str, list[str]]:
        """What is not as a run that never stopped would have left it."""
        with self.stream() as stream:
            findings = examine(
                collect(stream, self.chosen), Oracle(self.records[: self.provided], self.chosen)
            )
        if findings:
            print(f"{self.name}: {findings}", file=sys.stderr, flush=True)
        return findings


class Tally:
    """What the episodes of a campaign have come to; safe between threads, and says so now and then."""

    def __init__(self, campaign: str) -> None:
        self._campaign = campaign
        self._lock = threading.Lock()
        self._counts: Counter[tuple[str, str]] = Counter()
        self._totals: Counter[str] = Counter(episodes=0, records=0, divergences=0)
        self._started = self._said_at = time.monotonic()

    def add(self, kind: str, client: str, count: int = 1) -> None:
        """Count a fault."""
        with self._lock:
            self._counts[kind, client] += count
            if time.monotonic() - self._said_at > SAY_EVERY_S:
                self._said_at = time.monotonic()
                print(self, file=sys.stderr, flush=True)

    def close(self, episode: Episode) -> None:
        """Count an episode that is over, with what was found in it."""
        findings = episode.findings
        with self._lock:
            self._totals.update(episodes=1, records=episode.provided, divergences=bool(findings))

    def note(self, **more: int) -> None:
        """Add to further totals."""
        with self._lock:
            self._totals.update(more)

    def total(self, name: str) -> int:
        """Return a total so far."""
        return self._totals[name]

    def __str__(self) -> str:
        seconds = time.monotonic() - self._started
        totals = ", ".join(f"{value} {name}" for name, value in self._totals.items())
        return f"{self._campaign}: {self._counts.total()} faults, {totals}, {seconds:.0f} s"

    def table(self) -> Table:
        """Return a row for each kind and client, and the totals."""
        rows: Table = [
            {"kind": kind, "client": client, "count": count}
            for (kind, client), count in sorted(self._counts.items())
        ]
        total = {"kind": self._campaign, "client": "all", "count": self._counts.total()}
        return [*rows, {**total, **self._totals, "seconds": round(time.monotonic() - self._started)}]


def clients(client: str | None) -> Sequence[str]:
    """Return the one client, or both."""
    return CLIENTS if client is None else (client,)


def require_flat(sizes: Mapping[Worker, Sequence[Sample]]) -> None:
    """Assert that learners that have lived through faults have not grown."""
    for one, samples in sizes.items():
        assert is_flat(samples), f"{one} has grown: {told(samples)}"


def stopped(*workers: Worker) -> None:
    """Stop learners, and see that they end well."""
    for one in workers:
        one.stop()
        assert one.status == 0, f"{one}\n{one.errors()}"


def side_by_side(jobs: int, episodes: Sequence[Callable[[], None]]) -> None:
    """Run episodes, some at a time; the first failure ends it."""
    with ThreadPoolExecutor(jobs) as pool:
        running = [pool.submit(episode) for episode in episodes]
        try:
            for one in running:
                one.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
