"""Gradient descent over a data set: where it ends, why it stops, and what it refuses."""

from __future__ import annotations

import math
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from river.datasets import Phishing
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.preprocessing import StandardScaler

from perceptron_core import Perceptron, SampleRejected, registry
from perceptron_core.descent import Descent, Rule
from perceptron_core.fit import FitDiverged, fit
from perceptron_core.inputs import DataSet
from tests.core.samples import features

XOR = [{"a": 0.0, "b": 0.0}, {"a": 0.0, "b": 1.0}, {"a": 1.0, "b": 0.0}, {"a": 1.0, "b": 1.0}]
AND, OR = [0, 0, 0, 1], [0, 1, 1, 1]
MIXED = [
    {"age": 31, "country": "FR", "vip": True},
    {"age": 20, "country": "DE"},
    {"age": None, "country": "FR", "vip": False},
    {"age": 44},
]
TIGHT = {"gradient_tolerance": 1e-8, "cost_tolerance": 0.0, "max_epochs": 20_000}


def gaussian(n: int = 60, d: int = 3, seed: int = 0) -> tuple[Any, Any, Any]:
    random = np.random.default_rng(seed)
    x = random.normal(size=(n, d)) * [1.0, 5.0, 0.3][:d] + [0.0, 2.0, -1.0][:d]
    z = x @ [0.5, -0.3, 1.0][:d]
    noise = random.normal(size=n)
    return x, z + 0.3 * noise, (z + noise > 0).astype(float)


def test_least_squares_is_scikit_learns() -> None:
    x, y, _ = gaussian()
    found, theirs = fit(x, y, loss="squared", **TIGHT), LinearRegression().fit(x, y)
    assert found.reason == "gradient"
    assert [
        found.model.predict_one(dict(zip(("x1", "x2", "x3"), row, strict=True))) for row in x
    ] == pytest.approx(theirs.predict(x), abs=1e-6)


@pytest.mark.parametrize("weighted", [False, True])
def test_logistic_regression_is_scikit_learns(weighted: bool) -> None:
    x, _, y = gaussian()
    v = np.arange(1, len(y) + 1) / 50 if weighted else None
    found = fit(x, y, learning_rate=1.0, weights=v, **TIGHT)
    scaled = StandardScaler().fit_transform(x)
    theirs = LogisticRegression(C=1e14, tol=1e-12, max_iter=1000).fit(scaled, y, v)
    assert list(found.weights.values()) == pytest.approx(theirs.coef_[0], rel=1e-5)
    assert found.bias == pytest.approx(theirs.intercept_[0], rel=1e-5)


def test_the_penalty_is_ridges() -> None:
    x, y, _ = gaussian()
    found = fit(x, y, loss="squared", l2=0.4, **TIGHT)
    theirs = Ridge(alpha=0.2 * len(y), tol=1e-12).fit(StandardScaler().fit_transform(x), y)
    assert list(found.weights.values()) == pytest.approx(theirs.coef_, rel=1e-6)
    assert found.bias == pytest.approx(theirs.intercept_, rel=1e-6)


def test_a_data_set_is_fitted_as_river_reads_it() -> None:
    samples, labels = zip(*Phishing(), strict=True)
    found = fit(samples, labels, learning_rate=0.5, max_epochs=3000)
    table = np.array([list(features.values()) for features in samples])
    theirs = LogisticRegression(C=1e14, tol=1e-10).fit(StandardScaler().fit_transform(table), labels)
    assert list(found.weights) == list(samples[0])
    assert list(found.weights.values()) == pytest.approx(theirs.coef_[0], abs=0.02)


@pytest.mark.parametrize("labels", [AND, OR])
def test_rosenblatts_rule_separates_what_can_be_separated(labels: list[int]) -> None:
    found = fit(XOR, labels, loss="perceptron", scale=False, batch_size=1, seed=None, cost_tolerance=0.0)
    assert found.reason == "gradient"
    assert [found.model.predict_one(features) for features in XOR] == labels


PAIRS = [
    (loss, activation)
    for loss, part in registry.LOSSES.items()
    for activation in part.activations
    if not registry.learns_nothing(loss, activation)
]


