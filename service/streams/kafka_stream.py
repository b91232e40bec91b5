"""What both Kafka adapters do alike: write outside transactions, and tell what does not fit or is missing."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from service.errors import RecordTooLarge, StreamError, TopicMissing
from service.streams.port import Closing, Output


class Connection(Protocol):
    """Where the cluster is, by either client."""

    client: str
    servers: str
    max_record_bytes: int

    def telling(self, subject: str = "") -> AbstractContextManager[None]:
        """Turn the client's exceptions into ours."""


class Appender(Closing, Protocol):
    """Writes outside transactions."""

    def append(self, outputs: Sequence[Output]) -> None:
        """Write records and wait until every one is acknowledged."""


class KafkaStream(Closing, ABC):
    """A Kafka cluster; the adapters ask it, this class writes to it."""

    makes_topics = False

    def __init__(self, connection: Connection, session_timeout_ms: int) -> None:
        self.client = connection.client
        self.max_write_bytes: int | None = connection.max_record_bytes
        self._telling = connection.telling
        self._servers = connection.servers
        self._session_timeout_ms = session_timeout_ms
        self._appender: Appender | None = None
        self._widths: dict[str, int] = {}

    def append(self, outputs: Sequence[Output]) -> None:
        """Write outside any transaction and return once all of it is acknowledged."""
        for output in outputs:
            self._require_partition(output.topic, output.partition)
        if self._appender is None:
            self._appender = self._open_appender()
        try:
            with self._telling():
                self._appender.append(outputs)
        except StreamError as error:
            self._forget()  # what it still holds must not go with the next records
            if not isinstance(error, RecordTooLarge):
                raise
            raise self._too_large(outputs) from None

    def _require_partition(self, topic: str, partition: int) -> None:
        """Raise for what is not there, which the clients would wait for, or tell in words of their own."""
        if partition >= self._widths.get(topic, 0):
            self._widths[topic] = self.partitions(topic)
        if not 0 <= partition < self._widths[topic]:
            raise TopicMissing(
                f"Kafka at {self._servers}: topic {topic} has {self._widths[topic]} partitions "
                f"and no number {partition}"
            )

    def _too_large(self, outputs: Sequence[Output]) -> RecordTooLarge:
        """Name, for each topic, the largest record and the limit."""
        facts = [
            f"{output.topic}: the largest has {largest(output)} bytes, "
            f"max.message.bytes is {self.max_record_bytes(output.topic)}"
            for output in outputs
        ]
        return RecordTooLarge(
            f"a record is too large for its topic or the client's {self.max_write_bytes} bytes: "
            f"{'; '.join(facts)}"
        )

    def _forget(self) -> None:
        self._widths.clear()
        if self._appender is not None:
            self._appender.close()
            self._appender = None

    def close(self) -> None:
        """Release everything."""
        self._forget()

    @abstractmethod
    def partitions(self, topic: str) -> int:
        """Return how many partitions a topic has."""

    @abstractmethod
    def max_record_bytes(self, topic: str) -> int | None:
        """Return the topic's ``max.message.bytes``."""

    @abstractmethod
    def _open_appender(self) -> Appender: ...


def largest(output: Output) -> int:
    """Return the bytes of the largest key and value."""
    return max(
        len(key or b"") + len(value or b"") for key, value in zip(output.keys, output.values, strict=True)
    )
