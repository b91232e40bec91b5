"""Gradients earn trust three ways: by hand, by finite differences, by agreement with river."""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from river import optim

from perceptron_core import Perceptron, kernel
from perceptron_core.registry import ACTIVATIONS, LOSSES, RANGES, make_activation, make_loss

PAIRS = [(loss, activation) for loss, part in LOSSES.items() for activation in part.activations]
EXTREMES = [0.0, -0.0, 1e-308, 30.0, 37.0, 745.0, 746.0, 1e5, 1e150, 1e308]
LN3 = math.log(3)  # σ = ¾, tanh = 0.8, softplus = ln 4, eᶻ = 3


def parts(loss: str, activation: str) -> tuple[kernel.Loss, kernel.Activation]:
    return make_loss(loss, None, activation), make_activation(activation)


@pytest.mark.parametrize(
    ("loss", "activation", "y", "z", "gradient"),
    [
        ("log", "sigmoid", 1.0, 0.0, -0.5),
        ("log", "sigmoid", 0.0, LN3, 0.75),
        ("log", "sigmoid", 0.25, LN3, 0.5),
        ("squared", "identity", 1.0, 3.0, 4.0),
        ("squared", "identity", 3.0, 1.0, -4.0),
        ("squared", "sigmoid", 0.0, 0.0, 2 * 0.5 * 0.25),
        ("squared", "sigmoid", 1.0, LN3, 2 * -0.25 * 0.75 * 0.25),
        ("squared", "tanh", 0.3, LN3, 2 * 0.5 * 0.36),
        ("squared", "softplus", 0.0, LN3, 2 * math.log(4) * 0.75),
        ("squared", "exp", 1.0, LN3, 2 * 2 * 3),
        ("squared", "step", 1.0, -2.0, 0.0),
        ("absolute", "identity", 1.0, 3.0, 1.0),
        ("absolute", "identity", 1.0, -3.0, -1.0),
        ("absolute", "sigmoid", 1.0, LN3, -0.75 * 0.25),
        ("absolute", "tanh", 0.0, LN3, 0.36),
        ("huber", "identity", 1.0, 1.5, 0.5),
        ("huber", "identity", 1.0, 9.0, 1.0),
        ("huber", "identity", 1.0, -9.0, -1.0),
        ("huber", "exp", 0.0, LN3, 1.0 * 3),
        ("quantile", "identity", 1.0, 3.0, 0.5),
        ("quantile", "identity", 3.0, 1.0, -0.5),
        ("quantile", "softplus", 3.0, LN3, -0.5 * 0.75),
        ("epsilon_insensitive", "identity", 1.0, 1.05, 0.0),
        ("epsilon_insensitive", "identity", 1.0, 1.2, 1.0),
        ("epsilon_insensitive", "identity", 1.0, 0.8, -1.0),
        ("epsilon_insensitive", "exp", 5.0, LN3, -3.0),
        ("poisson", "exp", 5.0, LN3, -2.0),
        ("poisson", "softplus", 1.0, LN3, (1 - 1 / math.log(4)) * 0.75),
        ("hinge", "sigmoid", 1.0, 0.5, -1.0),
        ("hinge", "sigmoid", 0.0, 0.5, 1.0),
        ("hinge", "sigmoid", 0.0, -1.5, 0.0),
        ("squared_hinge", "sigmoid", 1.0, 0.5, -1.0),
        ("squared_hinge", "identity", 0.0, 0.5, 3.0),
        ("modified_huber", "sigmoid", 0.0, 0.5, 3.0),
        ("modified_huber", "sigmoid", 0.0, 1.5, 4.0),
        ("modified_huber", "sigmoid", 0.0, 5.0, 4.0),
        ("modified_huber", "step", 1.0, -5.0, -4.0),
        ("perceptron", "step", 1.0, -5.0, -1.0),
        ("perceptron", "step", 0.0, 5.0, 1.0),
        ("perceptron", "step", 1.0, 5.0, 0.0),
    ],
)
def test_gradient_by_hand(loss: str, activation: str, y: float, z: float, gradient: float) -> None:
    ours, a = parts(loss, activation)
    assert ours.gradient(a, y, z) == pytest.approx(gradient, rel=1e-14)


@pytest.mark.parametrize(("loss", "activation"), PAIRS)
@given(y=st.floats(0, 1), z=st.floats(-12, 12))
def test_gradient_by_finite_differences(loss: str, activation: str, y: float, z: float) -> None:
    ours, a = parts(loss, activation)
    h = 1e-5
    below, here, above = (ours.cost(a, y, z + d) for d in (-h, 0.0, h))
    room = 1e-5 * max(1.0, here)
    assume(abs(above - 2 * here + below) / h < 100 * room)  # off the kinks, where the two sides differ
    slope = (above - below) / (2 * h)
    assume(a.value(z - h) > 1e-14 or loss != "poisson")
    assert ours.gradient(a, y, z) == pytest.approx(slope, rel=1e-4, abs=room)


@pytest.mark.parametrize(("loss", "activation"), PAIRS)
@given(y=st.floats(0, 1), z=st.floats(-15, 15))
def test_gradient_is_the_product_of_the_chain_rule(loss: str, activation: str, y: float, z: float) -> None:
    ours, a = parts(loss, activation)
    product = ours.slope(y, z) if ours.of_score else ours.slope(y, a.value(z)) * a.slope(z)
    assert ours.gradient(a, y, z) == pytest.approx(product, rel=1e-6, abs=1e-12)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@given(z=st.floats(-20, 20).filter(lambda z: abs(z) > 1e-4))
def test_slope_of_the_activation_by_finite_differences(activation: str, z: float) -> None:
    a, h = make_activation(activation), 1e-5
    difference = (a.value(z + h) - a.value(z - h)) / (2 * h)
    assert a.slope(z) == pytest.approx(difference, rel=1e-8, abs=1e-9)


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


@pytest.mark.parametrize("z", [sign * z for z in EXTREMES for sign in (1.0, -1.0)])
def test_predictions_stay_in_their_range_at_the_ends_of_the_doubles(z: float) -> None:
    for name, (low, high) in RANGES.items():
        assert low <= make_activation(name).value(z) <= high
        assert 0.0 <= make_activation(name).slope(z) <= 1e150


@pytest.mark.parametrize("y", [0.0, 1.0])
@pytest.mark.parametrize("z", [sign * z for z in EXTREMES for sign in (1.0, -1.0)])
def test_a_gradient_behind_a_sigmoid_is_at_most_1(y: float, z: float) -> None:
    for loss, activation in PAIRS:
        ours, a = parts(loss, activation)
        if activation == "sigmoid" and not ours.of_score:
            assert abs(ours.gradient(a, y, z)) <= 1.0


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
