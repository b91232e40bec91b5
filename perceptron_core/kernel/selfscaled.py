"""Optimizers that find the size of their steps, or the zeros among the weights, by themselves."""

# mypy: allow-untyped-decorators
from __future__ import annotations

try:
    import cython
except ImportError:
    import perceptron_core._interpreted as cython

from typing import Any

from perceptron_core.kernel.optimizers import Optimizer
from perceptron_core.kernel.sample import Sample

if cython.compiled:
    from cython.cimports.libc.math import fabs, sqrt
else:
    from math import fabs, sqrt


@cython.cclass
class FTRL(Optimizer):
    """FTRL-Proximal, whose L1 gives true zeros: McMahan et al. (2013), *Ad click prediction*.

    n ← n + g²; z ← z + g − σ w with σ = (√n′ − √n)/α; then w = 0 where |z| ≤ λ₁, else
    w = −(z − sgn(z) λ₁) / ((β + √n)/α + λ₂). The bias is not penalised.

    Parameters
    ----------
    beta
        β ≥ 0.

    Notes
    -----
    river's forms w at the beginning of the next step, so its predictions lag by one sample, and it
    leaves a weight as it was where |z| ≤ λ₁.
    """

    beta: cython.double
    sparsity: cython.double
    ridge: cython.double

    def __init__(self, *common: Any, beta: float = 1.0) -> None:
        super().__init__(*common)
        self.columns = 2
        self.beta = beta
        self.sparsity, self.ridge = self.l1, self.l2
        self.l1 = self.l2 = 0.0  # it has its own way with both

    @cython.cfunc
    @cython.exceptval(check=False)
    def move(self, sample: Sample, k: cython.Py_ssize_t, g: cython.double) -> cython.void:
        """Move the weight of row k, whose gradient is g."""
        l1: cython.double = self.sparsity if k > 0 else 0.0
        l2: cython.double = self.ridge if k > 0 else 0.0
        root: cython.double = sqrt(sample.rows[k, 2] + g * g)
        z: cython.double = (
            sample.rows[k, 1] + g - (root - sqrt(sample.rows[k, 2])) / self.rate * sample.rows[k, 0]
        )
        sample.rows[k, 1] = z
        sample.rows[k, 2] += g * g
        if fabs(z) <= l1 or root == 0.0:
            sample.rows[k, 0] = 0.0
        else:
            sample.rows[k, 0] = -(z - l1 if z > 0.0 else z + l1) / ((self.beta + root) / self.rate + l2)


@cython.cclass
class CoinBetting(Optimizer):
    """Bets on the sign of the next gradient; needs no learning rate: Orabona and Tommasi (2017), COCOB.

    With the outcome c = −g: L ← max(L, |c|); G ← G + |c|; R ← max(R + w c, 0); θ ← θ + c; and
    w = θ / (L max(G + L, α L)) · (L + R).

    Parameters
    ----------
    caution
        α > 0: the first bets are no larger than 1/α of the capital.

    Notes
    -----
    L1 is part of the gradient, λ₁ sgn w: weights are made anew from the past gradients at each step, so
    that what is taken from them otherwise would be back at the next.
    """

    caution: cython.double
    sparsity: cython.double

    def __init__(self, *common: Any, caution: float = 100.0) -> None:
        super().__init__(*common)
        self.columns = 4
        self.caution = caution
        self.sparsity = self.l1
        self.l1 = 0.0  # it has its own way with it

    @cython.cfunc
    @cython.exceptval(check=False)
    def move(self, sample: Sample, k: cython.Py_ssize_t, g: cython.double) -> cython.void:
        """Move the weight of row k, whose gradient is g."""
        if k > 0 and sample.rows[k, 0] != 0.0:
            g += self.sparsity if sample.rows[k, 0] > 0.0 else -self.sparsity
        largest: cython.double = max(sample.rows[k, 1], fabs(g))
        total: cython.double = sample.rows[k, 2] + fabs(g)
        reward: cython.double = max(sample.rows[k, 3] - sample.rows[k, 0] * g, 0.0)
        theta: cython.double = sample.rows[k, 4] - g
        sample.rows[k, 1] = largest
        sample.rows[k, 2] = total
        sample.rows[k, 3] = reward
        sample.rows[k, 4] = theta
        if largest > 0.0:
            bound: cython.double = max(total + largest, self.caution * largest)
            sample.rows[k, 0] = theta / largest * ((largest + reward) / bound)


@cython.cclass
class Normalized(Optimizer):
    """AdaGrad that does not care for the scale of any input: Ross, Mineiro and Langford (2013), NAG.

    s = the largest |x| of a feature so far; where it grows, w ← w s/s′. N ← N + Σ x²/s²; G ← G + g²;
    w ← w − α √(t/N) g / (s √G). Vowpal Wabbit's default, without its importance-aware step.
    """

    def __init__(self, *common: Any) -> None:
        super().__init__(*common)
        self.columns += 2
        self.scalars = 1

    @cython.cfunc
    @cython.exceptval(check=False)
    def score(self, sample: Sample) -> cython.double:
        """Return z, as if the weights of inputs larger than ever before were drawn in.

        The sample is left as it is: its inputs are scaled anew before they are learned from.
        """
        k: cython.Py_ssize_t
        w: cython.double
        z: cython.double = 0.0
        for k in range(sample.count):
            w = sample.rows[k, 0]
            if fabs(sample.x[k]) > sample.rows[k, 2]:
                w *= sample.rows[k, 2] / fabs(sample.x[k])
            z += w * sample.x[k]
        return z

    @cython.cfunc
    @cython.exceptval(check=False)
    def look_ahead(self, sample: Sample) -> cython.double:
        """Draw in the weights of inputs larger than ever before; return the z to take the gradient at."""
        k: cython.Py_ssize_t
        for k in range(sample.count):
            if fabs(sample.x[k]) > sample.rows[k, 2]:
                sample.rows[k, 0] *= sample.rows[k, 2] / fabs(sample.x[k])
                sample.rows[k, 2] = fabs(sample.x[k])
        return sample.weighted_sum()

    @cython.cfunc
    @cython.exceptval(check=False)
    def begin(self, sample: Sample) -> cython.void:
        """Take the sample's size into N, and prepare the rate."""
        k: cython.Py_ssize_t
        share: cython.double
        for k in range(sample.count):
            if sample.rows[k, 2] > 0.0:
                share = sample.x[k] / sample.rows[k, 2]
                sample.scalars[0] += share * share
        self.rate = self.schedule.at(sample.learned) * sqrt((sample.learned + 1.0) / sample.scalars[0])

    @cython.cfunc
    @cython.exceptval(check=False)
    def move(self, sample: Sample, k: cython.Py_ssize_t, g: cython.double) -> cython.void:
        """Move the weight of row k, whose gradient is g."""
        sample.rows[k, 1] += g * g
        if sample.rows[k, 1] > 0.0 and sample.rows[k, 2] > 0.0:
            sample.rows[k, 0] -= self.rate * g / (sample.rows[k, 2] * sqrt(sample.rows[k, 1]))