@pytest.mark.parametrize(("loss", "activation"), PAIRS)
def test_the_gradient_of_the_cost_is_its_finite_difference(loss: str, activation: str) -> None:
    model = Perceptron(loss=loss, activation=activation, l2=0.3, scale=False)
    soft = 0.0 if loss == "perceptron" else 0.3  # Rosenblatt knows two classes
    y, v = np.array([0.0, 1.0, soft, 1.0]), np.array([1.0, 2.0, 0.5, 0.0])
    model.predict_learn_many(MIXED, y, np.zeros(4))
    samples = [{**x, "age": (x.get("age") or 7) / 40} for x in MIXED]
    data = DataSet.read(model, samples, y, v)
    descent = Descent(model, data, Rule(), None)
    w = np.linspace(-0.41, 0.57, data.d + 1)
    gradient = descent.gradient(data, w)
    for j in range(len(w)):
        h = np.zeros(len(w))
        h[j] = 1e-6
        slope = (descent.cost(w + h) - descent.cost(w - h)) / 2e-6
        assert gradient[j] == pytest.approx(slope, rel=1e-4, abs=1e-7)


@given(stream=st.lists(st.tuples(features, st.sampled_from([0.0, 1.0])), min_size=2, max_size=12))
@pytest.mark.filterwarnings("ignore")
def test_one_sample_a_step_is_what_a_perceptron_learns(stream: list[tuple[dict[Any, Any], float]]) -> None:
    samples, labels = [x for x, _ in stream], [y for _, y in stream]
    labels[:2] = [0.0, 1.0]
    online = Perceptron(learning_rate=0.01, scale=False, l2=0.1)
    online.predict_learn_many(samples, labels)
    rule = {"max_epochs": 1, "gradient_tolerance": 0.0, "cost_tolerance": 0.0}
    found = fit(samples, labels, learning_rate=0.01, scale=False, l2=0.1, batch_size=1, seed=None, **rule)
    assert found.model.bias == pytest.approx(online.bias, rel=1e-9, abs=1e-12)
    assert found.weights == pytest.approx(online.weights, rel=1e-9, abs=1e-12)
    assert found.model.version == online.version


@given(repeats=st.lists(st.integers(0, 3), min_size=4, max_size=4).filter(lambda r: r[0] and r[1]))
@pytest.mark.filterwarnings("ignore")
def test_a_sample_of_weight_k_counts_as_k_samples(repeats: list[int]) -> None:
    labels = [0.0, 1.0, 1.0, 0.0]
    how: Any = {"scale": False, "max_epochs": 5, "learning_rate": 0.001, "l2": 0.2}
    weighted = fit(MIXED, labels, weights=repeats, **how)
    rows = [row for row, count in enumerate(repeats) for _ in range(count)]
    repeated = fit([MIXED[row] for row in rows], [labels[row] for row in rows], **how)
    assert weighted.costs == pytest.approx(repeated.costs, rel=1e-12)
    assert weighted.bias == pytest.approx(repeated.bias, rel=1e-9, abs=1e-15)


@pytest.mark.filterwarnings("ignore:not converged")
def test_scaling_is_by_the_whole_data_set_and_the_model_goes_on_from_there() -> None:
    x, _, y = gaussian()
    found = fit(x, y)
    statistics = found.model.statistics["x2"]
    assert statistics["count"] == len(y)
    assert statistics["mean"] == pytest.approx(x[:, 1].mean())
    assert statistics["sd"] == pytest.approx(x[:, 1].std())
    assert found.model.dirty_blocks() == []
    before = found.weights
    found.model.learn_one({"x1": 3.0, "x2": 1.0, "new": 1}, 0)
    assert found.model.version == len(y) + 1
    assert found.weights.keys() - before.keys() == {"new"}


@pytest.mark.filterwarnings("ignore:not converged")
def test_what_descends_is_read_as_the_perceptron_reads_it() -> None:
    found = fit(MIXED, [0, 1, 1, 0], max_epochs=3, gradient_tolerance=0.0, scale=False, learning_rate=1e-3)
    model = Perceptron(scale=False)
    model.predict_learn_many(MIXED, [0, 1, 1, 0])
    assert list(found.weights) == list(model.weights)


