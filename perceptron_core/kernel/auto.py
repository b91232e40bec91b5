"""The neuron that needs no learning rate: two rates side by side, weighed by how well they predict."""

# mypy: allow-untyped-decorators
from __future__ import annotations

try:
    import cython
except ImportError:
    import perceptron_core._interpreted as cython

from collections.abc import Sequence
from typing import Any

import numpy as np

from perceptron_core.kernel.activations import Activation
from perceptron_core.kernel.labels import NUMBERS, LabelScale
from perceptron_core.kernel.losses import Loss
from perceptron_core.kernel.optimizers import Optimizer
from perceptron_core.kernel.sample import Sample
from perceptron_core.kernel.schedules import Schedule

if cython.compiled:
    from cython.cimports.libc.math import exp, log, pow, sqrt
    from cython.cimports.perceptron_core.kernel.activations import sigmoid
else:
    from math import exp, log, pow, sqrt

    from perceptron_core.kernel.activations import sigmoid

MEMORY = cython.declare(cython.double, 0.9999)
EPSILON = cython.declare(cython.double, 0.1)
SHARED = cython.declare(cython.double, 3e-4)
UNLIKELY = cython.declare(cython.double, 1e-9)


@cython.cclass
class Auto(Optimizer):
    """z = Σ πₖ zₖ over experts: neurons that differ in their rate ηₖ alone, and one that sees labels only.

    Parameters
    ----------
    standardise
        Whether labels are values, to be learned in units of their spread; the last expert says their mean.
    probability
        Whether z is the logit of a probability; the last expert says the base rate. With neither there is
        no such expert.
    eta
        ηₖ > 0, an even number of them.

    Notes
    -----
    *Weigh.* πₖ ← (1 − a) πₖ Pₖ(y) / Σ + a / experts, a = 0.0003: the fixed share of Herbster and Warmuth
    (1998), *Tracking the best expert*; a grid of rates as in van Erven and Koolen (2016), *MetaGrad*. Pₖ is
    the probability given to the label; e^(−c/2r) for values, where c is the expert's loss beyond the best
    one's and r the usual loss of the mean; else e^(−c).

    *Step.* With g = ∂L/∂z of the mean: Gⱼ ← 0.9999 Gⱼ + (g x̃ⱼ)², as in AdaGrad, dⱼ = 1/√(Gⱼ + 0.1),
    κ = Σ dⱼ x̃ⱼ², and N the running mean of 1 + |x̃|². Every expert takes an implicit step, which can't go too
    far: wⱼ ← wⱼ − e gₖ dⱼ x̃ⱼ, with e = ηₖ/√N and gₖ = ∂L/∂z at zₖ − e κ gₖ; Kulis and Bartlett (2010),
    *Implicit online learning*. A sample's weight multiplies e and what is added to G, and is the exponent
    of Pₖ.

    The mean of linear scores is linear: :meth:`weights` are Σ πₖ wₖ.

    Columns: the weights of each rate, then G. Scalars: N; π; the counts of labels 0 and 1 with memory 0.9999,
    or r; then those of ``LabelScale``.
    """

    def __init__(
        self, standardise: bool = False, probability: bool = False, eta: Sequence[float] = (1.0, 8.0)
    ) -> None:
        super().__init__(Schedule(1.0))
        self.standardise = standardise
        self.probability = probability
        self.rates = len(eta)
        self.experts = self.rates + (1 if standardise or probability else 0)
        self.columns = self.rates
        self.labels = LabelScale(self.rates + 4)
        self.scalars = self.rates + 4 + (NUMBERS if standardise else 0)
        self.eta = np.array(eta, dtype=np.float64).data
        self.z = np.zeros(self.rates + 1).data
        self.likelihood = np.zeros(self.rates + 1).data

    @cython.cfunc
    @cython.exceptval(check=False)
    def score(self, sample: Sample) -> cython.double:
        """Return the z to predict from."""
        i: cython.Py_ssize_t
        if sample.learned == 0:
            for i in range(self.experts):
                sample.scalars[1 + i] = 1.0 / self.experts
        self.look(sample)
        self.mixed = self.mix(sample)
        if not self.standardise:
            return self.mixed
        z: cython.double = self.labels.centre(sample) + self.labels.spread(sample) * self.mixed
        return self.labels.within_range(sample, z)

    @cython.cfunc
    @cython.exceptval(check=False)
    def look(self, sample: Sample) -> cython.void:
        """Set the experts' scores, and 1 + |x̃|²."""
        i: cython.Py_ssize_t
        k: cython.Py_ssize_t
        x: cython.double
        for i in range(0, self.rates, 2):  # two sums at a time take no longer than one
            first: cython.double = 0.0
            second: cython.double = 0.0
            square: cython.double = 0.0
            for k in range(sample.count):
                x = sample.x[k]
                first += sample.rows[k, i] * x
                second += sample.rows[k, i + 1] * x
                square += x * x
            self.z[i] = first
            self.z[i + 1] = second
            self.square = square
        if self.probability:
            i = self.rates
            self.z[i] = log((sample.scalars[i + 3] + 0.5) / (sample.scalars[i + 2] + 0.5))

    @cython.cfunc
    @cython.exceptval(check=False)
    def mix(self, sample: Sample) -> cython.double:
        """Return the mean score."""
        i: cython.Py_ssize_t
        z: cython.double = 0.0
        for i in range(self.experts):
            z += sample.scalars[1 + i] * self.z[i]
        return z

    @cython.cfunc
    @cython.exceptval(check=False)
    def learn(
        self, sample: Sample, loss: Loss, activation: Activation, y: cython.double, weight: cython.double
    ) -> cython.void:
        """Weigh the experts anew, by the scores that they predicted with, and let each take a step."""
        if weight == 0.0:
            return
        if self.standardise:
            y = self.labels.take(sample, y)
            if self.labels.spread(sample) == 0.0:
                return
        if self.probability:
            self.judge_probabilities(sample, y)
        else:
            self.judge_losses(sample, loss, activation, y)
        self.reweight(sample, weight)
        sample.scalars[0] += (self.square - sample.scalars[0]) / (sample.learned + 1.0)
        self.step(sample, loss, activation, y, weight)

    @cython.cfunc
    @cython.exceptval(check=False)
    def judge_probabilities(self, sample: Sample, y: cython.double) -> cython.void:
        """Set Pₖ from probabilities, and count the label."""
        i: cython.Py_ssize_t
        p: cython.double
        for i in range(self.experts):
            p = sigmoid(self.z[i] if y >= 0.5 else -self.z[i])
            if p < UNLIKELY:
                p = UNLIKELY
            if 0.0 < y < 1.0:
                p = pow(p, y if y >= 0.5 else 1.0 - y) * pow(1.0 - p, 1.0 - y if y >= 0.5 else y)
            self.likelihood[i] = p
        i = self.rates + 2
        sample.scalars[i] = MEMORY * sample.scalars[i] + (1.0 - y)
        sample.scalars[i + 1] = MEMORY * sample.scalars[i + 1] + y

    @cython.cfunc
    @cython.exceptval(check=False)
    def judge_losses(
        self, sample: Sample, loss: Loss, activation: Activation, y: cython.double
    ) -> cython.void:
        """Set Pₖ from losses, and take that of the mean into the usual one."""
        i: cython.Py_ssize_t
        m: cython.double = 0.0
        s: cython.double = 1.0
        usual: cython.double = 0.5
        if self.standardise:
            m = self.labels.centre(sample)
            s = self.labels.spread(sample)
            usual = self.usual(sample, loss.cost(activation, y, m + s * self.mixed))
        least: cython.double = loss.cost(activation, y, m + s * self.z[0])
        for i in range(self.experts):
            self.likelihood[i] = loss.cost(activation, y, m + s * self.z[i])
            least = self.likelihood[i] if self.likelihood[i] < least else least
        for i in range(self.experts):
            c: cython.double = self.likelihood[i] - least
            self.likelihood[i] = exp(-0.5 * c / usual) if c < 40.0 * usual else UNLIKELY

    @cython.cfunc
    @cython.exceptval(check=False)
    def usual(self, sample: Sample, c: cython.double) -> cython.double:
        """Take a loss, no more than 25 times the usual one, into the usual one, and return that."""
        i: cython.Py_ssize_t = self.rates + 2
        r: cython.double = sample.scalars[i]
        if r == 0.0:
            r = c
        sample.scalars[i] = r + 0.01 * ((c if c < 25.0 * r else 25.0 * r) - r)
        return sample.scalars[i]

    @cython.cfunc
    @cython.exceptval(check=False)
    def reweight(self, sample: Sample, weight: cython.double) -> cython.void:
        """Multiply π by P to the power of the sample's weight; let nobody fall to nothing."""
        i: cython.Py_ssize_t
        best: cython.double = UNLIKELY
        total: cython.double = 0.0
        if weight != 1.0:
            for i in range(self.experts):
                best = self.likelihood[i] if self.likelihood[i] > best else best
            for i in range(self.experts):
                self.likelihood[i] = pow(self.likelihood[i] / best, weight)
        for i in range(self.experts):
            sample.scalars[1 + i] *= self.likelihood[i]
            total += sample.scalars[1 + i]
        total = (1.0 - SHARED) / total
        for i in range(self.experts):
            sample.scalars[1 + i] = sample.scalars[1 + i] * total + SHARED / self.experts

    @cython.cfunc
    @cython.exceptval(check=False)
    def step(
        self, sample: Sample, loss: Loss, activation: Activation, y: cython.double, weight: cython.double
    ) -> cython.void:
        """Let every rate take its step; x̃ is used up."""
        i: cython.Py_ssize_t
        k: cython.Py_ssize_t
        m: cython.double = 0.0
        s: cython.double = 1.0
        unit: cython.double = 1.0
        if self.standardise:
            m = self.labels.centre(sample)
            s = self.labels.spread(sample)
            unit = loss.unit(s)
        g: cython.double = loss.gradient(activation, y, m + s * self.mixed) / unit
        e: cython.double = weight / (sqrt(sample.scalars[0]) * unit)
        h: cython.double = s * e * self.stretch(sample, g, weight)
        for i in range(self.rates):
            g = loss.implicit(activation, y, m + s * self.z[i], self.eta[i] * h) * (self.eta[i] * e)
            for k in range(sample.count):
                sample.rows[k, i] -= g * sample.x[k]
        sample.x[0] = 1.0

    @cython.cfunc
    @cython.exceptval(check=False)
    def stretch(self, sample: Sample, g: cython.double, weight: cython.double) -> cython.double:
        """Take the gradient into G, turn x̃ into d x̃, and return κ."""
        k: cython.Py_ssize_t
        x: cython.double
        seen: cython.double
        stretched: cython.double = 0.0
        c: cython.Py_ssize_t = self.rates
        for k in range(sample.count):
            x = sample.x[k]
            seen = MEMORY * sample.rows[k, c] + weight * ((g * x) * (g * x))
            sample.rows[k, c] = seen
            sample.x[k] = x / sqrt(seen + EPSILON)
            stretched += sample.x[k] * x
        return stretched

    def weights(self, rows: Any, scalars: Any, learned: int) -> Any:
        """Return the mean weights, in the labels' own unit; see :meth:`Optimizer.weights`."""
        return self.weights_by_rate(rows, scalars) @ self.shares(scalars, learned)[: self.rates]

    def bias(self, row: Any, scalars: Any, learned: int) -> float:
        """Return the bias that goes with :meth:`weights`; ``row`` is the bias's own."""
        mean = float(self.weights(np.asarray(row)[None, :], scalars, learned)[0])
        if self.standardise:
            return mean + float(scalars[self.labels.first + 1])
        if self.probability:
            zeros, ones = (float(count) + 0.5 for count in scalars[self.rates + 2 : self.rates + 4])
            return mean + float(self.shares(scalars, learned)[self.rates] * log(ones / zeros))
        return mean

    def by_rate(self, rows: Any, scalars: Any, learned: int) -> dict[float, tuple[float, Any]]:
        """Return, by η, its share π and its own (n,) weights; see :meth:`Optimizer.by_rate`."""
        shares, weights = self.shares(scalars, learned), self.weights_by_rate(rows, scalars)
        return {float(self.eta[i]): (float(shares[i]), weights[:, i]) for i in range(self.rates)}

    def weights_by_rate(self, rows: Any, scalars: Any) -> Any:
        """Return (n, rates) weights, each rate's own, in the labels' own unit."""
        spread = float(scalars[self.labels.first + 2]) if self.standardise else 1.0
        return np.asarray(rows)[:, : self.rates] * spread

    def shares(self, scalars: Any, learned: int) -> Any:
        """Return (experts,) π: each rate's, then the last expert's, if there is one."""
        if learned == 0:
            return np.full(self.experts, 1.0 / self.experts)
        return np.array(scalars[1 : 1 + self.experts])
