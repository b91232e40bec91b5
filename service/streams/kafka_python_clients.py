"""Connections, readers, seats and writers by kafka-python; the stream is in ``kafka_python.py``.

A1 to A11 are kafka-python's own defects (3.0), each met where it would bite.
"""

from __future__ import annotations

import logging
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import kafka
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.coordinator.assignors.range import RangePartitionAssignor
from kafka.errors import FencedInstanceIdError, KafkaConfigurationError, KafkaError, KafkaTimeoutError
from kafka.serializer import Serializer
from kafka.structs import MemberState, OffsetAndMetadata

from service.errors import OffsetGone, Unreachable
from service.streams import kafka_common as common
from service.streams.kafka_common import REQUEST_TIMEOUT_MS
from service.streams.kafka_python_token import with_provider
from service.streams.port import Batch, Closing, Fenced, Partition

logging.getLogger("kafka").addHandler(logging.NullHandler())  # or warnings go to stderr by themselves
for name in ("kafka.protocol.parser", "kafka.net.connection"):  # for debugging they log passwords as sent
    logging.getLogger(name).addFilter(lambda record: record.levelno > logging.DEBUG)

COMMON = {
    "retry_backoff_ms": common.RETRY_BACKOFF_MS,  # A8: the client sleeps so long at each retry
    "request_timeout_ms": common.REQUEST_TIMEOUT_MS,
    "bootstrap_timeout_ms": common.REQUEST_TIMEOUT_MS,
    "reconnect_backoff_max_ms": 1_000,
}
CONSUMER = {
    "fetch_max_wait_ms": 50,  # a seek, and the end of a partition, wait for the fetch under way
    "max_partition_fetch_bytes": common.PARTITION_FETCH_BYTES,
    "fetch_max_bytes": common.FETCH_BYTES,
}
CONSUMER_GUARDS = {"enable_auto_commit": False, "allow_auto_create_topics": False}
READER_GUARDS = {**CONSUMER_GUARDS, "isolation_level": "read_committed", "auto_offset_reset": "none"}
SEAT_GUARDS = {
    **CONSUMER_GUARDS,
    "auto_offset_reset": "latest",
    "partition_assignment_strategy": [RangePartitionAssignor],
}
PRODUCER = {
    "linger_ms": 5,
    "batch_size": 262_144,
    "delivery_timeout_ms": common.DELIVERY_TIMEOUT_MS,
    "max_request_size": common.MAX_RECORD_BYTES,
    "max_block_ms": common.REQUEST_TIMEOUT_MS,
}

PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
JOIN_SLICE_MS = 20

NULL = object()  # stands for None, which the producer refuses as value where the key is None too


class Nullable(Serializer):  # type: ignore[misc]
    """Lets a record without key and value through: it is a legal dead letter."""

    def serialize(self, topic: str, headers: Any, data: Any) -> Any:
        """Return the bytes as they are."""
        return None if data is NULL else data


class NullHeader(tuple[str, None]):
    """A header without value, which the producer can write but refuses to take."""

    def __getitem__(self, index: Any) -> Any:
        """Show empty bytes to the producer's check; unpacking still gives None."""
        return super().__getitem__(index) if index == 0 else b""


class Headers(list[Any]):
    """Headers whose size, a mere statistic, the producer does not try to take: None has none."""

    def __bool__(self) -> bool:
        return False


PRODUCER_GUARDS = {
    "enable_idempotence": True,
    "acks": "all",
    "allow_auto_create_topics": False,
    "value_serializer": Nullable(),
}


