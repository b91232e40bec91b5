"""What the contract suite needs beside the port: streams of every kind, and short ways to say things."""

from __future__ import annotations

import contextlib
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from service.streams.port import Header, Membership, Output, Partition, Reader, Stream, TopicSpec

KINDS = ("sqlite", "kafka-python", "confluent", "simulated")
SESSION_TIMEOUT_MS = 1500
DEADLINE_S = 20.0

T = TypeVar("T")
Record = tuple[int, bytes | None, bytes | None, list[Header]]


def open_kind(kind: str, address: Any) -> Stream:
    """Open a stream of a kind at a path, a bootstrap address, or over a model broker."""
    if kind == "simulated":
        from tests.faults.simulation.process import Outsider
        from tests.faults.simulation.stream import SimulatedStream

        return SimulatedStream(address, Outsider(address.clock), SESSION_TIMEOUT_MS)
    if kind == "sqlite":
        from service.streams.sqlite import SqliteStream

        return SqliteStream(address, SESSION_TIMEOUT_MS)
    if kind == "confluent":
        from service.streams.confluent import ConfluentStream

        return ConfluentStream(address, {}, SESSION_TIMEOUT_MS)
    from service.streams.kafka_python import KafkaPythonStream

    return KafkaPythonStream(address, {}, SESSION_TIMEOUT_MS)


class Rig:
    """One kind of stream at one place; closes in the end whatever a test opened by it."""

    def __init__(self, kind: str, address: Any, closing: contextlib.ExitStack) -> None:
        self.kind = kind
        self.address = address
        self._closing = closing
        self.stream = self.open()

    def open(self) -> Stream:
        """Open one more stream, as another process would."""
        return self._closing.enter_context(open_kind(self.kind, self.address))

    def name(self) -> str:
        """Return a name nobody else uses, for a topic, a group or a writer."""
        return f"t-{uuid.uuid4().hex[:12]}"

    def topic(self, partitions: int = 1, **config: str) -> str:
        """Make a topic; settings in Kafka's names, with ``_`` for ``.``."""
        name = self.name()
        settings = {key.replace("_", "."): value for key, value in config.items()}
        self.stream.create_topics([TopicSpec(name, partitions, settings)])
        return name

    def reader(self, positions: Mapping[str, int]) -> Reader:
        """Open a reader of the first partition of each topic."""
        reader = self._closing.enter_context(self.stream.reader())
        reader.seek({(topic, 0): position for topic, position in positions.items()})
        return reader

    def join(self, group: str, topic: str, instance_id: str = "") -> Membership:
        """Join by a stream of its own, as another process would."""
        return self._closing.enter_context(self.open().join(group, topic, instance_id))

    def seated(self, topic: str, group: str | None = None) -> Membership:
        """Join a group and wait until its first partition is ours."""
        membership = self.join(group or self.name(), topic)
        wait_until(lambda: membership.poll() == frozenset({0}))
        return membership

    def read_all(self, partition: Partition) -> list[Record]:
        """Read a partition from the first offset until the position reaches the end."""
        with self.stream.reader() as reader:
            reader.seek({partition: self.stream.first_offset(partition)})
            return list(read_to_end(self.stream, reader, partition))

    def values(self, topic: str) -> list[bytes | None]:
        """Return all values of the first partition of a topic."""
        return [value for _, _, value, _ in self.read_all((topic, 0))]


def read_to_end(stream: Stream, reader: Reader, partition: Partition) -> Iterator[Record]:
    """Yield records until the position reaches the end; fail where nothing more comes."""
    end = stream.end_offset(partition)
    deadline = time.monotonic() + DEADLINE_S
    while reader.position(partition) < end:
        assert time.monotonic() < deadline, (
            f"position {reader.position(partition)} stays below {end} of {partition} by {stream.client}; "
            f"open transactions: {stream.open_transactions(partition) or 'none known'}"
        )
        for batch in reader.poll(1000, 0.2):
            deadline = time.monotonic() + DEADLINE_S
            columns = zip(batch.offsets, batch.keys, batch.values, batch.headers, strict=True)
            yield from ((o, k, v, [(name, value) for name, value in h]) for o, k, v, h in columns)


def output(topic: str, values: Sequence[bytes | None], partition: int = 0) -> Output:
    """Return records without keys and headers."""
    return Output(topic, partition, [None] * len(values), values)


def polled(*seats: Membership) -> list[frozenset[int]]:
    """Poll each seat in a thread of its own, as processes would.

    In turn, kafka-python may never settle: a join that ends while its seat is not polled is made anew (A10).
    """
    with ThreadPoolExecutor(len(seats)) as pool:
        return list(pool.map(lambda seat: seat.poll(), seats))


def wait_until(condition: Callable[[], T], within_s: float = DEADLINE_S) -> T:
    """Ask again until the answer is true; fail when the time is over."""
    deadline = time.monotonic() + within_s
    while not (answer := condition()):
        assert time.monotonic() < deadline, f"not within {within_s} s"
        time.sleep(0.01)
    return answer
