"""Commit and rollback against a model: a fresh perceptron that saw only the committed samples."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from perceptron_core import Perceptron, SampleRejected
from tests.core.samples import REFUSED, feed, mixed, parameters, state, streams

PROBE: Any = ({"a": 1.5, "b": "x", "c": True, "d": -3}, None, 1.0)


class CommitsAndRollbacks(RuleBasedStateMachine):
    """Any sequence of operations; the log of committed samples tells what must be there."""

    @initialize(parts=parameters())
    def begin(self, parts: dict[str, Any]) -> None:
        self.parameters: dict[str, Any] = {**parts, "max_features": 2000}
        self.model = Perceptron(**self.parameters)
        self.committed: list[Any] = []
        self.staged: list[Any] = []
        self.is_staged = False
        self.working: list[Any] = []

    @rule(stream=streams)
    def learn_a_batch(self, stream: list[Any]) -> None:
        if stream:
            columns = [list(column) for column in zip(*stream, strict=True)]
            self.model.predict_learn_many(*columns, rejections=[])
        self.working += [sample for sample in stream if sample[1] is not None]

    @rule(first=st.integers(0, 900), count=st.integers(1, 300))
    def learn_a_wide_sample(self, first: int, count: int) -> None:
        x = {f"w{i}": float(i % 7) for i in range(first, first + count)}
        feed(self.model, [(x, 1.0, 1.0)])
        self.working.append((x, 1.0, 1.0))

    @rule(case=st.sampled_from([case for case, (_, why) in REFUSED.items() if why != "too_many_features"]))
    def offer_a_bad_sample(self, case: str) -> None:
        with pytest.raises(SampleRejected):
            self.model.learn_one(REFUSED[case][0], 1)

    @precondition(lambda self: not self.is_staged)
    @rule()
    def stage(self) -> None:
        self.model.stage()
        assert self.model.dirty_blocks() == self.model.grown_blocks() == []
        self.staged, self.working, self.is_staged = self.working, [], True

    @rule()
    def commit(self) -> None:
        if not self.is_staged:
            self.stage()
        self.model.commit()
        self.committed += self.staged
        self.staged, self.is_staged = [], False

    @rule()
    def roll_back(self) -> None:
        self.model.rollback()
        self.staged, self.working, self.is_staged = [], [], False
        assert self.model.dirty_blocks() == []
        assert self.model.grown_blocks() == []

    @rule()
    def copy(self) -> None:
        twin = Perceptron(**self.parameters)
        version, scalars, blocks, hash_ = state(self.model)
        twin.load(version, scalars, blocks)
        assert twin.hash() == hash_

    @invariant()
    def equals_a_model_that_saw_these_samples_only(self) -> None:
        expected = Perceptron(**self.parameters)
        feed(expected, self.committed + self.staged + self.working)
        assert state(self.model) == state(expected)
        assert feed(self.model, [PROBE]) == feed(expected, [PROBE])


CommitsAndRollbacks.TestCase.settings = settings(max_examples=25, stateful_step_count=12, deadline=None)
test_any_sequence_of_commits_and_rollbacks = CommitsAndRollbacks.TestCase


def wide(blocks: int) -> Perceptron:
    model = Perceptron()
    model.learn_one({f"w{i}": float(i) for i in range(blocks * 256)}, 1)
    return model


def test_only_the_blocks_that_a_sample_touches_are_dirty() -> None:
    model = wide(5)
    assert model.dirty_blocks() == [0, 1, 2, 3, 4]
    model.commit()
    assert model.dirty_blocks() == []
    model.learn_one({"w300": 1.0, "w1279": 2.0}, 0)
    assert model.dirty_blocks() == [1, 4]
    model.predict_one({"w0": 1.0})
    assert model.dirty_blocks() == [1, 4]


def test_a_commit_touches_only_dirty_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    model = wide(5)
    model.commit()
    model.learn_one({"w300": 1.0}, 0)
    digested: list[int] = []
    digest = Perceptron._block_digest
    monkeypatch.setattr(
        Perceptron, "_block_digest", lambda self, number: digested.append(number) or digest(self, number)
    )
    model.hash()
    model.commit()
    model.hash()
    assert digested == [1]


def test_grown_blocks_are_those_whose_names_changed() -> None:
    model = wide(1)
    assert model.grown_blocks() == [0]
    model.commit()
    model.learn_one({"w0": 1.0, "new": 1.0}, 1)
    assert (model.dirty_blocks(), model.grown_blocks()) == ([0, 1], [1])
    model.commit()
    model.learn_one({"new": 2.0}, 1)
    assert (model.dirty_blocks(), model.grown_blocks()) == ([1], [])
    model.learn_one({f"v{i}": 1.0 for i in range(300)}, 1)
    assert model.grown_blocks() == [1, 2]


def test_what_is_learned_behind_a_staged_state_is_of_the_next_commit() -> None:
    model = wide(2)
    model.stage()
    model.learn_one({"w300": 1.0, "new": 1.0}, 1)
    assert (model.dirty_blocks(), model.grown_blocks()) == ([1, 2], [2])
    model.commit()
    assert (model.dirty_blocks(), model.grown_blocks()) == ([1, 2], [2])
    model.rollback()
    assert state(model) == state(wide(2))


def test_only_one_state_can_be_staged() -> None:
    model = wide(1)
    model.stage()
    with pytest.raises(RuntimeError, match="staged already"):
        model.stage()


def test_the_bias_alone_is_committed_and_rolled_back() -> None:
    model = Perceptron()
    model.learn_one({}, 1)
    model.commit()
    before = state(model)
    model.learn_one({}, 1)
    assert model.dirty_blocks() == []
    assert state(model) != before
    model.rollback()
    assert state(model) == before


def test_rolling_back_to_nothing_is_a_fresh_model() -> None:
    model = Perceptron()
    feed(model, mixed(300, names=300))
    model.rollback()
    assert state(model) == state(Perceptron())


def test_names_taken_back_are_given_anew() -> None:
    model = Perceptron()
    model.learn_one({"a": 1.0}, 1)
    model.rollback()
    model.learn_one({"b": 1.0, "a": 1.0}, 1)
    assert model.names(0) == [("b",), ("a",)]


def test_what_was_rolled_back_is_learned_anew() -> None:
    x = {"a": 1.0, "b": "x"}
    model, expected = Perceptron(), Perceptron()
    for _ in range(3):
        model.learn_one(x, 1)
        model.rollback()
    model.learn_one(x, 0)
    expected.learn_one(x, 0)
    assert state(model) == state(expected)


def test_a_failed_load_is_rolled_back() -> None:
    model = wide(2)
    model.commit()
    before = state(model)
    rows = model.block(1)
    with pytest.raises(ValueError, match="block 3"):
        model.load(9, [0.0], [(1, model.names(1), bytes(len(rows))), (3, [("late",)], rows[:32])])
    model.rollback()
    assert state(model) == before