class Connection:
    """Where the cluster is and how its clients are made."""

    def __init__(self, servers: str, options: Mapping[str, Any]) -> None:
        self.client = f"kafka-python {kafka.__version__}"
        self.servers = servers
        self._options = with_provider(common.underscored(options))
        self.max_record_bytes = common.record_limit(self._options, "max_request_size")
        known = (KafkaConsumer, KafkaProducer, KafkaAdminClient)
        if unknown := [name for name in self._options if not any(name in k.DEFAULT_CONFIG for k in known)]:
            raise common.wrong_option(self.client, unknown)
        if self._options.get("security_protocol", "PLAINTEXT") not in PROTOCOLS:
            raise common.wrong_option(self.client, ["security_protocol"])  # it would send in the clear

    def open(self, kind: Any, defaults: Mapping[str, Any], guards: Mapping[str, Any]) -> Any:
        """Make a client: our defaults, then the user's options, then what must not be changed."""
        if provider := self._options.get("sasl_oauth_token_provider"):
            provider.token()  # raises: the client would try on, and keep why to itself
        guards = {"bootstrap_servers": self.servers.split(","), "client_id": common.client_id(), **guards}
        mine = {name: value for name, value in self._options.items() if name in kind.DEFAULT_CONFIG}
        try:
            mine = {name: common.typed(value, kind.DEFAULT_CONFIG[name]) for name, value in mine.items()}
            with self.telling():
                return kind(**{**COMMON, **defaults, **mine, **guards})
        except Unreachable:
            if reason := self._reason():
                raise common.told(self.servers, *reason) from None
            raise
        except (KafkaConfigurationError, ValueError, TypeError, AssertionError, AttributeError, OSError):
            pass  # its text may hold a password
        raise common.wrong_option(self.client, mine)

    def _reason(self) -> tuple[str, str] | None:
        """Return why no client comes up though somebody is there, which it keeps to itself (A11)."""
        protocol = self._options.get("security_protocol", "")
        for server in self.servers.split(","):
            host, _, port = server.rpartition(":")
            with suppress(OSError), socket.create_connection((host.strip("[]"), int(port)), 1.0) as plain:
                if "SSL" in protocol and (failure := self._tls_failure(plain, host.strip("[]"))):
                    return "_SSL", failure
                if "SASL" in protocol:
                    return "SASL_AUTHENTICATION_FAILED", "connections are taken, but no login succeeds"
        return None

    def _tls_failure(self, plain: socket.socket, host: str) -> str:
        context = ssl.create_default_context(cafile=self._options.get("ssl_cafile"))
        try:
            context.wrap_socket(plain, server_hostname=host).close()
        except OSError as error:  # a certificate that is not trusted, an end of the connection
            return str(getattr(error, "verify_message", None) or error)
        return ""

    @contextmanager
    def telling(self, subject: str = "") -> Iterator[None]:
        """Turn the client's exceptions into ours."""
        try:
            yield
        except KafkaConfigurationError:
            raise
        except KafkaError as error:
            name, detail = named(error)
            if name in common.GONE:
                raise OffsetGone(f"{detail}: the topic was cut, or made anew") from None
            raise common.told(self.servers, name, f"{subject}: {detail}".removeprefix(": ")) from None


def named(error: BaseException) -> tuple[str, str]:
    """Return the name the protocol, or else the client, gives an error, and its text."""
    if not isinstance(error, KafkaError):
        return "", ""
    error = next((cause for cause in error.args if isinstance(cause, KafkaError)), error)
    name, detail = str(getattr(error, "message", None) or type(error).__name__), str(error)
    return name, detail.partition(": Request '")[0] if name in common.RIGHTS else detail


def bounded(call: Callable[[], object], timeout_s: float) -> None:
    """Call what has no timeout of its own and might never return (A6); if late, leave it to itself."""
    if not common.under_way(call)(timeout_s):
        raise KafkaTimeoutError(f"no answer within {timeout_s:.0f} s")


