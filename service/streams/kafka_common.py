"""What the two Kafka adapters share: limits, names, the spelling of options and the wording of errors."""

from __future__ import annotations

import os
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Any

from service.errors import (
    ConfigurationError,
    NotAuthorized,
    PerceptronError,
    RecordTooLarge,
    StreamError,
    TopicMissing,
    Unreachable,
)
from service.streams.port import Aborted, Closing, Fenced, InDoubt, Membership, Output, Partition, Stream

REQUEST_TIMEOUT_MS = 10_000
DELIVERY_TIMEOUT_MS = 15_000
TRANSACTION_TIMEOUT_MS = 30_000  # a dead process hides the log's end no longer than this
RETRY_BACKOFF_MS = 5  # at the default of 100 each transaction waits 100 ms for the one before it
MAX_RECORD_BYTES = 10_000_000  # the topic's own limit decides, not the client's
FETCH_BYTES = 50_000_000

SLICE_S = 0.5  # confluent serves no signals while it blocks
TIMEOUT_S = REQUEST_TIMEOUT_MS / 1000
COMMIT_TIMEOUT_S = DELIVERY_TIMEOUT_MS / 1000

# Options with one meaning and two names: confluent's, kafka-python's (dots for its underscores).
SYNONYMS = {
    "sasl.username": "sasl.plain.username",
    "sasl.password": "sasl.plain.password",
    "ssl.ca.location": "ssl.cafile",
    "ssl.certificate.location": "ssl.certfile",
    "ssl.key.location": "ssl.keyfile",
    "ssl.key.password": "ssl.password",
}


class Pace:
    """Tells whether a commit was so slow that its end may still be under way."""

    def __init__(self) -> None:
        self._seconds: deque[float] = deque(maxlen=100)

    def is_unusual(self, seconds: float) -> bool:
        """Compare one more commit with those before it."""
        usual = median(self._seconds) if self._seconds else 0.0
        self._seconds.append(seconds)
        return seconds > max(1.0, 10 * usual)


def client_id() -> str:
    """Return a client id that sorts by start time: the range assignor leaves the oldest its shard."""
    return f"{time.time_ns() // 1_000_000:015d}-perceptron-{os.getpid()}"


