"""The learners that need no learning rate: what they promise, whatever the data."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perceptron_core import Perceptron
from perceptron_core.kernel import Identity, LogLoss, Loss, Sigmoid, SquaredLoss
from tests.core.samples import features, labels, state, streams

LEARNERS = ("auto", "ladder")
VALUE_LOSSES = ("squared", "absolute", "huber", "quantile", "epsilon_insensitive")

Floats = npt.NDArray[np.float64]
Stream = tuple[Floats, Floats]

learner = pytest.mark.parametrize("learner", LEARNERS)
loss = pytest.mark.parametrize("loss", ["log", "squared"])
sizes = st.sampled_from([0.0, 1e-320, 1e-200, 1e-9, 1.0, 1e9, 1e30, 1e200, 1e308])
wild = st.dictionaries(
    st.sampled_from("abc"), st.builds(lambda x, sign: x * sign, sizes, st.sampled_from([-1.0, 1.0]))
)
wild_streams = st.lists(
    st.tuples(wild, sizes, st.sampled_from([0.0, 1e-9, 1.0, 7.0, 1e9, 1e308])), max_size=30
)


def stream(loss: str, rows: int = 600, seed: int = 5) -> Stream:
    """Return inputs far from 0, of different sizes, and labels that depend on them."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(rows, 4))
    score = x @ [1.5, -1.0, 0.5, 0.0] + random.logistic(size=rows)
    y = (score > 0.0).astype(float) if loss == "log" else 40.0 + 3.0 * score
    return x * [1.0, 1e-3, 50.0, 7.0] + [3.0, 0.0, -200.0, 1.0], y


def as_samples(x: Floats) -> list[dict[Any, Any]]:
    """Return a dict for each row; what is NaN is left out."""
    return [{f"x{j}": v for j, v in enumerate(row) if v == v} for row in x.tolist()]


def predictions(learner: str, loss: str, x: Floats, y: Floats) -> Floats:
    """Return the predictions of a fresh model, each made before it learned the row."""
    return Perceptron(loss=loss, learning_rate=learner).predict_learn_many(as_samples(x), y)


def mean_loss(loss: str, found: Floats, y: Floats) -> float:
    """Return the log loss, or the root mean square error."""
    if loss == "log":
        return float(-np.mean(np.log(np.clip(np.where(y == 1.0, found, 1.0 - found), 1e-6, 1.0))))
    return float(np.sqrt(np.mean((found - y) ** 2)))


def running(loss: str, y: Floats) -> Floats:
    """Return what who sees labels only would predict."""
    count, total = np.arange(len(y)), np.cumsum(y) - y
    return (total + 0.5) / (count + 1.0) if loss == "log" else total / np.maximum(count, 1)


def standardised(model: Perceptron, sample: dict[Any, Any]) -> dict[str, float]:
    """Return x̃ by the statistics as they are."""
    known = {name: model.statistics[name] for name in sample}
    scaled = {
        n: (x - known[n]["centre"]) / known[n]["scale"] if known[n]["scale"] else 0.0
        for n, x in sample.items()
    }
    return {name: min(max(x, -5.0), 5.0) for name, x in scaled.items()}


# Scales


@learner
@loss
def test_a_unit_that_is_a_power_of_two_changes_no_bit(learner: str, loss: str) -> None:
    x, y = stream(loss)
    units = 2.0 ** np.array([-40, 3, 17, 30])
    assert predictions(learner, loss, x * units, y).tobytes() == predictions(learner, loss, x, y).tobytes()


@learner
@loss
def test_any_other_unit_hardly_changes_the_loss(learner: str, loss: str) -> None:
    x, y = stream(loss)
    before = mean_loss(loss, predictions(learner, loss, x, y), y)
    after = mean_loss(loss, predictions(learner, loss, x * [3.0, 1e-7, 1e7, 0.1], y), y)
    assert after == pytest.approx(before, rel=1e-4)


@learner
@pytest.mark.parametrize(
    "value_loss", ["squared", "absolute", "quantile"]
)  # without δ or ε, which are labels
@pytest.mark.parametrize("factor", [0.25, 1024.0])
def test_the_unit_of_labels_scales_predictions_and_nothing_else(
    learner: str, value_loss: str, factor: float
) -> None:
    x, y = stream("squared")
    assert np.array_equal(
        predictions(learner, value_loss, x, factor * y), factor * predictions(learner, value_loss, x, y)
    )