@pytest.mark.filterwarnings("ignore:not converged")
def test_the_cost_falls_from_that_of_knowing_nothing() -> None:
    x, _, y = gaussian()
    found = fit(x, y)
    assert found.costs[0] == pytest.approx(math.log(2))
    assert (np.diff(found.costs) < 0).all()
    assert len(found.costs) == len(found.gradient_norms) == found.epochs + 1


def test_each_reason_to_stop() -> None:
    x, y, _ = gaussian()
    how: Any = {"loss": "squared", "gradient_tolerance": 0.0, "cost_tolerance": 0.0}
    assert fit(x, y, **{**how, "gradient_tolerance": 1e-3}).reason == "gradient"
    assert fit(x, y, **{**how, "cost_tolerance": 1e-3}).reason == "cost"
    small = fit(x, y, **how, batch_size=10, learning_rate=0.2, patience=4, max_epochs=5000)
    assert small.reason == "patience"
    assert small.epochs - int(np.argmin(small.costs)) == 4
    assert fit(x, y, **how, on_epoch=lambda epoch, cost, norm: epoch == 3).epochs == 3
    assert fit(x, y, **how, on_epoch=lambda epoch, cost, norm: epoch == 3).reason == "stopped"


def test_a_descent_that_has_not_converged_warns_with_how_far_it_got() -> None:
    x, _, y = gaussian()
    with pytest.warns(
        UserWarning, match="not converged in 2 epochs: .* more epochs or a larger learning_rate"
    ):
        found = fit(x, y, max_epochs=2)
    assert (found.reason, found.epochs) == ("epochs", 2)


def test_a_descent_uphill_is_named() -> None:
    x = np.array([[1.0], [-1.0]])
    with pytest.warns(UserWarning, match="learning_rate 1.001 may be too large"):
        fit(x, [1.0, -1.5], loss="squared", scale=False, learning_rate=1.001, max_epochs=20)


@pytest.mark.parametrize("batch_size", [None, 1])
def test_a_divergence_names_the_rate_and_what_to_try(batch_size: int | None) -> None:
    x, y, _ = gaussian()
    with pytest.raises(FitDiverged, match=r"learning_rate 0\.1 is too large .* try 0\.01") as caught:
        fit(100 * x, y, loss="squared", scale=False, batch_size=batch_size)
    assert caught.value.costs[-1] > caught.value.costs[0] or not math.isfinite(caught.value.costs[-1])


def test_mini_batches_are_shuffled_by_the_seed_alone() -> None:
    x, _, y = gaussian()
    how: Any = {"batch_size": 32, "max_epochs": 3, "gradient_tolerance": 0.0, "cost_tolerance": 0.0}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        first, again, other, in_order = (fit(x, y, seed=seed, **how) for seed in (1, 1, 2, None))
    assert first.model.hash() == again.model.hash()
    assert len({first.model.hash(), other.model.hash(), in_order.model.hash()}) == 3


def test_a_constant_feature_is_named_and_gets_no_weight() -> None:
    samples = [{**features, "same": 5.0, "text": "x"} for features in XOR]
    with pytest.warns(UserWarning, match="constant in every sample, so of no use: 'same', 'text=x'"):
        found = fit(samples, AND, learning_rate=1.0, max_epochs=20_000, gradient_tolerance=1e-3)
    assert found.constant == ("same", "text=x")
    assert found.weights["same"] == 0.0


def test_a_feature_that_only_some_carry_is_not_constant() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert fit([{"a": 1}, {}], [0, 1], scale=False, gradient_tolerance=0.1).constant == ()


