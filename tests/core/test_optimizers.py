"""Every optimizer behind every loss makes river's steps, sample by sample; see `test_own_optimizers.py`."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

import pytest
from river import linear_model, optim

from perceptron_core import Perceptron
from perceptron_core.registry import LOSSES, own_activation
from tests.core.river_losses import OPTIONS, RIVERS


class FTRL(optim.FTRLProximal):
    """river's forms w from z before it takes the gradient in, so that w lags by a step.

    And it leaves w as it was where |z| ≤ l1, in place of 0.
    """

    def _step_with_dict(self, w: Any, g: Any) -> Any:
        for i, gi in g.items():
            self.z[i] += gi - ((self.n[i] + gi**2) ** 0.5 - self.n[i] ** 0.5) / self.alpha * w[i]
            self.n[i] += gi**2
            excess = math.copysign(max(abs(self.z[i]) - self.l1, 0.0), self.z[i])
            w[i] = -excess / ((self.beta + self.n[i] ** 0.5) / self.alpha + self.l2)
        return w


OPTIMIZERS: dict[str, tuple[Callable[[Any], Any], dict[str, float], float]] = {
    "sgd": (lambda rate: optim.SGD(rate), {}, 0.02),
    "momentum": (lambda rate: optim.Momentum(rate, rho=0.7), {"rho": 0.7}, 0.01),
    "nesterov": (lambda rate: optim.NesterovMomentum(rate, rho=0.7), {"rho": 0.7}, 0.01),
    "adagrad": (lambda rate: optim.AdaGrad(rate, eps=1e-3), {"eps": 1e-3}, 0.05),
    "rmsprop": (lambda rate: optim.RMSProp(rate, rho=0.8, eps=1e-3), {"rho": 0.8, "eps": 1e-3}, 0.01),
    "adadelta": (lambda rate: optim.AdaDelta(rho=0.9, eps=1e-4), {"rho": 0.9, "eps": 1e-4}, 0.01),
    "adam": (
        lambda rate: optim.Adam(rate, 0.8, 0.99, 1e-3),
        {"beta_1": 0.8, "beta_2": 0.99, "eps": 1e-3},
        0.01,
    ),
    "amsgrad": (
        lambda rate: optim.AMSGrad(rate, 0.8, 0.99, 1e-3),
        {"beta_1": 0.8, "beta_2": 0.99, "eps": 1e-3},
        0.01,
    ),
    "nadam": (
        lambda rate: optim.Nadam(rate, 0.8, 0.99, 1e-3),
        {"beta_1": 0.8, "beta_2": 0.99, "eps": 1e-3},
        0.01,
    ),
    "ftrl": (lambda rate: FTRL(alpha=rate, beta=0.5, l1=0.0, l2=0.0), {"beta": 0.5}, 0.05),
}
"""river's optimizer of a rate, what it is given by our names, and a rate that learns without running away."""


