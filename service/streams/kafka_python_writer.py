"""Producers by kafka-python: records outside transactions, and the writer with its commits."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from kafka import KafkaProducer, TopicPartition
from kafka.errors import KafkaError, KafkaTimeoutError
from kafka.structs import OffsetAndMetadata

from service.streams import kafka_common as common
from service.streams.kafka_common import COMMIT_TIMEOUT_S, TIMEOUT_S
from service.streams.kafka_python_clients import (
    NULL,
    PRODUCER,
    PRODUCER_GUARDS,
    Connection,
    Headers,
    NullHeader,
    Seat,
    bounded,
    named,
)
from service.streams.kafka_writer import TransactionalWriter
from service.streams.port import Closing, Header, Membership, Output, Partition


def enqueue(producer: Any, outputs: Sequence[Output]) -> list[Any]:
    """Hand records over and return the promise of each."""
    promises: list[Any] = []
    for output in outputs:
        keys_values = zip(output.keys, output.values, strict=True)
        send, topic, partition = producer.send, output.topic, output.partition
        if output.headers is None:
            promises += [
                send(topic, NULL if value is None else value, key, None, partition)
                for key, value in keys_values
            ]
        else:
            promises += [
                send(topic, NULL if value is None else value, key, takeable(headers), partition)
                for (key, value), headers in zip(keys_values, output.headers, strict=True)
            ]
    return promises


def takeable(headers: Sequence[Header]) -> list[Any]:
    """Return headers in the form the producer takes."""
    return Headers(header if header[1] is not None else NullHeader(header) for header in headers)  # type: ignore[arg-type]


def flush(producer: Any, promises: Sequence[Any]) -> None:
    """Wait for every acknowledgement, and look at each: ``flush`` is fine with lost records (A1, A2)."""
    producer.flush(timeout=COMMIT_TIMEOUT_S)
    for promise in promises:
        if not promise.succeeded():
            raise promise.exception or KafkaTimeoutError("a record was not acknowledged")


class Appender(Closing):
    """Writes outside transactions."""

    def __init__(self, connection: Connection) -> None:
        self._producer = connection.open(KafkaProducer, PRODUCER, PRODUCER_GUARDS)

    def append(self, outputs: Sequence[Output]) -> None:
        """Write records and wait until every one is acknowledged."""
        flush(self._producer, enqueue(self._producer, outputs))

    def close(self) -> None:
        """Let go of the producer."""
        with suppress(Exception):
            self._producer.close(timeout=1)


class Writer(TransactionalWriter):
    """The only living writer of its name."""

    def __init__(self, connection: Connection, name: str) -> None:
        super().__init__()
        self._servers = connection.servers
        self._promises: list[Any] = []
        guards = {**PRODUCER_GUARDS, "transactional_id": name}
        timeout = {"transaction_timeout_ms": common.TRANSACTION_TIMEOUT_MS}
        self._producer = connection.open(KafkaProducer, {**PRODUCER, **timeout}, guards)
        try:
            with connection.telling(f"transactional id {name}"):
                self._init_transactions()
        except BaseException:
            self._discard()
            raise
        self._closings = next(
            metric
            for metric_name, metric in self._producer.metrics(raw=True).items()
            if metric_name.name == "connection-close-rate"
        )
        self._closing_rate = self._closings.value()

    def _init_transactions(self) -> None:
        deadline = time.monotonic() + COMMIT_TIMEOUT_S
        while True:
            try:
                return bounded(self._producer.init_transactions, COMMIT_TIMEOUT_S)
            except KafkaError as error:
                if not error.retriable or time.monotonic() > deadline:
                    raise

    def _begin(self) -> None:
        self._producer.begin_transaction()

    def _send(self, outputs: Sequence[Output]) -> None:
        self._promises = enqueue(self._producer, outputs)

    def _flush(self) -> None:
        flush(self._producer, self._promises)  # A3: with a batch under way an aborted end looks fine
        self._promises = []

    def _send_offsets(self, next_offsets: Mapping[Partition, int], membership: Membership) -> None:
        assert isinstance(membership, Seat)
        offsets = {
            TopicPartition(*place): OffsetAndMetadata(offset, "", -1)
            for place, offset in next_offsets.items()
        }
        self._flush()  # first: of records that failed, a fence above all, the call below tells no name
        identity = membership.identity()
        bounded(lambda: self._producer.send_offsets_to_transaction(offsets, identity), COMMIT_TIMEOUT_S)

    def _end(self) -> None:
        bounded(self._producer.commit_transaction, COMMIT_TIMEOUT_S)  # A6: it has no timeout

    def _abandon(self) -> None:
        with suppress(Exception):  # A7: closed with an open transaction it would leave it open
            bounded(self._producer.abort_transaction, TIMEOUT_S / 2)
        with suppress(Exception):  # A4: offsets of an aborted transaction would go with the next one
            self._producer.close(timeout=1)

    def _disconnected(self) -> bool:
        """Whether a connection was closed since the last look: only then does the rate rise."""
        before, self._closing_rate = self._closing_rate, self._closings.value()
        self._was_slow |= self._closing_rate > before
        return self._was_slow

    def _named(self, error: BaseException) -> tuple[str, str]:
        return named(error)
