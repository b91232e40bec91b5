"""Connections, readers and seats in a group by confluent-kafka; the stream is in ``confluent.py``."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

import confluent_kafka
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from service.errors import OffsetGone
from service.streams import kafka_common as common
from service.streams.kafka_common import SLICE_S, TIMEOUT_S
from service.streams.port import Batch, Closing, Fenced, Partition


class NoRepeats(logging.Filter):
    """Lets a message pass once in five seconds: a broker that is away is reported ten times a second."""

    def __init__(self) -> None:
        super().__init__()
        self._last: tuple[str, float] = ("", 0.0)

    def filter(self, record: logging.LogRecord) -> bool:
        """Compare without the times that differ."""
        text, (last, since) = record.getMessage().split(" (after ")[0], self._last
        if text == last and record.created - since < 5:
            return False
        self._last = (text, record.created)
        return True


log = logging.getLogger("confluent_kafka")
log.addHandler(logging.NullHandler())  # librdkafka would write to stderr by itself
log.addFilter(NoRepeats())

Client = TypeVar("Client", AdminClient, Consumer, Producer)

SILENT_S = 5.0
"""After how long without a record, or a seat, a client is asked whether it knows of any broker."""

COMMON = {
    "retry.backoff.ms": common.RETRY_BACKOFF_MS,
    "socket.timeout.ms": common.REQUEST_TIMEOUT_MS,
    "allow.auto.create.topics": False,
}
CONSUMER = {
    "fetch.wait.max.ms": 50,  # a seek, and the end of a partition, wait for the fetch under way
    "queued.min.messages": 20_000,  # some batches; the default of 100,000 costs 60 MB
    "fetch.queue.backoff.ms": 10,  # the default of 1000 makes catching up 2.5 times slower
    "fetch.message.max.bytes": common.PARTITION_FETCH_BYTES,
    "fetch.max.bytes": common.FETCH_BYTES,
}
READER_GUARDS = {
    "group.id": "perceptron.reader",  # demanded, never used
    "enable.auto.commit": False,
    "enable.auto.offset.store": False,
    "isolation.level": "read_committed",
    "auto.offset.reset": "error",
    "enable.partition.eof": True,  # only so does the position pass markers at the end
}
SEAT_GUARDS = {
    "enable.auto.commit": False,
    "enable.auto.offset.store": False,
    "auto.offset.reset": "latest",
    "partition.assignment.strategy": "range",
}


class Connection:
    """Where the cluster is and how its clients are made."""

    def __init__(self, servers: str, options: Mapping[str, Any]) -> None:
        self.client = f"confluent {confluent_kafka.__version__}"
        self.servers = servers
        self._options = common.dotted(options)
        self.max_record_bytes = common.record_limit(self._options, "message.max.bytes")

    def open(
        self, kind: type[Client], defaults: Mapping[str, Any], guards: Mapping[str, Any], logger: Any = log
    ) -> Client:
        """Make a client: our defaults, then the user's options, then what must not be changed."""
        guards = {"bootstrap.servers": self.servers, "client.id": common.client_id(), **guards}
        config = {**COMMON, **defaults, **self._options, **guards}
        try:
            return kind(config, logger=logger)
        except (KafkaException, TypeError, ValueError) as error:
            named = re.findall(r'property:? "([\w.]+)"', str(error))
        raise common.wrong_option(self.client, named or self._options) from None

    @contextmanager
    def telling(self, subject: str = "") -> Iterator[None]:
        """Turn the client's exceptions into ours."""
        try:
            yield
        except KafkaException as error:
            raise self.told(error.args[0], subject) from None

    def told(self, error: KafkaError, subject: str = "") -> Exception:
        """Return the client's error as ours."""
        name = "_SSL" if "SSL_HANDSHAKE" in error.str() else error.name()  # it calls some of them _TRANSPORT
        return common.told(self.servers, name, f"{subject}: {error.str()}".removeprefix(": "))


def has_brokers(client: AdminClient | Consumer, topic: str | None = None, timeout_s: float = SLICE_S) -> bool:
    """Whether a client finds a broker; which topics it leads is learned on the way."""
    with suppress(KafkaException):
        return bool(client.list_topics(topic, timeout=timeout_s).brokers)
    return False


