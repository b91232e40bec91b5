"""A batch learned while the one before it is being committed: when, and what becomes of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from perceptron_core.metrics import BinaryMetrics
from service.engine import Engine
from service.learner import Learner
from service.observer import Commit
from service.streams.port import Batch, Output, Stream
from service.streams.sqlite import SqliteStream
from service.topics import topic_specs
from tests.contracts.rig import read_to_end
from tests.corpus import cases, plain_loop, settings
from tests.on_commit import OnCommit
from tests.rig_faults import ABORTED, SUSPECT, ScriptedStream

BATCH = 50
CHOSEN = settings(engine={"max_batch": BATCH})
RECORDS = cases(4 * BATCH + 20)


@pytest.fixture
def stream(tmp_path: Path) -> Iterator[Stream]:
    with SqliteStream(str(tmp_path / "stream.db"), 1500) as opened:
        opened.create_topics(topic_specs(CHOSEN))
        keys, values = [case.key for case in RECORDS], [case.value for case in RECORDS]
        opened.append([Output(CHOSEN.topics.samples, 0, keys, values)])
        yield opened


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note what is done, in order."""
    noted: list[str] = []
    process = Learner.process

    def note(learner: Learner, batch: Batch) -> list[Output]:
        noted.append(f"learn {len(batch)}")
        return process(learner, batch)

    monkeypatch.setattr(Learner, "process", note)
    monkeypatch.setattr("service.engine.FIRST_BACKOFF_S", 0.0)
    return noted


def run(stream: Stream, steps: list[str], script: Sequence[str | None] = ()) -> list[Commit]:
    commits: list[Commit] = []
    scripted: Any = ScriptedStream(stream, script, note=steps.append)
    Engine(scripted, CHOSEN, observer=OnCommit(commits.append)).run(until_end=True)
    return commits


def assert_exact(stream: Stream, commits: list[Commit]) -> None:
    expected = plain_loop(RECORDS, CHOSEN)
    place = CHOSEN.topics.predictions, 0
    with stream.reader() as reader:
        reader.seek({place: 0})
        assert len(list(read_to_end(stream, reader, place))) == len(expected.predictions)
    assert commits[-1].head.hash == expected.hash
    assert [commit.head.sequence for commit in commits] == list(range(1, len(commits) + 1))
    assert stream.group_offsets(CHOSEN.group, CHOSEN.topics.samples) == {0: len(RECORDS)}


def test_while_there_is_more_a_batch_is_learned_before_the_last_commit_is_waited_for(
    stream: Stream, steps: list[str]
) -> None:
    commits = run(stream, steps)
    full = ["learn 50", "finish", "begin"]
    last = ["learn 20", "finish", "begin", "finish"]
    assert steps == ["fence", "learn 50", "begin", *full, *full, *full, *last]
    assert_exact(stream, commits)


def test_a_batch_that_takes_long_to_learn_is_not_learned_while_a_transaction_is_open(
    stream: Stream, steps: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.engine.AHEAD_S", 0.0)
    commits = run(stream, steps)
    assert steps == ["fence", *["learn 50", "begin", "finish"] * 4, "learn 20", "begin", "finish"]
    assert_exact(stream, commits)


def test_what_was_learned_ahead_of_a_failed_commit_is_learned_again_and_alone(
    stream: Stream, steps: list[str]
) -> None:
    commits = run(stream, steps, [None, ABORTED])
    assert steps[:14] == [
        *["fence", "learn 50", "begin", "learn 50", "finish", "begin", "learn 50", "finish"],
        *["fence", "learn 50", "begin", "finish", "learn 50", "begin"],
    ]
    assert_exact(stream, commits)


def test_no_commit_follows_one_that_made_its_writer_suspect(stream: Stream, steps: list[str]) -> None:
    commits = run(stream, steps, [None, SUSPECT])
    assert steps[4:10] == ["finish", "begin", "learn 50", "finish", "fence", "learn 50"]
    assert_exact(stream, commits)


def test_an_observer_is_told_each_commit_with_its_own_metrics(stream: Stream, steps: list[str]) -> None:
    commits = run(stream, steps)
    for commit in commits:
        metrics = BinaryMetrics()
        metrics.load(commit.head.metrics)
        assert commit.metrics == metrics.values()
    assert [commit.records for commit in commits] == [50, 50, 50, 50, 20]
    assert all(commit.seconds >= commit.commit_seconds > 0 for commit in commits)


def test_stopped_with_a_commit_under_way_an_engine_finishes_that(stream: Stream, steps: list[str]) -> None:
    commits: list[Commit] = []
    scripted: Any = ScriptedStream(stream, (), note=steps.append)

    def stop_after_the_first(commit: Commit) -> None:
        commits.append(commit)
        engine.stop()

    engine = Engine(scripted, CHOSEN, observer=OnCommit(stop_after_the_first))
    engine.run()
    assert steps == ["fence", "learn 50", "begin", "learn 50", "finish", "begin", "finish"]
    assert stream.group_offsets(CHOSEN.group, CHOSEN.topics.samples) == {0: 2 * BATCH}
