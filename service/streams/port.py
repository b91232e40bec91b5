"""The port: what the engine needs of a stream, and no more.

Three adapters implement it (:mod:`~service.streams.sqlite`, :mod:`~service.streams.kafka_python`,
:mod:`~service.streams.confluent`) and one suite in ``tests/contracts`` holds all of them to it.

Do: hand over records, positions and shards. Do not: know what a sample, a model or a metric is -
``writer.commit(predictions=...)`` would be wrong here, ``writer.commit(outputs)`` is right.

Words. A *position* is the offset of the next record to read. An *end* is the position after the last
record written by anyone, committed or not (Kafka: the read_uncommitted end offset). All reads are
read_committed. A partition is addressed by the pair ``(topic, partition)``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Protocol, Self

Partition = tuple[str, int]
Header = tuple[str, bytes | None]


class CommitFailed(Exception):
    """A commit that did not simply succeed; the writer is dead, the recovery is one and the same."""


class Fenced(CommitFailed):
    """Another owns the shard, or our membership or writer is dead; nothing was written."""


class Aborted(CommitFailed):
    """Nothing was written; we may still be the owner."""


class InDoubt(CommitFailed):
    """All or nothing was written, and only the log can tell which."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Committed records of one partition in offset order, column by column.

    Columns, because a row object per record would cost a third of the hot path.
    ``headers`` holds an empty sequence where a record has none, ``timestamps_ms`` since the epoch is empty
    as a whole where the stream keeps no times.
    """

    topic: str
    partition: int
    offsets: Sequence[int]
    keys: Sequence[bytes | None]
    values: Sequence[bytes | None]
    headers: Sequence[Sequence[Header]]
    timestamps_ms: Sequence[int] = ()

    def __len__(self) -> int:
        return len(self.offsets)


@dataclass(frozen=True, slots=True)
class Output:
    """Records to be written to one partition, in order; ``headers`` is None where no record has any."""

    topic: str
    partition: int
    keys: Sequence[bytes | None]
    values: Sequence[bytes | None]
    headers: Sequence[Sequence[Header]] | None = None

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """A topic to be made: its partitions and its settings in Kafka's names (``cleanup.policy``, ...)."""

    name: str
    partitions: int = 1
    config: Mapping[str, str] = field(default_factory=dict)


class Closing(Protocol):
    """Closed once, quietly, by ``with`` or by hand; a second close does nothing."""

    def close(self) -> None:
        """Release everything; never raises for a stream that has gone away."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Reader(Closing, Protocol):
    """Reads committed records from positions of the caller's choice; belongs to no group."""

    def seek(self, positions: Mapping[Partition, int]) -> None:
        """Read exactly these partitions from now on, each from its position; none, where there are none."""

    def poll(self, max_records: int, timeout_s: float) -> list[Batch]:
        """Return at most ``max_records`` records, in order of arrival, waiting ``timeout_s`` for the first.

        Raises
        ------
        OffsetGone
            The position is below the first or beyond the end: the topic was cut or made anew.
        """

    def position(self, partition: Partition) -> int:
        """Return the position, past markers and aborted records that have been skipped.

        It reaches :meth:`Stream.end_offset` once everything committed below that end was polled.
        """


class Membership(Closing, Protocol):
    """A seat in a group that shares out the partitions of one topic (the model topic: shards)."""

    def poll(self) -> frozenset[int]:
        """Heartbeat, take part in rebalances, and return the partitions assigned now.

        Blocks for a moment only where nothing is assigned.

        Raises
        ------
        ConfigurationError
            Another process uses the same ``instance_id``.
        """

    def prove(self) -> bool:
        """Whether the group confirms, in a round trip, that this seat and its assignment are current.

        A cached assignment proves nothing: a process woken from a freeze still holds one.
        """


class Writer(Closing, Protocol):
    """The only living writer of its name; dead after anything but a successful commit."""

    @property
    def suspect(self) -> bool:
        """Whether the connection failed or a commit was so slow that its end may still be under way.

        The engine then recovers before the next commit: without transactions v2 (KIP-890) a delayed
        EndTxn could hit a later transaction of the same producer epoch.
        """

    def begin(
        self, outputs: Sequence[Output], next_offsets: Mapping[Partition, int], membership: Membership
    ) -> None:
        """Begin to write all outputs, in order, and the group's next offsets - all of it or nothing.

        How much of it is done before this returns is the adapter's choice; :meth:`finish` does the rest.
        Until then nothing else may be begun, what was given must not change, and what fails may be raised
        by either.

        Raises
        ------
        Fenced, Aborted, InDoubt
            See there. The writer is dead after any of them.
        """

    def finish(self) -> None:
        """Return once what was begun is committed; at once where nothing was begun.

        Raises
        ------
        Fenced, Aborted, InDoubt
            As :meth:`begin`.
        """

    def commit(
        self, outputs: Sequence[Output], next_offsets: Mapping[Partition, int], membership: Membership
    ) -> None:
        """Begin and finish; raises what they raise."""
        self.begin(outputs, next_offsets, membership)
        self.finish()


class Stream(Closing, Protocol):
    """One connection to a stream, whichever kind it is; opened by ``open_stream``.

    Every method may raise :class:`~service.errors.Unreachable` and
    :class:`~service.errors.NotAuthorized`.
    """

    client: str  # "sqlite", "kafka-python" or "confluent", with its version: for logs and reports
    makes_topics: bool  # whether a topic comes into being on first use
    max_write_bytes: int | None  # the client's own limit on a record, whatever its topic would take

    def create_topics(self, topics: Iterable[TopicSpec]) -> None:
        """Make the topics that are missing; those that exist stay as they are."""

    def partitions(self, topic: str) -> int:
        """Return how many partitions a topic has.

        Raises
        ------
        TopicMissing
            There is no such topic.
        """

    def topic_id(self, topic: str) -> str:
        """Return what tells a topic from one of the same name that was made anew; empty where it has none.

        Raises
        ------
        TopicMissing
            There is no such topic.
        """

    def first_offset(self, partition: Partition) -> int:
        """Return the position of the first record that is still there."""

    def end_offset(self, partition: Partition) -> int:
        """Return the position after the last record of anyone, committed or not."""

    def max_record_bytes(self, topic: str) -> int | None:
        """Return the topic's own limit on a record (``max.message.bytes``), None where there is none."""

    def group_offsets(self, group: str, topic: str) -> dict[int, int]:
        """Return the committed positions of a group by partition; empty where there are none."""

    def open_transactions(self, partition: Partition) -> str:
        """Describe, for a person, the transactions open on a partition; empty where that is not known."""

    def append(self, outputs: Sequence[Output]) -> None:
        """Write outside any transaction and return once all of it is acknowledged (producers, not learners).

        Raises
        ------
        RecordTooLarge
            A record is over the topic's or the client's limit; the message says how large both are.
        TopicMissing
            There is no such topic, or it has no such partition.
        """

    def reader(self) -> Reader:
        """Open a reader."""

    def join(self, group: str, topic: str, instance_id: str = "") -> Membership:
        """Take a seat in ``group`` over the partitions of ``topic``; static where ``instance_id`` is given.

        On close a dynamic seat leaves the group at once; a static one keeps its place until the
        session times out.
        """

    def fence(self, name: str) -> Writer:
        """Return the writer of that name; every older one of it is dead from now on.

        A transaction the older one left open is ended before this returns.
        """
