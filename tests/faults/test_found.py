"""Faults that were found by breaking the service, and stay mended."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaAdminClient, KafkaProducer
from kafka.admin import NewPartitions

from service.engine import Engine
from service.errors import ConfigurationError, StreamError, TopicMissing
from service.learner import Learner
from service.observer import Commit
from service.settings import Settings
from service.streams.port import Batch, Output, Stream, TopicSpec
from service.streams.select import open_stream
from service.streams.sqlite import SqliteStream
from service.topics import topic_specs
from tests.contracts.rig import wait_until
from tests.corpus import cases, settings
from tests.faults.checks import collect, read_topic
from tests.faults.oracle import Oracle
from tests.on_commit import OnCommit
from tests.rig_faults import ABORTED, ScriptedStream

RECORDS = cases(3_000)


def unique(**sections: Any) -> Settings:
    return settings(**{**sections, "model": {"name": f"found-{uuid.uuid4().hex[:8]}"}})


def put(stream: Stream, chosen: Settings, values: list[bytes], partition: int = 0) -> None:
    stream.append([Output(chosen.topics.samples, partition, [None] * len(values), values)])


def samples(count: int) -> list[bytes]:
    return [json.dumps({"features": {"n": number}, "label": number % 2}).encode() for number in range(count)]


def run_for_a_while(engine: Engine, until_end: bool = False) -> None:
    """Run what should end by itself, and stop it where it does not."""
    limit = threading.Timer(20, engine.stop)
    limit.start()
    try:
        engine.run(until_end)
    finally:
        limit.cancel()


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
    assert collect(stream, chosen).state == Oracle([], chosen).states[0]


def test_a_standby_that_was_told_to_reset_keeps_what_the_owner_has_learned_since(tmp_path: Path) -> None:
    chosen, path = unique(), str(tmp_path / "stream.db")
    commits: list[Commit] = []
    with SqliteStream(path, 1500) as ours, SqliteStream(path, 1500) as theirs:
        put(ours, chosen, samples(10))
        owner = Engine(ours, chosen, observer=OnCommit(commits.append))
        standby = Engine(theirs, chosen, reset_from="head", observer=OnCommit(commits.append))
        threads = [threading.Thread(target=owner.run), threading.Thread(target=standby.run)]
        threads[0].start()
        wait_until(lambda: bool(commits))
        threads[1].start()
        wait_until(lambda: standby._reset is not None)
        put(ours, chosen, samples(10))
        wait_until(lambda: commits[-1].head.version == 20)
        owner.stop()
        threads[0].join(20)
        put(ours, chosen, samples(1))
        wait_until(lambda: len({commit.head.attempt for commit in commits}) == 2)
        standby.stop()
        threads[1].join(20)
    assert commits[-1].head.version == 21


def test_a_batch_may_take_longer_than_the_session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen, process, commits = unique(), Learner.process, list[Commit]()

    def slowly(learner: Learner, batch: Batch) -> list[Output]:
        threading.Event().wait(0.5)
        return process(learner, batch)

    monkeypatch.setattr(Learner, "process", slowly)
    with SqliteStream(str(tmp_path / "stream.db"), 300) as stream:
        put(stream, chosen, samples(10))
        run_for_a_while(Engine(stream, chosen, observer=OnCommit(commits.append)), until_end=True)
    assert len(commits) == 1


def test_a_file_that_is_removed_while_it_is_in_use_is_told(stream: Stream, tmp_path: Path) -> None:
    chosen = unique()
    put(stream, chosen, samples(10))

    def remove(commit: Commit) -> None:
        (tmp_path / "stream.db").unlink()

    with pytest.raises(StreamError, match="removed or replaced"):
        run_for_a_while(Engine(stream, chosen, observer=OnCommit(remove)))


@pytest.mark.kafka
def test_a_partition_added_while_it_runs_is_learned_from(
    kafka_bootstrap: str, client: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.input.RELIST_S", 1.0)
    monkeypatch.setattr("service.input.ENDS_S", 0.0)
    chosen, commits = unique(), list[Commit]()
    with open_stream(f"kafka://{kafka_bootstrap}", client=client) as stream:
        stream.create_topics(topic_specs(chosen))
        engine = Engine(stream, chosen, observer=OnCommit(commits.append))
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
def test_a_samples_topic_that_is_deleted_while_it_runs_is_told(
    kafka_bootstrap: str, client: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.input.RELIST_S", 0.5)
    chosen = unique()

    def delete(commit: Commit) -> None:
        admin = KafkaAdminClient(bootstrap_servers=kafka_bootstrap)
        admin.delete_topics([chosen.topics.samples])
        admin.close()

    with open_stream(f"kafka://{kafka_bootstrap}", client=client) as stream:
        stream.create_topics(topic_specs(chosen))
        put(stream, chosen, samples(10))
        with pytest.raises(TopicMissing, match=chosen.topics.samples):
            run_for_a_while(Engine(stream, chosen, observer=OnCommit(delete)))


def send_compressed(bootstrap: str, topic: str, *records: tuple[bytes | None, bytes]) -> None:
    compressing = {"compression_type": "gzip", "max_request_size": 100_000_000}
    producer = KafkaProducer(bootstrap_servers=bootstrap, **compressing)
    for key, value in records:
        producer.send(topic, value, key).get(20)
    producer.close()


@pytest.mark.kafka
def test_whatever_its_producer_compressed_is_answered_once(kafka_bootstrap: str, client: str) -> None:
    chosen = unique()
    [sample] = samples(1)
    large, larger = (b'{"note": "' + b"n" * count + b'"}' for count in (8_000_000, 30_000_000))
    with open_stream(f"kafka://{kafka_bootstrap}", client=client) as stream:
        stream.create_topics(topic_specs(chosen))
        records = [(b"a", large), (b"b", larger), (b"k" * 15_000_000, sample), (b"d", sample)]
        send_compressed(kafka_bootstrap, chosen.topics.samples, *records)
        Engine(stream, chosen).run(until_end=True)
        Engine(stream, chosen).run(until_end=True)
        whole, cut = read_topic(stream, chosen.topics.dlq)
        predicted = read_topic(stream, chosen.topics.predictions)
    assert whole[1:3] == (b"a", large)
    assert cut[1:3] == (None, None)
    told = {name.removeprefix("perceptron.error."): value for name, value in cut[3]}
    assert (told["reason"], told["offset"]) == (b"too_large", b"1")
    assert told["omitted_bytes"] == b"%d" % len(b"b" + larger)
    assert [(key, json.loads(value)["offset"]) for _, key, value, _ in predicted] == [(None, 2), (b"d", 3)]


@pytest.mark.kafka
def test_the_start_refuses_samples_that_are_larger_than_an_answer_can_be(
    kafka_bootstrap: str, client: str
) -> None:
    chosen, url = unique(), f"kafka://{kafka_bootstrap}"
    roomy, huge = {"max.message.bytes": "250000000"}, {"max.message.bytes": "150000000"}
    with open_stream(url, client=client) as stream:
        stream.create_topics([TopicSpec(chosen.topics.samples, 1, huge)])
        stream.create_topics([TopicSpec(chosen.topics.dlq, 1, roomy)])
        stream.create_topics(topic_specs(chosen))
        with pytest.raises(ConfigurationError, match=r"client's limit 100000000.*150000000"):
            Engine(stream, chosen).run(until_end=True)


@pytest.mark.kafka
def test_a_limit_of_the_users_own_is_checked_by_whichever_name_it_comes(
    kafka_bootstrap: str, client: str
) -> None:
    chosen, url = unique(), f"kafka://{kafka_bootstrap}"
    for name in ("message.max.bytes", "max_request_size"):
        with open_stream(url, client=client, options={name: "1048588"}) as stream:
            stream.create_topics(topic_specs(chosen))
            with pytest.raises(ConfigurationError, match="client's limit 1048588"):
                Engine(stream, chosen).run(until_end=True)
