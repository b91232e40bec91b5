"""One life of a machine: produce what is missing, learn to the end; and what is to be seen of it."""

from __future__ import annotations

import itertools
import logging
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

from service.engine import Engine
from service.observer import Commit
from service.streams.port import Output
from service.streams.sqlite import SqliteStream
from service.streams.sqlite_file import SqliteFile
from service.topics import topic_specs
from tests.corpus import cases, settings
from tests.faults.checks import collect, examine
from tests.faults.embedded.operations import Ack, Image, Operation
from tests.faults.embedded.vfs import Observer, observed_vfs
from tests.faults.oracle import Oracle
from tests.on_commit import OnCommit

SESSION_TIMEOUT_MS = 1500
LATER_MS = 1_000_000  # longer than any lease
DEADLINE_S = 30.0
FILE = "stream.db"

RECORDS = cases(18, seed=31)
SETTINGS = settings(engine={"max_batch": 6})

SCENARIOS = {
    "as shipped": None,
    "a checkpoint every 8 pages": "wal_autocheckpoint = 8",  # in the midst of it, as in a long run
}
"""What is set in SQLite behind the service's own settings."""


@dataclass(frozen=True)
class Boot:
    """When and as how many-th a life begins; ids, salts and the lease clock follow from it."""

    generation: int = 0
    now_ms: int = 1_000_000_000

    def after_process_crash(self) -> Boot:
        """Return the next life on the same clock, when the lease of this one has lapsed."""
        return Boot(self.generation + 1, self.now_ms + LATER_MS)

    def after_power_cut(self) -> Boot:
        """Return the next life on a clock that began anew, and is not where a former life was."""
        return Boot(self.generation + 1, self.now_ms - 10 * LATER_MS)


@dataclass(frozen=True)
class Life:
    """What a life found when it began, what it asked of the disk, and what is wrong with either.

    ``error`` is what ended it before its time.
    """

    produced: int
    learned: int
    trace: Sequence[Operation]
    findings: tuple[str, ...]
    error: str = ""

    def wrongs(self, promised: Ack) -> Iterator[str]:
        """Yield what is wrong; whether something is lost, only where all that is there is exact."""
        yield from self.findings
        if self.error:
            yield f"ended with {self.error}"
        elif self.produced < promised.produced or self.learned < promised.learned:
            yield f"found {self.produced} records, {self.learned} learned; {promised} was acknowledged"


@cache
def oracle(count: int = len(RECORDS)) -> Oracle:
    """Return the oracle of the first records."""
    return Oracle(RECORDS[:count], SETTINGS)


def live(image: Image, boot: Boot, pragma: str | None = None, refuse: Observer = lambda operation: 0) -> Life:
    """Begin with the files of ``image``, learn to the end, and examine what is found and what is left."""
    with TemporaryDirectory() as directory:
        for name, content in image.items():
            (Path(directory) / name).write_bytes(content)
        return live_in(Path(directory), boot, pragma, refuse)


def live_in(
    directory: Path, boot: Boot, pragma: str | None = None, refuse: Observer = lambda operation: 0
) -> Life:
    """Live with the files of a directory; ``refuse`` hears of all, and may fail it or end the process."""
    trace: list[Operation] = []

    def watch(operation: Operation) -> int:
        if not (code := refuse(operation)):
            trace.append(operation)
        return code

    with observed(directory, watch, boot, pragma):
        try:
            produced, learned, findings = _live(str(directory / FILE), watch)
        except Exception as error:  # whatever it is, it is reported with the state that led to it
            return Life(-1, -1, trace, (), f"{type(error).__name__}: {error}")
    return Life(produced, learned, trace, tuple(findings))


def _live(path: str, note: Observer) -> tuple[int, int, list[str]]:
    with SqliteStream(path, SESSION_TIMEOUT_MS) as stream:
        stream.create_topics(topic_specs(SETTINGS))
        produced, learned, findings = found(stream)
        if produced == 0:
            keys, values = [case.key for case in RECORDS], [case.value for case in RECORDS]
            stream.append([Output(SETTINGS.topics.samples, 0, keys, values)])
            note(Ack(len(RECORDS), 0))

        def note_commit(commit: Commit) -> None:
            note(Ack(len(RECORDS), _position(commit.head.next_offsets)))

        learn(stream, note_commit)
        return produced, learned, findings + _named("left", examine(collect(stream, SETTINGS), oracle()))


def learn(stream: SqliteStream, on_commit: Callable[[Commit], None]) -> None:
    """Run the real engine until the end; not for ever where it does not come."""
    engine = Engine(stream, SETTINGS, observer=OnCommit(on_commit))
    limit = threading.Timer(DEADLINE_S, engine.stop)
    limit.start()
    try:
        engine.run(until_end=True)
    finally:
        limit.cancel()


def found(stream: SqliteStream) -> tuple[int, int, list[str]]:
    """Return how many records are in and learned; what is there must be exact up to that very record."""
    produced = stream.end_offset((SETTINGS.topics.samples, 0))
    left = collect(stream, SETTINGS)
    learned = _position(left.heads[-1].next_offsets) if left.heads else 0
    findings = [] if produced in (0, len(RECORDS)) else [f"found {produced} records, a torn append"]
    return produced, learned, findings + _named("found", examine(left, oracle(learned)))


def _position(next_offsets: dict[str, dict[int, int]]) -> int:
    return next_offsets[SETTINGS.topics.samples][0]


def _named(when: str, findings: dict[str, list[str]]) -> list[str]:
    return [f"{when}: {name}: {text}" for name, texts in findings.items() for text in texts]


@contextmanager
def observed(directory: Path, observer: Observer, boot: Boot, pragma: str | None = None) -> Iterator[None]:
    """Let everything that is by chance or by the clock follow from ``boot``, and waits be none."""
    ids = itertools.count((boot.generation + 1) << 32)
    exchanged: dict[str, Any] = {
        "service.streams.sqlite_membership._now_ms": lambda: boot.now_ms,
        "service.input.POLL_S": 0.0,
        "service.engine.FIRST_BACKOFF_S": 0.0,
        "secrets.token_hex": lambda size: f"{next(ids):0{2 * size}x}",
        "uuid.uuid4": lambda: uuid.UUID(int=next(ids)),
    }
    if pragma is not None:
        exchanged["service.streams.sqlite_file.SqliteFile._open"] = _opened_with(f"PRAGMA {pragma}")
    with ExitStack() as stack:
        for name, value in exchanged.items():
            stack.enter_context(patch(name, value))
        stack.enter_context(observed_vfs().observed(directory, observer, str(boot.generation)))
        stack.callback(logging.disable, logging.root.manager.disable)
        logging.disable(logging.WARNING)
        yield


def _opened_with(pragma: str) -> Callable[[SqliteFile], None]:
    """Return ``SqliteFile._open`` with one more pragma behind it."""
    as_shipped = SqliteFile._open

    def open_(file: SqliteFile) -> None:
        as_shipped(file)
        file.rows(pragma)

    return open_
