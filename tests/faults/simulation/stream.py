"""The port over the model broker."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from service.errors import OffsetGone
from service.streams.kafka_stream import Appender, KafkaStream
from service.streams.port import Batch, Closing, Output, Partition, TopicSpec
from tests.faults.simulation.broker import Broker
from tests.faults.simulation.client import Client
from tests.faults.simulation.logs import Entry
from tests.faults.simulation.process import Outsider
from tests.faults.simulation.refusals import Refused
from tests.faults.simulation.seat import Seat
from tests.faults.simulation.writer import Writer

FETCH_WAIT_S = 0.05


class SimulatedStream(KafkaStream):
    """The model broker, spoken to by one process."""

    def __init__(self, broker: Broker, process: Outsider, session_timeout_ms: int) -> None:
        self._client = Client(broker, process)
        self._broker = broker
        super().__init__(self._client, session_timeout_ms)

    def _ask(self, question):
        with self._telling():
            return self._client.ask("metadata", question)

    def create_topics(self, topics: Iterable[TopicSpec]) -> None:
        """Make the topics that are missing."""
        for topic in topics:
            self._ask(lambda topic=topic: self._broker.create(topic))

    def partitions(self, topic: str) -> int:
        """Return how many partitions a topic has."""
        return self._ask(lambda: self._broker.width(topic))

    def topic_id(self, topic: str) -> str:
        """Return what tells a topic from one of the same name that was made anew."""
        return self._ask(lambda: self._broker.id(topic))

    def first_offset(self, partition: Partition) -> int:
        """Return the position of the first record that is still there."""
        return self._ask(lambda: self._broker.log(partition).first)

    def end_offset(self, partition: Partition) -> int:
        """Return the position after the last record of anyone, committed or not."""
        return self._ask(lambda: self._broker.log(partition).end)

    def max_record_bytes(self, topic: str) -> int | None:
        """Return the topic's ``max.message.bytes``."""
        return self._ask(lambda: self._broker.limit(topic))

    def group_offsets(self, group: str, topic: str) -> dict[int, int]:
        """Return the committed positions of a group by partition."""
        return self._ask(lambda: self._broker.groups[group].committed(topic))

    def open_transactions(self, partition: Partition) -> str:
        """Describe the transactions open on a partition."""
        return self._ask(lambda: self._broker.transactions.open_on(partition))

    def _open_appender(self) -> Appender:
        return _Appender(self._client)

    def reader(self) -> Reader:
        """Open a reader."""
        return Reader(self._client)

    def join(self, group: str, topic: str, instance_id: str = "") -> Seat:
        """Take a seat in ``group`` over the partitions of ``topic``."""
        self.partitions(topic)
        return Seat(self._client, group, topic, instance_id, self._session_timeout_ms / 1000)

    def fence(self, name: str) -> Writer:
        """Return the writer of that name; every older one of it is dead from now on."""
        return Writer(self._client, name)


class _Appender(Closing):
    """Writes outside transactions."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def append(self, outputs: Sequence[Output]) -> None:
        """Write records and wait until every one is acknowledged."""
        for output in outputs:
            headers = output.headers if output.headers is not None else [()] * len(output)
            records = list(zip(output.keys, output.values, headers, strict=True))
            self._client.broker.append((output.topic, output.partition), records)

    def close(self) -> None:
        """Nothing is held."""


class Reader(Closing):
    """Reads committed records from positions of the caller's choice."""

    committed = True

    def __init__(self, client: Client) -> None:
        self._client = client
        self._positions: dict[Partition, int] = {}

    def seek(self, positions: Mapping[Partition, int]) -> None:
        """Read exactly these partitions from now on, each from its position."""
        self._positions = dict(positions)

    def poll(self, max_records: int, timeout_s: float) -> list[Batch]:
        """Return at most ``max_records`` records, waiting ``timeout_s`` for the first."""
        clock = self._client.clock
        deadline = clock.now + timeout_s
        while True:
            batches = self._fetch(max_records)
            if batches or clock.now >= deadline:
                return batches
            self._client.process.sleep(min(FETCH_WAIT_S, deadline - clock.now))

    def _fetch(self, max_records: int) -> list[Batch]:
        """Return what one fetch brings; an answer that is lost is asked for again by the next."""
        try:
            answer = self._client.ask("fetch", lambda: self._answer(max_records), patience_s=0.0)
        except Refused as refused:
            if refused.name == "OFFSET_OUT_OF_RANGE":
                raise OffsetGone(f"{refused.detail}: the topic was cut, or made anew") from None
            return []
        for place, _, position in answer:
            self._positions[place] = position
        return [_batch(place, entries) for place, entries, _ in answer if entries]

    def _answer(self, max_records: int) -> list[tuple[Partition, list[Entry], int]]:
        """Return, by partition, records and the position behind them; a fetch need not bring all there is."""
        answer, room = [], min(max_records, self._client.clock.random.choice((3, 20, 500)))
        for place, position in self._positions.items():
            log = self._client.broker.log(place)
            if not log.first <= position <= log.end:
                raise Refused("OFFSET_OUT_OF_RANGE", f"{place[0]}, partition {place[1]}, offset {position}")
            entries, behind = log.read(position, room, self.committed)
            answer.append((place, entries, behind))
            room -= len(entries)
            if not room:
                break
        return answer

    def position(self, partition: Partition) -> int:
        """Return the position, past markers and aborted records that have been skipped."""
        return self._positions[partition]

    def close(self) -> None:
        """Stop reading."""


def _batch(place: Partition, entries: list[Entry]) -> Batch:
    return Batch(
        *place,
        [entry.offset for entry in entries],
        [entry.key for entry in entries],
        [entry.value for entry in entries],
        [entry.headers for entry in entries],
    )