# Trouble


@learner
@loss
def test_a_wild_first_row_is_forgotten(learner: str, loss: str) -> None:
    x, y = stream(loss, 1200)
    clean = mean_loss(loss, predictions(learner, loss, x, y)[300:], y[300:])
    x[0] = 1e12
    assert mean_loss(loss, predictions(learner, loss, x, y)[300:], y[300:]) < 1.05 * clean


@learner
@pytest.mark.parametrize("row", [0, 100])
def test_a_wild_target_is_forgotten(learner: str, row: int) -> None:
    x, y = stream("squared", 3000)
    clean = mean_loss("squared", predictions(learner, "squared", x, y)[1500:], y[1500:])
    y[row] = 1e9
    assert mean_loss("squared", predictions(learner, "squared", x, y)[1500:], y[1500:]) < 1.1 * clean


@learner
@loss
@given(stream=wild_streams)
def test_no_input_makes_anything_infinite(
    learner: str, loss: str, stream: list[tuple[dict[Any, Any], float, float]]
) -> None:
    model = Perceptron(loss=loss, learning_rate=learner)
    columns = [list(column) for column in zip(*stream, strict=True)] or [[], [], []]
    columns[1] = [float(y > 1.0) if loss == "log" else y for y in columns[1]]
    refused: list[Any] = []
    found = model.predict_learn_many(*columns, rejections=refused)
    taken = np.setdiff1d(np.arange(len(found)), [index for index, _ in refused])
    assert np.isfinite(found[taken]).all()
    assert model.version == len(taken)
    assert all(map(math.isfinite, [model.bias, *model.weights.values()]))


@learner
def test_large_numbers_are_taken_in(learner: str) -> None:
    model = Perceptron(learning_rate=learner)
    for size in (1e308, -1e308, 1e200, 5e-324, 1.0):
        model.learn_one({"a": size, "b": 1.0}, 1.0)
    assert model.version == 5


@learner
@pytest.mark.parametrize("value_loss", VALUE_LOSSES)
def test_labels_that_are_all_the_same_are_predicted(learner: str, value_loss: str) -> None:
    x, _ = stream("squared", 50)
    found = predictions(learner, value_loss, x, np.full(50, 7.5))
    assert found[0] == 0.0
    assert (found[1:] == 7.5).all()


# Quality


@learner
@loss
def test_it_learns_what_is_to_be_learned(learner: str, loss: str) -> None:
    x, y = stream(loss, 2000)
    base = mean_loss(loss, running(loss, y)[1:], y[1:])
    assert mean_loss(loss, predictions(learner, loss, x, y)[1:], y[1:]) < 0.8 * base


@learner
@pytest.mark.parametrize("value_loss", VALUE_LOSSES)
def test_every_loss_of_values_is_learned(learner: str, value_loss: str) -> None:
    x, y = stream("squared", 2000)
    found = predictions(learner, value_loss, x, y)
    assert np.abs(found - y)[500:].mean() < 0.9 * np.abs(running("squared", y) - y)[500:].mean()


@learner
def test_a_quantile_is_met(learner: str) -> None:
    x, y = stream("squared", 4000)
    model = Perceptron(loss="quantile", learning_rate=learner, options={"tau": 0.8})
    found = model.predict_learn_many(as_samples(x), y)
    assert np.mean(y[1000:] <= found[1000:]) == pytest.approx(0.8, abs=0.05)


@learner
@loss
def test_noise_costs_no_more_than_two_percent(learner: str, loss: str) -> None:
    x, y = stream(loss, 1500)
    y = np.random.default_rng(1).permutation(y)
    base = mean_loss(loss, running(loss, y)[1:], y[1:])
    assert mean_loss(loss, predictions(learner, loss, x, y)[1:], y[1:]) < 1.02 * base


@learner
@loss
def test_a_change_is_followed(learner: str, loss: str) -> None:
    x, y = stream(loss, 4000)
    y[2000:] = (1.0 if loss == "log" else 80.0) - y[2000:]
    found = predictions(learner, loss, x, y)
    before, after = slice(1000, 2000), slice(3000, 4000)
    assert mean_loss(loss, found[after], y[after]) < 1.15 * mean_loss(loss, found[before], y[before])


