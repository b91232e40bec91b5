"""The guards against what the Kafka clients do wrong, without a broker; with one: ``tests/contracts``."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import pytest
from kafka import ConsumerGroupMetadata
from kafka.errors import KafkaTimeoutError

from service.errors import NotAuthorized, RecordTooLarge
from service.streams.kafka_common import client_id
from service.streams.kafka_python import murmur2_partition
from service.streams.kafka_python_clients import bounded, current
from service.streams.kafka_python_writer import flush, takeable
from service.streams.kafka_writer import TransactionalWriter
from service.streams.port import Aborted, Fenced, InDoubt, Membership, Output, Partition
from tests.contracts.rig import wait_until

MEMBERSHIP: Any = None
OUTPUT = Output("predictions", 0, [b"key"], [b"value"])


class ClientError(Exception):
    """What a client raises, by name."""


class ScriptedWriter(TransactionalWriter):
    """A writer that fails where its script says so, and notes its steps."""

    _servers = "nowhere"

    def __init__(self, **script: BaseException) -> None:
        super().__init__()
        self.script = script
        self.steps: list[str] = []

    def _step(self, name: str) -> None:
        self.steps.append(name)
        if name in self.script:
            raise self.script[name]

    def _begin(self) -> None:
        self._step("begin")

    def _send(self, outputs: Sequence[Output]) -> None:
        self._step("send")

    def _flush(self) -> None:
        self._step("flush")

    def _send_offsets(self, next_offsets: Mapping[Partition, int], membership: Membership) -> None:
        self._step("offsets")

    def _end(self) -> None:
        self._step("end")

    def _abandon(self) -> None:
        self._step("abandon")

    def _disconnected(self) -> bool:
        return False

    def _named(self, error: BaseException) -> tuple[str, str]:
        return (str(error), "") if isinstance(error, ClientError) else ("", "")

    def go(self) -> None:
        self.commit([OUTPUT], {("samples", 0): 1}, MEMBERSHIP)


@pytest.mark.parametrize("step", ["begin", "send", "offsets", "flush"])
@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        ("PRODUCER_FENCED", Fenced),
        ("ILLEGAL_GENERATION", Fenced),
        ("KafkaTimeoutError", Aborted),
        ("MSG_SIZE_TOO_LARGE", RecordTooLarge),
        ("TRANSACTIONAL_ID_AUTHORIZATION_FAILED", NotAuthorized),
    ],
)
def test_before_the_end_nothing_is_written_and_the_writer_is_dead(
    step: str, name: str, outcome: type[Exception]
) -> None:
    writer = ScriptedWriter(**{step: ClientError(name)})
    with pytest.raises(outcome):
        writer.go()
    assert "end" not in writer.steps
    assert writer.steps[-2:] == [step, "abandon"]
    with pytest.raises(Fenced):
        writer.go()
    assert writer.steps.count("abandon") == 1


@pytest.mark.parametrize("name", ["KafkaTimeoutError", "PRODUCER_FENCED", "_TIMED_OUT"])
def test_a_failed_end_is_in_doubt_whatever_it_says(name: str) -> None:
    writer = ScriptedWriter(end=ClientError(name))
    with pytest.raises(InDoubt, match=name):
        writer.go()
    assert writer.steps[-1] == "abandon"


@pytest.mark.parametrize("step", ["send", "end"])
def test_an_interrupt_abandons_the_writer_and_stays_an_interrupt(step: str) -> None:
    writer = ScriptedWriter(**{step: KeyboardInterrupt()})
    with pytest.raises(KeyboardInterrupt):
        writer.go()
    assert writer.steps[-1] == "abandon"


def test_a_closed_writer_abandons_once_and_commits_nothing() -> None:
    writer = ScriptedWriter()
    writer.go()
    writer.close()
    writer.close()
    assert writer.steps == ["begin", "send", "offsets", "flush", "end", "abandon"]
    with pytest.raises(Fenced):
        writer.go()


@pytest.mark.parametrize(("generation", "member"), [(-1, "m"), (-1, ""), (3, "")])
def test_an_identity_without_a_seat_is_refused(generation: int, member: str) -> None:
    with pytest.raises(Fenced):
        current(ConsumerGroupMetadata("group", generation, member))


def test_a_current_identity_passes() -> None:
    identity = ConsumerGroupMetadata("group", 0, "m")
    assert current(identity) is identity


def test_a_lost_record_is_found_though_flush_succeeds() -> None:
    fine = SimpleNamespace(succeeded=lambda: True, exception=None)
    lost = SimpleNamespace(succeeded=lambda: False, exception=KafkaTimeoutError("expired"))
    producer = SimpleNamespace(flush=lambda timeout: None)
    flush(producer, [fine, fine])
    with pytest.raises(KafkaTimeoutError, match="expired"):
        flush(producer, [fine, lost, fine])


def test_a_call_that_never_returns_is_left_alone() -> None:
    never = threading.Event()
    with pytest.raises(KafkaTimeoutError):
        bounded(never.wait, 0.01)
    never.set()


def test_a_call_that_fails_after_it_was_given_up_keeps_nothing_alive() -> None:
    class Client:
        def call(self) -> None:
            may_fail.wait()
            raise ClientError("too late")

    may_fail, client = threading.Event(), Client()
    seen = weakref.ref(client)
    gc.disable()
    try:
        with suppress(KafkaTimeoutError):
            bounded(client.call, 0.01)
        del client
        may_fail.set()
        wait_until(lambda: seen() is None)
    finally:
        gc.enable()


def test_a_bounded_call_hands_its_error_through() -> None:
    def fail() -> None:
        raise ValueError("as it was")

    with pytest.raises(ValueError, match="as it was"):
        bounded(fail, 5.0)


def test_headers_without_value_pass_the_producers_check_and_stay_none() -> None:
    headers = takeable([("a", b"1"), ("b", None)])
    assert isinstance(headers, list)
    assert all(isinstance(header, tuple) and isinstance(header[1], bytes) for header in headers)
    assert [(name, value) for name, value in headers] == [("a", b"1"), ("b", None)]


def test_records_that_the_fast_call_did_not_take_are_an_error() -> None:
    confluent = pytest.importorskip("confluent_kafka")
    writer = pytest.importorskip("service.streams.confluent_writer")

    class Full:
        def produce_batch(self, topic: str, messages: list[dict[str, Any]], partition: int) -> int:
            messages[0]["_error"] = confluent.KafkaError(confluent.KafkaError._QUEUE_FULL)
            return 0

    with pytest.raises(confluent.KafkaException, match="_QUEUE_FULL"):
        writer.enqueue(Full(), [OUTPUT])


@pytest.mark.parametrize(("usual_s", "seconds", "is_suspect"), [(0.01, 0.99, False), (0.5, 1.01, True)])
def test_a_commit_of_more_than_a_second_makes_the_writer_suspect_whatever_is_usual(
    usual_s: float, seconds: float, is_suspect: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = iter([usual_s, 0.0, 0.0, seconds / 2, 0.0, seconds / 2])
    moments = (moment for start, step in enumerate(steps) for moment in (10.0 * start, 10.0 * start + step))
    clock = SimpleNamespace(monotonic=lambda: next(moments))
    monkeypatch.setattr("service.streams.kafka_writer.time", clock)
    writer = ScriptedWriter()
    writer.go()
    assert not writer.suspect
    writer.go()
    assert writer.suspect == is_suspect


def test_client_ids_sort_by_start() -> None:
    first, second = client_id(), client_id()
    assert first.split("-")[0] <= second.split("-")[0]
    assert len(first.split("-")[0]) == 15


@pytest.mark.parametrize(
    ("key", "java"),
    [
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"abc", 479470107),
    ],
)
def test_keys_go_where_java_puts_them(key: bytes, java: int) -> None:
    assert murmur2_partition(key, 100) == (java & 0x7FFFFFFF) % 100


def test_a_call_that_failed_keeps_nothing_alive() -> None:
    class Held:
        pass

    held = Held()
    watched = weakref.ref(held)

    def fail(thing: Held = held) -> None:
        raise ValueError

    gc.disable()
    try:
        with suppress(ValueError):
            bounded(fail, 5.0)
        del held, fail
        assert watched() is None
    finally:
        gc.enable()


@pytest.mark.parametrize("step", ["offsets", "end"])
@pytest.mark.parametrize("error", [Fenced, ClientError])
def test_a_writer_that_has_failed_is_let_go_of_without_the_collector(
    step: str, error: type[Exception]
) -> None:
    gc.collect()
    gc.disable()
    try:
        writer = ScriptedWriter(**{step: error("gone")})
        with suppress(Fenced, Aborted, InDoubt, ClientError):
            writer.commit([OUTPUT], {("samples", 0): 1}, MEMBERSHIP)
        gone = weakref.ref(writer)
        writer.script.clear()  # it keeps the error, which knows where it went through
        del writer
        assert gone() is None
    finally:
        gc.enable()


def test_what_the_admin_client_says_of_lost_connections_does_not_pile_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    adapter = pytest.importorskip("service.streams.confluent")
    monkeypatch.setattr(adapter.ConfluentStream, "_greet", lambda self: None)
    with adapter.ConfluentStream("127.0.0.1:1", {}, 1500) as stream:
        wait_until(lambda: len(stream._admin) > 4)
        assert stream._ask("nothing", lambda: 1) == 1
        assert len(stream._admin) < 3
