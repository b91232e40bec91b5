"""Several samples in one call mean the same as one by one, to the bit."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perceptron_core import Perceptron
from perceptron_core.registry import OPTIMIZERS, SCALERS, WITHOUT_RATE
from tests.core.samples import feed, mixed, parameters, state, streams


def in_parts(model: Perceptron, stream: list, cuts: list[int]) -> list[float | None]:
    """Feed a stream in batches that end at ``cuts``."""
    predictions: list[float] = []
    ends = [*sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    for start, end in zip([0, *ends], ends, strict=False):
        part = stream[start:end]
        columns = [list(column) for column in zip(*part, strict=True)] or [[], [], []]
        predictions += model.predict_learn_many(*columns, rejections=[]).tolist()
    return [prediction if prediction == prediction else None for prediction in predictions]


@given(parts=parameters(), stream=streams, cuts=st.lists(st.integers(0, 25), max_size=4))
def test_any_split_into_batches_is_the_same(parts: dict[str, Any], stream: list, cuts: list[int]) -> None:
    one_by_one, batched = Perceptron(**parts), Perceptron(**parts)
    assert in_parts(batched, stream, cuts) == feed(one_by_one, stream)
    assert state(batched) == state(one_by_one)


def test_a_long_stream_in_random_batches_is_the_same() -> None:
    stream = mixed(2000, names=400)
    cuts = random.Random(1).sample(range(2000), 60)
    one_by_one, batched = Perceptron(), Perceptron()
    assert in_parts(batched, stream, cuts) == feed(one_by_one, stream)
    assert state(batched) == state(one_by_one)
    assert batched.n_features > 512


@given(parts=parameters(), stream=streams)
def test_samples_without_label_change_nothing(parts: dict[str, Any], stream: list) -> None:
    learned, all_of_them = Perceptron(**parts), Perceptron(**parts)
    feed(learned, [sample for sample in stream if sample[1] is not None])
    in_parts(all_of_them, stream, [])
    assert state(all_of_them) == state(learned)


def test_a_nan_label_is_no_label() -> None:
    model = Perceptron()
    untouched = state(model)
    model.predict_learn_many([{"a": 1.0}, {"b": "x"}], np.array([np.nan, np.nan]))
    assert state(model) == untouched


@pytest.mark.parametrize(
    "parts",
    [
        *({"optimizer": name} for name in OPTIMIZERS),
        *({"scale": name} for name in SCALERS),
        *({"learning_rate": name} for name in WITHOUT_RATE),
    ],
    ids=str,
)
def test_the_order_of_features_changes_the_last_bits_at_most(parts: dict[str, Any]) -> None:
    random_ = random.Random(2)
    ordered, shuffled = Perceptron(**parts), Perceptron(**parts)
    for x, y, weight in mixed(800):
        items = list(x.items())
        random_.shuffle(items)
        assert ordered.predict_one(x) == pytest.approx(shuffled.predict_one(dict(items)), rel=1e-12)
        if y is not None:
            ordered.learn_one(x, y, weight)
            shuffled.learn_one(dict(items), y, weight)
    assert ordered.weights == pytest.approx(shuffled.weights, rel=1e-12, abs=1e-12)


def test_equal_names_that_are_other_objects_are_one_feature() -> None:
    stream = mixed(300)
    same, other = Perceptron(), Perceptron()
    feed(same, stream)
    feed(other, [({"".join(list(name)): value for name, value in x.items()}, y, w) for x, y, w in stream])
    assert state(same) == state(other)


def test_names_that_python_holds_equal_are_one_feature() -> None:
    model = Perceptron(scale=False)
    for name in (1, True, 1.0, 1):
        model.learn_one({name: 1.0}, 1)
    assert model.n_features == 1
    assert model.version == 4
    model.learn_one({"1": 1.0}, 1)
    assert model.n_features == 2


def test_names_may_be_anything_hashable() -> None:
    model, twin = Perceptron(), Perceptron()
    for name in (2**70, ("a", 1), frozenset([1]), None, b"x", object):
        model.learn_one({name: 1.0}, 1)
        twin.learn_one({name: 1.0}, 1)
    assert model.n_features == 6
    assert model.hash() == twin.hash()


def test_the_inputs_are_left_as_they_were() -> None:
    x, labels, weights = [{"a": 1, "b": "x", "c": None}], np.array([1.0]), np.array([2.0])
    Perceptron().predict_learn_many(x, labels, weights)
    assert (x, labels.tolist(), weights.tolist()) == ([{"a": 1, "b": "x", "c": None}], [1.0], [2.0])


def test_read_only_arrays_will_do() -> None:
    labels = np.array([1.0])
    labels.flags.writeable = False
    Perceptron().predict_learn_many([{"a": 1}], labels, labels)


@pytest.mark.parametrize(
    ("labels", "weights", "message"),
    [
        ([1.0], None, "lengths differ"),
        ([1.0, 0.0], [1.0], "lengths differ"),
        ([1.0, 2.0], None, r"outside \[0, 1\]"),
        ([1.0, float("inf")], None, "infinite"),
        ([1.0, 0.0], [1.0, -1.0], "weight"),
        ([1.0, 0.0], [1.0, float("nan")], "weight"),
    ],
)
def test_bad_labels_and_weights_are_refused_before_anything_is_learned(
    labels: list[float], weights: list[float] | None, message: str
) -> None:
    model = Perceptron()
    with pytest.raises(ValueError, match=message):
        model.predict_learn_many([{"a": 1.0}, {"a": 2.0}], labels, weights)
    assert model.version == 0