def test_a_soft_or_a_constant_value_target_can_be_fitted() -> None:
    assert fit(XOR, [0.3] * 4, **TIGHT).model.predict_one({}) == pytest.approx(0.3)
    assert fit(XOR, [5.0] * 4, loss="squared", **TIGHT).bias == pytest.approx(5.0)


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ({"samples": [], "labels": []}, "there are no samples"),
        ({"labels": [0, 1]}, "4 samples, 2 labels and 4 weights: lengths differ"),
        ({"weights": [1.0]}, "4 samples, 4 labels and 1 weights"),
        ({"labels": [0, 1, math.nan, 1]}, "label of sample 2 is missing or NaN"),
        ({"labels": [0, 1, None, 1]}, "label of sample 2 is missing"),
        ({"labels": [0, 1, 2, 1]}, "label"),
        ({"labels": [0, 1, math.inf, 1]}, "label"),
        ({"labels": [1, 1, 1, 1]}, "all labels are 1: at least one sample of the other class"),
        ({"labels": [0, 0, 0, 0], "loss": "hinge"}, "all labels are 0"),
        ({"weights": [0.0] * 4}, "all sample weights are 0"),
        ({"weights": [1.0, 1.0, -1.0, 1.0]}, "a weight is not a finite number"),
        ({"weights": [1.0, math.inf, 1.0, 1.0]}, "a weight is not a finite number"),
        ({"samples": np.zeros(4)}, r"shape \(n, d\)"),
        ({"learning_rate": 0.0}, "learning_rate"),
        ({"batch_size": 0}, "batch_size"),
        ({"max_epochs": 0}, "max_epochs"),
        ({"patience": 0}, "patience"),
        ({"gradient_tolerance": -1.0}, "gradient_tolerance"),
        ({"cost_tolerance": math.nan}, "cost_tolerance"),
        ({"loss": "nix"}, "nix"),
        ({"loss": "log", "activation": "identity"}, "needs activation sigmoid"),
    ],
)
def test_what_can_not_be_fitted_is_refused_by_name(how: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        fit(**{"samples": XOR, "labels": AND, **how})


@pytest.mark.parametrize(
    ("samples", "told"),
    [
        (np.array([[1.0], [math.nan]]), "sample 1: feature 'x1' is nan"),
        ([{"a": 1}, {"a": [1]}], "sample 1: feature 'a' is of type list"),
        ([[1.0], [2.0]], "sample 0: a dict of features was expected, not list"),
    ],
)
def test_a_sample_that_can_not_be_used_is_named(samples: Any, told: str) -> None:
    with pytest.raises(SampleRejected) as caught:
        fit(samples, [0, 1])
    assert told in str(caught.value)


@pytest.mark.filterwarnings("ignore:not converged")
def test_more_features_than_a_block_keep_their_weights() -> None:
    x, y = np.eye(600), np.arange(600) % 2
    found = fit(x, y, scale=False, batch_size=1, seed=None, max_epochs=1, gradient_tolerance=0.0)
    online = Perceptron(scale=False, learning_rate=0.1)
    online.predict_learn_many([{f"x{j}": float(i == j) for j in range(1, 601)} for i in range(1, 601)], y)
    assert found.model.hash() == online.hash()


@pytest.mark.filterwarnings("ignore:not converged")
@pytest.mark.parametrize(("columns", "width"), [(2, 1760), (3, 880)])
def test_the_boundary_is_drawn_for_two_features_only(tmp_path: Path, columns: int, width: int) -> None:
    pytest.importorskip("matplotlib")
    from matplotlib.image import imread

    from perceptron_core.fit_plot import plot

    x, _, y = gaussian(d=columns)
    plot(fit(x, y), tmp_path / "fit.png", x, y)
    picture = imread(tmp_path / "fit.png")
    assert picture.shape[1] == width
    assert len(np.unique(picture.reshape(-1, picture.shape[2]), axis=0)) > 50


def test_a_fit_with_nothing_to_scatter_is_drawn_by_its_cost(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    from perceptron_core.fit_plot import plot

    plot(fit(XOR, AND, gradient_tolerance=0.1), tmp_path / "fit.svg")
    plot(fit(XOR, [2.0] * 4, loss="squared"), tmp_path / "flat.svg", XOR, [2.0] * 4)
    assert b"<svg" in (tmp_path / "fit.svg").read_bytes()
    assert b"<svg" in (tmp_path / "flat.svg").read_bytes()
