"""A refused sample leaves no trace, whatever the reason."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perceptron_core import Perceptron, SampleRejected
from tests.core.samples import NAMES, REFUSED, feed, mixed, parameters, state, streams

STREAM = [sample for sample in mixed(120, names=6) if sample[1] is not None]


def new(**parameters: Any) -> Perceptron:
    return Perceptron(**{"max_features": 40, "learning_rate": 0.1, **parameters})


wild = st.dictionaries(
    st.sampled_from(NAMES),
    st.floats() | st.sampled_from([1e308, -1e308, 1e150, -1e75, 1e-160, 5e-324, True, "x", 10**400]),
    max_size=4,
)
extreme_labels = st.sampled_from([0.0, 1.0, 0.5, 1e308, -1e308, 1e150, 5e-324])
extreme_weights = st.sampled_from([1.0, 0.0, 1e308, 5e-324])


@given(
    parts=parameters(),
    stream=st.lists(st.tuples(wild, extreme_labels, extreme_weights), max_size=15),
    probe=wild,
)
def test_no_input_makes_a_number_of_the_model_unsound(
    parts: dict[str, Any], stream: list, probe: dict[str, Any]
) -> None:
    model = Perceptron(**parts)
    low, high = model.target_range
    predictions = feed(model, [(x, y, weight) for x, y, weight in stream if low <= y <= high])
    assert not any(math.isnan(prediction) for prediction in predictions if prediction is not None)
    numbers = [*model.scalars(), *(np.frombuffer(model.block(0)) if model.n_features else [])]
    assert all(abs(number) <= 1e150 for number in numbers)  # NaN is not


@given(parts=parameters(), stream=streams, probes=st.lists(wild, max_size=5))
def test_a_prediction_never_changes_the_state(
    parts: dict[str, Any], stream: list, probes: list[dict[str, Any]]
) -> None:
    model = Perceptron(**parts)
    feed(model, stream[:-3])
    model.commit()
    feed(model, stream[-3:])
    before, dirty = state(model), model.dirty_blocks()
    feed(model, [(x, None, 1.0) for x in probes])
    assert (state(model), model.dirty_blocks()) == (before, dirty)


def assert_no_trace(new_model: Callable[[], Perceptron], stream: list, x: Any, y: float, reason: str) -> None:
    """Feed a stream with and without a bad sample, one by one and in a batch, to the same end."""
    expected, one_by_one, batched = new_model(), new_model(), new_model()
    half = len(stream) // 2
    predictions = feed(expected, stream)

    feed(one_by_one, stream[:half])
    with pytest.raises(SampleRejected) as caught:
        one_by_one.learn_one(x, y)
    assert caught.value.rejection.reason == reason
    assert feed(one_by_one, stream[half:]) == predictions[half:]
    assert state(one_by_one) == state(expected)

    with_bad = [*stream[:half], (x, y, 1.0), *stream[half:]]
    rejections: list[Any] = []
    columns = [list(column) for column in zip(*with_bad, strict=True)]
    answers: list[Any] = batched.predict_learn_many(*columns, rejections=rejections).tolist()
    assert [(index, rejection.reason) for index, rejection in rejections] == [(half, reason)]
    assert math.isnan(answers.pop(half))
    assert answers == predictions
    assert state(batched) == state(expected)


@pytest.mark.parametrize("scale", [True, False])
@pytest.mark.parametrize("case", REFUSED)
def test_an_unusable_sample_leaves_no_trace(case: str, scale: bool) -> None:
    x, reason = REFUSED[case]
    assert_no_trace(lambda: new(scale=scale), STREAM, x, 1.0, reason)


@pytest.mark.parametrize("x", [None, [("a", 1.0)], "a", 1.0])
def test_a_sample_that_is_no_dict_leaves_no_trace(x: Any) -> None:
    assert_no_trace(new, STREAM, x, 1.0, "wrong_type")


def test_unseen_features_beyond_the_models_bound_leave_no_trace() -> None:
    full = {f"w{i}": 1.0 for i in range(15)}
    assert_no_trace(
        new, [(full, 1.0, 1.0), *STREAM], {f"v{i}": 1.0 for i in range(20)}, 1.0, "too_many_features"
    )


def test_a_sample_of_more_features_than_the_bound_is_not_even_predicted() -> None:
    model = new(max_features=2)
    assert model.predict_one({"a": 1.0, "b": None, "c": "x"}) == 0.5
    with pytest.raises(SampleRejected, match="the sample has 3 features; max_features is 2"):
        model.predict_one({"a": 1.0, "b": 2.0, "c": "x"})


def test_known_features_and_predictions_go_on_at_the_bound() -> None:
    model = new(max_features=2)
    model.learn_one({"a": 1.0, "b": 2.0}, 1)
    model.learn_one({"a": 3.0}, 0)
    assert 0.0 < model.predict_one({"a": 1.0, "unseen": 5.0}) < 1.0
    assert (model.version, model.n_features) == (2, 2)


def test_a_score_out_of_bounds_leaves_no_trace() -> None:
    def grown() -> Perceptron:
        model = new(scale=False)
        model.learn_one({"big": 1e10}, 1)
        return model

    assert_no_trace(grown, STREAM, {"big": 1e150}, 0.0, "diverged")


def test_a_weight_out_of_bounds_leaves_no_trace() -> None:
    assert_no_trace(lambda: new(scale=False), STREAM, {"big": 1e152}, 1.0, "diverged")


@pytest.mark.parametrize("x", [1e151, 1e308, -1.7976931348623157e308])
def test_scaler_statistics_out_of_bounds_leave_no_trace(x: float) -> None:
    assert_no_trace(new, STREAM, {"f0": x, "late": 1.0}, 1.0, "diverged")


def test_a_bias_out_of_bounds_leaves_no_trace() -> None:
    def rash() -> Perceptron:
        return new(loss="squared", intercept_learning_rate=1e149)

    model = rash()
    with pytest.raises(SampleRejected, match="diverged"):
        model.learn_one({"a": 1.0}, 1e9)
    assert state(model) == state(rash())


def test_numbers_within_the_bounds_are_learned() -> None:
    model = new()
    for value in (1e70, -1e70, 5e-324, 0.0):
        model.learn_one({"a": value}, 1)
    assert model.version == 4


def test_without_a_list_for_rejections_the_first_one_ends_the_batch() -> None:
    model, expected = new(), new()
    with pytest.raises(SampleRejected, match="sample 1: "):
        model.predict_learn_many([{"a": 1.0}, {"a": float("nan")}, {"a": 2.0}], [1, 0, 1])
    expected.learn_one({"a": 1.0}, 1)
    assert state(model) == state(expected)


def test_rejections_say_what_came_and_what_was_expected() -> None:
    with pytest.raises(SampleRejected, match=r"'b' is of type list; a number.*was expected \(wrong_type\)"):
        new().predict_one({"b": [1]})


@pytest.mark.parametrize("label", [float("nan"), 2.0, -0.1, float("inf"), "x"])
def test_a_bad_label_is_a_value_error(label: Any) -> None:
    model = new()
    with pytest.raises(ValueError, match=r"label|could not convert"):
        model.learn_one({"a": 1.0}, label)
    assert state(model) == state(new())


@pytest.mark.parametrize("weight", [-1.0, float("nan"), float("inf"), "x", None])
def test_a_bad_weight_is_a_value_error(weight: Any) -> None:
    with pytest.raises(ValueError, match="weight"):
        new().learn_one({"a": 1.0}, 1, weight)


def test_refused_samples_leave_no_trace_in_predictions_of_numpy_scalars() -> None:
    model = new()
    model.learn_one({"a": np.float32(1.5), "b": np.int8(2), "c": np.True_, "d": np.str_("x")}, np.bool_(True))
    assert sorted(model.weights) == ["a", "b", "c", "d=x"]
