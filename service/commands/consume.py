"""``perceptron consume``: committed records of a topic, one a line."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

import msgspec

from service.errors import OpenTransaction
from service.settings import Settings
from service.streams.port import Batch, Partition, Reader, Stream

POLL_S = 0.2
POLL_RECORDS = 10_000
OPEN_TRANSACTION_S = 10.0

_encode = msgspec.json.Encoder().encode


def topic_named(what: str, settings: Settings) -> str:
    """Return the topic for ``predictions``, ``dlq`` or ``samples``; any other name is a topic's own."""
    return getattr(settings.topics, what) if what in ("predictions", "dlq", "samples") else what


def consume(
    stream: Stream,
    topic: str,
    out: BinaryIO,
    limit: int | None,
    follow: bool,
    whole: bool,
    stop: threading.Event,
) -> None:
    """Write the records of a topic to ``out``; ``whole`` ones as JSON objects, else their values.

    Raises
    ------
    TopicMissing
        There is no such topic.
    OpenTransaction
        Somebody's transaction has hidden the end for 10 s.
    """
    as_line = record_line if whole else value_line
    left = limit
    for batch in committed(stream, topic, follow, stop, limit):
        rows = range(len(batch) if left is None else min(left, len(batch)))
        out.write(b"".join(as_line(batch, row) for row in rows))
        out.flush()
        if left is not None:
            left -= len(rows)
            if left <= 0:
                return


def committed(
    stream: Stream,
    topic: str,
    follow: bool = False,
    stop: threading.Event | None = None,
    at_most: int | None = None,
    start: Mapping[Partition, int] | None = None,
) -> Iterator[Batch]:
    """Yield what is committed, from the start, else the first offsets, to the ends as they are now.

    With ``follow`` it goes on behind them.
    """
    partitions = [(topic, number) for number in range(stream.partitions(topic))]
    ends = {partition: stream.end_offset(partition) for partition in partitions}
    with stream.reader() as reader:
        reader.seek(start or {partition: stream.first_offset(partition) for partition in partitions})
        patience = _Patience(stream, reader)
        while not (stop and stop.is_set()):
            hidden = [partition for partition in ends if reader.position(partition) < ends[partition]]
            if not (hidden or follow):
                return
            batches = reader.poll(min(POLL_RECORDS, at_most or POLL_RECORDS), POLL_S)
            yield from batches if follow else filter(len, (_cut(batch, ends) for batch in batches))
            if not follow:
                patience.check(hidden, ends)


class _Patience:
    """Gives up where an open transaction keeps the end out of reach."""

    def __init__(self, stream: Stream, reader: Reader) -> None:
        self._stream, self._reader = stream, reader
        self._last: list[int] = []
        self._waited_s = 0.0  # not by the clock: a process that was frozen has not looked

    def check(self, hidden: list[Partition], ends: dict[Partition, int]) -> None:
        positions = [self._reader.position(partition) for partition in ends]
        if positions != self._last:
            self._last, self._waited_s = positions, 0.0
        elif (waited_s := self._waited_s + POLL_S) <= OPEN_TRANSACTION_S:
            self._waited_s = waited_s
        else:
            topic, number = partition = hidden[0]
            whose = self._stream.open_transactions(partition) or "of an unknown producer"
            raise OpenTransaction(
                f"topic {topic!r}, partition {number}: committed up to {self._reader.position(partition)} "
                f"of {ends[partition]} for {OPEN_TRANSACTION_S:g} s: an open transaction hides the rest "
                f"({whose}); abort it or wait for its timeout"
            )


def _cut(batch: Batch, ends: dict[Partition, int]) -> Batch:
    """Return the batch without what came after the ends were taken."""
    end = ends[batch.topic, batch.partition]
    if not batch.offsets or batch.offsets[-1] < end:
        return batch
    count = sum(offset < end for offset in batch.offsets)
    return Batch(
        batch.topic,
        batch.partition,
        batch.offsets[:count],
        batch.keys[:count],
        batch.values[:count],
        batch.headers[:count],
    )


def value_line(batch: Batch, row: int) -> bytes:
    """Return a record's value as it is; an empty line where it has none."""
    return (batch.values[row] or b"") + b"\n"


def record_line(batch: Batch, row: int) -> bytes:
    """Return a record as a JSON object; of headers of one name the last."""
    headers: dict[str, Any] = {}
    for name, value in batch.headers[row]:
        headers.update(readable(name, value))
    record = {
        "partition": batch.partition,
        "offset": batch.offsets[row],
        **readable("key", batch.keys[row]),
        "headers": headers,
        **readable("value", batch.values[row]),
    }
    return _encode(record) + b"\n"


def readable(name: str, value: bytes | None) -> dict[str, str | None]:
    """Return bytes as text under their name, as base64 where they are no UTF-8."""
    if value is None:
        return {name: None}
    try:
        return {name: value.decode()}
    except UnicodeDecodeError:
        return {f"{name}_base64": base64.b64encode(value).decode()}