def stream(loss: str, count: int = 1000) -> list[tuple[dict[str, Any], float, float]]:
    """Return samples of numbers and booleans; a feature more appears at every fiftieth."""
    random_ = random.Random(21)
    samples = []
    for i in range(count):
        names = random_.sample(range(4 + i // 50), random_.randint(0, 4))
        x: dict[str, Any] = {
            f"f{j}": random_.choice([random_.gauss(0.3, 1), random_.randint(-2, 2), True, False])
            for j in names
        }
        value = sum(v * (1 if len(n) == 2 else -1) for n, v in x.items()) / 3 + random_.gauss(0, 0.5)
        y = {"identity": value, "exp": float(int(math.exp(min(value, 2.0))))}.get(
            own_activation(loss), float(value > 0)
        )
        samples.append((x, y, random_.choice([1.0, 0.5, 2.0])))
    return samples


def assert_rivers(
    optimizer: str, loss: str, ours: dict[str, Any], theirs: dict[str, Any], rate: Any = None
) -> Perceptron:
    """Feed both the same samples; their scores and weights agree throughout."""
    make, options, alpha = OPTIMIZERS[optimizer]
    model = Perceptron(
        loss,
        optimizer=optimizer,
        learning_rate=alpha,
        scale=False,
        intercept_learning_rate=0.03,
        **{**ours, "options": {**options, **OPTIONS.get(loss, {}), **ours.get("options", {})}},
    )
    river_model = linear_model.LinearRegression(
        make(alpha if rate is None else rate(alpha)), RIVERS[loss], intercept_lr=0.03, **theirs
    )
    for x, y, weight in stream(loss):
        expected = river_model._raw_dot_one(x)
        assert abs(expected) < 18.0  # beyond it river's log loss is an approximation
        assert model.score_one(x) == pytest.approx(expected, rel=1e-9, abs=1e-9)
        river_model.learn_one(x, y, weight)
        model.learn_one(x, y, weight)
    assert model.weights == pytest.approx(river_model.weights, rel=1e-9, abs=1e-9)
    assert max(map(abs, model.weights.values())) > 0.01
    return model


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_steps_are_rivers(optimizer: str, loss: str) -> None:
    assert_rivers(optimizer, loss, {}, {})


@pytest.mark.parametrize("loss", ["log", "squared"])
@pytest.mark.parametrize("optimizer", [name for name in OPTIMIZERS if name != "ftrl"])
def test_l2_is_rivers(optimizer: str, loss: str) -> None:
    assert_rivers(optimizer, loss, {"l2": 0.05}, {"l2": 0.05})


@pytest.mark.parametrize("loss", ["log", "squared"])
@pytest.mark.parametrize("optimizer", [name for name in OPTIMIZERS if name not in ("ftrl", "adadelta")])
def test_l1_is_rivers(optimizer: str, loss: str) -> None:
    """River's AdaDelta has rate 0 to it, and with it no L1: ours takes the learning rate."""
    l1 = (0.1 if optimizer == "adagrad" else 0.2) / (1000 * OPTIMIZERS[optimizer][2])
    model = assert_rivers(optimizer, loss, {"l1": l1}, {"l1": l1})
    assert 0.0 in model.weights.values()


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_the_bound_on_gradients_is_rivers(optimizer: str) -> None:
    assert_rivers(optimizer, "squared", {"clip_gradient": 0.3}, {"clip_gradient": 0.3})


@pytest.mark.parametrize("optimizer", [name for name in OPTIMIZERS if name not in ("ftrl", "adadelta")])
@pytest.mark.parametrize("l1", [0.0, 0.005])
def test_a_rate_that_falls_is_rivers(optimizer: str, l1: float) -> None:
    ours = {"schedule": "inverse", "options": {"power": 0.3}, "l1": l1}
    assert_rivers(optimizer, "log", ours, {"l1": l1}, lambda rate: optim.schedulers.InverseScaling(rate, 0.3))


@pytest.mark.parametrize("penalty", [{"l1": 8.0}, {"l2": 3.0}, {"l1": 5.0, "l2": 2.0}])
@pytest.mark.parametrize("loss", ["log", "squared"])
def test_ftrl_with_penalties_is_rivers(
    loss: str, penalty: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    def make(rate: float) -> FTRL:
        return FTRL(alpha=rate, beta=0.5, **{"l1": 0.0, "l2": 0.0, **penalty})

    monkeypatch.setitem(OPTIMIZERS, "ftrl", (make, {"beta": 0.5}, 0.05))
    model = assert_rivers("ftrl", loss, penalty, {})
    assert (0.0 in model.weights.values()) == ("l1" in penalty)


def test_rivers_ftrl_lags_by_a_step() -> None:
    theirs = linear_model.LogisticRegression(optim.FTRLProximal(alpha=0.1, l2=0.0), intercept_lr=0.0)
    theirs.learn_one({"a": 1.0}, True)
    assert theirs.weights == {"a": 0.0}
    ours = Perceptron(optimizer="ftrl", learning_rate=0.1, scale=False)
    ours.learn_one({"a": 1.0}, True)
    assert ours.weights["a"] > 0.0


def test_rivers_model_predicts_without_the_mean_of_its_averager() -> None:
    averaged = linear_model.LogisticRegression(optim.Averager(optim.SGD(0.1), 2))
    plain = linear_model.LogisticRegression(optim.SGD(0.1))
    for x, y, _ in stream("log", 200):
        averaged.learn_one(x, bool(y))
        plain.learn_one(x, bool(y))
    assert averaged.weights == pytest.approx(plain.weights)
