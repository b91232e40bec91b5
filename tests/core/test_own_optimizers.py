"""Optimizers that river lacks, against the equations of their papers as plain loops over dicts."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perceptron_core import Perceptron
from tests.core.test_optimizers import stream

LEARNED = stream("log", 400)
Step = Callable[[str, float, float], None]


def sigmoid(z: float) -> float:
    return 1 / (1 + math.exp(-z))


def with_bias(x: dict[str, Any]) -> dict[str, float]:
    return {"bias": 1.0, **{name: float(value) for name, value in x.items()}}


def weights(model: Perceptron) -> dict[str, float]:
    return {"bias": model.bias, **model.weights}


class CoinBetting:
    """Orabona and Tommasi (2017), algorithm 2, with w₁ = 0."""

    def __init__(self, caution: float, l1: float) -> None:
        self.caution, self.l1 = caution, l1
        self.largest, self.total, self.reward, self.theta, self.w = (defaultdict(float) for _ in range(5))

    def learn(self, x: dict[str, float], y: float, weight: float) -> None:
        p = sigmoid(sum(self.w[i] * xi for i, xi in x.items()))
        for i, xi in x.items():
            g = -(p - y) * weight * xi
            if self.w[i] and i != "bias":
                g -= math.copysign(self.l1, self.w[i])
            self.largest[i] = max(self.largest[i], abs(g))
            self.total[i] += abs(g)
            self.reward[i] = max(self.reward[i] + self.w[i] * g, 0)
            self.theta[i] += g
            if self.largest[i]:
                bound = self.largest[i] * max(self.total[i] + self.largest[i], self.caution * self.largest[i])
                self.w[i] = self.theta[i] / bound * (self.largest[i] + self.reward[i])


class NAG:
    """Ross, Mineiro and Langford (2013), algorithm 2."""

    def __init__(self, rate: float) -> None:
        self.rate, self.t, self.size_of_all = rate, 0, 0.0
        self.size, self.squares, self.w = (defaultdict(float) for _ in range(3))

    def learn(self, x: dict[str, float], y: float, weight: float) -> None:
        self.t += 1
        for i, xi in x.items():
            if abs(xi) > self.size[i]:
                self.w[i] *= self.size[i] / abs(xi)
                self.size[i] = abs(xi)
        p = sigmoid(sum(self.w[i] * xi for i, xi in x.items()))
        self.size_of_all += sum((xi / self.size[i]) ** 2 for i, xi in x.items() if self.size[i])
        for i, xi in x.items():
            g = (p - y) * weight * xi
            self.squares[i] += g**2
            if self.squares[i]:
                rate = self.rate * math.sqrt(self.t / self.size_of_all)
                self.w[i] -= rate * g / (self.size[i] * math.sqrt(self.squares[i]))


class FTRL:
    """McMahan et al. (2013), algorithm 1; the bias has no penalty."""

    def __init__(self, rate: float, l1: float, l2: float) -> None:
        self.rate, self.l1, self.l2 = rate, l1, l2
        self.z, self.n, self.w = (defaultdict(float) for _ in range(3))

    def learn(self, x: dict[str, float], y: float, weight: float) -> None:
        p = sigmoid(sum(self.w[i] * xi for i, xi in x.items()))
        for i, xi in x.items():
            g = (p - y) * weight * xi
            l1, l2 = (0.0, 0.0) if i == "bias" else (self.l1, self.l2)
            self.z[i] += g - (math.sqrt(self.n[i] + g * g) - math.sqrt(self.n[i])) / self.rate * self.w[i]
            self.n[i] += g * g
            excess = math.copysign(max(0.0, abs(self.z[i]) - l1), self.z[i])
            self.w[i] = -excess / ((1.0 + math.sqrt(self.n[i])) / self.rate + l2)


REFERENCES: list[tuple[dict[str, Any], Any]] = [
    ({"optimizer": "coin"}, lambda: CoinBetting(100.0, 0.0)),
    ({"optimizer": "coin", "l1": 0.1}, lambda: CoinBetting(100.0, 0.1)),
    ({"optimizer": "coin", "options": {"caution": 2.0}}, lambda: CoinBetting(2.0, 0.0)),
    ({"optimizer": "normalized", "learning_rate": 0.3}, lambda: NAG(0.3)),
    ({"optimizer": "ftrl", "learning_rate": 0.3, "l1": 0.7, "l2": 0.9}, lambda: FTRL(0.3, 0.7, 0.9)),
]


@pytest.mark.parametrize(("parameters", "reference"), REFERENCES, ids=[str(parts) for parts, _ in REFERENCES])
def test_steps_are_the_papers(parameters: dict[str, Any], reference: Callable[[], Any]) -> None:
    model, papers = Perceptron(scale=False, **parameters), reference()
    for x, y, weight in LEARNED:
        model.learn_one(x, y, weight)
        papers.learn(with_bias(x), y, weight)
        assert weights(model) == pytest.approx(dict(papers.w), rel=1e-9, abs=1e-9)


def test_normalized_predicts_with_the_weights_of_larger_inputs_drawn_in() -> None:
    model = Perceptron(optimizer="normalized", learning_rate=0.3, scale=False)
    for x, y, weight in LEARNED:
        model.learn_one(x, y, weight)
    w = model.weights
    assert model.score_one({"f0": 0.5, "f1": -0.2}) == pytest.approx(
        model.bias + 0.5 * w["f0"] - 0.2 * w["f1"]
    )
    largest = max(abs(x["f0"]) for x, _, _ in LEARNED if "f0" in x)
    for size in (10.0, -1e6):
        expected = model.bias + math.copysign(largest * w["f0"], size * w["f0"])
        assert model.score_one({"f0": size}) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("numbers", "optimizers"),
    [
        (1, ["sgd"]),
        (2, ["momentum", "nesterov", "averaged", "adagrad", "rmsprop"]),
        (3, ["adadelta", "adam", "nadam", "ftrl", "normalized"]),
        (4, ["amsgrad"]),
        (5, ["coin"]),
    ],
)
def test_a_feature_costs_so_many_numbers(numbers: int, optimizers: list[str]) -> None:
    for optimizer in optimizers:
        for l1 in (0.0, 0.1):
            model = Perceptron(optimizer=optimizer, scale=False, l1=l1)
            model.learn_one({"a": 1.0}, 1)
            own = l1 > 0.0 and optimizer not in ("ftrl", "coin")  # of the cumulative penalty
            assert len(model.block(0)) == 8 * (numbers + own)
            assert len(model.scalars()) == numbers + own + (optimizer == "normalized")


@given(exponents=st.lists(st.integers(-40, 40), min_size=4, max_size=4))
def test_normalized_does_not_care_for_the_scale_of_an_input(exponents: list[int]) -> None:
    factors = {f"f{j}": 2.0**exponent for j, exponent in enumerate(exponents)}
    plain, scaled = (Perceptron(optimizer="normalized", learning_rate=0.3, scale=False) for _ in range(2))
    for x, y, weight in LEARNED[:60]:
        larger = {name: value * factors.get(name, 1.0) for name, value in x.items()}
        assert scaled.score_one(larger) == pytest.approx(plain.score_one(x), rel=1e-9, abs=1e-9)
        plain.learn_one(x, y, weight)
        scaled.learn_one(larger, y, weight)


def test_normalized_learns_by_the_inputs_as_they_are_scaled_for_learning() -> None:
    """Before the statistics know an outlier it is a million deviations away; after it, one or two."""
    model = Perceptron(optimizer="normalized", learning_rate=0.5)
    for value, y in [(1.0, 0), (1.000001, 1), (1.0, 0), (9.0, 1), (1.0, 0), (9.0, 1)]:
        model.learn_one({"a": value}, y)
    assert model.weights["a"] > 0.3


@pytest.mark.parametrize(
    "parameters",
    [{}, {"options": {"start": 70}}, {"l1": 0.02}, {"l1": 0.02, "options": {"start": 70}}, {"l2": 0.1}],
)
def test_averaged_predicts_by_the_mean_of_the_weights(parameters: dict[str, Any]) -> None:
    start = parameters.get("options", {}).get("start", 0)
    averaged = Perceptron(optimizer="averaged", learning_rate=0.1, **parameters)
    plain = Perceptron(learning_rate=0.1, **{k: v for k, v in parameters.items() if k != "options"})
    total: dict[str, float] = defaultdict(float)
    for t, (x, y, weight) in enumerate(LEARNED, start=1):
        averaged.learn_one(x, y, weight)
        plain.learn_one(x, y, weight)
        for name, w in weights(plain).items():  # those that are not in the sample, too
            total[name] += w if t > start else 0.0
        mean = {name: total[name] / (t - start) for name in total} if t > start else weights(plain)
        del mean["bias"]
        assert averaged.weights == pytest.approx(mean, rel=1e-9, abs=1e-11)
    mean_bias = total["bias"] / (len(LEARNED) - start)
    assert averaged.bias == averaged.score_one({}) == pytest.approx(mean_bias, rel=1e-9)


def test_the_starting_sample_of_the_mean_may_come_as_a_float_that_is_whole() -> None:
    model, other = (Perceptron(optimizer="averaged", options={"start": start}) for start in (3, 3.0))
    for x, y, weight in LEARNED[:20]:
        model.learn_one(x, y, weight)
        other.learn_one(x, y, weight)
    assert model.weights == other.weights
    with pytest.raises(ValueError, match=r"start is 1\.5; a whole number was expected"):
        Perceptron(optimizer="averaged", options={"start": 1.5})


def test_ftrl_sets_weights_of_noise_to_0_and_keeps_the_others() -> None:
    model = Perceptron(optimizer="ftrl", learning_rate=0.5, l1=8.0, scale=False)
    for i, (x, y, weight) in enumerate(LEARNED):
        model.learn_one({"signal": 2 * y - 1, "noise": float(i % 2), **x}, y, weight)
    assert model.weights["noise"] == 0.0
    assert list(model.weights.values()).count(0.0) > 10
    assert model.weights["signal"] > 0.5
    assert model.bias != 0.0


@pytest.mark.parametrize(
    ("optimizer", "penalty"),
    [
        ("coin", {"l1": 0.5}),
        ("coin", {"l2": 5.0}),
        ("ftrl", {"l1": 20.0}),
        ("ftrl", {"l2": 20.0}),
        ("adadelta", {"l1": 0.5}),
        ("normalized", {"l1": 0.5}),
        ("normalized", {"l2": 5.0}),
    ],
)
def test_a_penalty_makes_weights_smaller(optimizer: str, penalty: dict[str, float]) -> None:
    free = Perceptron(optimizer=optimizer, learning_rate=0.1, scale=False)
    bound = Perceptron(optimizer=optimizer, learning_rate=0.1, scale=False, **penalty)
    for x, y, weight in LEARNED:
        free.learn_one(x, y, weight)
        bound.learn_one(x, y, weight)
    size, less = (sum(map(abs, model.weights.values())) for model in (free, bound))
    assert less < 0.8 * size
