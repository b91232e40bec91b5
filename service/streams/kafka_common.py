"""What the two Kafka adapters share: limits, names, the spelling of options and the wording of errors."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from uuid import UUID

from service.errors import (
    ConfigurationError,
    NotAuthorized,
    PerceptronError,
    RecordTooLarge,
    StreamError,
    TopicMissing,
    Unreachable,
)

REQUEST_TIMEOUT_MS = 10_000
DELIVERY_TIMEOUT_MS = 15_000
POLL_INTERVAL_MS = 60_000
"""How long one turn of the engine may take before the seat is lost. Both clients wait about as long for the
answer to a join: at their default, a lost one would keep a learner out of its group for five minutes."""
TRANSACTION_TIMEOUT_MS = 30_000  # a dead process hides the log's end no longer than this
RETRY_BACKOFF_MS = 5  # at the default of 100 each transaction waits 100 ms for the one before it
MAX_RECORD_BYTES = 100_000_000  # the topic's own limit decides; a broker reads no larger request by default
PARTITION_FETCH_BYTES = 10_000_000  # a first record that is larger comes all the same
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
    "message.max.bytes": "max.request.size",
}


def topic_id(number: int) -> str:
    """Return a topic's id as text, alike by either client; empty where an old broker has none to tell."""
    return str(UUID(int=number)) if number else ""


def under_way(call: Callable[[], object]) -> Callable[[float], bool]:
    """Make a call on a thread of its own; return what waits for it, and tells whether it has ended in time.

    What the call raises is raised there. No frame keeps the exception that went through it: in such a circle
    a failed writer, with its threads and connections, would live until the garbage collector comes by, which
    is seldom.
    """
    outcome: list[BaseException | None] = []

    def run() -> None:
        try:
            call()
            outcome.append(None)
        except BaseException as error:
            outcome.append(error.with_traceback(None))

    def has_ended(timeout_s: float) -> bool:
        thread.join(timeout_s)
        if not outcome:
            return False
        if (error := outcome.pop()) is not None:
            try:
                raise error
            finally:
                del error
        return True

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return has_ended


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


def record_limit(options: Mapping[str, Any], name: str) -> int:
    """Return how large a record the client takes: the option's value, which it will judge itself, or ours."""
    value = str(options.get(name, MAX_RECORD_BYTES))
    return int(value) if value.isdecimal() else MAX_RECORD_BYTES


def wrong_option(client: str, names: Iterable[str]) -> ConfigurationError:
    """Name the options at fault, never their values: one of them may be a password."""
    listed = ", ".join(sorted(names)) or "(not told)"
    return ConfigurationError(
        f"stream.kafka, stream.security: {client} knows no such option, or not its value: {listed}"
    )


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
            " or stream.security"
        )
    if name in NO_TOPIC:
        return TopicMissing(f"Kafka at {servers} lacks a topic ({what}): perceptron topics create makes it")
    if name in TOO_LARGE:
        return RecordTooLarge(
            f"a record is too large ({what}): the topic's max.message.bytes, or message.max.bytes "
            "(max_request_size) in stream.kafka, allows less"
        )
    if name == "_SSL":
        return Unreachable(
            f"no TLS with Kafka at {servers} ({what}): check stream.security.ca_file, and that the broker "
            "speaks TLS on that port, with a certificate for that host"
        )
    if name in AWAY:
        return Unreachable(
            f"no Kafka broker answers at {servers} ({what}): start one there or set stream.url to where it is"
        )
    if name in PASSING:
        return Unreachable(f"Kafka at {servers} is not ready ({what}): try again in a moment")
    return StreamError(f"Kafka at {servers}: {what}")
