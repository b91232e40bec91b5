"""Optimizers whose step adapts per feature to the gradients that it has seen; see `optimizers.py`."""

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
    from cython.cimports.libc.math import pow, sqrt
else:
    from math import pow, sqrt


@cython.cclass
class AdaGrad(Optimizer):
    """G ← G + g²; w ← w − α g / √(G + ε): Duchi, Hazan and Singer (2011).

    Parameters
    ----------
    eps
        ε > 0.
    """

    eps: cython.double

    def __init__(self, *common: Any, eps: float = 1e-8) -> None:
        super().__init__(*common)
        self.columns += 1
        self.eps = eps

    @cython.cfunc
    @cython.exceptval(check=False)
    def move(self, sample: Sample, k: cython.Py_ssize_t, g: cython.double) -> cython.void:
        """Move the weight of row k, whose gradient is g."""
        sample.rows[k, 1] += g * g
        sample.rows[k, 0] -= self.rate / sqrt(sample.rows[k, 1] + self.eps) * g


@cython.cclass
class RMSProp(Optimizer):
    """G ← ρ G + (1 − ρ) g²; w ← w − α g / √(G + ε): Tieleman and Hinton (2012).

    Parameters
    ----------
    rho
        ρ in [0, 1).
    eps
        ε > 0.
    """

    rho: cython.double
    eps: cython.double

    def __init__(self, *common: Any, rho: float = 0.9, eps: float = 1e-8) -> None:
        super().__init__(*common)
        self.columns += 1
        self.rho = rho
        self.eps = eps

    @cython.cfunc
    @cython.exceptval(check=False)
    def move(self, sample: Sample, k: cython.Py_ssize_t, g: cython.double) -> cython.void:
        """Move the weight of row k, whose gradient is g."""
        sample.rows[k, 1] = self.rho * sample.rows[k, 1] + (1.0 - self.rho) * (g * g)
        sample.rows[k, 0] -= self.rate / sqrt(sample.rows[k, 1] + self.eps) * g


@cython.cclass
class AdaDelta(Optimizer):
    """Steps of the size of the steps before: w ← w + Δ, Δ = −g √(D + ε) / √(G + ε); Zeiler (2012).

    G and D are means of g² and Δ² with memory ρ. It has no learning rate.

    Parameters
    ----------
    rho
        ρ in [0, 1).
    eps
        ε > 0.
    """

    rho: cython.double
    eps: cython.double

    def __init__(self, *common: Any, rho: float = 0.95, eps: float = 1e-8) -> None:
        super().__init__(*common)
        self.columns += 2
        self.rho = rho
        self.eps = eps

    @cython.cfunc
    @cython.exceptval(check=False)
    def move(self, sample: Sample, k: cython.Py_ssize_t, g: cython.double) -> cython.void:
        """Move the weight of row k, whose gradient is g."""
        step: cython.double
        sample.rows[k, 1] = self.rho * sample.rows[k, 1] + (1.0 - self.rho) * (g * g)
        step = -sqrt(sample.rows[k, 2] + self.eps) / sqrt(sample.rows[k, 1] + self.eps) * g
        sample.rows[k, 2] = self.rho * sample.rows[k, 2] + (1.0 - self.rho) * (step * step)
        sample.rows[k, 0] += step


@cython.cclass
class Adam(Optimizer):
    """Means of g and g², m and v, corrected for their start at 0: Kingma and Ba (2015).

    m ← β₁ m + (1 − β₁) g; v ← β₂ v + (1 − β₂) g²; w ← w − α′ m / (√v + ε), with
    α′ = α √(1 − β₂ᵗ) / (1 − β₁ᵗ), where t counts the samples of the model, as in river.

    Parameters
    ----------
    beta_1, beta_2
        β₁, β₂ in [0, 1).
    eps
        ε > 0.
    """

    beta_1: cython.double
    beta_2: cython.double
    eps: cython.double
    mean_correction: cython.double
    square_correction: cython.double
    corrected_rate: cython.double

    def __init__(self, *common: Any, beta_1: float = 0.9, beta_2: float = 0.999, eps: float = 1e-8) -> None:
        super().__init__(*common)
        self.columns += 2
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.eps = eps

    @cython.cfunc
    @cython.exceptval(check=False)
    def begin(self, sample: Sample) -> cython.void:
        """Prepare the corrections."""
        t: cython.double = sample.learned + 1
        self.rate = self.schedule.at(sample.learned)
        self.mean_correction = 1.0 - pow(self.beta_1, t)
        self.square_correction = 1.0 - pow(self.beta_2, t)
        self.corrected_rate = self.rate * sqrt(self.square_correction) / self.mean_correction

    @cython.cfunc
    @cython.exceptval(check=False)
    def take(self, sample: Sample, k: cython.Py_ssize_t, g: cython.double) -> cython.void:
        """Take a gradient into both means."""
        sample.rows[k, 1] = self.beta_1 * sample.rows[k, 1] + (1.0 - self.beta_1) * g
        sample.rows[k, 2] = self.beta_2 * sample.rows[k, 2] + (1.0 - self.beta_2) * (g * g)

    @cython.cfunc
    @cython.exceptval(check=False)
    def move(self, sample: Sample, k: cython.Py_ssize_t, g: cython.double) -> cython.void:
        """Move the weight of row k, whose gradient is g."""
        self.take(sample, k, g)
        sample.rows[k, 0] -= self.corrected_rate * sample.rows[k, 1] / (sqrt(sample.rows[k, 2]) + self.eps)


@cython.cclass
class AMSGrad(Adam):
    """Adam by the largest v so far, so that steps never grow again: Reddi, Kale and Kumar (2018)."""

    def __init__(self, *common: Any, beta_1: float = 0.9, beta_2: float = 0.999, eps: float = 1e-8) -> None:
        super().__init__(*common, beta_1=beta_1, beta_2=beta_2, eps=eps)
        self.columns += 1

    @cython.cfunc
    @cython.exceptval(check=False)
    def move(self, sample: Sample, k: cython.Py_ssize_t, g: cython.double) -> cython.void:
        """Move the weight of row k, whose gradient is g."""
        self.take(sample, k, g)
        sample.rows[k, 3] = max(sample.rows[k, 3], sample.rows[k, 2])
        sample.rows[k, 0] -= self.corrected_rate * sample.rows[k, 1] / (sqrt(sample.rows[k, 3]) + self.eps)


@cython.cclass
class Nadam(Adam):
    """Adam with Nesterov's momentum: Dozat (2016)."""

    @cython.cfunc
    @cython.exceptval(check=False)
    def move(self, sample: Sample, k: cython.Py_ssize_t, g: cython.double) -> cython.void:
        """Move the weight of row k, whose gradient is g."""
        self.take(sample, k, g)
        mean: cython.double = self.beta_1 * sample.rows[k, 1] + (1.0 - self.beta_1) * g
        square: cython.double = sample.rows[k, 2] / self.square_correction
        sample.rows[k, 0] -= self.rate * (mean / self.mean_correction) / (sqrt(square) + self.eps)