class Lifeline:
    """Tells a client that has lost its brokers for good from one that has nothing to say.

    A broker that is just starting may answer that there is none. The client lets go of those it had, and may
    never look for one again (librdkafka issue 5301): it would read, or stand by, in silence.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._alive_at = time.monotonic()

    def has_spoken(self) -> None:
        """Take in a sign of life."""
        self._alive_at = time.monotonic()

    def is_cut(self, client: Consumer, topic: str) -> bool:
        """Whether the client, silent for a while, finds no broker where another does; to be asked often."""
        if time.monotonic() - self._alive_at < SILENT_S:
            return False
        self.has_spoken()
        if has_brokers(client, topic) or not has_brokers(self._connection.open(AdminClient, {}, {}), topic):
            return False
        log.warning("a client has lost all brokers for good: another takes its place")
        return True


class Reader(Closing):
    """Reads committed records from positions of the caller's choice."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._positions: dict[Partition, int] = {}
        self._open = True
        self._connect()

    def _connect(self) -> None:
        self._known: set[str] = set()
        self._lifeline = Lifeline(self._connection)
        self._consumer = self._connection.open(Consumer, CONSUMER, READER_GUARDS)

    def _reconnect(self) -> None:
        """Let another client read on."""
        lost = self._consumer
        self._connect()
        self.seek(self._positions)
        lost.close()

    def seek(self, positions: Mapping[Partition, int]) -> None:
        """Read exactly these partitions from now on, each from its position."""
        self._positions = dict(positions)
        for topic in {topic for topic, _ in positions} - self._known:
            self._find(topic)
        self._consumer.assign([TopicPartition(*place, offset) for place, offset in positions.items()])

    def _find(self, topic: str) -> None:
        """Ask who leads a topic's partitions: by itself the client often takes half a second to find out."""
        if has_brokers(self._consumer, topic):  # else it finds out as it would have
            self._known.add(topic)

    def poll(self, max_records: int, timeout_s: float) -> list[Batch]:
        """Return at most ``max_records`` records, waiting ``timeout_s`` for the first."""
        if self._positions and self._lifeline.is_cut(self._consumer, next(iter(self._positions))[0]):
            self._reconnect()
        deadline = time.monotonic() + timeout_s
        while True:
            left = deadline - time.monotonic()
            messages = self._take(max_records, min(max(left, 0.0), SLICE_S))
            if messages:
                self._lifeline.has_spoken()
            if messages or left <= 0:
                return self._batches(messages)

    def _take(self, max_records: int, timeout_s: float) -> list[Message]:
        """Take what is there; ``consume`` would wait for all of ``max_records``, so wait for one."""
        messages = self._consumer.consume(max_records, 0)
        if not messages and timeout_s > 0:
            messages = self._consumer.consume(1, timeout_s)
            if messages and max_records > 1:
                messages += self._consumer.consume(max_records - 1, 0)
        return messages

    def _batches(self, messages: list[Message]) -> list[Batch]:
        if any(map(Message.error, messages)):
            messages = [message for message in messages if not self._is_event(message)]
        if not messages:
            return []
        if len(self._positions) == 1:
            return [self._batch(next(iter(self._positions)), messages)]
        places: dict[Partition, list[Message]] = {}
        for message in messages:
            places.setdefault((str(message.topic()), int(message.partition() or 0)), []).append(message)
        return [self._batch(place, group) for place, group in places.items()]

    def _batch(self, place: Partition, messages: list[Message]) -> Batch:
        offsets: list[int] = list(map(Message.offset, messages))  # type: ignore[arg-type]
        keys: list[bytes | None] = list(map(Message.key, messages))
        values: list[bytes | None] = list(map(Message.value, messages))
        headers: Any = [headers or () for headers in map(Message.headers, messages)]
        self._positions[place] = max(self._positions[place], offsets[-1] + 1)  # an end met behind them counts
        return Batch(*place, offsets, keys, values, headers, _Timestamps(messages))

    def _is_event(self, message: Message) -> bool:
        """Whether this is no record: the end of the partition, a passing trouble; raise what is final."""
        error = message.error()
        if error is None:
            return False
        place, offset = (str(message.topic()), int(message.partition() or 0)), message.offset()
        if error.code() == KafkaError._PARTITION_EOF:
            if place in self._positions and offset is not None:
                self._positions[place] = max(self._positions[place], offset)
        elif error.name() in common.GONE:
            raise OffsetGone(
                f"{place[0]}/{place[1]} has no offset {self._positions.get(place)}: {error.str()}"
            )
        elif error.code() == KafkaError.GROUP_AUTHORIZATION_FAILED:
            pass  # the client asks for the group that it demands, and we never use
        elif error.name() in common.RIGHTS | common.NO_TOPIC:
            raise self._connection.told(error, message.topic() or "")
        else:
            log.warning("reading %s/%s: %s", *place, error)
        return True

    def position(self, partition: Partition) -> int:
        """Return the position, past markers and aborted records that have been skipped."""
        return self._positions[partition]

    def close(self) -> None:
        """Stop reading."""
        if self._open:
            self._open = False
            self._consumer.close()


