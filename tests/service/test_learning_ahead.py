"""A batch learned while the one before it is being committed: when, and what becomes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from perceptron_core.metrics import BinaryMetrics
from service.engine import Engine
from service.learner import Learner
from service.observer import Commit
from service.streams.port import Aborted, Batch, Membership, Output, Partition, Stream, Writer
from service.streams.sqlite import SqliteStream
from service.topics import topic_specs
from tests.contracts.rig import read_to_end
from tests.corpus import cases, plain_loop, settings
from tests.on_commit import OnCommit

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


class Noting:
    """A stream whose writers note what they do, and do all of it at the end of a commit."""

    def __init__(self, real: Stream, steps: list[str], before_end: Callable[[NotingWriter], None]) -> None:
        self._real = real
        self._steps = steps
        self._before_end = before_end

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def fence(self, name: str) -> Writer:
        self._steps.append("fence")
        return NotingWriter(self._real.fence(name), self._steps, self._before_end)


class NotingWriter(Writer):
    suspect = False

    def __init__(self, real: Writer, steps: list[str], before_end: Callable[[NotingWriter], None]) -> None:
        self._real = real
        self._steps = steps
        self._before_end = before_end
        self._begun: tuple[Any, ...] = ()

    def begin(
        self, outputs: Sequence[Output], next_offsets: Mapping[Partition, int], membership: Membership
    ) -> None:
        assert not self._begun, "one commit is under way at most"
        self._steps.append("begin")
        self._begun = outputs, next_offsets, membership

    def finish(self) -> None:
        if self._begun:
            self._steps.append("finish")
            self._before_end(self)
            self._real.commit(*self._begun)
            self._begun = ()

    def close(self) -> None:
        self._real.close()


def run(
    stream: Stream, steps: list[str], before_end: Callable[[NotingWriter], None] = lambda writer: None
) -> list[Commit]:
    commits: list[Commit] = []
    noting: Any = Noting(stream, steps, before_end)
    Engine(noting, CHOSEN, observer=OnCommit(commits.append)).run(until_end=True)
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
    assert steps == [
        "fence",
        "learn 50",
        "begin",
        *full,
        *full,
        *full,
        "learn 20",
        "finish",
        "begin",
        "finish",
    ]
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
    failures = iter([Aborted("by the test")])

    def fail_once(writer: NotingWriter) -> None:
        if steps.count("finish") == 2 and (failure := next(failures, None)):
            raise failure

    commits = run(stream, steps, fail_once)
    assert steps[:14] == [
        *["fence", "learn 50", "begin", "learn 50", "finish", "begin", "learn 50", "finish"],
        *["fence", "learn 50", "begin", "finish", "learn 50", "begin"],
    ]
    assert_exact(stream, commits)


def test_no_commit_follows_one_that_made_its_writer_suspect(stream: Stream, steps: list[str]) -> None:
    def suspect(writer: NotingWriter) -> None:
        writer.suspect = steps.count("finish") == 2

    commits = run(stream, steps, suspect)
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
    noting: Any = Noting(stream, steps, lambda writer: None)

    def stop_after_the_first(commit: Commit) -> None:
        commits.append(commit)
        engine.stop()

    engine = Engine(noting, CHOSEN, observer=OnCommit(stop_after_the_first))
    engine.run()
    assert steps == ["fence", "learn 50", "begin", "learn 50", "finish", "begin", "finish"]
    assert stream.group_offsets(CHOSEN.group, CHOSEN.topics.samples) == {0: 2 * BATCH}
