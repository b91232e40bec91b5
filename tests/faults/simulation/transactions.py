"""The transaction coordinator, version 1 of the protocol: names, epochs, markers that take their time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from service.streams.port import Header, Partition
from tests.faults.simulation.clock import Clock
from tests.faults.simulation.groups import Groups
from tests.faults.simulation.logs import Log
from tests.faults.simulation.refusals import Refused

EMPTY, ONGOING, ENDING, ENDED = "empty", "ongoing", "ending", "ended"
TIMEOUT_S = 30.0
NO_EPOCH = -1


@dataclass(slots=True)
class Producer:
    """What the coordinator knows of one transactional name."""

    number: int
    epoch: int = NO_EPOCH
    state: str = EMPTY
    is_commit: bool = False  # of the transaction that ends or has ended
    serial: int = 0
    places: set[Partition] = field(default_factory=set)
    sequences: dict[Partition, int] = field(default_factory=dict)  # of this epoch, the next of each place
    offsets: dict[str, dict[Partition, int]] = field(default_factory=dict)  # pending, by group


class Transactions:
    """All transactional names of a broker."""

    def __init__(self, clock: Clock, logs: dict[Partition, Log], groups: Groups) -> None:
        self._clock = clock
        self._logs = logs
        self._groups = groups
        self._producers: dict[str, Producer] = {}
        self.marker_delay_s = 0.0  # of the next end
        self.late_markers = 0.3  # the share of the ends whose markers are not there at once

    def init(self, name: str) -> int:
        """Begin a new epoch, which fences every older one, once what was open has ended; return the epoch."""
        producer = self._producers.setdefault(name, Producer(number=len(self._producers)))
        if producer.state == ONGOING:
            producer.epoch += 1
            self._begin_end(producer, is_commit=False)
        if producer.state == ENDING:
            raise Refused("CONCURRENT_TRANSACTIONS", name)
        producer.epoch += 1
        producer.state = EMPTY
        producer.sequences = {}
        return producer.epoch

    def add(self, name: str, epoch: int, places: Sequence[Partition]) -> None:
        """Begin a transaction, or take further partitions into it."""
        producer = self._current(name, epoch)
        if producer.state == ENDING:
            raise Refused("CONCURRENT_TRANSACTIONS", name)
        self._begin(name, producer)
        producer.places.update(places)

    def produce(
        self,
        name: str,
        epoch: int,
        place: Partition,
        sequence: int,
        records: Sequence[tuple[bytes | None, bytes | None, Sequence[Header]]],
    ) -> None:
        """Append records within the transaction; a batch that is there already is acknowledged again."""
        producer = self._current(name, epoch)
        if producer.state != ONGOING or place not in producer.places:
            raise Refused("INVALID_TXN_STATE", f"{place} is in no transaction of {name}")
        expected = producer.sequences.get(place, 0)
        if sequence > expected:
            raise Refused("OUT_OF_ORDER_SEQUENCE_NUMBER", f"{sequence}; {expected} was expected")
        if sequence == expected:
            producer.sequences[place] = expected + len(records)
            self._logs[place].append(records, producer.number)

    def take_offsets(
        self,
        name: str,
        epoch: int,
        group: str,
        identity: tuple[str, str, int],
        offsets: dict[Partition, int],
    ) -> None:
        """Take a group's offsets into the transaction, if its member is a current one."""
        producer = self._current(name, epoch)
        if producer.state == ENDING:
            raise Refused("CONCURRENT_TRANSACTIONS", name)
        self._groups[group].check(*identity)
        self._begin(name, producer)
        producer.offsets.setdefault(group, {}).update(offsets)

    def end(self, name: str, epoch: int, is_commit: bool) -> None:
        """End whatever transaction the name has open in this epoch: also one that was not meant."""
        producer = self._current(name, epoch)
        if producer.state == ONGOING:
            return self._begin_end(producer, is_commit)
        if producer.state == ENDING and producer.is_commit == is_commit:
            raise Refused("CONCURRENT_TRANSACTIONS", name)
        if producer.state != ENDED or producer.is_commit != is_commit:
            raise Refused("INVALID_TXN_STATE", f"{name} is {producer.state}")
        return None

    def open_on(self, place: Partition) -> str:
        """Name the producers with an open transaction on a partition."""
        numbers = self._logs[place].open
        return ", ".join(name for name, producer in self._producers.items() if producer.number in numbers)

    def count(self) -> int:
        """Return how many transactions were begun."""
        return sum(producer.serial for producer in self._producers.values())

    def fences(self) -> int:
        """Return how many epochs there were."""
        return sum(producer.epoch + 1 for producer in self._producers.values())

    def _current(self, name: str, epoch: int) -> Producer:
        producer = self._producers[name]
        if epoch != producer.epoch:
            raise Refused("INVALID_PRODUCER_EPOCH", f"{name}: epoch {epoch}; it is {producer.epoch} by now")
        return producer

    def _begin(self, name: str, producer: Producer) -> None:
        if producer.state != ONGOING:
            producer.state = ONGOING
            producer.serial += 1
            producer.places, producer.offsets = set(), {}
            self._clock.later(TIMEOUT_S, partial(self._time_out, producer, producer.serial))

    def _time_out(self, producer: Producer, serial: int) -> None:
        if producer.state == ONGOING and producer.serial == serial:
            producer.epoch += 1
            self._begin_end(producer, is_commit=False)

    def _begin_end(self, producer: Producer, is_commit: bool) -> None:
        """From here on the outcome stands; the markers follow, each in its own time."""
        producer.state, producer.is_commit = ENDING, is_commit
        random = self._clock.random
        longest, self.marker_delay_s = self.marker_delay_s, 0.0
        if not longest and random.random() < self.late_markers:
            longest = 0.01
        for place in sorted(producer.places):
            self._soon(random.random() * longest, partial(self._logs[place].mark, producer.number, is_commit))
        if is_commit:
            for group, offsets in producer.offsets.items():
                self._soon(random.random() * longest, partial(self._groups[group].commit, offsets))
        self._soon(longest, partial(self._complete, producer))

    def _soon(self, seconds: float, event: partial[None]) -> None:
        if seconds:
            self._clock.later(seconds, event)
        else:
            event()

    def _complete(self, producer: Producer) -> None:
        producer.state = ENDED
