"""The file of an embedded stream: a real one, with bytes of it changed."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path

from service.errors import PerceptronError
from service.streams.port import Batch, Output, TopicSpec
from service.streams.sqlite import SqliteStream
from tests.corpus import cases as corpus
from tests.faults.fuzzing.mutations import DOUBLES, smaller_bytes, spoilt_bytes
from tests.faults.fuzzing.target import Target, Wrong

TOPICS = ("samples", "model")


class SqliteFiles(Target):
    """Damaged files: what can still be read of them, or an error that a person can act on."""

    name = "sqlite file"

    def __init__(self) -> None:
        self._home = tempfile.TemporaryDirectory(prefix="fuzz-")
        self._path = Path(self._home.name) / "stream.db"

    @cached_property
    def _sound(self) -> bytes:
        path = Path(self._home.name) / "sound.db"
        with SqliteStream(str(path), 1500) as stream:
            for topic in TOPICS:
                stream.create_topics([TopicSpec(topic, 2, {"cleanup.policy": "compact"})])
                values = [case.value for case in corpus(60, seed=4)]
                stream.append([Output(topic, 0, [b"%d" % (n % 40) for n in range(len(values))], values)])
        return path.read_bytes()

    def begin(self) -> None:
        """Nothing is kept from case to case."""

    def close(self) -> None:
        """Remove the files."""
        self._home.cleanup()

    def cases(self, source: random.Random) -> Iterator[bytes]:
        """Yield files; the first page, where the schema is, gets more than its share."""
        while True:
            head, rest = self._sound[:8192], self._sound[8192:]
            if source.random() < 0.4:
                head = spoilt_bytes(source, head, DOUBLES)
            if source.random() < 0.7:
                rest = spoilt_bytes(source, rest, DOUBLES)
            yield head + rest

    def outcomes(self, case: bytes) -> Iterable[str]:
        """Return whether it could be read."""
        for name in ("stream.db-wal", "stream.db-shm"):
            (self._path.parent / name).unlink(missing_ok=True)
        self._path.write_bytes(case)
        try:
            with SqliteStream(str(self._path), 1500) as stream:
                _read(stream)
        except PerceptronError as error:
            return [type(error).__name__]
        return ["read"]

    def smaller(self, case: bytes) -> Iterator[bytes]:
        """Cut the file."""
        return smaller_bytes(case) if len(case) < 100 else iter(())


def _check_order(batch: Batch, last: int) -> int:
    """Raise for a record that stands before another, or is none; return the last offset."""
    for offset, value in zip(batch.offsets, batch.values, strict=True):
        if offset <= last or not isinstance(value, bytes | None):
            raise Wrong(f"{value!r:.80} at offset {offset!r} behind offset {last}")
        last = offset
    return last


def _read(stream: SqliteStream) -> None:
    """Read all there is, and write a little."""
    for topic in TOPICS:
        stream.partitions(topic)
        with stream.reader() as reader:
            reader.seek({(topic, 0): stream.first_offset((topic, 0))})
            last = -1
            while batches := reader.poll(1000, 0.0):
                for batch in batches:
                    last = _check_order(batch, last)
        stream.append([Output(topic, 0, [b"k"], [b"v"])])
    stream.group_offsets("group", "samples")
