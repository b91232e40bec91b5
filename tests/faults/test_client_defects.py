"""What the clients do wrong, each as it is today, and that the adapter turns it into the right outcome.

``A1`` to ``A8`` are kafka-python's. A test of a defect says what a sane client would do and is expected
to fail; on the day that it passes, an upgrade has mended the client. The test beside it shows that our
writer says ``Aborted``, ``Fenced`` or ``InDoubt`` where records or offsets would be lost in silence.
"""

from __future__ import annotations

import itertools
import sys
import threading
import time
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import pytest
from kafka import ConsumerGroupMetadata, KafkaProducer, TopicPartition
from kafka.errors import KafkaError
from kafka.structs import OffsetAndMetadata

from service.streams import kafka_common as common
from service.streams.kafka_common import COMMIT_TIMEOUT_S
from service.streams.kafka_python import KafkaPythonStream
from service.streams.port import Aborted, CommitFailed, Fenced, InDoubt
from tests.contracts.rig import wait_until
from tests.faults.clients.broker import (
    CONCURRENT_TRANSACTIONS,
    COORDINATOR_LOAD_IN_PROGRESS,
    ILLEGAL_GENERATION,
    LEADER_NOT_AVAILABLE,
    NOT_ENOUGH_REPLICAS,
    OUT_OF_ORDER_SEQUENCE,
    PRODUCER_FENCED,
    ScriptedBroker,
    Step,
)
from tests.faults.clients.opening import (
    CLIENTS,
    IMPATIENT,
    ClientDefect,
    SeatOf,
    bare_producer,
    defect,
    output,
    writer,
)

NOBODY: Any = None
PATIENCE = {"delivery_timeout_ms": 400, "request_timeout_ms": 300}


def always(step: Step) -> Iterator[Step]:
    return itertools.repeat(step)


def offsets(partition: int, offset: int) -> dict[TopicPartition, OffsetAndMetadata]:
    return {TopicPartition("samples", partition): OffsetAndMetadata(offset, "", -1)}


@pytest.fixture
def broker() -> Iterator[ScriptedBroker]:
    with ScriptedBroker() as started:
        yield started


@pytest.fixture(params=CLIENTS)
def client(request: pytest.FixtureRequest) -> str:
    if request.param == "confluent":
        pytest.importorskip("confluent_kafka")
    return str(request.param)


def commit_one(producer: KafkaProducer, broker: ScriptedBroker) -> None:
    """Commit one record as the client's own documents say, and see whether what succeeded is there."""
    producer.begin_transaction()
    producer.send("out", b"1", partition=0)
    producer.flush()
    producer.commit_transaction()
    if broker.values() != [b"1"]:
        raise ClientDefect("the commit succeeded, and its record is missing")


def test_what_succeeds_is_there_and_nothing_stays_open(broker: ScriptedBroker, client: str) -> None:
    with writer(client, broker) as ours:
        ours.commit([output(b"1", b"2", headers=[[("name", b"x")], []])], {}, NOBODY)
        ours.commit([output(b"3")], {}, NOBODY)
        assert not ours.suspect
    assert broker.values() == [b"1", b"2", b"3"]
    assert [record.headers for record in broker.committed["out"]] == [[("name", b"x")], [], []]
    assert broker.open is None


# A1: a batch that expires


@defect("A1", "the look at each promise after the flush")
def test_a_commit_does_not_succeed_without_the_record_that_expired(broker: ScriptedBroker) -> None:
    broker.script["Metadata"] = always(LEADER_NOT_AVAILABLE)
    with bare_producer(broker, **PATIENCE) as producer:
        commit_one(producer, broker)


def test_a_record_that_expired_aborts_our_commit(broker: ScriptedBroker, client: str) -> None:
    broker.script["Metadata"] = always(LEADER_NOT_AVAILABLE)
    with writer(client, broker, **IMPATIENT) as ours, pytest.raises(Aborted):
        ours.commit([output(b"1")], {}, NOBODY)
    assert (broker.values(), broker.open) == ([], None)


# A2: a batch that expires while it is retried


