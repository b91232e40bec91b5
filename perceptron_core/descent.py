"""Gradient descent over a whole data set: the cost, its gradient, the step, and when it is enough."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from perceptron_core import kernel, registry
from perceptron_core.checks import check_range
from perceptron_core.inputs import DataSet, Floats
from perceptron_core.perceptron import Perceptron

Stop = Literal["gradient", "cost", "patience", "epochs", "stopped"]

RUNAWAY = 1e9
"""Times the largest cost of the first two epochs: beyond it the descent has diverged."""


class FitDiverged(ArithmeticError):
    """The cost grew without bound.

    Parameters
    ----------
    message
        What happened, and what to try.
    costs
        The costs up to there.
    """

    def __init__(self, message: str, costs: Sequence[float]) -> None:
        super().__init__(message)
        self.costs = list(costs)


@dataclass(frozen=True)
class Rule:
    """When the descent has converged.

    Parameters
    ----------
    max_epochs
        Passes over the data set, at most.
    gradient_tolerance
        ``"gradient"``: the norm ‖∂C/∂(w, b)‖ is below this; 0: never.
    cost_tolerance
        ``"cost"``: an epoch changed the cost by less than this share of it; 0: never.
    patience
        ``"patience"``: the lowest cost is this many epochs old.
    """

    max_epochs: int = 1000
    gradient_tolerance: float = 1e-4
    cost_tolerance: float = 1e-7
    patience: int | None = None

    def __post_init__(self) -> None:
        check_range("max_epochs", self.max_epochs, at_least=1)
        check_range("gradient_tolerance", self.gradient_tolerance, at_least=0.0)
        check_range("cost_tolerance", self.cost_tolerance, at_least=0.0)
        if self.patience is not None:
            check_range("patience", self.patience, at_least=1)

    def reason(self, costs: Sequence[float], norms: Sequence[float]) -> Stop | None:
        """Return why to stop after these epochs, None to go on; entry 0 is before the first step."""
        epochs = len(costs) - 1
        if norms[-1] < self.gradient_tolerance:
            return "gradient"
        if epochs and abs(costs[-1] - costs[-2]) < self.cost_tolerance * abs(costs[-2]):
            return "cost"
        if self.patience is not None and epochs - int(np.argmin(costs)) >= self.patience:
            return "patience"
        return "epochs" if epochs >= self.max_epochs else None


class Descent:
    """The cost, its gradient, and the way down."""

    def __init__(
        self, model: Perceptron, data: DataSet, rule: Rule, on_epoch: Callable[..., bool | None] | None
    ) -> None:
        config = model.config
        self.activation = registry.make_activation(config["activation"])
        self.loss = registry.make_loss(config["loss"], config["options"], config["activation"])
        self.rate, self.l2 = config["learning_rate"], config["l2"]
        self.data, self.rule, self.on_epoch = data, rule, on_epoch
        self.costs: list[float] = []
        self.norms: list[float] = []

    def cost(self, w: Floats) -> float:
        """Return C: the mean of the losses over the data set, and the penalty."""
        data = self.data
        losses = self.loss.costs(self.activation, data.labels, data.scores(w))
        penalty = 0.5 * self.l2 * (data.shares() * w * w).sum()
        return float((data.weights * losses).mean() + penalty)

    def gradient(self, data: DataSet, w: Floats) -> Floats:
        """Return (d + 1,) ∂C/∂b and ∂C/∂w: the mean of ∂L/∂z · ∂z/∂w, where ∂z/∂w = x and ∂z/∂b = 1."""
        slopes = self.loss.gradients(self.activation, data.labels, data.scores(w))
        gradient = data.means(data.weights * slopes)
        return gradient + self.l2 * data.shares() * w if self.l2 else gradient

    def run(self, batch_size: int | None, seed: int | None) -> tuple[Floats, Stop]:
        """Repeat w ← w − α ∂C/∂w until the rule says stop; return b and w, and why."""
        w = np.zeros(self.data.d + 1)
        order, shuffle = np.arange(len(self.data)), np.random.default_rng(seed).permuted
        with np.errstate(over="ignore", invalid="ignore"):
            while True:
                gradient = self.gradient(self.data, w)
                if reason := self._look(w, gradient):
                    return w, reason
                if batch_size is None:
                    w = w - self.rate * gradient
                    continue
                order = order if seed is None else shuffle(order)
                for batch in self.data.batches(batch_size, order):
                    w = w - self.rate * self.gradient(batch, w)

    def _look(self, w: Floats, gradient: Floats) -> Stop | None:
        """Note the cost and the gradient's norm; return why to stop, None to go on."""
        self.costs.append(self.cost(w))
        self.norms.append(float(np.sqrt((gradient * gradient).sum())))
        self._check_bounded(w)
        reason = self.rule.reason(self.costs, self.norms)
        asked = self.on_epoch is not None and self.on_epoch(
            len(self.costs) - 1, self.costs[-1], self.norms[-1]
        )
        return reason or ("stopped" if asked else None)

    def _check_bounded(self, w: Floats) -> None:
        bound = RUNAWAY * max(map(abs, self.costs[:2])) or np.inf
        is_bounded = np.isfinite(self.costs[-1]) and self.costs[-1] <= bound
        if is_bounded and (np.abs(w) <= kernel.LIMIT).all():
            return
        first, last, epochs = self.costs[0], self.costs[-1], len(self.costs) - 1
        raise FitDiverged(
            f"the cost grew from {first:.6g} to {last:.6g} in {epochs} epochs: "
            f"learning_rate {self.rate:g} is too large for these data; try {self.rate / 10:g}, or scale=True "
            "where the inputs are large",
            self.costs,
        )

    def complaint(self) -> str:
        """Return that it has not converged, how far it got, and what to try."""
        first, last = self.costs[0], self.costs[-1]
        too_large = f"learning_rate {self.rate:g} may be too large"
        return (
            f"not converged in {self.rule.max_epochs} epochs: the cost went from {first:.6g} to {last:.6g}, "
            f"the gradient's norm is {self.norms[-1]:.3g}, above {self.rule.gradient_tolerance:g}; "
            f"{too_large if last > first else 'more epochs or a larger learning_rate'}"
        )
