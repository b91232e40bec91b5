"""Seats in a group, kept as leases in the file; what Kafka's group coordinator does, on one machine.

A seat is a row with an owner and an expiry. Seats are ordered by arrival and share out the partitions
in ranges, so the oldest keeps what it has when another joins (with one shard: all of it). Whoever sees
a lapsed seat removes it; its owner, should it wake, takes a new seat at the end of the row.

A batch may take longer to learn than the lease is long: a thread keeps it alive meanwhile. It looks
often, writes only when half of the timeout has gone, and never revives a lease that has lapsed, so a
process that was frozen wakes without a seat. A learner that hangs is the watchdog's to end.

The clock is ``time.monotonic()``: one for all processes of the machine, untouched by changes of the
date. It starts anew when the machine does, so an expiry further off than the seat's own timeout is
from before a restart, and void.
"""

from __future__ import annotations

import contextlib
import threading
import time
import uuid
from typing import NamedTuple

from service.errors import ConfigurationError, StreamError
from service.streams.sqlite_logs import OnFile, SqliteLogs


class Seat(NamedTuple):
    """One row of the table, with what is left of its lease."""

    seat: int
    owner: str
    instance_id: str
    timeout_ms: int
    left_ms: int

    @property
    def is_live(self) -> bool:
        """Whether the lease still runs, and is one of this boot of the machine."""
        return 0 < self.left_ms <= self.timeout_ms


class SqliteMembership(OnFile):
    """A seat; renewed by ``poll``, a write only when a third of the timeout has gone."""

    def __init__(self, path: str, group: str, topic: str, instance_id: str, timeout_ms: int) -> None:
        super().__init__(path)
        self.group = group
        self._topic = topic
        self._instance_id = instance_id
        self._timeout_ms = timeout_ms
        self._owner = uuid.uuid4().hex
        self._assigned: frozenset[int] | None = None
        self._file.partitions(topic)
        with self._file.transaction():
            self._remove_lapsed()
            self._take_own_seat()
            self._renew()
        self._closed = threading.Event()
        self._heart = threading.Thread(target=self._beat, args=[SqliteLogs(path)], daemon=True)
        self._heart.start()

    def _beat(self, file: SqliteLogs) -> None:
        """Keep the lease alive, on a connection of its own, until the seat is closed."""
        while not self._closed.wait(self._timeout_ms / 4000):
            with contextlib.suppress(StreamError):  # without the file the lease lapses, as it should
                if self._is_half_gone(file):
                    self._prolong(file)
        file.close()

    def _is_half_gone(self, file: SqliteLogs) -> bool:
        return any(s.is_live and s.left_ms < s.timeout_ms / 2 for s in self._own(file))

    def _prolong(self, file: SqliteLogs) -> None:
        """Prolong the lease where it still runs, judged under the lock: waiting for that takes time."""
        with file.transaction():
            if any(seat.is_live for seat in self._own(file)):
                sql = "UPDATE seats SET expires_ms = ? WHERE owner = ?"
                file.rows(sql, _now_ms() + self._timeout_ms, self._owner)

    def poll(self) -> frozenset[int]:
        """Renew the lease if it is due and return the partitions assigned now.

        Raises
        ------
        ConfigurationError
            Another process uses the same ``instance_id``: give each its own.
        """
        seats = self._seats(self._file)
        if self._is_due(seats):
            with self._file.transaction():
                self._remove_lapsed()
                self._renew()
            seats = self._seats(self._file)
        self._assigned = self._share(self._file, seats)
        return self._assigned

    def prove(self) -> bool:
        """Whether, in the file itself, the seat and its last polled assignment are current; renews it."""
        with self._file.transaction():
            stands = self.stands(self._file)
            if stands:
                self._renew()
            return stands

    def stands(self, file: SqliteLogs) -> bool:
        """Whether the last polled assignment is still ours, within the caller's transaction."""
        seats = self._seats(file)
        is_seated = any(seat.owner == self._owner and seat.is_live for seat in seats)
        return is_seated and self._assigned == self._share(file, seats)

    def close(self) -> None:
        """Leave at once; a static member keeps its seat until the session times out."""
        self._closed.set()
        self._heart.join()
        if not self._instance_id:
            with contextlib.suppress(StreamError):
                self._file.rows("DELETE FROM seats WHERE owner = ?", self._owner)
        super().close()

    def _seats(self, file: SqliteLogs) -> list[Seat]:
        rows = file.rows(
            "SELECT seat, owner, instance_id, timeout_ms, expires_ms - ? FROM seats"
            " WHERE group_id = ? AND topic = ? ORDER BY seat",
            _now_ms(),
            self.group,
            self._topic,
        )
        return [Seat(*row) for row in rows]

    def _own(self, file: SqliteLogs) -> list[Seat]:
        return [seat for seat in self._seats(file) if seat.owner == self._owner]

    def _is_due(self, seats: list[Seat]) -> bool:
        left_ms = [seat.left_ms for seat in seats if seat.owner == self._owner]
        return not left_ms or left_ms[0] < self._timeout_ms * 2 / 3 or not all(seat.is_live for seat in seats)

    def _remove_lapsed(self) -> None:
        for seat in self._seats(self._file):
            if not seat.is_live:
                self._file.rows("DELETE FROM seats WHERE seat = ?", seat.seat)

    def _take_own_seat(self) -> None:
        """Take over what an earlier process of this instance left, place and all."""
        if self._instance_id:
            self._file.rows(
                "UPDATE seats SET owner = ?, timeout_ms = ?"
                " WHERE group_id = ? AND topic = ? AND instance_id = ?",
                self._owner,
                self._timeout_ms,
                self.group,
                self._topic,
                self._instance_id,
            )

    def _renew(self) -> None:
        """Prolong the lease, or take a new seat at the end where ours is gone."""
        expires_ms = _now_ms() + self._timeout_ms
        sql = "UPDATE seats SET expires_ms = ? WHERE owner = ? RETURNING seat"
        if self._file.rows(sql, expires_ms, self._owner):
            return
        if self._instance_id and any(s.instance_id == self._instance_id for s in self._seats(self._file)):
            raise ConfigurationError(
                f"another process uses instance_id {self._instance_id!r} in group {self.group}; "
                "give each process its own engine.instance_id"
            )
        self._file.rows(
            "INSERT INTO seats (group_id, topic, instance_id, owner, timeout_ms, expires_ms)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            self.group,
            self._topic,
            self._instance_id,
            self._owner,
            self._timeout_ms,
            expires_ms,
        )

    def _share(self, file: SqliteLogs, seats: list[Seat]) -> frozenset[int]:
        owners = [seat.owner for seat in seats if seat.is_live]
        if self._owner not in owners:
            return frozenset()
        return ranged(file.partitions(self._topic), len(owners), owners.index(self._owner))


def ranged(partitions: int, members: int, place: int) -> frozenset[int]:
    """Return the share of the member in that place: runs of equal length, the first ones one longer."""
    size, longer = divmod(partitions, members)
    start = place * size + min(place, longer)
    return frozenset(range(start, start + size + (place < longer)))


def _now_ms() -> int:
    return time.monotonic_ns() // 1_000_000