def dotted(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return raw client options in confluent's spelling, whichever they came in."""
    names = {theirs: ours for ours, theirs in SYNONYMS.items()}
    plain = {name.replace("_", "."): value for name, value in options.items()}
    return {names.get(name, name): value for name, value in plain.items()}


def underscored(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return raw client options in kafka-python's spelling, whichever they came in."""
    return {
        SYNONYMS.get(name, name).replace(".", "_"): value
        for name, value in ((name.replace("_", "."), value) for name, value in options.items())
    }


def typed(value: Any, default: Any) -> Any:
    """Return an option that came as text, from the environment, in the type of the client's default."""
    if not isinstance(value, str) or default is None or isinstance(default, str):
        return value
    if isinstance(default, bool):
        return value.lower() in ("true", "1")
    return type(default)(value) if isinstance(default, int | float) else value


def wrong_option(client: str, names: Iterable[str]) -> ConfigurationError:
    """Name the options at fault, never their values: one of them may be a password."""
    listed = ", ".join(sorted(names)) or "(not told)"
    return ConfigurationError(f"stream.kafka: {client} knows no such option, or not its value: {listed}")


def instance_taken(instance_id: str) -> ConfigurationError:
    """Say why a static seat is lost for good."""
    return ConfigurationError(
        f"another process has joined with the same engine.instance_id {instance_id!r}: give each its own"
    )


RIGHTS = {
    "TOPIC_AUTHORIZATION_FAILED",
    "GROUP_AUTHORIZATION_FAILED",
    "CLUSTER_AUTHORIZATION_FAILED",
    "TRANSACTIONAL_ID_AUTHORIZATION_FAILED",
    "SASL_AUTHENTICATION_FAILED",
    "UNSUPPORTED_SASL_MECHANISM",
    "_AUTHENTICATION",
}
NO_TOPIC = {"UNKNOWN_TOPIC_OR_PART", "UNKNOWN_TOPIC_OR_PARTITION", "_UNKNOWN_TOPIC", "_UNKNOWN_PARTITION"}
TOO_LARGE = {"MSG_SIZE_TOO_LARGE", "MESSAGE_SIZE_TOO_LARGE", "RECORD_LIST_TOO_LARGE"}
AWAY = {
    "_TRANSPORT",
    "_ALL_BROKERS_DOWN",
    "_RESOLVE",
    "_SSL",
    "_TIMED_OUT",
    "_TIMED_OUT_QUEUE",
    "REQUEST_TIMED_OUT",
    "KafkaConnectionError",
    "KafkaTimeoutError",
    "NoBrokersAvailable",
    "NodeNotReadyError",
}
FENCED = {
    "_FENCED",
    "PRODUCER_FENCED",
    "INVALID_PRODUCER_EPOCH",
    "ILLEGAL_GENERATION",
    "UNKNOWN_MEMBER_ID",
    "REBALANCE_IN_PROGRESS",
    "FENCED_INSTANCE_ID",
}
PASSING = {
    "COORDINATOR_LOAD_IN_PROGRESS",
    "COORDINATOR_NOT_AVAILABLE",
    "CONCURRENT_TRANSACTIONS",
    "FENCED_LEADER_EPOCH",
    "KAFKA_STORAGE_ERROR",
    "LEADER_NOT_AVAILABLE",
    "LISTENER_NOT_FOUND",
    "NETWORK_EXCEPTION",
    "NOT_CONTROLLER",
    "NOT_COORDINATOR",
    "NOT_ENOUGH_REPLICAS",
    "NOT_ENOUGH_REPLICAS_AFTER_APPEND",
    "NOT_LEADER_FOR_PARTITION",
    "OFFSET_NOT_AVAILABLE",
    "REPLICA_NOT_AVAILABLE",
    "THROTTLING_QUOTA_EXCEEDED",
    "UNKNOWN_LEADER_EPOCH",
    "UNSTABLE_OFFSET_COMMIT",
    "_NOENT",  # what confluent says while a partition has no leader
    "_TIMED_OUT",
    "_WAIT_COORD",
}
"""What a cluster says while a broker restarts, and leaders and coordinators are on the move."""

GONE = {"_AUTO_OFFSET_RESET", "OFFSET_OUT_OF_RANGE", "NoOffsetForPartitionError", "LogTruncationError"}


def told(servers: str, name: str, detail: str) -> PerceptronError:
    """Return a client's error as ours, by its name: the protocol's, or the client's own."""
    what = f"{name}: {detail}"
    if name in RIGHTS:
        return NotAuthorized(
            f"Kafka at {servers} refuses ({what}): grant the right or correct the credentials in stream.kafka"
        )
    if name in NO_TOPIC:
        return TopicMissing(f"Kafka at {servers} lacks a topic ({what}): perceptron topics create makes it")
    if name in TOO_LARGE:
        return RecordTooLarge(
            f"a record is too large ({what}): this client takes {MAX_RECORD_BYTES:,} bytes, a topic as many "
            "as its max.message.bytes says"
        )
    if name in AWAY:
        return Unreachable(
            f"no Kafka broker answers at {servers} ({what}): start one there or set stream.url to where it is"
        )
    if name in PASSING:
        return Unreachable(f"Kafka at {servers} is not ready ({what}): try again in a moment")
    return StreamError(f"Kafka at {servers}: {what}")


def too_large(stream: Stream, outputs: Sequence[Output]) -> RecordTooLarge:
    """Name, for each topic, the largest record and the limit."""
    facts = [
        f"{output.topic}: the largest has {largest(output)} bytes, "
        f"max.message.bytes is {stream.max_record_bytes(output.topic)}"
        for output in outputs
    ]
    return RecordTooLarge(
        f"a record is too large for its topic or the client's {MAX_RECORD_BYTES} bytes: {'; '.join(facts)}"
    )


def largest(output: Output) -> int:
    """Return the bytes of the largest key and value."""
    return max(
        len(key or b"") + len(value or b"") for key, value in zip(output.keys, output.values, strict=True)
    )


class TransactionalWriter(Closing, ABC):
    """The commit protocol, once for both clients; they supply its steps."""

    def __init__(self) -> None:
        self._alive = True
        self._pace = Pace()
        self._was_slow = False

    @property
    def suspect(self) -> bool:
        """Whether a connection failed or a commit was so slow that its end may still be under way."""
        return self._was_slow or self._disconnected()

    def commit(
        self, outputs: Sequence[Output], next_offsets: Mapping[Partition, int], membership: Membership
    ) -> None:
        """Write all outputs and offsets, or nothing.

        1. begin; 2. hand over all records; 3. wait until each is acknowledged; 4. send the offsets with
        the identity the group knows us by right now; 5. end the transaction. Until 5 a failure means that
        nothing was written, whatever becomes of the abort. From 5 on only the log can tell.
        """
        if not self._alive:
            raise Fenced("this writer is dead: recover and fence anew")
        started = time.monotonic()
        try:
            self._begin()
            self._send(outputs)
            self._flush()
            if next_offsets:
                self._send_offsets(next_offsets, membership)
        except BaseException as error:
            self._discard()
            raise self._before_end(error, outputs) from error
        try:
            self._end()
        except BaseException as error:
            self._discard()
            raise self._during_end(error, outputs) from error
        self._was_slow |= self._pace.is_unusual(time.monotonic() - started)

    def _before_end(self, error: BaseException, outputs: Sequence[Output]) -> BaseException:
        """Nothing was written: say whether trying again can help."""
        name, detail = self._named(error)
        if not name:
            return error
        if name in FENCED:
            return Fenced(f"{name}: {detail}")
        if name in RIGHTS | NO_TOPIC | TOO_LARGE:
            topics = ", ".join(sorted({output.topic for output in outputs}))
            return told(self._servers, name, f"writing {topics}: {detail}")
        return Aborted(f"{name}: {detail}")

    def _during_end(self, error: BaseException, outputs: Sequence[Output]) -> BaseException:
        """Even a fence proves nothing here: it may answer the second try of an end that took effect."""
        name, detail = self._named(error)
        if not name:
            return error
        if self._proves_nothing_written(error):
            return self._before_end(error, outputs)
        return InDoubt(f"{name}: {detail}")

    def close(self) -> None:
        """Abort what is open and let go of the producer."""
        self._discard()

    def _discard(self) -> None:
        """Abort first, or the transaction stays open until its timeout; then never use the producer again."""
        if self._alive:
            self._alive = False
            self._abandon()

    _servers: str

    @abstractmethod
    def _begin(self) -> None: ...

    @abstractmethod
    def _send(self, outputs: Sequence[Output]) -> None: ...

    @abstractmethod
    def _flush(self) -> None: ...

    @abstractmethod
    def _send_offsets(self, next_offsets: Mapping[Partition, int], membership: Membership) -> None: ...

    @abstractmethod
    def _end(self) -> None: ...

    @abstractmethod
    def _abandon(self) -> None: ...

    @abstractmethod
    def _disconnected(self) -> bool: ...

    def _proves_nothing_written(self, error: BaseException) -> bool:
        return False

    @abstractmethod
    def _named(self, error: BaseException) -> tuple[str, str]:
        """Return the name and the text of a client's error, twice empty for anything else."""
