"""The embedded stream: one SQLite file, nothing to start, the same promises as Kafka on one machine.

Everything that must hold together is one transaction of SQLite, so exactly-once needs no protocol:
the epoch of the writer, the seat of the member, the records and the group's offsets are rows that are
checked and written under one lock. Readers never wait for writers (WAL). An acknowledged commit is synced:
it outlives the process and a power cut, and of one that was not acknowledged nothing or all is there.

Unlike Kafka, a topic is made on first use, with one partition: a learner may start before the first
producer. Several processes may share the file, as long as they run on one machine.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import cast

from service.errors import OffsetGone, RecordTooLarge, StreamError, TopicMissing
from service.streams.port import (
    Aborted,
    Batch,
    Fenced,
    InDoubt,
    Membership,
    Output,
    Partition,
    TopicSpec,
    Writer,
)
from service.streams.sqlite_logs import TOPIC_ID, OnFile
from service.streams.sqlite_membership import SqliteMembership

SHORTEST_NAP_S = 0.001
LONGEST_NAP_S = 0.02


class SqliteReader(OnFile):
    """Reads partitions in turn; every poll is its own snapshot of what is committed."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self._positions: dict[Partition, int] = {}

    def seek(self, positions: Mapping[Partition, int]) -> None:
        """Read exactly these partitions from now on, each from its position."""
        self._positions = dict(positions)

    def position(self, partition: Partition) -> int:
        """Return the offset of the next record to read."""
        return self._positions[partition]

    def poll(self, max_records: int, timeout_s: float) -> list[Batch]:
        """Return at most ``max_records`` records, waiting ``timeout_s`` for the first.

        Raises
        ------
        OffsetGone
            A position is below the first or beyond the end: seek elsewhere, or stop.
        StreamError
            The file was removed or replaced: start again.
        """
        self._file.require_present()
        deadline = time.monotonic() + timeout_s
        nap_s = SHORTEST_NAP_S
        while not (batches := self._take(max_records)) and (left_s := deadline - time.monotonic()) > 0:
            time.sleep(min(nap_s, left_s))
            nap_s = min(2 * nap_s, LONGEST_NAP_S)
        return batches

    def _take(self, max_records: int) -> list[Batch]:
        batches = []
        for partition, position in list(self._positions.items()):
            batch = self._file.read(partition, position, max_records)
            self._check(partition, position)  # after reading: what was cut meanwhile is noticed too
            if batch is None:
                continue
            batches.append(batch)
            # To the end of the row, so that the next poll begins with another partition.
            del self._positions[partition]
            self._positions[partition] = batch.offsets[-1] + 1
            max_records -= len(batch)
            if max_records <= 0:
                break
        return batches

    def _check(self, partition: Partition, position: int) -> None:
        first, end = self._file.bounds(partition)
        if not first <= position <= end:
            topic, number = partition
            raise OffsetGone(
                f"{self._file.path}: {topic}-{number} has offsets {first} to {end}, and not {position}"
            )