@defect("A2", "the look at each promise after the flush")
def test_a_commit_does_not_succeed_without_the_record_that_was_retried(broker: ScriptedBroker) -> None:
    broker.script["Produce"] = always(NOT_ENOUGH_REPLICAS)
    with bare_producer(broker, **PATIENCE) as producer:
        commit_one(producer, broker)


def test_a_record_that_was_retried_in_vain_aborts_our_commit(broker: ScriptedBroker, client: str) -> None:
    broker.script["Produce"] = always(NOT_ENOUGH_REPLICAS)
    with writer(client, broker, **IMPATIENT) as ours, pytest.raises(Aborted):
        ours.commit([output(b"1")], {}, NOBODY)
    assert broker.values() == []
    assert broker.open is None


# A3: a sequence out of order while a commit waits


@defect("A3", "the flush before the end")
def test_a_commit_that_waits_for_a_batch_out_of_order_does_not_succeed(broker: ScriptedBroker) -> None:
    broker.script["Produce"] = iter([OUT_OF_ORDER_SEQUENCE])
    with bare_producer(broker, linger_ms=60_000, delivery_timeout_ms=120_000) as producer:
        producer.begin_transaction()
        producer.send("out", b"1", partition=0)
        producer.commit_transaction()
    if broker.values() != [b"1"]:
        raise ClientDefect("the commit succeeded, and the transaction was aborted")


def test_a_batch_out_of_order_aborts_our_commit(broker: ScriptedBroker, client: str) -> None:
    broker.script["Produce"] = iter([OUT_OF_ORDER_SEQUENCE])
    with writer(client, broker, **IMPATIENT) as ours, pytest.raises(Aborted):
        ours.commit([output(b"1")], {}, NOBODY)
    assert broker.values() == []


# A4: the offsets of an aborted transaction


@defect("A4", "giving up the producer after every failure")
def test_offsets_of_an_aborted_transaction_are_not_sent_with_the_next(broker: ScriptedBroker) -> None:
    broker.script["TxnOffsetCommit"] = iter([ILLEGAL_GENERATION])
    identity = ConsumerGroupMetadata("group", 3, "m")
    with bare_producer(broker) as producer:
        producer.begin_transaction()
        with pytest.raises(KafkaError):
            producer.send_offsets_to_transaction(offsets(0, 5), identity)
        producer.abort_transaction()
        producer.begin_transaction()
        producer.send_offsets_to_transaction(offsets(1, 7), identity)
        producer.commit_transaction()
    assert broker.group_offsets["samples", 1] == 7
    if ("samples", 0) in broker.group_offsets:
        raise ClientDefect("the aborted offset is committed")


def test_our_writer_is_dead_after_an_abort_and_the_next_knows_nothing_of_it(broker: ScriptedBroker) -> None:
    broker.script["TxnOffsetCommit"] = iter([ILLEGAL_GENERATION])
    with writer("kafka-python", broker) as ours:
        with pytest.raises(CommitFailed):
            ours.commit([output(b"1")], {("samples", 0): 5}, SeatOf())
        with pytest.raises(Fenced):
            ours.commit([output(b"2")], {("samples", 1): 7}, SeatOf())
    with writer("kafka-python", broker) as next_one:
        next_one.commit([output(b"2")], {("samples", 1): 7}, SeatOf())
    assert broker.values() == [b"2"]
    assert broker.group_offsets == {("samples", 1): 7}


# A5: an identity without a seat


@defect("A5", "current()")
def test_offsets_are_not_taken_from_one_without_a_seat(broker: ScriptedBroker) -> None:
    with bare_producer(broker) as producer:
        producer.begin_transaction()
        producer.send_offsets_to_transaction(offsets(0, 5), ConsumerGroupMetadata("group"))
        producer.commit_transaction()
    if broker.group_offsets:
        raise ClientDefect("generation -1 went out, and a broker takes it")


def test_a_seat_that_the_group_has_not_confirmed_commits_nothing(broker: ScriptedBroker) -> None:
    broker.script["JoinGroup"] = always(threading.Event())
    with (
        KafkaPythonStream(broker.address, {}, 300) as stream,
        stream.join("group", "out") as seat,
        stream.fence("ours") as ours,
        pytest.raises(Fenced, match="generation -1"),
    ):
        ours.commit([output(b"1")], {("samples", 0): 5}, seat)
    assert (broker.values(), broker.group_offsets, broker.open) == ([], {}, None)