@learner
@pytest.mark.parametrize(
    ("loss", "activation"), [("hinge", "sigmoid"), ("squared", "sigmoid"), ("poisson", "exp")]
)
def test_other_losses_are_learned_too(learner: str, loss: str, activation: str) -> None:
    x, y = stream("log", 2000)
    found = Perceptron(loss=loss, activation=activation, learning_rate=learner).predict_learn_many(
        as_samples(x), y
    )
    assert np.corrcoef(found[500:], y[500:])[0, 1] > 0.4


# State


@learner
@loss
@given(stream=streams, cuts=st.lists(st.integers(0, 25)))
def test_cuts_and_predictions_change_no_bit(
    learner: str, loss: str, stream: list[tuple[dict[Any, Any], float | None, float]], cuts: list[int]
) -> None:
    whole, parts = (Perceptron(loss=loss, learning_rate=learner) for _ in range(2))
    columns = [list(column) for column in zip(*stream, strict=True)] or [[], [], []]
    together = whole.predict_learn_many(*columns)
    apart = []
    for start, end in zip([0, *sorted(cuts)], [*sorted(cuts), len(stream)], strict=True):
        for sample in columns[0]:
            parts.predict_one(sample)
        apart.append(parts.predict_learn_many(*(column[start:end] for column in columns)))
    assert np.concatenate(apart).tobytes() == together.tobytes()
    assert state(parts) == state(whole)


@learner
@loss
@given(sample=features, label=labels.filter(lambda y: y is not None))
def test_a_weight_of_0_changes_no_weight(
    learner: str, loss: str, sample: dict[Any, Any], label: float
) -> None:
    model = Perceptron(loss=loss, learning_rate=learner)
    x, y = stream(loss, 60)
    model.predict_learn_many(as_samples(x), y)
    model.learn_one(sample, label)
    before = (model.bias, model.weights)
    model.learn_one(sample, label, 0.0)
    assert (model.bias, model.weights) == before


@learner
@loss
def test_a_larger_weight_pulls_further(learner: str, loss: str) -> None:
    x, y = stream(loss, 60)
    found = []
    for weight in (0.5, 1.0, 4.0):
        model = Perceptron(loss=loss, learning_rate=learner)
        model.predict_learn_many(as_samples(x), y)
        model.learn_one({"new": "text"}, y.max(), weight)
        found.append(model.weights["new=text"])
    assert 0.0 < found[0] < found[1] < found[2]


@loss
def test_the_score_of_auto_is_linear(loss: str) -> None:
    x, y = stream(loss, 400)
    model = Perceptron(loss=loss, learning_rate="auto")
    model.predict_learn_many(as_samples(x), y)
    sample = as_samples(x)[7]
    scaled = standardised(model, sample)
    z = model.bias + sum(model.weights[name] * scaled[name] for name in sample)
    assert model.score_one(sample) == pytest.approx(z, rel=1e-9)


def test_the_score_of_ladder_is_the_logit_of_the_mean_probability() -> None:
    x, y = stream("log", 400)
    model = Perceptron(learning_rate="ladder")
    model.predict_learn_many(as_samples(x), y)
    learned, count, table, bias = model._neuron.facts()
    optimizer, scalars = model._neuron.optimizer, bias[5:]
    sample = as_samples(x)[7]
    inputs = np.array([1.0, *standardised(model, sample).values()])
    rows = np.vstack([bias[:5], table[:count, :5]])
    z = np.append(
        inputs @ optimizer.weights_by_rate(rows, scalars), math.log((scalars[7] + 0.5) / (scalars[6] + 0.5))
    )
    probability = optimizer.shares(scalars, learned) @ (1.0 / (1.0 + np.exp(-z)))
    assert model.predict_one(sample) == pytest.approx(probability, rel=1e-9)
    assert optimizer.shares(scalars, learned).sum() == pytest.approx(1.0)


# The scaler


def scaled_stream(x: Floats) -> Perceptron:
    """Return a model that has seen the rows."""
    model = Perceptron(learning_rate="auto")
    model.predict_learn_many(as_samples(x), np.arange(len(x)) % 2.0)
    return model


def test_what_is_always_there_is_standardised() -> None:
    x = np.random.default_rng(2).uniform(3.0, 9.0, size=(90, 1))
    found = scaled_stream(x).statistics["x0"]
    assert found == {
        "count": 90.0,
        "centre": pytest.approx(x.mean()),
        "scale": pytest.approx(x.std()),
    }


