"""With the perceptron loss and rate 1 the neuron is Rosenblatt's."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perceptron_core import Perceptron

integers = st.integers(-9, 9)
samples = st.lists(st.tuples(st.dictionaries(st.sampled_from("abcd"), integers), st.booleans()), max_size=40)


class Rosenblatt:
    """His algorithm (1958) in whole numbers: at a mistake, add the inputs or take them away."""

    def __init__(self) -> None:
        self.w: dict[str, int] = {}
        self.b = 0

    def predict(self, x: dict[str, int]) -> int:
        return int(sum(self.w.get(name, 0) * value for name, value in x.items()) + self.b > 0)

    def learn(self, x: dict[str, int], y: int) -> None:
        error = y - self.predict(x)
        self.w = {name: self.w.get(name, 0) + error * x.get(name, 0) for name in {**self.w, **x}}
        self.b += error


def neuron() -> Perceptron:
    return Perceptron("perceptron", learning_rate=1, scale=False)


@given(samples=samples)
def test_every_step_is_his(samples: list[tuple[dict[str, int], bool]]) -> None:
    ours, his = neuron(), Rosenblatt()
    for x, y in samples:
        assert ours.predict_one(x) == his.predict(x)
        ours.learn_one(x, y)
        his.learn(x, int(y))
        assert (ours.weights, ours.bias) == (his.w, his.b)


@pytest.mark.parametrize("seed", range(5))
def test_it_makes_no_more_mistakes_than_the_convergence_theorem_allows(seed: int) -> None:
    """Novikoff (1962): at most (R/γ)² of them, R the longest input, γ the margin of a unit vector."""
    random_ = random.Random(seed)
    points = [{"a": random_.uniform(-1, 1), "b": random_.uniform(-1, 1)} for _ in range(400)]
    margin = 0.1
    points = [p for p in points if abs(0.6 * p["a"] - 0.8 * p["b"]) > margin]
    labelled = [(p, 0.6 * p["a"] - 0.8 * p["b"] > 0) for p in points]
    model = neuron()
    mistakes = clean = 0
    for step in range(10_000):
        x, y = labelled[step % len(labelled)]
        wrong = model.predict_one(x) != y
        mistakes += wrong
        clean = 0 if wrong else clean + 1
        model.learn_one(x, y)
        if clean == len(labelled):
            break
    assert clean == len(labelled)
    assert mistakes <= (1 + 2) / margin**2  # R² ≤ 1 + 1 + 1, the bias's input among them


def test_exclusive_or_is_never_learned() -> None:
    model = neuron()
    samples = [({"a": a, "b": b}, a != b) for a in (0, 1) for b in (0, 1)]
    for _ in range(200):
        for x, y in samples:
            model.learn_one(x, y)
    assert [model.predict_one(x) for x, _ in samples] != [float(y) for _, y in samples]
