"""Faults that were found by breaking the service, and stay mended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaAdminClient, KafkaProducer
from kafka.admin import NewPartitions

from service.engine import Commit, Engine
from service.errors import RecordTooLarge
from service.settings import Settings
from service.streams.port import Output, Stream, TopicSpec
from service.streams.select import open_stream
from service.streams.sqlite import SqliteStream
from service.topics import topic_specs
from tests.contracts.rig import wait_until
from tests.corpus import cases, plain_loop, settings
from tests.faults.processes import assert_exact, leavings, provide, read_topic, worker
from tests.kafka_broker import NoBrokerError, broker_from_jars, give_up
from tests.rig_faults import ABORTED, ScriptedStream

RECORDS = cases(3_000)


def unique(**sections: Any) -> Settings:
    return settings(**{**sections, "model": {"name": f"found-{uuid.uuid4().hex[:8]}"}})


def put(stream: Stream, chosen: Settings, values: list[bytes], partition: int = 0) -> None:
    stream.append([Output(chosen.topics.samples, partition, [None] * len(values), values)])


def samples(count: int) -> list[bytes]:
    return [json.dumps({"features": {"n": number}, "label": number % 2}).encode() for number in range(count)]


@pytest.fixture
def stream(tmp_path: Path) -> Iterator[SqliteStream]:
    with SqliteStream(str(tmp_path / "stream.db"), 1500) as opened:
        yield opened


@pytest.fixture(params=["confluent", "kafka-python"])
def client(request: pytest.FixtureRequest) -> str:
    if request.param == "confluent":
        pytest.importorskip("confluent_kafka")
    return str(request.param)


def test_a_dead_letter_holds_however_much_its_reason_would_quote(stream: Stream) -> None:
    chosen = unique(engine={"max_record_bytes": 1_000_000})
    stream.create_topics(topic_specs(chosen))
    put(stream, chosen, [json.dumps({"features": {"é" * 300_000: [1]}}, ensure_ascii=False).encode()])
    Engine(stream, chosen).run(until_end=True)
    [(_, _, _, headers)] = read_topic(stream, chosen.topics.dlq)
    assert dict(headers)["perceptron.error.reason"] == b"wrong_type"
    assert len(dict(headers)["perceptron.error.message"]) < 2000


def test_a_reset_whose_commit_was_aborted_is_tried_again(stream: Stream) -> None:
    chosen = unique()
    put(stream, chosen, samples(10))
    Engine(stream, chosen).run(until_end=True)
    Engine(ScriptedStream(stream, [ABORTED]), chosen, reset_from="head").run(until_end=True)
    assert leavings(stream, chosen)["version"] == 0


def test_a_standby_that_was_told_to_reset_keeps_what_the_owner_has_learned_since(tmp_path: Path) -> None:
    chosen, path = unique(), str(tmp_path / "stream.db")
    commits: list[Commit] = []
    with SqliteStream(path, 1500) as ours, SqliteStream(path, 1500) as theirs:
        put(ours, chosen, samples(10))
        owner = Engine(ours, chosen, on_commit=commits.append)
        standby = Engine(theirs, chosen, reset_from="head", on_commit=commits.append)
        threads = [threading.Thread(target=owner.run), threading.Thread(target=standby.run)]
        threads[0].start()
        wait_until(lambda: bool(commits))
        threads[1].start()
        wait_until(lambda: getattr(standby, "_doomed", None) is not None)
        put(ours, chosen, samples(10))
        wait_until(lambda: commits[-1].head.version == 20)
        owner.stop()
        threads[0].join(20)
        put(ours, chosen, samples(1))
        wait_until(lambda: len({commit.head.attempt for commit in commits}) == 2)
        standby.stop()
        threads[1].join(20)
    assert commits[-1].head.version == 21


@pytest.mark.kafka
def test_a_partition_added_while_it_runs_is_learned_from(
    kafka_bootstrap: str, client: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.input.RELIST_S", 1.0)
    monkeypatch.setattr("service.input.ENDS_S", 0.0)
    chosen, commits = unique(), list[Commit]()
    with open_stream(f"kafka://{kafka_bootstrap}", client=client) as stream:
        stream.create_topics(topic_specs(chosen))
        engine = Engine(stream, chosen, on_commit=commits.append)
        thread = threading.Thread(target=engine.run)
        thread.start()
        put(stream, chosen, samples(10))
        wait_until(lambda: bool(commits))
        admin = KafkaAdminClient(bootstrap_servers=kafka_bootstrap)
        admin.create_partitions({chosen.topics.samples: NewPartitions(2)})
        admin.close()
        put(stream, chosen, samples(10))
        wait_until(lambda: commits[-1].head.version == 20)
        with open_stream(f"kafka://{kafka_bootstrap}", client=client) as producing:
            put(producing, chosen, samples(10), partition=1)
        wait_until(lambda: commits[-1].head.version == 30)
        engine.stop()
        thread.join(20)


@pytest.mark.kafka
def test_what_its_producer_compressed_can_be_refused_and_what_no_topic_takes_is_told(
    kafka_bootstrap: str, client: str
) -> None:
    chosen = unique()
    value = b'{"note": "' + b"n" * 5_000_000 + b'"}'
    with open_stream(f"kafka://{kafka_bootstrap}", client=client) as stream:
        stream.create_topics(topic_specs(chosen))
        compressing = {"compression_type": "gzip", "max_request_size": 10_000_000}
        producer = KafkaProducer(bootstrap_servers=kafka_bootstrap, **compressing)
        producer.send(chosen.topics.samples, value).get(20)
        producer.close()
        Engine(stream, chosen).run(until_end=True)
        [(_, _, refused, _)] = read_topic(stream, chosen.topics.dlq)
        assert refused == value

        narrow = settings(model={"name": chosen.model.name}, topics={"dlq": f"{chosen.model.name}.narrow"})
        stream.create_topics([TopicSpec(narrow.topics.dlq, 1, {"max.message.bytes": "2000000"})])
        with pytest.raises(RecordTooLarge):
            Engine(stream, narrow, reset_from="first").run(until_end=True)


def restart(bootstrap: str) -> subprocess.Popen[bytes]:
    """Kill the broker at this address, one of our own children, and start it again."""
    for child in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split():
        command = Path(f"/proc/{child}/cmdline").read_bytes().decode().split("\0")[:-1]
        if "kafka.Kafka" in command and f"CLIENT://{bootstrap}" in Path(command[-1]).read_text():
            os.kill(int(child), signal.SIGKILL)
            return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    raise AssertionError(f"no broker at {bootstrap}")


@pytest.mark.kafka
@pytest.mark.slow
def test_learners_outlive_a_restart_of_the_broker() -> None:
    pytest.importorskip("confluent_kafka")
    with ExitStack() as stack:
        try:
            bootstrap = stack.enter_context(broker_from_jars())
        except NoBrokerError as error:
            give_up(f"no broker was restarted: {error}")
        url = f"kafka://{bootstrap}"
        running = {
            client: {"model": {"name": client}, "engine": {"max_batch": 20}}
            for client in ("confluent", "kafka-python")
        }
        with open_stream(url) as stream:
            for sections in running.values():
                provide(stream, settings(**sections), RECORDS)
        first, second = running
        with worker(url, first, running[first]) as one, worker(url, second, running[second]) as other:
            assert one.next_commit()
            assert other.next_commit()
            again = restart(bootstrap)
            try:
                one.finish()
                other.finish()
                with open_stream(url) as stream:
                    for sections in running.values():
                        chosen = settings(**sections)
                        expected = plain_loop(RECORDS, chosen)
                        assert_exact(leavings(stream, chosen), expected, len(RECORDS))
            finally:
                again.kill()
                again.wait()
