"""What a neuron can be made of, by name, and which parts fit together."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from perceptron_core import kernel
from perceptron_core.checks import check_known, check_range


@dataclass(frozen=True)
class Part:
    """A part of a neuron: how it is made, and the options that it takes, by name, with their ranges."""

    make: Callable[..., Any]
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    activations: tuple[str, ...] = ()  # of a loss: its own first


_POSITIVE = {"above": 0.0}
_SHARE = {"at_least": 0.0, "at_most": 1.0 - 1e-12}
_FROM_ZERO = {"at_least": 0.0}
_COUNT = {"at_least": 0.0, "at_most": 2.0**62, "whole": True}
_MEMORY = {"rho": _SHARE, "eps": _POSITIVE}
_MEANS = {"beta_1": _SHARE, "beta_2": _SHARE, "eps": _POSITIVE}
_OF_VALUES = ("identity", "sigmoid", "tanh", "softplus", "exp", "step")
_OF_CLASSES = ("sigmoid", "identity", "step")

ACTIVATIONS: dict[str, Callable[[], kernel.Activation]] = {
    "identity": kernel.Identity,
    "step": kernel.Step,
    "sigmoid": kernel.Sigmoid,
    "tanh": kernel.Tanh,
    "softplus": kernel.Softplus,
    "exp": kernel.Exp,
}
LOSSES: dict[str, Part] = {
    "log": Part(kernel.LogLoss, {}, ("sigmoid",)),
    "squared": Part(kernel.SquaredLoss, {}, _OF_VALUES),
    "absolute": Part(kernel.AbsoluteLoss, {}, _OF_VALUES),
    "huber": Part(kernel.HuberLoss, {"delta": _POSITIVE}, _OF_VALUES),
    "quantile": Part(kernel.QuantileLoss, {"tau": {"above": 0.0, "at_most": 1.0 - 1e-12}}, _OF_VALUES),
    "epsilon_insensitive": Part(kernel.EpsilonInsensitiveLoss, {"epsilon": _FROM_ZERO}, _OF_VALUES),
    "poisson": Part(kernel.PoissonLoss, {}, ("exp", "softplus")),
    "hinge": Part(kernel.HingeLoss, {}, _OF_CLASSES),
    "squared_hinge": Part(kernel.SquaredHingeLoss, {}, _OF_CLASSES),
    "modified_huber": Part(kernel.ModifiedHuberLoss, {}, _OF_CLASSES),
    "perceptron": Part(kernel.PerceptronLoss, {}, ("step", "sigmoid", "identity")),
}
OPTIMIZERS: dict[str, Part] = {
    "sgd": Part(kernel.SGD),
    "momentum": Part(kernel.Momentum, {"rho": _SHARE}),
    "nesterov": Part(kernel.Nesterov, {"rho": _SHARE}),
    "averaged": Part(kernel.AveragedSGD, {"start": _COUNT}),
    "adagrad": Part(kernel.AdaGrad, {"eps": _POSITIVE}),
    "rmsprop": Part(kernel.RMSProp, _MEMORY),
    "adadelta": Part(kernel.AdaDelta, _MEMORY),
    "adam": Part(kernel.Adam, _MEANS),
    "amsgrad": Part(kernel.AMSGrad, _MEANS),
    "nadam": Part(kernel.Nadam, _MEANS),
    "ftrl": Part(kernel.FTRL, {"beta": _FROM_ZERO}),
    "coin": Part(kernel.CoinBetting, {"caution": _POSITIVE}),
    "normalized": Part(kernel.Normalized),
}
WITHOUT_RATE: dict[str, Callable[..., kernel.Auto]] = {"auto": kernel.Auto, "ladder": kernel.Ladder}
"""By the text that stands in place of a learning rate: what finds it by itself."""

SCHEDULES: dict[str, Part] = {
    "constant": Part(kernel.Schedule),
    "inverse": Part(kernel.InverseScaling, {"power": {"at_least": 0.0, "at_most": 8.0}}),
    "exponential": Part(kernel.ExponentialDecay, {"half_life": _POSITIVE, "floor": _SHARE}),
    "bottou": Part(kernel.Bottou, {"decay": _POSITIVE}),
}
SCALERS: dict[str, Callable[[int], kernel.Scaler]] = {
    "none": kernel.Scaler,
    "standard": kernel.StandardScaler,
    "minmax": kernel.MinMaxScaler,
    "robust": kernel.RobustScaler,
}
RANGES: dict[str, tuple[float, float]] = {
    "identity": (-math.inf, math.inf),
    "step": (0.0, 1.0),
    "sigmoid": (0.0, 1.0),
    "tanh": (-1.0, 1.0),
    "softplus": (0.0, math.inf),
    "exp": (0.0, math.inf),
}
"""The values that a prediction, and so a target, can have."""


def own_activation(loss: str) -> str:
    """Return the activation that a loss has unless another is named."""
    check_known("loss", loss, LOSSES)
    return LOSSES[loss].activations[0]


def check_pair(loss: str, activation: str) -> None:
    """Raise ValueError unless the loss can stand behind the activation."""
    check_known("loss", loss, LOSSES)
    check_known("activation", activation, ACTIVATIONS)
    if activation not in (allowed := LOSSES[loss].activations):
        raise ValueError(f"loss {loss!r} needs activation {' or '.join(allowed)}, not {activation!r}")


def learns_nothing(loss: str, activation: str) -> bool:
    """Whether the chain rule gives 0 everywhere: the binary step is flat."""
    return activation == "step" and not make_loss(loss).of_score


def target_range(loss: str, activation: str) -> tuple[float, float]:
    """Return the least and the largest target."""
    return (0.0, 1.0) if make_loss(loss).of_score else RANGES[activation]


def make_activation(name: str) -> kernel.Activation:
    """Return the activation of this name."""
    check_known("activation", name, ACTIVATIONS)
    return ACTIVATIONS[name]()


def make_loss(name: str, options: Mapping[str, float] | None = None, activation: str = "") -> kernel.Loss:
    """Return the loss of this name; it takes those of the options that are its own."""
    check_known("loss", name, LOSSES)
    if (name, activation) == ("poisson", "exp"):
        return kernel.PoissonLogLoss()
    return LOSSES[name].make(**_own(LOSSES[name], options))  # type: ignore[no-any-return]


def make_schedule(name: str, rate: float, options: Mapping[str, float] | None = None) -> kernel.Schedule:
    """Return the schedule of this name; it takes those of the options that are its own."""
    check_known("schedule", name, SCHEDULES)
    return SCHEDULES[name].make(rate, **_own(SCHEDULES[name], options))  # type: ignore[no-any-return]


def make_optimizer(
    name: str,
    schedule: kernel.Schedule,
    intercept_rate: float | None = None,
    l1: float = 0.0,
    l2: float = 0.0,
    clip: float = kernel.GRADIENT_LIMIT,
    options: Mapping[str, float] | None = None,
) -> kernel.Optimizer:
    """Return the optimizer of this name; it takes those of the options that are its own."""
    check_known("optimizer", name, OPTIMIZERS)
    part = OPTIMIZERS[name]
    return part.make(schedule, intercept_rate, l1, l2, clip, **_own(part, options))  # type: ignore[no-any-return]


def make_without_rate(name: str, loss: str, activation: str) -> kernel.Auto:
    """Return what learns without a learning rate."""
    is_value = activation == "identity" and not make_loss(loss).of_score
    return WITHOUT_RATE[name](standardise=is_value, probability=loss == "log")


def check_options(options: Mapping[str, float], loss: str, optimizer: str, schedule: str) -> None:
    """Raise ValueError unless each option belongs to one of the parts, and is in its range."""
    parts = (LOSSES[loss], OPTIMIZERS.get(optimizer, Part(None)), SCHEDULES[schedule])  # type: ignore[arg-type]
    known = {name: bounds for part in parts for name, bounds in part.options.items()}
    for name, value in options.items():
        if name not in known:
            takes = ", ".join(known) or "none"
            raise ValueError(
                f"option {name!r} is none of loss {loss!r}, optimizer {optimizer!r} and schedule "
                f"{schedule!r}; they take {takes}"
            )
        check_range(name, value, **known[name])


def _own(part: Part, options: Mapping[str, float] | None) -> dict[str, float]:
    return {name: value for name, value in (options or {}).items() if name in part.options}
