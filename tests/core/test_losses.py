"""Losses against other libraries, on their kinks, at the ends of the doubles, and solved implicitly."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from river import optim
from sklearn import _loss as sklearn_losses

from perceptron_core import kernel, registry
from perceptron_core.registry import LOSSES, make_activation, make_loss, target_range
from tests.core.river_losses import OPTIONS, RIVERS

PAIRS = [(loss, activation) for loss, part in LOSSES.items() for activation in part.activations]
CONVEX = [
    (loss, activation)
    for loss, activation in PAIRS
    if loss in ("log", "poisson") or make_loss(loss).of_score or activation == "identity"
]
LARGEST = 1.7976931348623157e308


def parts(loss: str, activation: str | None = None) -> tuple[kernel.Loss, kernel.Activation]:
    name = activation or registry.own_activation(loss)
    return make_loss(loss, OPTIONS.get(loss), name), make_activation(name)


def targets(loss: str, activation: str | None = None) -> Any:
    low, high = target_range(loss, activation or registry.own_activation(loss))
    return st.floats(max(low, -9.0), min(high, 9.0))


def is_of_classes(loss: str) -> bool:
    return registry.own_activation(loss) in ("sigmoid", "step")


@pytest.mark.parametrize("loss", RIVERS)
@given(data=st.data(), z=st.floats(-17, 17))
def test_loss_and_gradient_are_rivers(loss: str, data: st.DataObject, z: float) -> None:
    ours, activation = parts(loss)
    y = data.draw(st.sampled_from([0.0, 1.0]) if is_of_classes(loss) else targets(loss))
    assume(loss != "epsilon_insensitive" or abs(abs(z - y) - 0.2) > 1e-9)  # y + ε is rounded, and y − ŷ
    assert ours.cost(activation, y, z) == pytest.approx(RIVERS[loss](y, z), rel=1e-7, abs=1e-9)
    assert ours.gradient(activation, y, z) == pytest.approx(RIVERS[loss].gradient(y, z), rel=1e-12, abs=1e-13)


def test_rivers_epsilon_insensitive_loss_takes_a_value_for_a_class() -> None:
    assert optim.losses.EpsilonInsensitiveHinge(0.1)(3.0, 3.0) == pytest.approx(1.9)  # of a perfect guess
    assert kernel.EpsilonInsensitiveLoss(0.1).value(3.0, 3.0) == 0.0


SKLEARNS = {
    "squared": (sklearn_losses.HalfSquaredError(), 2.0),
    "log": (sklearn_losses.HalfBinomialLoss(), 1.0),
    "absolute": (sklearn_losses.AbsoluteError(), 1.0),
    "huber": (sklearn_losses.HuberLoss(delta=0.7), 1.0),
    "quantile": (sklearn_losses.PinballLoss(quantile=0.3), 1.0),
    "poisson": (sklearn_losses.HalfPoissonLoss(), 1.0),
}
"""With the factor by which ours is larger: scikit-learn halves the square."""


@pytest.mark.parametrize("loss", SKLEARNS)
@given(data=st.data(), z=st.floats(-17, 17))
def test_loss_and_gradient_are_scikit_learns(loss: str, data: st.DataObject, z: float) -> None:
    ours, activation = parts(loss)
    theirs, factor = SKLEARNS[loss]
    y = data.draw(targets(loss))
    assume(registry.own_activation(loss) != "identity" or abs(z - y) > 1e-9)  # scikit-learn's kinks differ
    arrays = (np.array([y]), np.array([z]))
    assert ours.cost(activation, y, z) == pytest.approx(factor * theirs.loss(*arrays)[0], rel=1e-7, abs=1e-9)
    expected = factor * theirs.gradient(*arrays)[0]
    assert ours.gradient(activation, y, z) == pytest.approx(expected, rel=1e-12, abs=1e-14)


@pytest.mark.parametrize(
    ("loss", "y", "z", "cost", "gradient"),
    [
        ("absolute", 2.0, 2.0, 0.0, -1.0),
        ("huber", 0.0, 0.7, 0.245, 0.7),
        ("huber", 0.0, -0.7, 0.245, -0.7),
        ("quantile", 2.0, 2.0, 0.0, -0.3),
        ("epsilon_insensitive", 0.0, 0.2, 0.0, 0.0),
        ("epsilon_insensitive", 0.0, -0.2, 0.0, 0.0),
        ("hinge", 1.0, 1.0, 0.0, -1.0),
        ("hinge", 0.0, -1.0, 0.0, 1.0),
        ("squared_hinge", 1.0, 1.0, 0.0, 0.0),
        ("squared_hinge", 0.0, -1.0, 0.0, 0.0),
        ("modified_huber", 1.0, 1.0, 0.0, 0.0),
        ("modified_huber", 1.0, -1.0, 4.0, -4.0),
        ("modified_huber", 0.0, 1.0, 4.0, 4.0),
        ("perceptron", 1.0, 0.0, 0.0, -1.0),
        ("perceptron", 0.0, 0.0, 0.0, 0.0),
        ("perceptron", 1.0, -0.0, 0.0, -1.0),
    ],
)
def test_on_its_kink_a_loss_takes_the_stated_side(
    loss: str, y: float, z: float, cost: float, gradient: float
) -> None:
    ours, activation = parts(loss)
    assert ours.cost(activation, y, z) == pytest.approx(cost, rel=1e-15, abs=0.0)
    assert ours.gradient(activation, y, z) == gradient


@pytest.mark.parametrize(("loss", "activation"), CONVEX)
@given(data=st.data(), z=st.floats(-60, 60), other=st.floats(-60, 60))
def test_a_convex_loss_lies_above_its_tangents(
    loss: str, activation: str, data: st.DataObject, z: float, other: float
) -> None:
    ours, a = parts(loss, activation)
    y = data.draw(targets(loss, activation))
    if loss == "log":  # 1 − ŷ loses its digits further out, and with it the loss; the gradient does not
        z, other = z / 4, other / 4
    if loss == "poisson":
        z, other = max(z, -34.0), max(other, -34.0)
    tangent = ours.cost(a, y, z) + ours.gradient(a, y, z) * (other - z)
    room = (1e-8 if loss == "log" else 1e-12) * (
        1.0 + abs(tangent) + ours.cost(a, y, z) + abs(ours.gradient(a, y, z) * z)
    )
    assert ours.cost(a, y, other) >= tangent - room


EXTREMES = [0.0, 5e-324, 1e-308, 37.0, 345.0, 709.0, 745.0, 746.0, 1e5, 1e150, 1e308, LARGEST]


@pytest.mark.parametrize(("loss", "activation"), PAIRS)
def test_the_ends_of_the_doubles_give_numbers(loss: str, activation: str) -> None:
    ours, a = parts(loss, activation)
    low, high = (max(-LARGEST, min(LARGEST, end)) for end in target_range(loss, activation))
    ends = {low, high, max(low, -1e150), min(high, 1e150), max(low, 0.0), 0.5}
    for y in ends:
        for z in [sign * z for z in EXTREMES for sign in (1.0, -1.0)]:
            cost, gradient = ours.cost(a, y, z), ours.gradient(a, y, z)
            assert not math.isnan(cost + abs(gradient)), (y, z)
            if abs(y) <= 1e150 and abs(z) <= 1e150:
                assert max(abs(cost), abs(gradient)) <= LARGEST, (y, z)


def test_the_slope_of_the_log_loss_is_bounded_where_a_prediction_is_certain() -> None:
    loss = kernel.LogLoss()
    for y in (0.0, 1.0):
        assert loss.slope(y, 1.0 - y) == pytest.approx((1 - 2 * y) * 1e15, rel=0.2)
        assert loss.slope(y, y) == pytest.approx(1 - 2 * y)


def test_the_slope_of_the_poisson_loss_is_bounded_where_the_mean_is_0() -> None:
    assert kernel.PoissonLoss().slope(2.0, 0.0) == pytest.approx(1 - 2e15)


@pytest.mark.parametrize("z", [-37.0, -345.0, -745.0, -746.0, -1e150])
def test_a_count_is_learned_however_small_its_mean_was(z: float) -> None:
    for activation in ("softplus", "exp"):
        loss, a = parts("poisson", activation)
        assert loss.gradient(a, 3.0, z) == pytest.approx(-3.0)


@pytest.mark.parametrize(("loss", "activation"), PAIRS)
def test_whole_arrays_give_the_same_numbers(loss: str, activation: str) -> None:
    ours, a = parts(loss, activation)
    z = np.array([-800.0, -1.0, -0.2, 0.0, 0.2, 0.7, 1.0, 3.0])
    y = np.resize([0.0, 1.0, 0.25], len(z))
    pairs = list(zip(y.tolist(), z.tolist(), strict=True))
    assert ours.costs(a, y, z).tolist() == [ours.cost(a, *pair) for pair in pairs]
    assert ours.gradients(a, y, z).tolist() == [ours.gradient(a, *pair) for pair in pairs]
    assert ours.costs(a, y[:0], z[:0]).tolist() == []


@pytest.mark.parametrize(("loss", "activation"), PAIRS)
@given(data=st.data(), z=st.floats(-30, 30), h=st.floats(0, 1e6))
def test_the_implicit_gradient_is_that_at_the_end_of_its_step(
    loss: str, activation: str, data: st.DataObject, z: float, h: float
) -> None:
    ours, a = parts(loss, activation)
    y = data.draw(targets(loss, activation))
    first = ours.gradient(a, y, z)
    g = ours.implicit(a, y, z, h)
    assert abs(g) <= abs(first)
    assert g * first >= 0.0
    room = 1e-9 * abs(g if loss == "log" else first) + 1e-12

    def excess(g: float) -> float:
        return g - ours.gradient(a, y, z - h * g)

    if (loss, activation) in CONVEX:  # grows with g, with a jump on a kink: the solution is within the room
        assert excess(g - room) <= 0.0 <= excess(g + room)
    else:
        assert g == first or excess(g - room) * excess(g + room) <= 0.0


def test_the_implicit_step_of_the_square_has_a_closed_form() -> None:
    loss, a = parts("squared")
    for y, z, h in [(1.0, 3.0, 0.5), (-2.0, 7.0, 100.0), (0.0, 1e6, 1e-3), (1.0, 1.0, 5.0)]:
        assert loss.implicit(a, y, z, h) == pytest.approx(2 * (z - y) / (1 + 2 * h), rel=1e-12, abs=1e-12)
