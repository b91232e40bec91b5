"""river's losses by our names; and in river's form those that it lacks or gets wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from river import optim

OPTIONS: dict[str, dict[str, float]] = {
    "huber": {"delta": 0.7},
    "quantile": {"tau": 0.3},
    "epsilon_insensitive": {"epsilon": 0.2},
}
"""What the losses take, unlike their defaults, so that a test sees whether it arrives."""


class OfMargin(optim.losses.BinaryLoss):
    """φ(s z), which river has for the hinge only."""

    def __init__(self, of: Callable[[float], float], slope: Callable[[float], float]) -> None:
        self.of = of
        self.slope = slope

    def __call__(self, y_true: Any, y_pred: Any) -> Any:
        return self.of((2 * y_true - 1) * y_pred)

    def gradient(self, y_true: Any, y_pred: Any) -> Any:
        s = 2 * y_true - 1
        return s * self.slope(s * y_pred)


class Rosenblatt(optim.losses.BinaryLoss):
    """The perceptron's; river's, a hinge of threshold 0, takes z = 0 for a mistake whatever the class."""

    def __call__(self, y_true: Any, y_pred: Any) -> Any:
        return optim.losses.Hinge(threshold=0.0)(y_true, y_pred)

    def gradient(self, y_true: Any, y_pred: Any) -> Any:
        return (y_pred > 0) - y_true


class Quantile(optim.losses.Quantile):
    """river's value is that of the quantile 1 − α, its gradient that of α."""

    def __call__(self, y_true: Any, y_pred: Any) -> Any:
        return optim.losses.Quantile(1 - self.alpha)(y_true, y_pred)


class EpsilonInsensitive(optim.losses.EpsilonInsensitiveHinge):
    """river's takes 2y − 1 for the target, as if a value were a class: here that is undone."""

    def __call__(self, y_true: Any, y_pred: Any) -> Any:
        return super().__call__((y_true + 1) / 2, y_pred)

    def gradient(self, y_true: Any, y_pred: Any) -> Any:
        return super().gradient((y_true + 1) / 2, y_pred)


RIVERS: dict[str, Any] = {
    "log": optim.losses.Log(),
    "squared": optim.losses.Squared(),
    "absolute": optim.losses.Absolute(),
    "huber": optim.losses.Huber(0.7),
    "quantile": Quantile(0.3),
    "epsilon_insensitive": EpsilonInsensitive(0.2),
    "poisson": optim.losses.Poisson(),
    "hinge": optim.losses.Hinge(),
    "squared_hinge": OfMargin(lambda m: max(0, 1 - m) ** 2, lambda m: -2 * max(0, 1 - m)),
    "modified_huber": OfMargin(
        lambda m: -4 * m if m < -1 else max(0, 1 - m) ** 2, lambda m: -4 if m < -1 else -2 * max(0, 1 - m)
    ),
    "perceptron": Rosenblatt(),
}
"""Of the score, behind the activation that the loss has by default."""
