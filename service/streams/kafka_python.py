"""Kafka by kafka-python: only it and its two helpers ``kafka_python_*.py`` name its types."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any, TypeVar
from uuid import UUID

from kafka import KafkaAdminClient, TopicPartition
from kafka.admin import ConfigResource, NewTopic, OffsetSpec
from kafka.errors import KafkaError, TopicAlreadyExistsError, for_code
from kafka.partitioner.default import murmur2

from service.errors import TopicMissing
from service.streams import kafka_common as common
from service.streams.kafka_common import REQUEST_TIMEOUT_MS, TIMEOUT_S
from service.streams.kafka_python_clients import Connection, Reader, Seat, named
from service.streams.kafka_python_writer import Appender, Writer
from service.streams.kafka_stream import KafkaStream
from service.streams.port import Partition, TopicSpec

Answer = TypeVar("Answer")


def murmur2_partition(key: bytes, partitions: int) -> int:
    """Return the partition that Java's default partitioner gives a key."""
    return int((murmur2(key) & 0x7FFFFFFF) % partitions)


class KafkaPythonStream(KafkaStream):
    """A Kafka cluster, spoken to by kafka-python."""

    def __init__(self, servers: str, options: Mapping[str, Any], session_timeout_ms: int) -> None:
        self._connection = Connection(servers, options)
        super().__init__(self._connection, session_timeout_ms)
        self._admin = self._connection.open(KafkaAdminClient, {}, {})

    def _ask(self, question: Callable[[], Answer]) -> Answer:
        """Ask again where leaders and coordinators are on the move."""
        deadline = time.monotonic() + TIMEOUT_S
        while True:
            with self._connection.telling():
                try:
                    return question()
                except KafkaError as error:
                    if named(error)[0] not in common.PASSING or time.monotonic() > deadline:
                        raise
            time.sleep(0.02)

    def create_topics(self, topics: Iterable[TopicSpec]) -> None:
        """Make the topics that are missing, and wait until they can be used."""
        wanted = list(topics)
        for topic in wanted:
            with self._connection.telling(topic.name):
                self._create(topic)
            with suppress(TopicMissing):
                self.partitions(topic.name)  # tells a missing right, which the wait would sit out
        if wanted:
            names = [topic.name for topic in wanted]
            with self._connection.telling():
                self._admin.wait_for_topics(names, timeout_ms=REQUEST_TIMEOUT_MS)

    def _create(self, topic: TopicSpec) -> None:
        new = NewTopic(topic.name, topic.partitions, -1, topic_configs=dict(topic.config))
        with suppress(TopicAlreadyExistsError):
            self._admin.create_topics([new], timeout_ms=REQUEST_TIMEOUT_MS)

    def partitions(self, topic: str) -> int:
        """Return how many partitions a topic has."""
        return len(self._describe(topic)["partitions"])

    def topic_id(self, topic: str) -> str:
        """Return what tells a topic from one of the same name that was made anew."""
        return common.topic_id(UUID(str(self._describe(topic).get("topic_id") or UUID(int=0))).int)

    def _describe(self, topic: str) -> Mapping[str, Any]:
        return self._ask(lambda: self._describe_once(topic))

    def _describe_once(self, topic: str) -> Mapping[str, Any]:
        found: Mapping[str, Any]
        (found,) = self._admin.describe_topics([topic])
        if found["error_code"]:
            raise for_code(found["error_code"])(topic)
        return found

    def first_offset(self, partition: Partition) -> int:
        """Return the position of the first record that is still there."""
        return self._offset(partition, OffsetSpec.EARLIEST)

    def end_offset(self, partition: Partition) -> int:
        """Return the position after the last record of anyone, committed or not."""
        return self._offset(partition, OffsetSpec.LATEST)

    def _offset(self, partition: Partition, which: Any) -> int:
        place = TopicPartition(*partition)
        found = self._ask(lambda: self._admin.list_partition_offsets({place: which}))
        return int(found[place].offset)

    def max_record_bytes(self, topic: str) -> int | None:
        """Return the topic's ``max.message.bytes``."""
        asked = [ConfigResource("topic", topic)]
        found = self._ask(lambda: self._admin.describe_configs(asked, config_filter="all"))
        if not (config := found["topic"][topic]):  # the client drops why
            self.partitions(topic)
            what = f"{topic}: no right to describe its settings"
            raise common.told(self._connection.servers, "TOPIC_AUTHORIZATION_FAILED", what)
        return int(config["max.message.bytes"]["value"])

    def group_offsets(self, group: str, topic: str) -> dict[int, int]:
        """Return the committed positions of a group by partition."""
        found = self._ask(lambda: self._admin.list_group_offsets({group: None}))[group]
        return {place.partition: at.offset for place, at in found.items() if place.topic == topic}

    def open_transactions(self, partition: Partition) -> str:
        """Describe, for a person, the transactions open on a partition."""
        place = TopicPartition(*partition)
        producers = self._ask(lambda: self._admin.describe_producers([place]))[place].active_producers
        opened = {
            one.producer_id: one.current_transaction_start_offset
            for one in producers
            if one.current_transaction_start_offset >= 0
        }
        if not opened:
            return ""
        by_broker = self._ask(lambda: self._admin.list_transactions(producer_id_filters=list(opened)))
        names = {one.producer_id: one.transactional_id for listed in by_broker.values() for one in listed}
        return ", ".join(
            f"{names.get(producer, f'producer {producer}')} since offset {offset}"
            for producer, offset in opened.items()
        )

    def _open_appender(self) -> Appender:
        return Appender(self._connection)

    def reader(self) -> Reader:
        """Open a reader."""
        return Reader(self._connection)

    def join(self, group: str, topic: str, instance_id: str = "") -> Seat:
        """Take a seat in ``group`` over the partitions of ``topic``."""
        timing = {
            "session_timeout_ms": self._session_timeout_ms,
            "heartbeat_interval_ms": max(1, self._session_timeout_ms // 3),
        }
        config = {"group_id": group, "group_instance_id": instance_id or None, **timing}
        return Seat(self._connection, topic, config)

    def fence(self, name: str) -> Writer:
        """Return the writer of that name; every older one of it is dead from now on."""
        return Writer(self._connection, name)

    def close(self) -> None:
        """Release everything."""
        super().close()
        self._admin.close()
