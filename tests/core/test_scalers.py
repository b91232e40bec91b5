"""Scalers: river's numbers, predictions by the statistics as they are, text left alone."""

from __future__ import annotations

import statistics
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from river import linear_model, optim, preprocessing

from perceptron_core import Perceptron
from perceptron_core.registry import SCALERS
from tests.core.samples import mixed

SCALING = [name for name in SCALERS if name != "none"]
RIVERS = {"standard": preprocessing.StandardScaler, "minmax": preprocessing.MinMaxScaler}


def numbers(count: int = 1000) -> list[tuple[dict[str, float], float]]:
    """Return samples of numbers and booleans, features of which come and go."""
    return [
        ({name: value for name, value in x.items() if isinstance(value, int | float)}, float(y))
        for x, y, _ in mixed(2 * count, seed=12)
        if y is not None
    ][:count]


@pytest.mark.parametrize("name", RIVERS)
def test_scaled_learning_is_rivers(name: str) -> None:
    scaler = RIVERS[name]()
    theirs = linear_model.LogisticRegression(optim.SGD(0.05), intercept_lr=0.05)
    ours = Perceptron(learning_rate=0.05, scale=name)
    for x, y in numbers():
        known = {k: v for k, v in x.items() if k in ours.weights}  # river's min of nothing is infinite
        expected = theirs._raw_dot_one(scaler.transform_one(known))
        assert ours.score_one(known) == pytest.approx(expected, rel=1e-9, abs=1e-9)
        scaler.learn_one(x)
        theirs.learn_one(scaler.transform_one(x), bool(y))
        ours.learn_one(x, y)
    assert ours.weights == pytest.approx(theirs.weights, rel=1e-9, abs=1e-9)


measured = st.floats(-1e6, 1e6).map(lambda value: round(value, 3)) | st.integers(-9, 9)


def seen_by(name: str, values: list[float]) -> dict[str, float]:
    model = Perceptron(scale=name, optimizer="amsgrad")  # whose numbers come before the scaler's
    for value in values:
        model.learn_one({"a": value, "t": "x"}, 1)
    assert model.statistics["t=x"]["count"] == 0.0
    return model.statistics["a"]


@given(values=st.lists(measured, min_size=1, max_size=30))
def test_standard_statistics_are_those_of_the_whole_list(values: list[float]) -> None:
    seen = seen_by("standard", values)
    size = max(1.0, *map(abs, values))
    assert seen["count"] == len(values)
    assert seen["mean"] == pytest.approx(statistics.fmean(values), rel=1e-9, abs=1e-12 * size)
    assert seen["sd"] == pytest.approx(statistics.pstdev(values), rel=1e-6, abs=1e-7 * size)


@given(values=st.lists(measured, min_size=1, max_size=30))
def test_minmax_statistics_are_those_of_the_whole_list(values: list[float]) -> None:
    assert seen_by("minmax", values) == {"count": len(values), "min": min(values), "max": max(values)}


@pytest.mark.parametrize(("name", "numbers"), [("none", 0), ("standard", 4), ("minmax", 3)])
def test_a_feature_costs_so_many_numbers(name: str, numbers: int) -> None:
    model = Perceptron(scale=name)
    model.learn_one({"a": 2.0}, 1)
    assert len(model.block(0)) == 8 * (1 + numbers)


def test_without_scaling_there_are_no_statistics() -> None:
    model = Perceptron(scale="none")
    model.learn_one({"a": 2.0}, 1)
    assert model.statistics == {"a": {}}


@pytest.mark.parametrize("name", SCALERS)
def test_text_is_never_scaled(name: str) -> None:
    model = Perceptron("squared", learning_rate=0.25, scale=name)
    for _ in range(3):
        before = model.score_one({"t": "x"})
        model.learn_one({"t": "x"}, 1.0)  # a step moves weight and bias by 0.25 · 2(1 − z) each
        assert model.score_one({"t": "x"}) == pytest.approx(before + 2 * 0.25 * 2 * (1 - before))


@pytest.mark.parametrize("name", ["standard", "minmax"])
def test_a_prediction_is_by_the_statistics_as_they_were_and_leaves_them(name: str) -> None:
    model = Perceptron(scale=name, learning_rate=0.5, optimizer="momentum")
    for value in (1.0, 5.0, 3.0, 2.0):
        model.learn_one({"a": value}, value > 2)
    seen = model.statistics["a"]
    shift = seen["mean" if name == "standard" else "min"]
    size = seen["sd"] if name == "standard" else seen["max"] - shift
    expected = model.weights["a"] * (1e3 - shift) / size + model.bias
    assert model.weights["a"] != 0.0
    assert model.score_one({"a": 1e3}) == pytest.approx(expected, rel=1e-12)
    assert model.statistics["a"] == seen


@pytest.mark.parametrize("name", ["standard", "minmax"])
def test_a_constant_feature_is_0(name: str) -> None:
    model = Perceptron(scale=name)
    for y in (1, 0, 1):
        model.learn_one({"a": 7.0}, y)
    assert model.weights == {"a": 0.0}


@pytest.mark.parametrize("name", SCALING)
def test_only_samples_that_carry_a_feature_count(name: str) -> None:
    model = Perceptron(scale=name)
    samples: list[Any] = [{"a": 1.0}, {"b": 2.0}, {"a": None, "b": True}, {"a": 2, "b": "text"}]
    for x in samples:
        model.learn_one(x, 1)
    assert [model.statistics[key]["count"] for key in ("a", "b", "b=text")] == [2.0, 2.0, 0.0]


def test_true_and_false_are_the_standard_scaler_and_none() -> None:
    for scale, name in ((True, "standard"), (False, "none")):
        model, named = Perceptron(scale=scale), Perceptron(scale=name)
        for x, y in numbers(50):
            model.learn_one(x, y)
            named.learn_one(x, y)
        assert model.weights == named.weights
