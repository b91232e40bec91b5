"""A model of a Kafka broker: topics, groups and transactions, in whatever time its clock shows."""

from __future__ import annotations

from collections.abc import Sequence

from service.streams.port import Header, Partition, TopicSpec
from tests.faults.simulation.clock import Clock
from tests.faults.simulation.groups import Groups
from tests.faults.simulation.logs import Log
from tests.faults.simulation.refusals import Refused
from tests.faults.simulation.transactions import Transactions

DEFAULT_LIMIT_BYTES = 1_048_588


class Broker:
    """What there is one of."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.groups = Groups(clock)
        self.logs: dict[Partition, Log] = {}
        self.transactions = Transactions(clock, self.logs, self.groups)
        self._topics: dict[str, TopicSpec] = {}
        self._ids: dict[str, str] = {}
        self._count = 0

    def next_number(self) -> int:
        """Return a number that nothing else has."""
        self._count += 1
        return self._count

    def create(self, topic: TopicSpec) -> None:
        """Make a topic, unless it is there."""
        if topic.name not in self._topics:
            self._topics[topic.name] = topic
            self._ids[topic.name] = f"id-{self.next_number()}"
            self.logs.update({(topic.name, number): Log() for number in range(topic.partitions)})

    def delete(self, name: str) -> None:
        """Remove a topic, and all that is in it."""
        spec = self._topics.pop(name)
        for number in range(spec.partitions):
            del self.logs[name, number]

    def id(self, topic: str) -> str:
        """Return a topic's id."""
        self._topic(topic)
        return self._ids[topic]

    def width(self, topic: str) -> int:
        """Return how many partitions a topic has."""
        return self._topic(topic).partitions

    def limit(self, topic: str) -> int:
        """Return a topic's ``max.message.bytes``."""
        return int(self._topic(topic).config.get("max.message.bytes", DEFAULT_LIMIT_BYTES))

    def log(self, place: Partition) -> Log:
        """Return a partition's log."""
        self._topic(place[0])
        return self.logs[place]

    def append(
        self, place: Partition, records: Sequence[tuple[bytes | None, bytes | None, Sequence[Header]]]
    ) -> None:
        """Write records outside any transaction."""
        limit = self.limit(place[0])
        if any(len(key or b"") + len(value or b"") > limit for key, value, _ in records):
            raise Refused("RECORD_LIST_TOO_LARGE", place[0])
        self.log(place).append(records, None)

    def _topic(self, name: str) -> TopicSpec:
        if name not in self._topics:
            raise Refused("UNKNOWN_TOPIC_OR_PARTITION", name)
        return self._topics[name]
