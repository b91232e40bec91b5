"""Losses of values beside the article's two; conventions as in ``losses.py``."""

# mypy: allow-untyped-decorators
from __future__ import annotations

try:
    import cython
except ImportError:
    import perceptron_core._interpreted as cython

from perceptron_core.kernel.activations import Activation
from perceptron_core.kernel.limits import PROBABILITY_FLOOR
from perceptron_core.kernel.losses import Loss

if cython.compiled:
    from cython.cimports.libc.math import fabs, log
    from cython.cimports.perceptron_core.kernel.losses import clamp
else:
    from math import fabs, log

    from perceptron_core.kernel.losses import clamp

FLOOR = cython.declare(cython.double, PROBABILITY_FLOOR)


@cython.cclass
class AbsoluteLoss(Loss):
    """L = |ŷ − y|: its minimum is the median."""

    @cython.ccall
    @cython.exceptval(check=False)
    def value(self, y: cython.double, prediction: cython.double) -> cython.double:
        """Return |ŷ − y|."""
        return fabs(prediction - y)

    @cython.ccall
    @cython.exceptval(check=False)
    def slope(self, y: cython.double, prediction: cython.double) -> cython.double:
        """Return the sign of ŷ − y; −1 at 0."""
        return 1.0 if prediction > y else -1.0


@cython.cclass
class HuberLoss(Loss):
    """L = ½e² where |e| ≤ δ, else δ(|e| − ½δ), with e = ŷ − y; Huber (1964).

    Parameters
    ----------
    delta
        δ > 0, in units of the label: errors beyond it pull no stronger than δ.
    """

    delta: cython.double

    def __init__(self, delta: float = 1.0) -> None:
        super().__init__()
        self.delta = delta

    @cython.ccall
    @cython.exceptval(check=False)
    def value(self, y: cython.double, prediction: cython.double) -> cython.double:
        """Return L(y, ŷ)."""
        error: cython.double = fabs(prediction - y)
        return 0.5 * error * error if error <= self.delta else self.delta * (error - 0.5 * self.delta)

    @cython.ccall
    @cython.exceptval(check=False)
    def slope(self, y: cython.double, prediction: cython.double) -> cython.double:
        """Return ŷ − y, kept within ± δ."""
        return clamp(prediction - y, -self.delta, self.delta)

    @cython.cfunc
    @cython.exceptval(check=False)
    def unit(self, spread: cython.double) -> cython.double:
        """Return the smaller of the spread and δ."""
        return spread if spread < self.delta else self.delta


@cython.cclass
class QuantileLoss(Loss):
    """L = τ(y − ŷ) where y > ŷ, else (1 − τ)(ŷ − y): its minimum is the τ-quantile.

    Parameters
    ----------
    tau
        τ in (0, 1).

    References
    ----------
    Koenker and Bassett (1978), *Regression quantiles*.
    """

    tau: cython.double

    def __init__(self, tau: float = 0.5) -> None:
        super().__init__()
        self.tau = tau

    @cython.ccall
    @cython.exceptval(check=False)
    def value(self, y: cython.double, prediction: cython.double) -> cython.double:
        """Return L(y, ŷ)."""
        return self.tau * (y - prediction) if y > prediction else (1.0 - self.tau) * (prediction - y)

    @cython.ccall
    @cython.exceptval(check=False)
    def slope(self, y: cython.double, prediction: cython.double) -> cython.double:
        """Return 1 − τ where ŷ > y, else −τ."""
        return 1.0 - self.tau if prediction > y else -self.tau


@cython.cclass
class EpsilonInsensitiveLoss(Loss):
    """L = max(0, |ŷ − y| − ε): errors within ε cost nothing; Vapnik (1995).

    Parameters
    ----------
    epsilon
        ε ≥ 0, in units of the label.
    """

    epsilon: cython.double

    def __init__(self, epsilon: float = 0.1) -> None:
        super().__init__()
        self.epsilon = epsilon

    @cython.ccall
    @cython.exceptval(check=False)
    def value(self, y: cython.double, prediction: cython.double) -> cython.double:
        """Return L(y, ŷ)."""
        error: cython.double = fabs(prediction - y) - self.epsilon
        return error if error > 0.0 else 0.0

    @cython.ccall
    @cython.exceptval(check=False)
    def slope(self, y: cython.double, prediction: cython.double) -> cython.double:
        """Return the sign of ŷ − y outside ± ε, else 0."""
        if prediction - y > self.epsilon:
            return 1.0
        return -1.0 if y - prediction > self.epsilon else 0.0


@cython.cclass
class PoissonLoss(Loss):
    """L = ŷ − y ln ŷ: the negative log likelihood of a count, without its constant ln y!."""

    @cython.ccall
    @cython.exceptval(check=False)
    def value(self, y: cython.double, prediction: cython.double) -> cython.double:
        """Return ŷ − y ln ŷ; ŷ is taken as at least 1e−15 in the logarithm."""
        return prediction - y * log(prediction if prediction > FLOOR else FLOOR)

    @cython.ccall
    @cython.exceptval(check=False)
    def slope(self, y: cython.double, prediction: cython.double) -> cython.double:
        """Return 1 − y/ŷ; ŷ is taken as at least 1e−15."""
        return 1.0 - y / (prediction if prediction > FLOOR else FLOOR)

    @cython.ccall
    @cython.exceptval(check=False)
    def gradient(self, activation: Activation, y: cython.double, z: cython.double) -> cython.double:
        """Return a′ − y a′/a; where softplus and its slope are 0, a′/a is 1: what they tend to."""
        prediction: cython.double = activation.value(z)
        slope: cython.double = activation.slope(z)
        return slope - y * (slope / prediction if prediction > 0.0 else 1.0)


@cython.cclass
class PoissonLogLoss(PoissonLoss):
    """The Poisson loss behind ŷ = eᶻ, where the chain rule has a closed form."""

    @cython.ccall
    @cython.exceptval(check=False)
    def gradient(self, activation: Activation, y: cython.double, z: cython.double) -> cython.double:
        """Return ŷ − y: (1 − y/ŷ) · ŷ."""
        return activation.value(z) - y
