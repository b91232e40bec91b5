"""Topics and their records in the file: one table for each partition.

A table each, so that records are always added at the right end of a tree and its pages fill up:
against one table keyed by log and offset, small commits are a fifth faster (measured). A compacted
topic keeps only the last record of each key, from the moment the new one is written; offsets never
move, and the first offset of a log stays where it was, as Kafka's does.
"""

from __future__ import annotations

import contextlib
import json
import operator
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat

import msgspec

from service.errors import RecordTooLarge, TopicMissing
from service.streams.port import Batch, Closing, Header, Output, Partition, TopicSpec
from service.streams.sqlite_file import SqliteFile, damaged

TOPIC_ID = "topic.id"
"""Kept among a topic's settings: files made before there were ids stay valid."""

_BYTES = {bytes, type(None)}
_encode_headers = msgspec.msgpack.Encoder().encode
_decode_headers = msgspec.msgpack.Decoder(tuple[tuple[str, bytes | None], ...]).decode


@dataclass(frozen=True, slots=True)
class Log:
    """Where one partition lives, and what its topic's settings ask of it."""

    table: str
    max_bytes: int | None
    compacted: bool


class SqliteLogs(SqliteFile):
    """One connection to the file that knows its topics."""

    def __init__(self, path: str) -> None:
        self._logs: dict[Partition, Log] = {}
        super().__init__(path)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Write all of the block or nothing; within another transaction, be part of that."""
        try:
            with super().transaction():
                yield
        except BaseException:
            self._logs.clear()  # some may have been made in this very transaction
            raise

    @contextlib.contextmanager
    def _judging(self) -> Iterator[None]:
        """Raise Damaged for content that is not what we wrote: SQLite has no checksums."""
        try:
            yield
        except (ValueError, TypeError, msgspec.MsgspecError) as error:
            raise damaged(self.path, error) from None

    def has(self, topic: str) -> bool:
        """Whether a topic has been made."""
        return bool(self.rows("SELECT 1 FROM topics WHERE name = ?", topic))

    def partitions(self, topic: str) -> int:
        """Return how many partitions a topic has; an unknown topic is made, with one."""
        sql = "SELECT partitions FROM topics WHERE name = ?"
        found = self.rows(sql, topic)
        if not found:
            self.create(TopicSpec(topic))
            found = self.rows(sql, topic)
        return int(found[0][0])

    def config(self, topic: str) -> dict[str, str]:
        """Return a topic's settings; empty for an unknown one."""
        found = self.rows("SELECT config FROM topics WHERE name = ?", topic)
        with self._judging():
            return dict(json.loads(found[0][0])) if found else {}

    def create(self, topic: TopicSpec) -> None:
        """Make a topic unless it exists."""
        with self.transaction():
            if self.has(topic.name):
                return
            config = json.dumps({**topic.config, TOPIC_ID: secrets.token_hex(16)})
            self.rows("INSERT INTO topics VALUES (?, ?, ?)", topic.name, topic.partitions, config)
            for partition in range(topic.partitions):
                sql = "INSERT INTO logs (topic, partition) VALUES (?, ?) RETURNING id"
                [(number,)] = self.rows(sql, topic.name, partition)
                self.rows(
                    f"CREATE TABLE records_{number}"
                    " (offset INTEGER PRIMARY KEY, key BLOB, value BLOB, headers BLOB)"
                )
                if _is_compacted(topic.config):
                    self.rows(f"CREATE INDEX keys_{number} ON records_{number} (key)")

    def log(self, partition: Partition) -> Log:
        """Find a partition's log; an unknown topic is made.

        Raises
        ------
        TopicMissing
            The topic is there and has no such partition: fix the partition.
        """
        if partition not in self._logs:
            count, config = self.partitions(partition[0]), self.config(partition[0])
            found = self.rows("SELECT id FROM logs WHERE topic = ? AND partition = ?", *partition)
            if not found:
                raise TopicMissing(
                    f"{self.path}: topic {partition[0]} has {count} partitions and no number {partition[1]}"
                )
            limit = config.get("max.message.bytes")
            self._logs[partition] = Log(
                f"records_{found[0][0]}", int(limit) if limit else None, _is_compacted(config)
            )
        return self._logs[partition]

    def bounds(self, partition: Partition) -> tuple[int, int]:
        """Return the first and the end offset."""
        table = self.log(partition).table
        [(first, end)] = self.rows(
            f"SELECT first_offset, ifnull((SELECT max(offset) + 1 FROM {table}), first_offset)"
            " FROM logs WHERE topic = ? AND partition = ?",
            *partition,
        )
        return first, end

    def read(self, partition: Partition, position: int, limit: int) -> Batch | None:
        """Return up to ``limit`` records from a position on, None where there are none."""
        rows = self.rows(
            f"SELECT * FROM {self.log(partition).table} WHERE offset >= ? ORDER BY offset LIMIT ?",
            position,
            limit,
        )
        if not rows:
            return None
        offsets, keys, values, packed = zip(*rows, strict=True)
        headers: Sequence[Sequence[Header]] = ((),) * len(rows)
        with self._judging():
            if not (_rise(offsets, position) and {*map(type, keys), *map(type, values)} <= _BYTES):
                raise ValueError(f"{partition[0]}-{partition[1]}, behind offset {position}: no records")
            if any(packed):
                headers = [_decode_headers(blob) if blob else () for blob in packed]
        return Batch(*partition, offsets, keys, values, headers)

    def write(self, outputs: Sequence[Output]) -> None:
        """Add records to the ends of their logs; belongs inside a transaction.

        Raises
        ------
        RecordTooLarge
            Over the topic's limit: send less, or raise ``max.message.bytes``.
        """
        for output in outputs:
            partition = (output.topic, output.partition)
            log, (_, start) = self.log(partition), self.bounds(partition)
            offsets = range(start, start + len(output))
            headers = repeat(None, len(output)) if output.headers is None else map(_packed, output.headers)
            rows = zip(offsets, output.keys, output.values, headers, strict=True)
            self.each(f"INSERT INTO {log.table} VALUES (?, ?, ?, ?)", rows)
            if log.max_bytes is not None:
                self._refuse_larger(log, log.max_bytes, start, output)
            if log.compacted:
                older = f"DELETE FROM {log.table} WHERE key = ? AND offset < ?"
                self.each(older, zip(output.keys, offsets, strict=True))

    def _refuse_larger(self, log: Log, limit: int, start: int, output: Output) -> None:
        size = "ifnull(length(key), 0) + ifnull(length(value), 0) + ifnull(length(headers), 0)"
        sql = f"SELECT max({size}) FROM {log.table} WHERE offset >= ?"
        [(largest,)] = self.rows(sql, start)
        if largest is not None and largest > limit:
            raise RecordTooLarge(
                f"{self.path}: a record of {largest} bytes for {output.topic}-{output.partition}, "
                f"which takes {limit} (max.message.bytes)"
            )


class OnFile(Closing):
    """Whatever owns a connection of its own, and closes it once."""

    def __init__(self, path: str) -> None:
        self._file = SqliteLogs(path)

    def close(self) -> None:
        """Release the connection; never raises."""
        self._file.close()


def _rise(offsets: Sequence[int], position: int) -> bool:
    """Whether offsets rise from a position on."""
    return offsets[0] >= position and all(map(operator.lt, offsets, offsets[1:]))


def _is_compacted(config: Mapping[str, str]) -> bool:
    return "compact" in config.get("cleanup.policy", "").split(",")


def _packed(headers: Sequence[Header]) -> bytes | None:
    return _encode_headers(headers) if headers else None
