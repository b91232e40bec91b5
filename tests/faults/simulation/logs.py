"""A partition as Kafka keeps it: records, markers that take offsets, transactions, compaction, retention."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field

from service.streams.port import Header

OPEN, COMMITTED, ABORTED = "open", "committed", "aborted"


@dataclass(slots=True)
class Transaction:
    """What one transaction of a producer did in one partition."""

    producer: int
    first: int
    state: str = OPEN


@dataclass(slots=True)
class Entry:
    """One offset: a record, or a marker where ``is_marker``."""

    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[Header]
    transaction: Transaction | None
    is_marker: bool = False

    @property
    def is_committed(self) -> bool:
        """Whether a read_committed reader is shown it."""
        transaction = self.transaction
        return not self.is_marker and (transaction is None or transaction.state == COMMITTED)


@dataclass(slots=True)
class Log:
    """One partition."""

    entries: list[Entry] = field(default_factory=list)
    first: int = 0
    end: int = 0
    open: dict[int, Transaction] = field(default_factory=dict)  # by producer
    removed: list[Entry] = field(default_factory=list)

    @property
    def last_stable(self) -> int:
        """The offset of the first record whose transaction is still open."""
        return min((transaction.first for transaction in self.open.values()), default=self.end)

    def append(
        self, records: Sequence[tuple[bytes | None, bytes | None, Sequence[Header]]], producer: int | None
    ) -> None:
        """Write records, within the producer's transaction where there is one."""
        transaction = None
        if producer is not None:
            transaction = self.open.setdefault(producer, Transaction(producer, self.end))
        for key, value, headers in records:
            self.entries.append(Entry(self.end, key, value, headers, transaction))
            self.end += 1

    def mark(self, producer: int, is_commit: bool) -> None:
        """End the producer's transaction; a partition that got no records gets its marker all the same."""
        transaction = self.open.pop(producer, None) or Transaction(producer, self.end)
        transaction.state = COMMITTED if is_commit else ABORTED
        self.entries.append(Entry(self.end, None, None, (), transaction, is_marker=True))
        self.end += 1

    def read(self, position: int, limit: int, committed: bool = True) -> tuple[list[Entry], int]:
        """Return at most ``limit`` records from a position on, and the position behind what was looked at."""
        end = self.last_stable if committed else self.end
        found: list[Entry] = []
        for index in range(self._index(position), len(self.entries)):
            entry = self.entries[index]
            if entry.offset >= end:
                break
            if entry.is_committed or not (committed or entry.is_marker):
                if len(found) == limit:
                    return found, entry.offset
                found.append(entry)
        return found, max(position, end)

    def compact(self, below: int) -> None:
        """Keep the last committed record of each key below an offset, and what is behind it."""
        below = min(below, self.last_stable)
        last = {entry.key: entry for entry in self.entries if entry.offset < below and entry.is_committed}
        self._keep([e for e in self.entries if e.offset >= below or last.get(e.key) is e])

    def cut(self, below: int) -> None:
        """Drop what is below an offset, as retention does."""
        self.first = max(self.first, min(below, self.last_stable))
        self._keep([entry for entry in self.entries if entry.offset >= self.first])

    def history(self) -> list[Entry]:
        """Return every record that was ever committed, whatever compaction made of it."""
        entries = sorted((*self.removed, *self.entries), key=lambda entry: entry.offset)
        return [entry for entry in entries if entry.is_committed]

    def _keep(self, kept: list[Entry]) -> None:
        offsets = {entry.offset for entry in kept}
        self.removed += [entry for entry in self.entries if entry.offset not in offsets]
        self.entries = kept

    def _index(self, offset: int) -> int:
        return bisect_left(self.entries, offset, key=lambda entry: entry.offset)