# A6: a commit without end


@defect("A6", "bounded()")
def test_a_commit_ends_when_the_clients_own_timeouts_are_over(broker: ScriptedBroker) -> None:
    broker.script["EndTxn"] = always(COORDINATOR_LOAD_IN_PROGRESS)
    with bare_producer(broker, **PATIENCE, max_block_ms=100) as producer, ThreadPoolExecutor(1) as pool:
        producer.begin_transaction()
        producer.send("out", b"1", partition=0)
        commit = pool.submit(producer.commit_transaction)
        wait_until(lambda: commit.done() or broker.seen["EndTxn"] > 150)  # far beyond all the timeouts
        is_done = commit.done()
        broker.script["EndTxn"] = iter(())
        commit.exception(20)
    if not is_done:
        raise ClientDefect("nothing but an answer ends a commit")


def test_our_commit_without_an_answer_is_in_doubt(
    broker: ScriptedBroker, client: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"service.streams.{client.replace('-', '_')}_writer.COMMIT_TIMEOUT_S", 0.5)
    broker.script["EndTxn"] = always(COORDINATOR_LOAD_IN_PROGRESS)
    with writer(client, broker) as ours, ThreadPoolExecutor(1) as pool:
        commit = pool.submit(ours.commit, [output(b"1")], {}, NOBODY)
        try:
            assert isinstance(commit.exception(10), InDoubt)
        finally:
            broker.script["EndTxn"] = iter(())


# A7: closed with a transaction open


@defect("A7", "the abort before the close")
def test_a_producer_that_is_closed_leaves_no_transaction_open(broker: ScriptedBroker) -> None:
    with bare_producer(broker) as producer:
        producer.begin_transaction()
        producer.send("out", b"1", partition=0)
        producer.flush()
        producer.close(timeout=1)
    if broker.open is not None:
        raise ClientDefect("it stays open until the transaction's timeout")


def test_our_writer_leaves_no_transaction_open(broker: ScriptedBroker, client: str) -> None:
    broker.script["Produce"] = itertools.chain([None], always(NOT_ENOUGH_REPLICAS))
    with writer(client, broker, **IMPATIENT) as ours:
        ours.commit([output(b"1")], {}, NOBODY)
        with pytest.raises(CommitFailed):
            ours.commit([output(b"2")], {}, NOBODY)
        wait_until(lambda: broker.open is None)
    assert broker.values() == [b"1"]


# A8: the sleep before each retry


@pytest.fixture
def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return how long kafka-python's I/O thread slept, each time."""
    slept: list[float] = []
    clock = SimpleNamespace(monotonic=time.monotonic, sleep=slept.append)
    monkeypatch.setattr("kafka.producer.sender.time", clock)
    return slept


@defect("A8", "retry_backoff_ms in COMMON")
def test_the_io_thread_does_not_sleep_through_a_retry(broker: ScriptedBroker, naps: list[float]) -> None:
    broker.script["AddPartitionsToTxn"] = iter([CONCURRENT_TRANSACTIONS] * 3)
    with bare_producer(broker, retry_backoff_ms=KafkaProducer.DEFAULT_CONFIG["retry_backoff_ms"]) as producer:
        commit_one(producer, broker)
    if max(naps, default=0) >= 0.1:
        raise ClientDefect("100 ms for each look at the transaction before")


def test_our_retries_are_short(broker: ScriptedBroker, naps: list[float]) -> None:
    broker.script["AddPartitionsToTxn"] = iter([CONCURRENT_TRANSACTIONS] * 3)
    with writer("kafka-python", broker) as ours:
        ours.commit([output(b"1")], {}, NOBODY)
    assert len(naps) >= 3
    assert set(naps) == {common.RETRY_BACKOFF_MS / 1000}
    assert broker.values() == [b"1"]


# confluent-kafka


