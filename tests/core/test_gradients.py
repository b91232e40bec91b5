"""Gradients earn trust three ways: by hand, by finite differences, by agreement with river."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from river import optim

from perceptron_core import Perceptron, kernel
from perceptron_core.registry import ACTIVATIONS, LOSSES

PAIRS = [
    pytest.param(part.make(), ACTIVATIONS[activation](), id=f"{loss}-{activation}")
    for loss, part in LOSSES.items()
    for activation in part.activations
]
EXTREMES = [0.0, -0.0, 1e-308, 30.0, 37.0, 745.0, 746.0, 1e5, 1e150, 1e308]


@pytest.mark.parametrize(
    ("loss", "activation", "y", "z", "gradient"),
    [
        (kernel.SquaredLoss(), kernel.Identity(), 1.0, 3.0, 4.0),
        (kernel.SquaredLoss(), kernel.Identity(), 3.0, 1.0, -4.0),
        (kernel.SquaredLoss(), kernel.Sigmoid(), 0.0, 0.0, 2 * 0.5 * 0.25),
        (kernel.SquaredLoss(), kernel.Sigmoid(), 1.0, math.log(3), 2 * -0.25 * 0.75 * 0.25),
        (kernel.SquaredLoss(), kernel.Step(), 1.0, -2.0, 0.0),
        (kernel.LogLoss(), kernel.Sigmoid(), 1.0, 0.0, -0.5),
        (kernel.LogLoss(), kernel.Sigmoid(), 0.0, math.log(3), 0.75),
        (kernel.LogLoss(), kernel.Sigmoid(), 0.25, math.log(3), 0.5),
    ],
)
def test_gradient_by_hand(
    loss: kernel.Loss, activation: kernel.Activation, y: float, z: float, gradient: float
) -> None:
    assert loss.gradient(activation, y, z) == pytest.approx(gradient, rel=1e-15)


@pytest.mark.parametrize(("loss", "activation"), PAIRS)
@given(y=st.floats(0, 1), z=st.floats(-12, 12).filter(lambda z: abs(z) > 1e-3))
def test_gradient_by_finite_differences(
    loss: kernel.Loss, activation: kernel.Activation, y: float, z: float
) -> None:
    h = 1e-5
    above, below = (loss.value(y, activation.value(z + d)) for d in (h, -h))
    assert loss.gradient(activation, y, z) == pytest.approx((above - below) / (2 * h), rel=1e-5, abs=1e-7)


@pytest.mark.parametrize(("loss", "activation"), PAIRS)
@given(y=st.floats(0, 1), z=st.floats(-15, 15))
def test_gradient_is_the_product_of_the_chain_rule(
    loss: kernel.Loss, activation: kernel.Activation, y: float, z: float
) -> None:
    product = loss.slope(y, activation.value(z)) * activation.slope(z)
    assert loss.gradient(activation, y, z) == pytest.approx(product, rel=1e-6, abs=1e-12)


@given(z=st.floats(-18, 18), y=st.booleans())
def test_log_loss_and_gradient_are_rivers(z: float, y: bool) -> None:
    ours, sigmoid, theirs = kernel.LogLoss(), kernel.Sigmoid(), optim.losses.Log()
    assert ours.value(float(y), sigmoid.value(z)) == pytest.approx(theirs(y, z), rel=1e-7, abs=1e-12)
    assert ours.gradient(sigmoid, float(y), z) == pytest.approx(theirs.gradient(y, z), rel=1e-12, abs=0.0)


@given(z=st.floats(-1e6, 1e6), y=st.floats(-1e6, 1e6))
def test_squared_loss_and_gradient_are_rivers(z: float, y: float) -> None:
    ours, theirs = kernel.SquaredLoss(), optim.losses.Squared()
    assert ours.value(y, z) == theirs(y, z)
    assert ours.gradient(kernel.Identity(), y, z) == theirs.gradient(y, z)


@pytest.mark.parametrize(("loss", "activation"), PAIRS)
@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("z", EXTREMES)
@pytest.mark.parametrize("y", [0.0, 1.0])
def test_extremes_never_give_nan(
    loss: kernel.Loss, activation: kernel.Activation, y: float, z: float, sign: float
) -> None:
    z *= sign
    assert not math.isnan(activation.value(z))
    assert not math.isnan(loss.value(y, activation.value(z)))
    gradient = loss.gradient(activation, y, z)
    assert not math.isnan(gradient)
    if isinstance(activation, kernel.Sigmoid):
        assert abs(gradient) <= 1.0
        assert 0.0 <= activation.value(z) <= 1.0


@pytest.mark.parametrize("z", EXTREMES)
def test_sigmoid_is_symmetric_and_its_slope_keeps_its_digits(z: float) -> None:
    sigmoid = kernel.Sigmoid()
    assert sigmoid.value(z) + sigmoid.value(-z) == 1.0
    assert sigmoid.slope(z) == sigmoid.slope(-z)
    if z < 700:
        assert sigmoid.slope(z) == pytest.approx(math.exp(-z) / (1 + math.exp(-z)) ** 2, rel=1e-14, abs=0.0)


@pytest.mark.parametrize("y", [0.0, 1.0])
def test_a_gradient_far_out_keeps_its_digits(y: float) -> None:
    z = 40.0 if y else -40.0  # 1 − σ(z) is 0 in doubles here
    gradient = kernel.LogLoss().gradient(kernel.Sigmoid(), y, z)
    assert gradient == pytest.approx(-math.copysign(math.exp(-40.0), z), rel=1e-14, abs=0.0)


def test_log_loss_is_finite_where_the_prediction_is_certain_and_wrong() -> None:
    assert kernel.LogLoss().value(1.0, 0.0) == pytest.approx(-math.log(1e-15))
    assert kernel.LogLoss().value(0.0, 1.0) == pytest.approx(-math.log(1e-15), rel=1e-2)


def test_the_step_is_0_at_0_and_flat() -> None:
    step = kernel.Step()
    assert [step.value(z) for z in (-1e-300, -0.0, 0.0, 1e-300)] == [0.0, 0.0, 0.0, 1.0]
    assert step.slope(0.0) == 0.0


@pytest.mark.filterwarnings("ignore:the binary step is flat")
def test_behind_a_step_nothing_is_learned() -> None:
    model = Perceptron(loss="squared", activation="step", learning_rate=1.0)
    model.learn_one({"a": 1.0}, 1)
    model.learn_one({"a": 2.0}, 1)
    assert (model.weights, model.bias) == ({"a": 0.0}, 0.0)


def test_one_step_of_descent_by_hand() -> None:
    model = Perceptron(loss="squared", learning_rate=0.1, l2=0.5, scale=False, intercept_learning_rate=0.2)
    model.learn_one({"a": 2.0}, 3.0, 0.5)  # ŷ = 0, gradient 2(0 − 3) · 0.5 = −3
    assert model.weights["a"] == pytest.approx(0.6)
    assert model.bias == pytest.approx(0.6)
    model.learn_one({"a": 1.0}, 1.2)  # ŷ = 1.2: only the penalty moves the weight
    assert model.weights["a"] == pytest.approx(0.6 - 0.1 * 0.5 * 0.6)
    assert model.bias == pytest.approx(0.6)
