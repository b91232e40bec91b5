"""Producers by confluent-kafka: records outside transactions, and the writer with its commits."""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Message, Producer, TopicPartition

from service.streams import kafka_common as common
from service.streams.confluent_clients import Connection, Seat, log
from service.streams.kafka_common import COMMIT_TIMEOUT_S, SLICE_S, TIMEOUT_S
from service.streams.kafka_writer import TransactionalWriter
from service.streams.port import Closing, Membership, Output, Partition

PRODUCER = {
    "linger.ms": 0,  # a commit hands over all it has at once: there is nothing to wait for
    "delivery.timeout.ms": common.DELIVERY_TIMEOUT_MS,
    "message.max.bytes": common.MAX_RECORD_BYTES,
    "topic.metadata.propagation.max.ms": 3_000,  # how long a missing topic may be a new one
    "queue.buffering.max.messages": 0,  # the engine bounds a transaction, not the client
    "queue.buffering.max.kbytes": 2_147_483_647,
}
TRANSACTIONS = {"transaction.timeout.ms": common.TRANSACTION_TIMEOUT_MS}
PRODUCER_GUARDS = {"enable.idempotence": True, "acks": "all"}
CUT_OFF_S = 3.0
"""How long offsets may be under way where a connection was lost: their answer may never come."""
AUDIBLE = {"log_level": 6, "log.connection.close": True}


class Ears(logging.LoggerAdapter[logging.Logger]):
    """Hears of lost connections and requests, of which the client tells nobody but its log.

    It then sends an EndTxn again, within milliseconds, and the commit succeeds, while the first one may
    still be under way to the broker.
    """

    has_heard = False

    def log(self, level: int, msg: object, *args: object, **kwargs: Any) -> None:
        """Take the facility that comes first, and pass all of it on."""
        self.has_heard |= bool(args) and args[0] in ("FAIL", "REQTMOUT")
        super().log(level, msg, *args, **kwargs)


def enqueue(producer: Producer, outputs: Sequence[Output]) -> None:
    """Hand records over; ``produce_batch`` is the fast way, but would drop headers."""
    for output in outputs:
        if output.headers is None:
            batch = [
                {"key": key, "value": value} for key, value in zip(output.keys, output.values, strict=True)
            ]
            if producer.produce_batch(output.topic, batch, partition=output.partition) != len(batch):
                raise KafkaException(next(record["_error"] for record in batch if "_error" in record))
        else:
            for key, value, headers in zip(output.keys, output.values, output.headers, strict=True):
                producer.produce(output.topic, value, key, output.partition, headers=list(headers))


def flush(producer: Producer) -> None:
    """Wait until nothing is under way."""
    deadline = time.monotonic() + COMMIT_TIMEOUT_S
    while producer.flush(SLICE_S):
        if time.monotonic() > deadline:
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT))


class Appender(Closing):
    """Writes outside transactions."""

    def __init__(self, connection: Connection) -> None:
        self._failure: KafkaError | None = None
        only_failures = {"on_delivery": self._on_failure, "delivery.report.only.error": True}
        self._producer = connection.open(Producer, PRODUCER, {**PRODUCER_GUARDS, **only_failures})

    def _on_failure(self, error: KafkaError | None, message: Message) -> None:
        if self._failure is None:
            self._failure = error

    def append(self, outputs: Sequence[Output]) -> None:
        """Write records and wait until every one is acknowledged."""
        self._failure = None
        enqueue(self._producer, outputs)
        flush(self._producer)
        if self._failure is not None:
            raise KafkaException(self._failure)

    def close(self) -> None:
        """Let go of the producer."""
        with suppress(KafkaException):
            self._producer.purge()


class Writer(TransactionalWriter):
    """The only living writer of its name."""

    def __init__(self, connection: Connection, name: str) -> None:
        super().__init__()
        self._servers = connection.servers
        self._ears = Ears(log)
        guards = {**PRODUCER_GUARDS, **AUDIBLE, "transactional.id": name}
        # No on_delivery: with one the client breaks on being fenced, and a lost record fails the end anyway.
        self._producer = connection.open(Producer, {**PRODUCER, **TRANSACTIONS}, guards, self._ears)
        with connection.telling(f"transactional id {name}"):
            with suppress(KafkaException):  # without a connection it looks for the coordinator twice a second
                self._producer.list_topics(timeout=SLICE_S)
            self._again(self._producer.init_transactions, COMMIT_TIMEOUT_S)
        self._producer.poll(0)
        self._ears.has_heard = False  # what was lost before the first transaction can't harm one

    @staticmethod
    def _again(call: Callable[[float], None], timeout_s: float) -> None:
        """Call until it succeeds or fails for good: the client wants the same call again."""
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                return call(max(deadline - time.monotonic(), 0.1))
            except KafkaException as error:
                if not error.args[0].retriable() or time.monotonic() > deadline:
                    raise

    def _begin(self) -> None:
        self._producer.begin_transaction()

    def _send(self, outputs: Sequence[Output]) -> None:
        enqueue(self._producer, outputs)

    def _flush(self) -> None:
        flush(self._producer)

    def _send_offsets(self, next_offsets: Mapping[Partition, int], membership: Membership) -> None:
        assert isinstance(membership, Seat)
        places = [TopicPartition(*place, offset) for place, offset in next_offsets.items()]
        identity = membership.identity()

        def send(left_s: float) -> None:
            self._producer.send_offsets_to_transaction(places, identity, left_s)

        self._again(send, COMMIT_TIMEOUT_S)

    def _offsets_under_way(
        self, next_offsets: Mapping[Partition, int], membership: Membership
    ) -> Callable[[], None]:
        """On a thread of its own: after a lost answer the call may never return, whatever its own timeout."""
        started = time.monotonic()
        have_arrived = common.under_way(partial(self._send_offsets, next_offsets, membership))

        def wait() -> None:
            while not have_arrived(SLICE_S):
                limit_s = CUT_OFF_S if self._disconnected() else COMMIT_TIMEOUT_S
                if time.monotonic() - started > limit_s:
                    raise KafkaException(KafkaError(KafkaError._TIMED_OUT))

        return wait

    def _end(self) -> None:
        self._again(self._producer.commit_transaction, COMMIT_TIMEOUT_S)

    def _abandon(self) -> None:
        is_at_its_end = False
        try:
            self._producer.abort_transaction(TIMEOUT_S / 2)
        except KafkaException as error:
            is_at_its_end = error.args[0].fatal()
        if is_at_its_end:
            return self._free()
        with suppress(KafkaException):
            self._producer.purge()
        return None

    def _free(self) -> None:
        """Close what a fatal error has ended: the client would keep its threads and sockets for good.

        Nothing else is closed, since that waits for a broker that is away, whatever time it is given.
        """
        with warnings.catch_warnings(action="ignore"), suppress(KafkaException):
            self._producer.close()

    def _disconnected(self) -> bool:
        try:
            if self._alive:
                self._producer.poll(0)  # serves the log
        except KafkaException:  # what is under way was fenced: whoever finishes it is told so
            return True
        return self._ears.has_heard

    def _named(self, error: BaseException) -> tuple[str, str]:
        if isinstance(error, SystemError):  # what is fatal, met by the client within a callback of ours
            error = error.__cause__ or error
        if isinstance(error, KafkaException):
            return error.args[0].name(), error.args[0].str()
        is_its_own = isinstance(error, BufferError | SystemError)
        return (type(error).__name__, str(error)) if is_its_own else ("", "")

    def _proves_nothing_written(self, error: BaseException) -> bool:
        return isinstance(error, KafkaException) and error.args[0].txn_requires_abort()