def test_a_constant_says_nothing_and_a_rare_constant_says_that_it_is_there() -> None:
    x = np.full((100, 2), 2.5)
    x[np.arange(100) % 5 > 0, 1] = np.nan
    model = scaled_stream(x)
    assert model.statistics["x0"]["scale"] == 0.0
    assert model.statistics["x1"] == {"count": 20.0, "centre": 0.0, "scale": 2.5}
    assert model.weights["x0"] == 0.0


def test_a_feature_that_appears_late_and_stays_is_standardised() -> None:
    x = np.random.default_rng(3).normal(40.0, 2.0, size=(3000, 1))
    x[:1000] = np.nan
    found = scaled_stream(x).statistics["x0"]
    assert found["centre"] == pytest.approx(40.0, abs=0.3)
    assert found["scale"] == pytest.approx(2.0, rel=0.1)


def test_absence_lies_below_the_mean_by_how_rare_the_feature_is() -> None:
    x = np.random.default_rng(4).normal(50.0, 2.0, size=(120, 1))
    x[::4] = np.nan
    found, seen = scaled_stream(x).statistics["x0"], x[x == x]
    below = 2.0 / 3.0
    assert found["centre"] == pytest.approx(seen.mean() - below * seen.std())
    assert found["scale"] == pytest.approx(seen.std() * math.sqrt(1.0 + below**2))


def test_what_lies_behind_two_blocks_is_forgotten() -> None:
    x = np.random.default_rng(5).normal(size=(97, 1))
    x[0] = 1e12
    assert scaled_stream(x[:96]).statistics["x0"]["scale"] > 1e10
    found = scaled_stream(x).statistics["x0"]
    assert found["centre"] == pytest.approx(x[32:].mean())
    assert found["scale"] == pytest.approx(x[32:].std())


# Implicit steps


@pytest.mark.parametrize(("loss", "activation"), [(LogLoss(), Sigmoid()), (SquaredLoss(), Identity())])
@given(y=st.sampled_from([0.0, 0.3, 1.0]), z=st.floats(-50.0, 50.0), h=st.floats(0.0, 1e4))
def test_the_gradient_is_that_at_the_end_of_the_step(
    loss: Loss, activation: Any, y: float, z: float, h: float
) -> None:
    g = loss.implicit(activation, y, z, h)
    end = z - h * g
    slope = activation.slope(end) if isinstance(loss, LogLoss) else 2.0
    assert (g - loss.gradient(activation, y, end)) / (1.0 + h * slope) == pytest.approx(0.0, abs=1e-5)


# Losses of values in their own unit


def values(loss: str, spread: float, **options: float) -> npt.NDArray[np.float64]:
    """Return the predictions of labels with this spread."""
    random = np.random.default_rng(8)
    x = random.normal(size=(400, 3))
    y = spread * (x @ np.array([1.0, -2.0, 0.5]) + random.standard_t(2, size=400))
    model = Perceptron(loss=loss, learning_rate="auto", options=options)
    return model.predict_learn_many([dict(zip("abc", row, strict=True)) for row in x.tolist()], y.tolist())


@pytest.mark.parametrize("delta", [1e-3, 0.5, 1e3])
def test_the_unit_of_the_label_does_not_matter_to_huber(delta: float) -> None:
    scaled = values("huber", 1024.0, delta=1024.0 * delta)
    assert scaled.tobytes() == (1024.0 * values("huber", 1.0, delta=delta)).tobytes()


def test_huber_with_a_small_delta_learns_as_the_absolute_loss_does() -> None:
    found = values("huber", 1.0, delta=1e-7)
    assert found == pytest.approx(values("absolute", 1.0), abs=1e-3)


@learner
def test_the_weights_are_those_of_each_rate_by_its_share(learner: str) -> None:
    model = Perceptron(learning_rate=learner)
    x, y = stream("log")
    model.predict_learn_many(as_samples(x), y)
    for name, weight in model.weights.items():
        mixed = sum(model.rate_shares[rate] * own[name] for rate, own in model.weights_by_rate.items())
        assert mixed == pytest.approx(weight, rel=1e-12)


def test_where_there_is_one_rate_nothing_is_shown_by_rate() -> None:
    model = Perceptron(learning_rate=0.1)
    assert (model.weights_by_rate, model.rate_shares) == ({}, {})
