"""A client by confluent that was told of no brokers may never look for one again; ours are replaced."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.contracts.rig import wait_until
from tests.faults.clients.broker import NO_BROKERS, ScriptedBroker
from tests.faults.clients.opening import ClientDefect, defect

kafka = pytest.importorskip("confluent_kafka")
clients = pytest.importorskip("service.streams.confluent_clients")
adapter = pytest.importorskip("service.streams.confluent")

AT_A_TIME = 8
CUT_WITHIN_S = 60.0
OUT = ("out", 0)


@pytest.fixture
def broker() -> Iterator[ScriptedBroker]:
    with ScriptedBroker() as started:
        yield started


@pytest.fixture
def connection(broker: ScriptedBroker, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(clients, "SILENT_S", 0.2)
    return clients.Connection(broker.address, {})


def is_cut(client: Any, broker: ScriptedBroker) -> bool:
    """Let a client lose its brokers for good, which takes luck: several answers at the right time."""
    deadline = time.monotonic() + CUT_WITHIN_S
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        while time.monotonic() < deadline:
            broker.script["Metadata"] = iter([NO_BROKERS] * AT_A_TIME)
            list(pool.map(lambda _: clients.has_brokers(client, "out"), range(AT_A_TIME)))
            del broker.script["Metadata"]
            if not clients.has_brokers(client, "out", 2.0):
                return True
    return False


@defect("librdkafka 5301", "Lifeline")
def test_a_client_finds_brokers_again(broker: ScriptedBroker) -> None:
    consumer = kafka.Consumer({"bootstrap.servers": broker.address, "group.id": "bare", "log_level": 0})
    consumer.assign([kafka.TopicPartition(*OUT, 0)])
    if is_cut(consumer, broker):
        raise ClientDefect("it has no brokers, and looks for none")


def test_our_reader_reads_on_by_another_client(broker: ScriptedBroker, connection: Any) -> None:
    with clients.Reader(connection) as reader:
        reader.seek({OUT: 7})
        reader.poll(1, 0.1)
        lost = reader._consumer
        assert is_cut(lost, broker)
        wait_until(lambda: reader.poll(1, 0.05) == [] and reader._consumer is not lost)
        fetched = broker.seen["Fetch"]
        wait_until(lambda: reader.poll(1, 0.05) == [] and broker.seen["Fetch"] > fetched)
        assert reader.position(OUT) == 7
        assert broker.requests[-1].topics[0].partitions[0].fetch_offset == 7


def test_our_seat_is_taken_by_another_client(broker: ScriptedBroker, connection: Any) -> None:
    with clients.Seat(connection, "out", {"group.id": "group", "session.timeout.ms": 1500}) as seat:
        wait_until(lambda: seat.poll() == frozenset() and broker.seen["JoinGroup"] > 0)
        lost = seat._consumer
        assert is_cut(lost, broker)
        wait_until(lambda: seat.poll() == frozenset() and seat._consumer is not lost)
        joined = broker.seen["JoinGroup"]
        wait_until(lambda: seat.poll() == frozenset() and broker.seen["JoinGroup"] > joined)


def test_nothing_is_replaced_while_all_brokers_are_away(broker: ScriptedBroker, connection: Any) -> None:
    with clients.Reader(connection) as reader:
        reader.seek({OUT: 0})
        reader.poll(1, 0.1)
        before = reader._consumer
        broker.close()
        until = time.monotonic() + 3.0
        wait_until(lambda: reader.poll(1, 0.05) == [] and time.monotonic() > until)
        assert reader._consumer is before


def test_questions_are_asked_by_another_client(
    broker: ScriptedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapter.ConfluentStream, "_greet", lambda self: None)
    with adapter.ConfluentStream(broker.address, {}, 1500) as stream:
        lost = stream._admin
        assert is_cut(lost, broker)

        def ask() -> bool:
            if clients.has_brokers(stream._admin, "out"):
                return True
            raise kafka.KafkaException(kafka.KafkaError(kafka.KafkaError._TIMED_OUT))

        assert stream._ask("out", ask)
        assert stream._admin is not lost