class SqliteWriter(OnFile, Writer):
    """A writer by its name and epoch; the file holds the epoch that counts."""

    suspect = False  # a commit is a call of this process: it cannot linger anywhere

    def __init__(self, path: str, name: str) -> None:
        super().__init__(path)
        self._name = name
        self._is_alive = True
        sql = "INSERT INTO fences VALUES (?, 1) ON CONFLICT DO UPDATE SET epoch = epoch + 1 RETURNING epoch"
        with self._file.transaction():
            [(self._epoch,)] = self._file.rows(sql, name)

    def begin(
        self, outputs: Sequence[Output], next_offsets: Mapping[Partition, int], membership: Membership
    ) -> None:
        """Write all outputs and the group's next offsets, or nothing; all of it at once.

        1. take the write lock  2. check epoch and seat  3. write records, then offsets  4. commit.

        Raises
        ------
        Fenced, Aborted, InDoubt
            In step 2, in steps 1 to 3, in step 4; drop the writer and recover.
        RecordTooLarge
            Over the topic's limit: nothing was written, and trying again will not help.
        """
        seat = cast(SqliteMembership, membership)
        was_alive, self._is_alive = self._is_alive, False
        failure: type[Aborted | InDoubt] = Aborted
        try:
            with self._file.transaction():
                self._check(was_alive, seat)
                self._file.write(outputs)
                self._note(seat.group, next_offsets)
                failure = InDoubt
        except RecordTooLarge:
            raise
        except StreamError as error:
            raise failure(str(error)) from error
        self._is_alive = True

    def finish(self) -> None:
        """Nothing is left to do."""

    def _check(self, was_alive: bool, seat: SqliteMembership) -> None:
        if not was_alive:
            raise Fenced(f"writer {self._name} is dead since its last commit")
        [(epoch,)] = self._file.rows("SELECT epoch FROM fences WHERE name = ?", self._name)
        if epoch != self._epoch:
            raise Fenced(f"writer {self._name} of epoch {self._epoch} gave way to epoch {epoch}")
        if not seat.stands(self._file):
            raise Fenced(f"the seat in group {seat.group} has lapsed, or its shards have changed")

    def _note(self, group: str, next_offsets: Mapping[Partition, int]) -> None:
        for (topic, partition), offset in next_offsets.items():
            sql = "INSERT OR REPLACE INTO group_offsets VALUES (?, ?, ?, ?)"
            self._file.rows(sql, group, topic, partition, offset)


class SqliteStream(OnFile):
    """The stream in one file; readers, seats and writers each take a connection of their own."""

    client = f"sqlite {sqlite3.sqlite_version}"

    makes_topics = True

    max_write_bytes: int | None = None

    def __init__(self, path: str, session_timeout_ms: int = 6000, topics_must_exist: bool = False) -> None:
        super().__init__(path)
        self._session_timeout_ms = session_timeout_ms
        self._topics_must_exist = topics_must_exist

    def create_topics(self, topics: Iterable[TopicSpec]) -> None:
        """Make the topics that are missing; those that exist stay as they are."""
        with self._file.transaction():
            for topic in topics:
                self._file.create(topic)

    def partitions(self, topic: str) -> int:
        """Return how many partitions a topic has; an unknown one is made, or missing if topics must exist."""
        if self._topics_must_exist and not self._file.has(topic):
            raise TopicMissing(
                f"{self._file.path}: there is no topic {topic!r}; perceptron topics create makes it"
            )
        return self._file.partitions(topic)

    def topic_id(self, topic: str) -> str:
        """Return what tells a topic from one of the same name that was made anew; old files have none."""
        return self._file.config(topic).get(TOPIC_ID, "")

    def first_offset(self, partition: Partition) -> int:
        """Return the position of the first record that is still there."""
        return self._file.bounds(partition)[0]

    def end_offset(self, partition: Partition) -> int:
        """Return the position after the last record."""
        return self._file.bounds(partition)[1]

    def max_record_bytes(self, topic: str) -> int | None:
        """Return the topic's ``max.message.bytes``, None where it has none."""
        limit = self._file.config(topic).get("max.message.bytes")
        return None if limit is None else int(limit)

    def group_offsets(self, group: str, topic: str) -> dict[int, int]:
        """Return the committed positions of a group by partition."""
        sql = "SELECT partition, next_offset FROM group_offsets WHERE group_id = ? AND topic = ?"
        return dict(cast(list[tuple[int, int]], self._file.rows(sql, group, topic)))

    def open_transactions(self, partition: Partition) -> str:
        """Return nothing: an open transaction is never in the log."""
        return ""

    def append(self, outputs: Sequence[Output]) -> None:
        """Write all outputs in one transaction.

        Raises
        ------
        RecordTooLarge
            Over the topic's limit: send less, or raise ``max.message.bytes``.
        """
        with self._file.transaction():
            self._file.write(outputs)

    def reader(self) -> SqliteReader:
        """Open a reader."""
        return SqliteReader(self._file.path)

    def join(self, group: str, topic: str, instance_id: str = "") -> SqliteMembership:
        """Take a seat in a group; a second process of an ``instance_id`` takes the first one's seat."""
        return SqliteMembership(self._file.path, group, topic, instance_id, self._session_timeout_ms)

    def fence(self, name: str) -> SqliteWriter:
        """Return the writer of that name; every older one is dead from now on."""
        return SqliteWriter(self._file.path, name)
