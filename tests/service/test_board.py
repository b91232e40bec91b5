"""What a running engine tells: only what is committed, and at any moment whether it still learns."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from service import board as boards
from service.board import Board
from service.engine import Engine
from service.errors import Damaged
from service.learner import Learner
from service.model_state import HEAD, Head
from service.streams.port import Output, Stream
from service.streams.sqlite import SqliteStream
from service.topics import topic_specs
from tests.contracts.rig import wait_until
from tests.corpus import cases, settings
from tests.rig_faults import ABORTED, ScriptedStream

RECORDS = cases(600)
CHOSEN = settings(engine={"max_batch": 50})
PLACE = (CHOSEN.topics.samples, 0)


@pytest.fixture
def stream(tmp_path: Path) -> Iterator[Stream]:
    with SqliteStream(str(tmp_path / "stream.db"), 1500) as opened:
        opened.create_topics(topic_specs(CHOSEN))
        yield opened


def produce(stream: Stream, count: int = len(RECORDS)) -> None:
    records = RECORDS[:count]
    stream.append([Output(*PLACE, [case.key for case in records], [case.value for case in records])])


@contextmanager
def running(tmp_path: Path) -> Iterator[tuple[Board, Engine]]:
    """Run an engine that tells a board, beside the test, until it is stopped."""
    with SqliteStream(str(tmp_path / "stream.db"), 1500) as opened:
        board = Board(CHOSEN)
        engine = Engine(opened, CHOSEN, observer=board)
        thread = threading.Thread(target=engine.run)
        thread.start()
        try:
            yield board, engine
        finally:
            engine.stop()
            thread.join(20)
        assert board.role == "stopped"


def shown(head: Head, learner: Learner) -> tuple[int, str, str]:
    return head.version, head.hash, learner.model.hash()


def test_the_copy_is_the_model_of_each_commit(stream: Stream) -> None:
    produce(stream)
    seen = []

    class Asking(Board):
        def on_commit(self, commit: object) -> None:
            super().on_commit(commit)  # type: ignore[arg-type]
            seen.append((self.head.version, self.model.read(shown)))  # type: ignore[union-attr]

    board = Asking(CHOSEN)
    Engine(stream, CHOSEN, observer=board).run(until_end=True)
    assert len(seen) == 12
    assert all(answer == (version, answer[1], answer[1]) for version, answer in seen if answer)
    assert board.model.size_bytes > 0


def test_a_failed_commit_is_never_shown(stream: Stream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.engine.FIRST_BACKOFF_S", 0.0)
    produce(stream, 100)
    board = Board(CHOSEN)
    Engine(ScriptedStream(stream, [None, ABORTED]), CHOSEN, observer=board).run(until_end=True)  # type: ignore[arg-type]
    assert board.recoveries() == {"Aborted": 1}
    assert board.counts()["commits"] == 2
    assert board.counts()["takeovers"] == 2
    assert board.model.read(shown) == (board.head.version, board.head.hash, board.head.hash)  # type: ignore[union-attr]


def test_what_was_restored_is_shown_before_anything_is_learned(tmp_path: Path, stream: Stream) -> None:
    produce(stream)
    Engine(stream, CHOSEN).run(until_end=True)
    with running(tmp_path) as (board, _):
        wait_until(lambda: board.readiness().ready)
        assert board.counts()["commits"] == 0
        assert board.model.read(shown) == (board.head.version, board.head.hash, board.head.hash)  # type: ignore[union-attr]


def test_predictions_of_the_copy_change_nothing(stream: Stream) -> None:
    produce(stream)
    board = Board(CHOSEN)
    Engine(stream, CHOSEN, observer=board).run(until_end=True)

    def predict(head: Head, learner: Learner) -> str:
        learner.model.predict_learn_many([{"a": 1.0}], np.array([np.nan]), None, [])
        return learner.model.hash()

    assert board.model.read(predict) == board.head.hash  # type: ignore[union-attr]


def test_records_that_do_not_add_up_are_not_shown() -> None:
    board = Board(CHOSEN)
    assert board.model.read(shown) is None
    board.on_state({HEAD: b"garbage"})
    with pytest.raises(Damaged):
        board.model.read(shown)


def test_a_standby_follows_and_is_ready_and_takes_over_what_it_has(tmp_path: Path, stream: Stream) -> None:
    with running(tmp_path) as (owner, engine):
        produce(stream)
        wait_until(lambda: owner.head is not None and owner.lags() == {PLACE: 0})
        with running(tmp_path) as (standby, _):
            wait_until(lambda: standby.readiness().ready)
            assert standby.role == "standby"
            assert standby.head == owner.head
            assert standby.model.read(shown) == owner.model.read(shown)
            engine.stop()
            wait_until(lambda: standby.role == "owner")
            assert standby.counts()["takeovers"] == 1
            assert owner.readiness().role == "stopped"
            assert not owner.readiness().ready


def test_a_standby_without_a_commit_to_follow_is_not_ready(tmp_path: Path, stream: Stream) -> None:
    with running(tmp_path) as (owner, _):
        wait_until(lambda: owner.role == "owner")
        with running(tmp_path) as (standby, _):
            wait_until(lambda: standby.role == "standby")
            assert standby.readiness() == boards.Readiness(False, "standby", "no commit to follow yet")


def test_an_owner_with_nothing_to_learn_stays_ready(
    tmp_path: Path, stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(boards, "STALLED_S", 0.5)
    with running(tmp_path) as (board, _):
        wait_until(lambda: board.role == "owner")
        idle_until = time.monotonic() + 1.0
        wait_until(lambda: time.monotonic() > idle_until)
        assert board.readiness().ready


def test_an_owner_whose_lag_grows_while_nothing_is_committed_is_not_ready(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    board = Board(CHOSEN)
    board.on_role("owner", "")
    board.on_idle({PLACE: 3})
    assert board.readiness().ready
    monkeypatch.setattr(boards, "STALLED_S", 0.05)
    wait_until(lambda: not board.readiness().ready)
    assert board.readiness().reason.startswith("3 offsets behind, and no commit for")


def test_an_engine_that_is_not_heard_of_is_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    board = Board(CHOSEN)
    board.on_role("owner", "")
    board.on_idle({PLACE: 0})
    monkeypatch.setattr(boards, "STALLED_S", 0.05)
    wait_until(lambda: not board.readiness().ready)
    assert "has not been heard of" in board.readiness().reason


def test_an_engine_in_trouble_says_which() -> None:
    board = Board(CHOSEN)
    board.on_role("recovering", "Unreachable: no broker")
    assert board.readiness() == boards.Readiness(False, "recovering", "Unreachable: no broker")


def test_the_windows_are_those_of_the_last_samples(stream: Stream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boards, "MARK_EVERY_S", 0.0)
    produce(stream)
    board = Board(CHOSEN)
    Engine(stream, CHOSEN, observer=board).run(until_end=True)
    assert board.windows()["1m"] == pytest.approx(board.metrics)  # all of it came within a minute
    produce(stream, 100)
    later = Board(CHOSEN)
    Engine(stream, CHOSEN, observer=later).run(until_end=True)
    assert later.windows()["1m"]["samples"] == later.metrics["samples"] - board.metrics["samples"]
    monkeypatch.setattr(boards, "WINDOWS_S", {"0s": 0.0})
    assert board.windows()["0s"]["samples"] == 0


def test_the_latest_dead_letters_are_kept_by_reason(stream: Stream) -> None:
    values = [b"no json %d" % n for n in range(9)] + [b"x" * 5000]
    stream.append([Output(*PLACE, [None] * len(values), values)])
    board = Board(CHOSEN)
    Engine(stream, CHOSEN, observer=board).run(until_end=True)
    kept = board.letters()["not_json"]
    assert [letter.error["offset"] for letter in kept] == ["9", "8", "7", "6", "5"]
    assert len(kept[0].value) == boards.PREVIEW_BYTES
    assert kept[1].value == "no json 8"


def test_whoever_waits_is_woken_by_the_next_change() -> None:
    board = Board(CHOSEN)
    number = board.wait(-1, 1.0)
    threading.Timer(0.05, board.on_idle, [{PLACE: 0}]).start()
    assert board.wait(number, 10.0) == number + 1
    assert board.wait(number + 1, 0.01) == number + 1