class _Timestamps(Sequence[int]):
    """When records were produced; only who asks pays for it."""

    def __init__(self, messages: Sequence[Message]) -> None:
        self._messages = messages

    def __len__(self) -> int:
        return len(self._messages)

    def __getitem__(self, index: Any) -> Any:
        return self._messages[index].timestamp()[1]


class Seat(Closing):
    """A seat in a group over the partitions of one topic, which it never reads."""

    def __init__(self, connection: Connection, topic: str, config: Mapping[str, Any]) -> None:
        self._connection = connection
        self._topic = topic
        self._subject = f"group {config['group.id']} over {topic}"
        self._instance_id = str(config.get("group.instance.id", ""))
        self._config = config
        self._failure: KafkaError | None = None
        self._open = True
        self._join()

    def _join(self) -> None:
        self._lifeline = Lifeline(self._connection)
        guards = {**SEAT_GUARDS, **self._config, "error_cb": self._on_error}
        turn_ms = max(common.POLL_INTERVAL_MS, self._config["session.timeout.ms"])
        defaults = {**CONSUMER, "max.poll.interval.ms": turn_ms}
        self._consumer = self._connection.open(Consumer, defaults, guards)
        self._consumer.subscribe([self._topic], on_assign=self._on_assign)

    def _rejoin(self) -> None:
        """Let another client take a seat."""
        lost = self._consumer
        self._join()
        lost.close()

    def _on_error(self, error: KafkaError) -> None:
        if error.fatal() or error.name() in common.RIGHTS | {"_FATAL"}:
            self._failure = error

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        consumer.assign(partitions)
        consumer.pause(partitions)

    def poll(self) -> frozenset[int]:
        """Heartbeat, take part in rebalances, and return the partitions assigned now."""
        if not self._open:
            return frozenset()
        if self._lifeline.is_cut(self._consumer, self._topic):
            self._rejoin()
        try:
            while (event := self._consumer.poll(0)) is not None:
                if error := event.error():
                    self._on_error(error)
            assigned = self._consumer.assignment()
        except KafkaException as failure:  # what is fatal is raised
            self._failure = failure.args[0]
        if self._failure is not None:
            raise self._told(self._failure)
        if assigned:
            self._lifeline.has_spoken()
        return frozenset(place.partition for place in assigned)

    def _told(self, error: KafkaError) -> Exception:
        if error.code() == KafkaError.FENCED_INSTANCE_ID or "group.instance.id" in error.str():
            return common.instance_taken(self._instance_id)
        return self._connection.told(error, self._subject)

    def prove(self) -> bool:
        """Whether the group confirms, in a round trip, that this seat and its assignment are current."""
        shards = self.poll()
        if not shards:
            return False
        try:
            places = [self._end(shard) for shard in shards]
            committed = self._consumer.commit(offsets=places, asynchronous=False)
        except KafkaException as failure:
            self._on_error(failure.args[0])
            return False
        return not any(place.error for place in committed) and self.poll() == shards

    def _end(self, shard: int) -> TopicPartition:
        place = TopicPartition(self._topic, shard)
        _, end = self._consumer.get_watermark_offsets(place, timeout=TIMEOUT_S)
        return TopicPartition(self._topic, shard, end)

    def identity(self) -> Any:
        """Return what the group knows us by right now; without a seat there is no identity."""
        if not self.poll():
            raise Fenced("no shard is assigned to this seat")
        metadata, member = self._consumer.consumer_group_metadata(), self._consumer.memberid()
        if not member or member.encode() not in metadata:  # the client would send generation -1
            raise Fenced("no seat in the group")
        return metadata

    def close(self) -> None:
        """Leave the group, unless the seat is static."""
        if self._open:
            self._open = False
            self._consumer.close()
