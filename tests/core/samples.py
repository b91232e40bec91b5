"""Samples for the core's tests: mixed, drawn by hypothesis or by a seed."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import strategies as st

from perceptron_core import Perceptron, SampleRejected, registry

NAMES = ["a", "b", "c", "a=x", "d"]
values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-50, 50),
    st.floats(-1e3, 1e3),
    st.sampled_from(["x", "y", ""]),
)
features = st.dictionaries(st.sampled_from(NAMES), values, max_size=5)
labels = st.sampled_from([0.0, 1.0, None])
weights = st.sampled_from([1.0, 0.0, 0.5, 3.0])
streams = st.lists(st.tuples(features, labels, weights), max_size=25)

PAIRS = [
    (loss, activation)
    for loss, part in registry.LOSSES.items()
    for activation in part.activations
    if not registry.learns_nothing(loss, activation)
]


@st.composite
def parameters(draw: st.DrawFn) -> dict[str, Any]:
    """Draw what a neuron is made of."""
    loss, activation = draw(st.sampled_from(PAIRS))
    scale = draw(st.sampled_from([True, False, *registry.SCALERS]))
    parts = {"loss": loss, "activation": activation, "scale": scale}
    if draw(st.integers(0, 4)) == 0:
        return parts | {"learning_rate": draw(st.sampled_from([*registry.WITHOUT_RATE]))}
    return parts | {
        "optimizer": draw(st.sampled_from([*registry.OPTIMIZERS])),
        "schedule": draw(st.sampled_from([*registry.SCHEDULES])),
        "learning_rate": draw(st.sampled_from([0.01, 0.2])),
        "intercept_learning_rate": draw(st.sampled_from([None, 0.1])),
        "l1": draw(st.sampled_from([0.0, 0.01])),
        "l2": draw(st.sampled_from([0.0, 0.1])),
    }


REFUSED: dict[str, tuple[dict[Any, Any], str]] = {
    "a list": ({"a": 1.0, "b": [1]}, "wrong_type"),
    "bytes": ({"a": 1.0, "b": b"1"}, "wrong_type"),
    "a complex number": ({"b": 1j}, "wrong_type"),
    "a name that UTF-8 can't write": ({"a": 1.0, "\ud800": 1.0}, "wrong_type"),
    "a text that UTF-8 can't write": ({"a": "\ud800"}, "wrong_type"),
    "a name not equal to itself": ({float("nan"): 1.0}, "wrong_type"),
    "NaN": ({"a": 1.0, "b": float("nan")}, "not_finite"),
    "infinity": ({"b": float("-inf")}, "not_finite"),
    "an integer beyond a double": ({"b": 10**400}, "not_finite"),
    "a long name": ({"a": 1.0, "n" * 257: 1.0}, "too_large"),
    "a long text": ({"a": "é" * 128}, "too_large"),
    "more features than the bound": ({f"w{i}": 1.0 for i in range(41)}, "too_many_features"),
}


def mixed(count: int, seed: int = 0, names: int = 12) -> list[tuple[dict[Any, Any], float | None, float]]:
    """Return samples of numbers, texts, booleans and gaps, some without a label."""
    random_ = random.Random(seed)

    def value() -> Any:
        return random_.choice(
            [
                random_.gauss(3, 5),
                random_.gauss(0, 1e-3),
                random_.randint(-3, 3),
                True,
                random_.choice("xyz"),
                None,
            ]
        )

    def sample() -> dict[Any, Any]:
        return {f"f{j}": value() for j in random_.sample(range(names), random_.randint(0, min(names, 8)))}

    return [
        (sample(), random_.choice([0.0, 1.0, None]), random_.choice([1.0, 0.25, 2.0])) for _ in range(count)
    ]


def feed(model: Any, stream: list[tuple[dict[Any, Any], float | None, float]]) -> list[float | None]:
    """Predict, then learn, one by one; return the predictions, None where a sample was refused."""
    return [_feed_one(model, *sample) for sample in stream]


def _feed_one(model: Any, x: dict[Any, Any], y: float | None, weight: float) -> float | None:
    try:
        prediction: float = model.predict_one(x)
        if y is not None:
            model.learn_one(x, y, weight)
    except SampleRejected:
        return None
    return prediction


def state(model: Perceptron) -> tuple[Any, ...]:
    """Return all that a model holds."""
    count = -(-model.n_features // 256)
    blocks = [(number, model.names(number), model.block(number)) for number in range(count)]
    return model.version, model.scalars(), blocks, model.hash()
