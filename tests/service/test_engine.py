"""The engine on the embedded stream: exact after every failure, and clear about what can't be mended."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from service.engine import Engine
from service.errors import ConfigurationError, Damaged, OffsetGone
from service.input import Input
from service.learner import Learner
from service.model_log import ModelLog
from service.model_state import Head, _Block, _frame, _unframe
from service.observer import Commit
from service.settings import Settings
from service.streams.port import Output, Stream, TopicSpec
from service.streams.sqlite import SqliteReader, SqliteStream
from service.topics import topic_specs
from tests.contracts.rig import read_to_end, wait_until
from tests.corpus import cases, plain_loop, settings
from tests.on_commit import OnCommit
from tests.rig_faults import ABORTED, FENCED, LOST, SEAT_LOST, WRITTEN, ScriptedStream

RECORDS = cases(600)
CHOSEN = settings(engine={"max_batch": 50})


@pytest.fixture
def stream(tmp_path: Path) -> Iterator[Stream]:
    with SqliteStream(str(tmp_path / "stream.db"), 1500) as opened:
        opened.create_topics(topic_specs(CHOSEN))
        yield opened


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.engine.FIRST_BACKOFF_S", 0.0)


def produce(stream: Stream, records: list[Any] = RECORDS, partition: int = 0) -> None:
    keys, values = [case.key for case in records], [case.value for case in records]
    stream.append([Output(CHOSEN.topics.samples, partition, keys, values)])


def run(stream: Any, chosen: Settings = CHOSEN, **options: Any) -> list[Commit]:
    commits: list[Commit] = []
    Engine(stream, chosen, observer=OnCommit(commits.append), **options).run(until_end=True)
    return commits


@contextmanager
def in_a_thread(tmp_path: Path, on_commit: Any) -> Iterator[Engine]:
    """Run an engine beside the test, on a stream of its own, until it is stopped."""
    with SqliteStream(str(tmp_path / "stream.db"), 1500) as opened:
        engine = Engine(opened, CHOSEN, observer=OnCommit(on_commit))
        thread = threading.Thread(target=engine.run)
        thread.start()
        try:
            yield engine
        finally:
            engine.stop()
            thread.join(20)
        assert not thread.is_alive()


def topic(stream: Stream, name: str, partition: int = 0) -> list[Any]:
    with stream.reader() as reader:
        reader.seek({(name, partition): 0})
        return list(read_to_end(stream, reader, (name, partition)))


def restored(stream: Stream, chosen: Settings = CHOSEN) -> tuple[Learner, Head | None]:
    learner = Learner(chosen, {chosen.topics.predictions: 1, chosen.topics.dlq: 1})
    log = ModelLog(stream, chosen)
    try:
        return learner, log.catch_up(learner)
    finally:
        log.close()


def outcome(stream: Stream) -> tuple[Any, ...]:
    """Everything that a run leaves behind, but for the random ids."""
    learner, head = restored(stream)
    assert head is not None
    return (
        [row[1:] for row in topic(stream, CHOSEN.topics.predictions)],
        [row[1:] for row in topic(stream, CHOSEN.topics.dlq)],
        learner.model.hash(),
        learner.metric_values(),
        learner.position,
        stream.group_offsets(CHOSEN.group, CHOSEN.topics.samples),
    )


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, ...]:
    with SqliteStream(str(tmp_path_factory.mktemp("undisturbed") / "stream.db"), 1500) as opened:
        produce(opened)
        run(opened)
        return outcome(opened)


def test_a_run_leaves_what_a_plain_loop_makes(stream: Stream) -> None:
    produce(stream)
    commits = run(stream)
    expected = plain_loop(RECORDS, CHOSEN)
    predictions = [json.loads(value) for _, _, value, _ in topic(stream, CHOSEN.topics.predictions)]
    assert predictions == expected.predictions
    assert len(topic(stream, CHOSEN.topics.dlq)) == len(expected.dead)
    assert restored(stream)[0].model.hash() == expected.hash == commits[-1].head.hash
    assert stream.group_offsets(CHOSEN.group, CHOSEN.topics.samples) == {0: len(RECORDS)}
    assert [commit.head.sequence for commit in commits] == list(range(1, 13))


@pytest.mark.parametrize("fault", [ABORTED, FENCED, LOST, WRITTEN])
@pytest.mark.parametrize("at", [0, 1, 5, 11])
def test_a_failed_commit_changes_nothing_in_the_end(
    stream: Stream, undisturbed: tuple[Any, ...], fault: str, at: int
) -> None:
    produce(stream)
    scripted = ScriptedStream(stream, [None] * at + [fault])
    run(scripted)
    assert outcome(stream) == undisturbed
    assert scripted.fences == 2, "the writer did not outlive the error"


@given(
    st.lists(st.sampled_from([None, None, ABORTED, FENCED, LOST, WRITTEN]), max_size=20), st.integers(1, 200)
)
@hypothesis_settings(
    deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_faults_and_any_batches_end_in_the_same_bytes(
    tmp_path_factory: pytest.TempPathFactory,
    undisturbed: tuple[Any, ...],
    script: list[str | None],
    max_batch: int,
) -> None:
    with SqliteStream(str(tmp_path_factory.mktemp("faults") / "stream.db"), 1500) as opened:
        produce(opened)
        run(ScriptedStream(opened, script), settings(engine={"max_batch": max_batch}))
        assert outcome(opened) == undisturbed


def test_stop_and_go_on_is_a_run_that_never_stopped(stream: Stream, undisturbed: tuple[Any, ...]) -> None:
    produce(stream)
    for _ in range(20):
        engine = Engine(stream, CHOSEN)
        engine._observer = OnCommit(lambda commit, engine=engine: engine.stop())
        engine.run(until_end=True)
    assert outcome(stream) == undisturbed


def test_a_fenced_owner_stands_by_with_nothing_of_its_failed_batch(
    stream: Stream, undisturbed: tuple[Any, ...], tmp_path: Path
) -> None:
    produce(stream, RECORDS[:100])
    run(stream)
    produce(stream, RECORDS[100:])
    with SqliteStream(str(tmp_path / "stream.db"), 1500) as others:

        def learn_less_than_the_failed_batch() -> None:
            other = Engine(others, settings(engine={"max_batch": 5}))
            other._observer = OnCommit(lambda commit: other.stop())
            other.run()

        run(ScriptedStream(stream, [None, SEAT_LOST], learn_less_than_the_failed_batch))
    assert outcome(stream) == undisturbed


def test_it_learns_what_arrives_while_it_runs_and_stops_when_told(stream: Stream, tmp_path: Path) -> None:
    commits: list[Commit] = []
    with in_a_thread(tmp_path, on_commit=commits.append) as engine:
        for start in range(0, 600, 200):
            produce(stream, RECORDS[start : start + 200])
        wait_until(lambda: sum(commit.records for commit in commits) == 600)
        engine.stop()
    assert restored(stream)[0].model.hash() == plain_loop(RECORDS, CHOSEN).hash


def test_until_end_ends_though_producers_go_on(stream: Stream) -> None:
    produce(stream, RECORDS[:100])
    commits: list[Commit] = []

    def produce_more(commit: Commit) -> None:
        commits.append(commit)
        produce(stream, RECORDS[:50])

    Engine(stream, CHOSEN, observer=OnCommit(produce_more)).run(until_end=True)
    assert sum(commit.records for commit in commits) == 100


def test_two_input_partitions_are_both_learned_and_answered_side_by_side(tmp_path: Path) -> None:
    with SqliteStream(str(tmp_path / "two.db"), 1500) as opened:
        opened.create_topics(topic_specs(CHOSEN, partitions=2))
        produce(opened, RECORDS[:300], 0)
        produce(opened, RECORDS[300:], 1)
        run(opened)
        answered = []
        for partition in (0, 1):
            for name in (CHOSEN.topics.predictions, CHOSEN.topics.dlq):
                answered += [(partition, row[0]) for row in topic(opened, name, partition)]
        assert len(answered) == 600
        assert opened.group_offsets(CHOSEN.group, CHOSEN.topics.samples) == {0: 300, 1: 300}


# Starting anew, and refusing to start


def test_other_settings_are_refused_with_both_values_and_nothing_changes(stream: Stream) -> None:
    produce(stream)
    run(stream)
    before = outcome(stream)
    for changed in (
        {"scale": False},
        {"labels": ["ham", "spam"]},
        {"loss": "squared", "activation": "sigmoid"},
    ):
        with pytest.raises(ConfigurationError, match=r"the stored model has .*--reset-model") as refusal:
            run(stream, settings(model=changed))
        name, value = next(iter(changed.items()))
        assert f"model.{name} is {value!r}" in str(refusal.value)
    assert outcome(stream) == before


def test_rates_may_change(stream: Stream) -> None:
    produce(stream)
    run(stream)
    produce(stream)
    run(stream, settings(model={"learning_rate": 0.5, "l2": 0.0, "max_features": 10_000}))
    assert restored(stream)[0].position.next_offsets == {(CHOSEN.topics.samples, 0): 1200}


@pytest.mark.parametrize(("start", "learned"), [("head", 100), ("first", 700), ("end", 0)])
def test_reset_model_starts_anew_from_the_chosen_place(stream: Stream, start: str, learned: int) -> None:
    produce(stream)
    commits = run(stream)
    produce(stream, RECORDS[:100])
    anew = settings(model={"scale": False})
    run(stream, anew, reset_from=start)
    learner, head = restored(stream, anew)
    assert head is not None
    assert head.model_id != commits[-1].head.model_id
    assert learner.position.predicted + sum(learner.position.rejected.values()) == learned
    assert head.sequence > commits[-1].head.sequence
    if start == "end":
        live = {key for _, key, value, _ in topic(stream, anew.topics.model) if value is not None}
        assert live == {b"head"}, "the old keys were buried"
    assert run(stream, anew) == []


def test_a_reset_whose_commit_was_in_doubt_is_not_done_twice(stream: Stream) -> None:
    produce(stream)
    last = run(stream)[-1].head
    produce(stream, RECORDS[:50])
    (commit,) = run(ScriptedStream(stream, [WRITTEN]), reset_from="head")
    assert commit.head.sequence == last.sequence + 2, "one commit of the reset, one of what came after it"


def test_a_lost_model_topic_is_refused_unless_reset(tmp_path: Path) -> None:
    lost = settings(topics={"model": "another.model"})
    with SqliteStream(str(tmp_path / "lost.db"), 1500) as opened:
        produce(opened)
        run(opened)
        with pytest.raises(Damaged, match="the model was lost"):
            run(opened, lost)
        run(opened, lost, reset_from="first")
        assert restored(opened, lost)[0].model.hash() == restored(opened)[0].model.hash()


def test_another_models_topic_is_refused(stream: Stream) -> None:
    produce(stream)
    run(stream)
    with pytest.raises(ConfigurationError, match=r"model\.name is 'other', the stored model has 'corpus'"):
        run(stream, settings(model={"name": "other"}, topics={"model": CHOSEN.topics.model}))


def _other_block(stream: Stream) -> tuple[bytes | None, bytes | None]:
    value = next(row[2] for row in topic(stream, CHOSEN.topics.model) if row[1] == b"block/0")
    block = _unframe(value, _Block)
    return b"block/0", _frame(_Block(block.model_id, bytes(8) + block.rows[8:]))


def _torn_head(stream: Stream) -> tuple[bytes | None, bytes | None]:
    key, value = topic(stream, CHOSEN.topics.model)[-1][1:3]
    return key, value[:-1] + bytes([value[-1] ^ 1])


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_other_block, "with hash"),
        (_torn_head, "checksum"),
        (lambda stream: (b"head", b"\xc1 not MessagePack"), "not a record of a model log"),
        (lambda stream: (b"head", b"\x93\x63\x00\xc4\x00"), "format 99"),
        (lambda stream: (b"stranger", b"record"), "none of a model log"),
        (lambda stream: (None, b"record"), "none of a model log"),
    ],
)
def test_a_damaged_or_foreign_model_topic_is_refused(stream: Stream, damage: Any, message: str) -> None:
    produce(stream)
    run(stream)
    predictions = topic(stream, CHOSEN.topics.predictions)
    key, value = damage(stream)
    stream.append([Output(CHOSEN.topics.model, 0, [key], [value])])
    produce(stream, RECORDS[:10])
    with pytest.raises(Damaged, match=message):
        run(stream)
    assert topic(stream, CHOSEN.topics.predictions) == predictions
    run(stream, reset_from="head")
    assert len(topic(stream, CHOSEN.topics.predictions)) > len(predictions)


@pytest.mark.parametrize("count", [10, len(RECORDS) + 100])
def test_a_topic_made_anew_is_refused_however_much_is_in_it(
    stream: Stream, tmp_path: Path, count: int
) -> None:
    produce(stream)
    run(stream)
    with with_the_model_of(stream, tmp_path) as anew:
        produce(anew, cases(count))
        with pytest.raises(OffsetGone, match=r"was deleted and made anew.*--reset-model --from first"):
            run(anew)
        run(anew, reset_from="first")
        assert run(anew) == []


def test_a_copy_of_a_model_in_a_topic_made_anew_is_refused(
    stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    produce(stream)
    run(stream)
    own = stream.topic_id
    anew = {CHOSEN.topics.model: "another"}
    monkeypatch.setattr(stream, "topic_id", lambda topic: anew.get(topic) or own(topic))
    with pytest.raises(Damaged, match=r"model topic 'corpus.model' was deleted and made anew.*--reset-model"):
        run(stream)
    run(stream, reset_from="head")
    assert run(stream) == []


def test_a_model_from_before_topics_had_ids_is_loaded_and_judged_by_its_position(
    stream: Stream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    produce(stream)
    with monkeypatch.context() as before:
        before.setattr(Input, "topic_ids", lambda self, known: {})
        before.setattr(ModelLog, "require_same_topic", lambda self, known={}: {})
        run(stream)
    with with_the_model_of(stream, tmp_path) as anew:
        produce(anew, RECORDS[:10])
        with pytest.raises(OffsetGone, match=r"learned up to offset 600, the topic ends at 10"):
            run(anew)
    produce(stream, RECORDS[:10])
    told = {topic: stream.topic_id(topic) for topic in (CHOSEN.topics.samples, CHOSEN.topics.model)}
    assert run(stream)[-1].head.topic_ids == told


@contextmanager
def with_the_model_of(stream: Stream, tmp_path: Path) -> Iterator[SqliteStream]:
    """Yield another stream that holds nothing but the model of this one."""
    rows = topic(stream, CHOSEN.topics.model)
    with SqliteStream(str(tmp_path / "anew.db"), 1500) as anew:
        keys, values = [row[1] for row in rows], [row[2] for row in rows]
        anew.append([Output(CHOSEN.topics.model, 0, keys, values)])
        yield anew


def test_a_model_topic_with_several_partitions_is_refused(tmp_path: Path) -> None:
    with SqliteStream(str(tmp_path / "shards.db"), 1500) as opened:
        opened.create_topics([TopicSpec(CHOSEN.topics.model, 2)])
        with pytest.raises(ConfigurationError, match="has 2 partitions"):
            run(opened)


def test_a_dead_letter_topic_too_small_for_the_largest_sample_is_refused(tmp_path: Path) -> None:
    with SqliteStream(str(tmp_path / "small.db"), 1500) as opened:
        opened.create_topics([TopicSpec(CHOSEN.topics.dlq, 1, {"max.message.bytes": "70000"})])
        opened.create_topics(topic_specs(CHOSEN))
        with pytest.raises(ConfigurationError, match=r"max\.message\.bytes is 70000"):
            run(opened)


def test_a_standby_waits_for_the_owner_to_pass_the_end(stream: Stream, tmp_path: Path) -> None:
    produce(stream)
    started = threading.Event()
    with in_a_thread(tmp_path, on_commit=lambda commit: started.set()) as owner:
        assert started.wait(20)
        commits = run(stream)
        owner.stop()
    assert commits == [], "the standby learned nothing"
    assert restored(stream)[0].model.hash() == plain_loop(RECORDS, CHOSEN).hash


def test_an_owners_client_is_not_left_to_fetch_what_the_owner_writes(
    stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_now: dict[int, list[str]] = {}
    seek = SqliteReader.seek

    def noted(reader: SqliteReader, positions: Any) -> None:
        read_now[id(reader)] = [topic for topic, _ in positions]
        seek(reader, positions)

    monkeypatch.setattr(SqliteReader, "seek", noted)
    produce(stream)
    seen: list[list[str]] = []
    Engine(stream, CHOSEN, observer=OnCommit(lambda _: seen.extend(read_now.values()))).run(until_end=True)
    assert [CHOSEN.topics.samples] in seen
    assert [CHOSEN.topics.model] not in seen
