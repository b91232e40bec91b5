"""The metrics are river's, in any batches and across a restart."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from river import metrics as river_metrics

from perceptron_core.metrics import BinaryMetrics, RegressionMetrics

probabilities = st.floats(0, 1) | st.sampled_from([0.0, 0.5, 1.0])
binary_pairs = st.lists(st.tuples(st.sampled_from([0.0, 1.0]), probabilities), max_size=40)
numbers = st.integers(-1000, 1000).map(lambda number: number / 8)
number_pairs = st.lists(st.tuples(numbers, numbers), max_size=40)
KINDS = [pytest.param(BinaryMetrics, id="binary"), pytest.param(RegressionMetrics, id="regression")]


def arrays(pairs: list[tuple[float, float]]) -> tuple[Any, Any]:
    columns = np.array(pairs, dtype=np.float64).reshape(-1, 2).T
    return np.ascontiguousarray(columns[0]), np.ascontiguousarray(columns[1])


def assert_close(ours: dict[str, float], theirs: dict[str, float]) -> None:
    assert set(ours) == {"samples", *theirs}
    for name, value in theirs.items():
        assert abs(ours[name] - value) <= 1e-9 * max(1.0, abs(value)), name


@given(pairs=binary_pairs)
def test_binary_metrics_are_rivers(pairs: list[tuple[float, float]]) -> None:
    theirs = {
        "accuracy": river_metrics.Accuracy(),
        "log_loss": river_metrics.LogLoss(),
        "f1": river_metrics.F1(),
        "precision": river_metrics.Precision(),
        "recall": river_metrics.Recall(),
    }
    for y, p in pairs:
        for name, metric in theirs.items():
            metric.update(y == 1.0, {False: 1.0 - p, True: p} if name == "log_loss" else p > 0.5)
    ours = BinaryMetrics()
    ours.update(*arrays(pairs))
    assert ours.values()["samples"] == len(pairs)
    assert_close(ours.values(), {name: metric.get() for name, metric in theirs.items()})


@given(pairs=number_pairs)
def test_regression_metrics_are_rivers(pairs: list[tuple[float, float]]) -> None:
    theirs = {
        "mae": river_metrics.MAE(),
        "mse": river_metrics.MSE(),
        "rmse": river_metrics.RMSE(),
        "r2": river_metrics.R2(),
    }
    for y, prediction in pairs:
        for metric in theirs.values():
            metric.update(y, prediction)
    ours = RegressionMetrics()
    ours.update(*arrays(pairs))
    assert_close(ours.values(), {name: metric.get() for name, metric in theirs.items()})


@pytest.mark.parametrize("kind", KINDS)
@given(pairs=binary_pairs, cut=st.integers(0, 40))
def test_batches_and_restarts_change_no_bit(kind: Any, pairs: list[tuple[float, float]], cut: int) -> None:
    whole, first, second = kind(), kind(), kind()
    whole.update(*arrays(pairs))
    first.update(*arrays(pairs[:cut]))
    second.load(first.state())
    assert second.values() == first.values()
    second.update(*arrays(pairs[cut:]))
    assert second.state() == whole.state()


@pytest.mark.parametrize("kind", KINDS)
@given(pairs=binary_pairs)
def test_unlabelled_and_refused_samples_do_not_count(kind: Any, pairs: list[tuple[float, float]]) -> None:
    plain, with_gaps = kind(), kind()
    plain.update(*arrays(pairs))
    gaps = [entry for pair in pairs for entry in (pair, (math.nan, 0.3), (1.0, math.nan))]
    with_gaps.update(*arrays(gaps))
    assert with_gaps.state() == plain.state()


@pytest.mark.parametrize("kind", KINDS)
def test_without_samples_every_metric_is_0(kind: Any) -> None:
    assert set(kind().values().values()) == {0.0}


@pytest.mark.parametrize("kind", KINDS)
def test_a_state_of_another_length_is_refused(kind: Any) -> None:
    with pytest.raises(ValueError, match="unpack"):
        kind().load([1.0])


@pytest.mark.parametrize("kind", KINDS)
@example(earlier=[(0.0, 0.0)], later=[(0.125, 0.0), (0.125, 0.0)])  # r2 was -1.8e16: labels that do not vary
@given(earlier=number_pairs, later=number_pairs)
def test_the_metrics_since_a_state_are_those_of_the_samples_after_it(
    kind: Any, earlier: list[tuple[float, float]], later: list[tuple[float, float]]
) -> None:
    if kind is BinaryMetrics:
        earlier, later = ([(float(y > 0), 1 / (1 + p * p)) for y, p in pairs] for pairs in (earlier, later))
    whole, alone = kind(), kind()
    whole.update(*arrays(earlier))
    state = whole.state()
    whole.update(*arrays(later))
    alone.update(*arrays(later))
    assert whole.since(state).values() == pytest.approx(alone.values(), rel=1e-6, abs=1e-6)
