"""Gradient descent: from ∂L/∂z to new weights. The plain rule, and those that remember the past path.

Every optimizer is sparse and lazy: it touches the features present in a sample, and nothing else. The
bias is the weight of a constant input 1: it moves by the same rule, or by w ← w − α_b ∂L/∂z alone
where it has a rate of its own. It is not penalised.
"""

# mypy: allow-untyped-decorators
from __future__ import annotations

try:
    import cython
except ImportError:
    import perceptron_core._interpreted as cython

from typing import Any

from perceptron_core.kernel.activations import Activation
from perceptron_core.kernel.limits import GRADIENT_LIMIT
from perceptron_core.kernel.losses import Loss
from perceptron_core.kernel.sample import Sample
from perceptron_core.kernel.schedules import Schedule

if cython.compiled:
    from cython.cimports.perceptron_core.kernel.losses import clamp
else:
    from perceptron_core.kernel.losses import clamp


@cython.cclass
class Optimizer:
    """Stochastic gradient descent: w ← w − α g, with g = ∂L/∂z · x + λ₂ w.

    Parameters
    ----------
    schedule
        α.
    intercept_rate
        α_b of the bias; None: it moves as the weights do.
    l1
        λ₁, by cumulative penalty: Tsuruoka, Tsujii and Ananiadou (2009), *Stochastic gradient descent
        training for L1-regularized log-linear models with cumulative penalty*.
    l2
        λ₂.
    clip
        The largest magnitude of ∂L/∂z × sample weight.

    Attributes
    ----------
    columns, scalars
        Numbers kept per feature beside the weight, and once for the whole model.
    """

    columns: cython.Py_ssize_t
    scalars: cython.Py_ssize_t
    schedule: Schedule
    rate: cython.double  # that of the sample at hand
    intercept_rate: cython.double  # negative: the bias moves as the weights do
    l1: cython.double
    l2: cython.double
    clip: cython.double

    def __init__(
        self,
        schedule: Schedule,
        intercept_rate: float | None = None,
        l1: float = 0.0,
        l2: float = 0.0,
        clip: float = GRADIENT_LIMIT,
    ) -> None:
        self.schedule = schedule
        self.intercept_rate = -1.0 if intercept_rate is None else intercept_rate
        self.l1 = l1
        self.l2 = l2
        self.clip = clip
        self.columns = 1 if l1 > 0.0 else 0
        self.scalars = 0

    @cython.cfunc
    @cython.exceptval(check=False)
    def score(self, sample: Sample) -> cython.double:
        """Return the z to predict from."""
        return sample.weighted_sum()

    @cython.cfunc
    @cython.exceptval(check=False)
    def look_ahead(self, sample: Sample) -> cython.double:
        """Return the z to take the gradient at."""
        return sample.weighted_sum()

    @cython.cfunc
    @cython.exceptval(check=False)
    def learn(
        self, sample: Sample, loss: Loss, activation: Activation, y: cython.double, weight: cython.double
    ) -> cython.void:
        """Take one step downhill: ∂L/∂w = ∂L/∂z · x, ∂L/∂b = ∂L/∂z · 1."""
        k: cython.Py_ssize_t
        g: cython.double = loss.gradient(activation, y, self.look_ahead(sample)) * weight
        g = clamp(g, -self.clip, self.clip)
        self.begin(sample)
        if self.intercept_rate < 0.0:
            self.move(sample, 0, g)
        else:
            sample.rows[0, 0] -= self.intercept_rate * g
        for k in range(1, sample.count):
            self.move(sample, k, g * sample.x[k] + self.l2 * sample.rows[k, 0])
        if self.l1 > 0.0:
            self.shrink(sample)

    @cython.cfunc
    @cython.exceptval(check=False)
    def begin(self, sample: Sample) -> cython.void:
        """Prepare what is the same for all features of a sample."""
        self.rate = self.schedule.at(sample.learned)

    @cython.cfunc
    @cython.exceptval(check=False)
    def move(self, sample: Sample, k: cython.Py_ssize_t, g: cython.double) -> cython.void:
        """Move the weight of row k, whose gradient is g."""
        sample.rows[k, 0] -= self.rate * g

    @cython.cfunc
    @cython.exceptval(check=False)
    def shrink(self, sample: Sample) -> cython.void:
        """Draw weights to 0 by what of the penalty they have not had yet; past 0 they stay there.

        The last column is the penalty that a weight had; that of the bias, which has none, is the
        penalty that it could have had.
        """
        k: cython.Py_ssize_t
        w: cython.double
        c: cython.Py_ssize_t = self.columns
        sample.rows[0, c] += self.l1 * self.schedule.at(sample.learned + 1)
        due: cython.double = sample.rows[0, c]
        for k in range(1, sample.count):
            w = sample.rows[k, 0]
            if w > 0.0:
                sample.rows[k, 0] = max(0.0, w - (due + sample.rows[k, c]))
            elif w < 0.0:
                sample.rows[k, 0] = min(0.0, w + (due - sample.rows[k, c]))
            sample.rows[k, c] += sample.rows[k, 0] - w

    def weights(self, rows: Any, scalars: Any, learned: int) -> Any:
        """Return the weights that predictions are made by.

        Parameters
        ----------
        rows
            (n, width) of the state.
        scalars
            The optimizer's own.
        learned
            How many samples were learned.

        Returns
        -------
        ndarray
            (n,).
        """
        return rows[:, 0]

    def bias(self, row: Any, scalars: Any, learned: int) -> float:
        """Return the bias that predictions are made by; ``row`` is its own."""
        return float(self.weights(row[None, :], scalars, learned)[0])

    def by_rate(self, rows: Any, scalars: Any, learned: int) -> dict[float, tuple[float, Any]]:
        """Return, by rate, its share in predictions and its own (n,) weights; one rate: empty."""
        return {}