@defect("produce_batch", "the slow way for records with headers")
def test_the_fast_call_keeps_headers(broker: ScriptedBroker) -> None:
    confluent = pytest.importorskip("confluent_kafka")
    producer = confluent.Producer({"bootstrap.servers": broker.address, "transactional.id": "bare"})
    producer.init_transactions(10)
    producer.begin_transaction()
    record = {"value": b"1", "headers": [("name", b"x")]}
    assert producer.produce_batch("out", [record], partition=0) == 1
    producer.commit_transaction(10)
    if broker.committed["out"][0].headers != [("name", b"x")]:
        raise ClientDefect("the record came without its headers")


@defect("handled errors", "the order of _timed()")
def test_an_error_that_is_handled_while_the_client_raises_is_freed() -> None:
    confluent = pytest.importorskip("confluent_kafka")
    producer = confluent.Producer(
        {"bootstrap.servers": "127.0.0.1:1", "transactional.id": "x", "log_level": 0}
    )

    class Handled(Exception):
        pass

    handled = Handled()
    seen = weakref.ref(handled)
    try:
        raise handled
    except Handled:
        del handled
        with suppress(confluent.KafkaException):
            producer.begin_transaction()
    if seen() is not None:
        raise ClientDefect("it stays for good, with all that its traceback leads to")


def test_our_writer_calls_the_client_while_nothing_is_handled(
    client: str, broker: ScriptedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker.script["EndTxn"] = always(PRODUCER_FENCED)
    handled: list[BaseException | None] = []
    with writer(client, broker) as ours:
        abandon = ours._abandon

        def noted() -> None:
            handled.append(sys.exc_info()[1])
            abandon()

        monkeypatch.setattr(ours, "_abandon", noted)
        with pytest.raises(CommitFailed):
            ours.commit([output(b"1")], {}, NOBODY)
    assert handled == [None]


def test_a_writer_that_is_fenced_while_a_commit_is_under_way_is_suspect(
    broker: ScriptedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    confluent = pytest.importorskip("confluent_kafka")
    fenced = confluent.KafkaException(confluent.KafkaError(confluent.KafkaError._FENCED))

    def poll(timeout_s: float) -> None:
        raise fenced

    with writer("confluent", broker) as ours:
        ours.begin([output(b"1")], {}, NOBODY)
        assert not ours.suspect
        monkeypatch.setattr(ours, "_producer", SimpleNamespace(poll=poll))
        assert ours.suspect
        monkeypatch.undo()
        ours.finish()


def test_offsets_whose_connection_is_lost_are_not_waited_for_until_the_last_timeout(
    broker: ScriptedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    confluent_writer = pytest.importorskip("service.streams.confluent_writer")
    monkeypatch.setattr(confluent_writer, "CUT_OFF_S", 0.05)
    monkeypatch.setattr(confluent_writer, "SLICE_S", 0.05)
    never = threading.Event()
    with writer("confluent", broker) as ours:
        monkeypatch.setattr(ours, "_send_offsets", lambda *given: never.wait())
        ours.begin([output(b"1")], {("samples", 0): 5}, NOBODY)
        ours._ears.has_heard = True
        started = time.monotonic()
        with pytest.raises(Aborted, match="TIMED_OUT"):
            ours.finish()
    assert time.monotonic() - started < COMMIT_TIMEOUT_S / 2
    never.set()
    assert broker.values() == []


def test_a_full_queue_aborts_our_commit(broker: ScriptedBroker) -> None:
    with writer("confluent", broker, queue_buffering_max_messages=2) as ours:
        with pytest.raises(Aborted, match="QUEUE_FULL"):
            ours.commit([output(b"1", b"2", b"3")], {}, NOBODY)
        wait_until(lambda: broker.open is None)
    assert broker.values() == []


@pytest.mark.parametrize("step", ["Produce", "AddPartitionsToTxn", "EndTxn"])
def test_a_fenced_writer_says_so_and_writes_nothing(broker: ScriptedBroker, client: str, step: str) -> None:
    """With a delivery callback confluent's would break here; whatever the end is told proves nothing."""
    broker.script[step] = always(PRODUCER_FENCED)
    with writer(client, broker) as ours, pytest.raises(InDoubt if step == "EndTxn" else Fenced):
        ours.commit([output(b"1")], {}, NOBODY)
    assert broker.values() == []
