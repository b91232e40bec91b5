"""Kafka by confluent-kafka (librdkafka): only it and its two helpers ``confluent_*.py`` name its types."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any, TypeVar

from confluent_kafka import (
    Consumer,
    IsolationLevel,
    KafkaError,
    KafkaException,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic, OffsetSpec, ResourceType  # type: ignore[attr-defined]

from service.errors import PerceptronError, TopicMissing
from service.streams import kafka_common as common
from service.streams.confluent_clients import READER_GUARDS, Connection, Reader, Seat, has_brokers
from service.streams.confluent_writer import Appender, Writer
from service.streams.kafka_common import SLICE_S, TIMEOUT_S
from service.streams.kafka_stream import KafkaStream
from service.streams.port import Partition, TopicSpec

Answer = TypeVar("Answer")

ATTEMPT_S = 3.0


class ConfluentStream(KafkaStream):
    """A Kafka cluster, spoken to by librdkafka."""

    def __init__(self, servers: str, options: Mapping[str, Any], session_timeout_ms: int) -> None:
        self._connection = Connection(servers, options)
        self._options = options
        super().__init__(self._connection, session_timeout_ms)
        self._refusal: KafkaError | None = None
        self._admin = self._open_admin()
        self._greet()

    def _open_admin(self) -> AdminClient:
        return self._connection.open(AdminClient, {}, {"error_cb": self._on_error})

    def _on_error(self, error: KafkaError) -> None:
        if error.name() in common.RIGHTS or "certificate" in error.str():
            self._refusal = error

    def _greet(self) -> None:
        """Fail now, with the reason, where the cluster cannot be used."""
        greeting = self._admin.describe_cluster(request_timeout=TIMEOUT_S)
        while not (greeting.done() or self._refusal):
            self._admin.poll(SLICE_S / 10)  # serves _on_error: only there is a wrong password called so
        if self._refusal:
            raise self._connection.told(self._refusal)
        with self._connection.telling():
            greeting.result()

    def _ask(self, subject: str, question: Callable[[], Answer]) -> Answer:
        """Ask again what the client would not: leaders and coordinators come and go."""
        self._admin.poll(0)  # serves what it has to say of lost connections, which it would keep
        deadline = time.monotonic() + TIMEOUT_S
        while True:
            try:
                return question()
            except KafkaException as error:
                if error.args[0].name() not in common.PASSING or time.monotonic() > deadline:
                    raise self._connection.told(error.args[0], subject) from None
                # Whoever does not look asks with old leader epochs, for minutes; who finds none may never.
                if not has_brokers(self._admin, timeout_s=ATTEMPT_S):
                    self._admin = self._open_admin()
                time.sleep(0.02)

    def create_topics(self, topics: Iterable[TopicSpec]) -> None:
        """Make the topics that are missing, and wait until they can be used."""
        wanted = list(topics)
        new = [
            NewTopic(t.name, num_partitions=t.partitions, replication_factor=-1, config=dict(t.config))
            for t in wanted
        ]
        for name, made in self._admin.create_topics(new, request_timeout=TIMEOUT_S).items() if new else ():
            with self._connection.telling(name):
                self._unless_there(made)
        deadline = time.monotonic() + TIMEOUT_S
        while not all(self._has_leaders(topic.name) for topic in wanted) and time.monotonic() < deadline:
            time.sleep(0.01)

    @staticmethod
    def _unless_there(made: Any) -> None:
        try:
            made.result()
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise

    def _has_leaders(self, topic: str) -> bool:
        with suppress(TopicMissing):
            return all(partition.leader is not None for partition in self._describe(topic).partitions)
        return False

    def _describe(self, topic: str) -> Any:
        asked = TopicCollection([topic])
        return self._ask(
            topic,
            lambda: self._admin.describe_topics(asked, request_timeout=ATTEMPT_S)[topic].result(),
        )

    def partitions(self, topic: str) -> int:
        """Return how many partitions a topic has."""
        return len(self._describe(topic).partitions)

    def topic_id(self, topic: str) -> str:
        """Return what tells a topic from one of the same name that was made anew."""
        id = self._describe(topic).topic_id
        high, low = id.get_most_significant_bits(), id.get_least_significant_bits()
        return common.topic_id((high % 2**64) << 64 | low % 2**64)

    def first_offset(self, partition: Partition) -> int:
        """Return the position of the first record that is still there."""
        return self._offset(partition, OffsetSpec.earliest())  # type: ignore[no-untyped-call]

    def end_offset(self, partition: Partition) -> int:
        """Return the position after the last record of anyone, committed or not."""
        return self._offset(partition, OffsetSpec.latest())  # type: ignore[no-untyped-call]

    def _offset(self, partition: Partition, which: OffsetSpec) -> int:
        place = TopicPartition(*partition)
        return self._ask(partition[0], lambda: self._offset_once(place, which))

    def _offset_once(self, place: TopicPartition, which: OffsetSpec) -> int:
        asked, level = {place: which}, IsolationLevel.READ_UNCOMMITTED
        found = self._admin.list_offsets(asked, isolation_level=level, request_timeout=ATTEMPT_S)
        offset = int(found[place].result().offset)
        if offset < 0:  # what the client calls success while no broker answers: a log with no end
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT))
        return offset

    def max_record_bytes(self, topic: str) -> int | None:
        """Return the topic's ``max.message.bytes``."""
        resource = ConfigResource(ResourceType.TOPIC, topic)
        config = self._ask(
            topic,
            lambda: self._admin.describe_configs([resource], request_timeout=ATTEMPT_S)[resource].result(),
        )
        return int(config["max.message.bytes"].value)

    def group_offsets(self, group: str, topic: str) -> dict[int, int]:
        """Return the committed positions of a group by partition.

        By a consumer: asked by the admin client, librdkafka ends the process where a coordinator has moved.
        """
        asked = [TopicPartition(topic, number) for number in range(self.partitions(topic))]
        guards = {**READER_GUARDS, "group.id": group, "isolation.level": "read_uncommitted"}
        consumer = self._connection.open(Consumer, {}, guards)
        try:
            found = self._ask(group, lambda: consumer.committed(asked, timeout=ATTEMPT_S))
        finally:
            consumer.close()
        return {place.partition: place.offset for place in found if place.offset >= 0}

    def open_transactions(self, partition: Partition) -> str:
        """Describe, for a person, the transactions open on a partition.

        By kafka-python, where it takes the same options: librdkafka cannot ask.
        """
        from service.streams.kafka_python import KafkaPythonStream

        ours = self._servers, self._options, self._session_timeout_ms
        with suppress(PerceptronError), KafkaPythonStream(*ours) as stream:
            return stream.open_transactions(partition)
        return ""

    def _open_appender(self) -> Appender:
        return Appender(self._connection)

    def reader(self) -> Reader:
        """Open a reader."""
        return Reader(self._connection)

    def join(self, group: str, topic: str, instance_id: str = "") -> Seat:
        """Take a seat in ``group`` over the partitions of ``topic``."""
        static = {"group.instance.id": instance_id} if instance_id else {}
        timing = {
            "session.timeout.ms": self._session_timeout_ms,
            "heartbeat.interval.ms": max(1, self._session_timeout_ms // 3),
        }
        return Seat(self._connection, topic, {"group.id": group, **timing, **static})

    def fence(self, name: str) -> Writer:
        """Return the writer of that name; every older one of it is dead from now on."""
        return Writer(self._connection, name)