@cython.cclass
class SGD(Optimizer):
    """w ← w − α g."""


@cython.cclass
class Momentum(Optimizer):
    """s ← ρ s + α g; w ← w − s: Polyak (1964), the heavy ball.

    Parameters
    ----------
    rho
        ρ in [0, 1).
    """

    rho: cython.double

    def __init__(self, *common: Any, rho: float = 0.9) -> None:
        super().__init__(*common)
        self.columns += 1
        self.rho = rho

    @cython.cfunc
    @cython.exceptval(check=False)
    def move(self, sample: Sample, k: cython.Py_ssize_t, g: cython.double) -> cython.void:
        """Move the weight of row k, whose gradient is g."""
        sample.rows[k, 1] = self.rho * sample.rows[k, 1] + self.rate * g
        sample.rows[k, 0] -= sample.rows[k, 1]


@cython.cclass
class Nesterov(Momentum):
    """Momentum whose gradient is taken ahead, at w − ρ s: Nesterov (1983).

    Notes
    -----
    Only the features present look ahead, as in river.
    """

    @cython.cfunc
    @cython.exceptval(check=False)
    def look_ahead(self, sample: Sample) -> cython.double:
        """Return the z to take the gradient at."""
        k: cython.Py_ssize_t
        for k in range(sample.count):
            sample.rows[k, 0] -= self.rho * sample.rows[k, 1]
        return sample.weighted_sum()

    @cython.cfunc
    @cython.exceptval(check=False)
    def move(self, sample: Sample, k: cython.Py_ssize_t, g: cython.double) -> cython.void:
        """Move the weight of row k back, then on."""
        sample.rows[k, 0] += self.rho * sample.rows[k, 1]
        sample.rows[k, 1] = self.rho * sample.rows[k, 1] + self.rate * g
        sample.rows[k, 0] -= sample.rows[k, 1]


@cython.cclass
class AveragedSGD(Optimizer):
    """SGD that predicts by the mean of all weights so far: Polyak and Juditsky (1992).

    Parameters
    ----------
    start
        Samples before the mean begins.

    Notes
    -----
    The mean over T steps is w − A/T, where A gains (i − 1) times the i-th step: so a weight that takes
    no part costs nothing, and its mean is right all the same.
    """

    start: cython.longlong

    def __init__(self, *common: Any, start: float = 0.0) -> None:
        super().__init__(*common)
        self.columns += 1
        self.start = int(start)

    @cython.cfunc
    @cython.exceptval(check=False)
    def score(self, sample: Sample) -> cython.double:
        """Return the z of the mean weights."""
        k: cython.Py_ssize_t
        z: cython.double = 0.0
        steps: cython.double = sample.learned - self.start
        if steps <= 0.0:
            return sample.weighted_sum()
        for k in range(sample.count):
            z += (sample.rows[k, 0] - sample.rows[k, 1] / steps) * sample.x[k]
        return z

    @cython.cfunc
    @cython.exceptval(check=False)
    def move(self, sample: Sample, k: cython.Py_ssize_t, g: cython.double) -> cython.void:
        """Move the weight of row k, whose gradient is g."""
        sample.rows[k, 0] -= self.rate * g
        if sample.learned > self.start:
            sample.rows[k, 1] -= (sample.learned - self.start) * self.rate * g

    @cython.cfunc
    @cython.exceptval(check=False)
    def shrink(self, sample: Sample) -> cython.void:
        """Draw weights to 0, which is a step like any other to the mean."""
        k: cython.Py_ssize_t
        steps: cython.double = max(sample.learned - self.start, 0)
        for k in range(1, sample.count):
            sample.rows[k, 1] -= steps * sample.rows[k, 0]
        Optimizer.shrink(self, sample)
        for k in range(1, sample.count):
            sample.rows[k, 1] += steps * sample.rows[k, 0]

    def weights(self, rows: Any, scalars: Any, learned: int) -> Any:
        """Return the mean weights; see :meth:`Optimizer.weights`."""
        steps = learned - self.start
        return rows[:, 0] - rows[:, 1] / steps if steps > 0 else rows[:, 0]
