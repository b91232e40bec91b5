"""The same numbers as river's pipelines, sample by sample, over whole data sets."""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Any

import pytest
from river import datasets, linear_model, optim, preprocessing

from perceptron_core import Perceptron
from perceptron_core.estimators import PerceptronClassifier, PerceptronRegressor

BINARY = {"phishing": datasets.Phishing, "bananas": datasets.Bananas}
NUMBERS = {
    "trump approval": datasets.TrumpApproval,
    "chick weights": datasets.ChickWeights,
}
MODES = ["river scales", "the model scales", "unscaled"]


def assert_equal(ours: float, theirs: float) -> None:
    assert abs(ours - theirs) <= 1e-9 * max(1.0, abs(theirs))


def numbers_only(x: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in x.items() if isinstance(value, int | float)}


def with_gaps(stream: Iterable[tuple[dict[str, Any], Any]]) -> Iterable[tuple[dict[str, Any], Any]]:
    """Drop features at random, so that they come, go and come late."""
    random_ = random.Random(5)
    for x, y in stream:
        yield {name: value for name, value in numbers_only(x).items() if random_.random() < 0.7}, y


def weights_of(kind: str) -> Iterable[float]:
    random_ = random.Random(7)
    while True:
        yield random_.choice([0.0, 0.5, 1.0, 3.0]) if kind == "weighted" else 1.0


@pytest.mark.parametrize("kind", ["plain", "weighted"])
@pytest.mark.parametrize("l2", [0.0, 0.03])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", BINARY)
def test_classification_is_rivers(name: str, mode: str, l2: float, kind: str) -> None:
    learning_rate = 0.05
    theirs = linear_model.LogisticRegression(optim.SGD(learning_rate), l2=l2, intercept_lr=learning_rate)
    ours = PerceptronClassifier(learning_rate=learning_rate, l2=l2, scale=mode == "the model scales")
    if mode != "unscaled":
        theirs = preprocessing.StandardScaler() | theirs
    if mode == "river scales":
        ours = preprocessing.StandardScaler() | ours
    learned = 0
    for (x, y), w in zip(with_gaps(BINARY[name]()), weights_of(kind), strict=False):
        assert_equal(ours.predict_proba_one(x)[True], theirs.predict_proba_one(x)[True])
        assert ours.predict_one(x) == theirs.predict_one(x)
        theirs.learn_one(x, y, w=w)
        ours.learn_one(x, y, w=w)
        learned += 1
    assert learned == BINARY[name]().n_samples


@pytest.mark.parametrize("kind", ["plain", "weighted"])
@pytest.mark.parametrize("l2", [0.0, 0.03])
@pytest.mark.parametrize("mode", ["river scales", "the model scales"])
@pytest.mark.parametrize("name", NUMBERS)
def test_regression_is_rivers(name: str, mode: str, l2: float, kind: str) -> None:
    theirs = preprocessing.StandardScaler() | linear_model.LinearRegression(
        optim.SGD(0.01), l2=l2, intercept_lr=0.2
    )
    neuron = PerceptronRegressor(
        learning_rate=0.01, l2=l2, intercept_learning_rate=0.2, scale=mode == "the model scales"
    )
    ours = preprocessing.StandardScaler() | neuron if mode == "river scales" else neuron
    for (x, y), w in zip(with_gaps(NUMBERS[name]()), weights_of(kind), strict=False):
        assert_equal(ours.predict_one(x), theirs.predict_one(x))
        theirs.learn_one(x, y, w=w)
        ours.learn_one(x, y, w=w)


def test_a_regression_that_runs_away_does_so_as_rivers() -> None:
    theirs = linear_model.LinearRegression(optim.SGD(10.0), intercept_lr=10.0)
    ours = PerceptronRegressor(learning_rate=10.0)
    for step in range(8):  # grows past the bound of the gradient, 1e12
        x, y = {"a": 3.0 + step}, 1.0
        assert_equal(ours.predict_one(x), theirs.predict_one(x))
        theirs.learn_one(x, y)
        ours.learn_one(x, y)
    assert abs(ours.predict_one({"a": 1.0})) > 1e13


def test_mixed_features_are_those_of_a_pipeline_that_encodes_them_by_hand() -> None:
    theirs_scaler = preprocessing.StandardScaler()
    theirs = linear_model.LogisticRegression(optim.SGD(0.05), intercept_lr=0.05)
    ours = Perceptron(learning_rate=0.05)
    random_ = random.Random(3)
    for _ in range(500):
        number, text = random_.gauss(5, 3), random_.choice(["FR", "DE", "IT"])
        y = number + len(text) + random_.gauss(0, 1) > 6
        encoded = {f"country={text}": 1}
        x = {"n": number, "vip": y, "country": text, "gap": None}
        raw = {"n": number, "vip": int(y)}
        assert_equal(
            ours.predict_one(x), theirs.predict_proba_one(theirs_scaler.transform_one(raw) | encoded)[True]
        )
        theirs_scaler.learn_one(raw)
        theirs.learn_one(theirs_scaler.transform_one(raw) | encoded, y)
        ours.learn_one(x, y)
    for display, weight in ours.weights.items():
        assert_equal(weight, theirs.weights[display])