class Reader(Closing):
    """Reads committed records from positions of the caller's choice."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._consumer = connection.open(KafkaConsumer, CONSUMER, READER_GUARDS)

    def seek(self, positions: Mapping[Partition, int]) -> None:
        """Read exactly these partitions from now on, each from its position."""
        self._consumer.assign([TopicPartition(*place) for place in positions])
        for place, offset in positions.items():
            self._consumer.seek(TopicPartition(*place), offset)

    def poll(self, max_records: int, timeout_s: float) -> list[Batch]:
        """Return at most ``max_records`` records, waiting ``timeout_s`` for the first."""
        with self._connection.telling():
            found = self._consumer.poll(timeout_ms=int(timeout_s * 1000), max_records=max_records)
        return [self._batch(place, records) for place, records in found.items()]

    @staticmethod
    def _batch(place: Any, records: Sequence[Any]) -> Batch:
        return Batch(
            place.topic,
            place.partition,
            [record.offset for record in records],
            [record.key for record in records],
            [record.value for record in records],
            [record.headers for record in records],
            [record.timestamp for record in records],
        )

    def position(self, partition: Partition) -> int:
        """Return the position, past markers and aborted records that have been skipped."""
        with self._connection.telling():
            return int(self._consumer.position(TopicPartition(*partition)))

    def close(self) -> None:
        """Stop reading."""
        self._consumer.close(autocommit=False, timeout_ms=1_000)


class Seat(Closing):
    """A seat in a group over the partitions of one topic, which it never reads."""

    def __init__(self, connection: Connection, topic: str, config: Mapping[str, Any]) -> None:
        self._connection = connection
        self._topic = topic
        self._open = True
        self._instance_id = config["group_instance_id"]
        self._session_s = config["session_timeout_ms"] / 1000
        self._confirm_at = time.monotonic() + self._session_s
        turn_ms = max(common.POLL_INTERVAL_MS, config["session_timeout_ms"])
        defaults = {**CONSUMER, "max_poll_interval_ms": turn_ms}
        self._consumer = connection.open(KafkaConsumer, defaults, {**SEAT_GUARDS, **config})
        self._consumer.subscribe([topic])
        with connection.telling():  # else the first assignment may be made without knowing the topic
            self._consumer.partitions_for_topic(topic)

    def poll(self) -> frozenset[int]:
        """Heartbeat, take part in rebalances, and return the partitions assigned now."""
        if not self._open:
            return frozenset()
        with self._telling():
            self._consumer.poll(timeout_ms=0, max_records=1)
            self._finish_join()
            assigned = self._consumer.assignment()
            self._consumer.pause(*assigned)  # a rebalance ends the pause
        shards = frozenset(place.partition for place in assigned)
        if shards and self._instance_id and time.monotonic() > self._confirm_at:
            self._confirm(shards)  # A9: heartbeats that meet a fenced instance id just stop, without a word
        return shards

    def _finish_join(self) -> None:
        """Wait for a join under way: one that ends unwatched is made anew, and so on, for all (A10).

        There is nothing else to do meanwhile: whoever joins has given up its shards.
        """
        deadline = time.monotonic() + self._session_s / 2
        while self._consumer.group_metadata().state != MemberState.STABLE and time.monotonic() < deadline:
            self._consumer.poll(timeout_ms=JOIN_SLICE_MS, max_records=1)

    def prove(self) -> bool:
        """Whether the group confirms, in a round trip, that this seat and its assignment are current."""
        shards = self.poll()
        return bool(shards) and self._confirm(shards) and self.poll() == shards

    def _confirm(self, shards: frozenset[int]) -> bool:
        self._confirm_at = time.monotonic() + self._session_s
        places = [TopicPartition(self._topic, shard) for shard in shards]
        with self._telling():
            try:
                ends = self._consumer.end_offsets(places, timeout_ms=REQUEST_TIMEOUT_MS)
                offsets = {place: OffsetAndMetadata(end, "", -1) for place, end in ends.items()}
                self._consumer.commit(offsets, timeout_ms=REQUEST_TIMEOUT_MS)
            except KafkaError as error:
                if isinstance(error, FencedInstanceIdError) or named(error)[0] in common.RIGHTS:
                    raise
                return False
        return True

    @contextmanager
    def _telling(self) -> Iterator[None]:
        with self._connection.telling():
            try:
                yield
            except FencedInstanceIdError:
                raise common.instance_taken(self._instance_id) from None

    def identity(self) -> Any:
        """Return what the group knows us by right now."""
        self.poll()  # A5: else the snapshot may be of a generation long gone
        return current(self._consumer.group_metadata())

    def close(self) -> None:
        """Leave the group, unless the seat is static."""
        if self._open:
            self._open = False
            self._consumer.close(autocommit=False, timeout_ms=2_000)


def current(metadata: Any) -> Any:
    """Refuse an identity without a seat: the client would send it, and the broker take it (A5)."""
    if metadata.generation_id < 0 or not metadata.member_id:
        raise Fenced(f"no seat in the group {metadata.group_id} (generation {metadata.generation_id})")
    return metadata
