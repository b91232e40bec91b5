"""``perceptron produce``: lines into the samples topic, byte for byte."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import count

import msgspec

from service.commands.lines import Lines, Source
from service.commands.progress import Progress, Rate
from service.settings import FieldSettings, Settings
from service.streams.port import Output, Stream

SLICE_S = 0.05
MAX_DEBT_S = 1.0
MAX_BATCH = 10_000


def produce(
    stream: Stream, settings: Settings, source: Source, rate: float | None, stop: threading.Event
) -> Counter[int]:
    """Write all lines of ``source`` and return how many went to which partition.

    Raises
    ------
    TopicMissing
        On Kafka, the samples topic was not made yet: ``perceptron topics create`` makes it.
    RecordTooLarge
        A line is over the topic's limit; lines before it were written.
    """
    deal = Dealer(settings.topics.samples, stream.partitions(settings.topics.samples), settings.fields)
    speed, written = Rate(), Counter[int]()
    batches = source.batches(stop)
    if rate is not None:
        batches = evenly(batches, rate, stop)
    with Progress(
        lambda: f"{speed.count:,} records · {speed.lately():,.0f} records/s", hidden=source.is_typed
    ):
        for lines in batches:
            for start in range(0, len(lines), MAX_BATCH):
                outputs = deal(lines[start : start + MAX_BATCH])
                stream.append(outputs)
                written.update({output.partition: len(output) for output in outputs})
                speed.add(sum(map(len, outputs)))
    return written


class Dealer:
    """Gives each line its key, the id as text, and its partition, as Java's producer would."""

    def __init__(self, topic: str, partitions: int, fields: FieldSettings) -> None:
        self._topic = topic
        self._partitions = partitions
        self._key = key_reader(fields.id)
        self._turn = count()

    def __call__(self, lines: Lines) -> list[Output]:
        """Return the lines as records by partition, each in its order."""
        outputs: dict[int, Output] = {}
        for line in lines:
            key = self._key(line)
            partition = self._partition(key)
            if partition not in outputs:
                outputs[partition] = Output(self._topic, partition, keys=[], values=[])
            outputs[partition].keys.append(key)  # type: ignore[attr-defined]
            outputs[partition].values.append(line)  # type: ignore[attr-defined]
        return list(outputs.values())

    def _partition(self, key: bytes | None) -> int:
        if self._partitions == 1:
            return 0
        if key is None:
            return next(self._turn) % self._partitions
        from service.streams.kafka_python import murmur2_partition

        return murmur2_partition(key, self._partitions)


def key_reader(field: str) -> Callable[[bytes], bytes | None]:
    """Return the function from a line to its key; None for what has no usable id, or is no JSON."""
    shape = msgspec.defstruct("Key", [("id", str | int | None, None)], rename={"id": field}, gc=False)
    decode = msgspec.json.Decoder(shape).decode

    def key(line: bytes) -> bytes | None:
        try:
            id = decode(line).id  # type: ignore[attr-defined]
            return None if id is None else str(id).encode()
        except (msgspec.DecodeError, ValueError, RecursionError):
            return None

    return key


def evenly(batches: Iterable[Lines], rate: float, stop: threading.Event) -> Iterator[Lines]:
    """Yield the lines in small slices, ``rate`` a second; a slow source is not caught up with in a burst."""
    due, clock = 0.0, time.monotonic()
    for lines in batches:
        start = 0
        while start < len(lines) and not stop.is_set():
            now = time.monotonic()
            due = min(due + rate * (now - clock), max(1.0, rate * MAX_DEBT_S))
            clock = now
            if due < 1.0:
                stop.wait(max(SLICE_S, (1.0 - due) / rate))
                continue
            yield lines[start : start + int(due)]
            sent = min(int(due), len(lines) - start)
            start, due = start + sent, due - sent


def in_words(written: Counter[int], settings: Settings) -> str:
    """Return how many records went where."""
    where = ", ".join(f"partition {number}: {written[number]:,}" for number in sorted(written))
    return f"{written.total():,} records to {settings.topics.samples}" + (f" ({where})" if where else "")
