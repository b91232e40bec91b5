"""The neuron: the loop that runs a sample through the article's steps, and the state that it works on.

=====================================  ==============================================
the article                            here
=====================================  ==============================================
weighted sum plus bias  z = w·x + b    :meth:`~perceptron_core.kernel.sample.Sample.weighted_sum`
activation  ŷ = a(z)                   ``activations.py``
loss  L(y, ŷ)                          ``losses.py``, ``margins.py``
chain rule  ∂L/∂z = ∂L/∂ŷ · ∂ŷ/∂z      :meth:`~perceptron_core.kernel.losses.Loss.gradient`
∂z/∂w = x, ∂z/∂b = 1                   :meth:`~perceptron_core.kernel.optimizers.Optimizer.learn`
gradient descent  w ← w − α ∂L/∂w      :meth:`~perceptron_core.kernel.optimizers.Optimizer.move`
=====================================  ==============================================

A sample works on copies of the rows of state that it needs; they are written back only when every new
number is finite and at most 1e150, so a refused sample leaves no trace.
"""

# mypy: allow-untyped-decorators
from __future__ import annotations

try:
    import cython
except ImportError:
    import perceptron_core._interpreted as cython

from typing import Any

import numpy as np

from perceptron_core.kernel.activations import Activation
from perceptron_core.kernel.intake import Intake
from perceptron_core.kernel.limits import LIMIT
from perceptron_core.kernel.losses import Loss
from perceptron_core.kernel.optimizers import Optimizer
from perceptron_core.kernel.reading import real
from perceptron_core.kernel.sample import Sample
from perceptron_core.kernel.scalers import Scaler
from perceptron_core.rejection import Rejection, SampleRejected

if cython.compiled:
    from cython.cimports.libc.math import fabs
else:
    from math import fabs

BOUND = cython.declare(cython.double, LIMIT)
LARGEST = cython.declare(cython.double, 1.7976931348623157e308)
NO_LABEL = cython.declare(cython.double, float("nan"))


@cython.cclass
class Neuron(Intake):
    """The loop over samples, and the working state that it changes.

    Parameters
    ----------
    activation, loss, optimizer, scaler
        What the neuron is made of. The scaler's columns begin behind the weight and the optimizer's.
    max_features
        The bound on features, of a sample and of the model.
    targets
        The least and the largest label.
    """

    activation: Activation
    loss: Loss
    optimizer = cython.declare(Optimizer, visibility="readonly")
    scaler = cython.declare(Scaler, visibility="readonly")
    lowest: cython.double
    highest: cython.double
    score: cython.double

    def __init__(
        self,
        activation: Activation,
        loss: Loss,
        optimizer: Optimizer,
        scaler: Scaler,
        max_features: int,
        targets: tuple[float, float],
    ) -> None:
        self.activation = activation
        self.loss = loss
        self.optimizer = optimizer
        self.scaler = scaler
        self.lowest, self.highest = targets
        columns = 1 + optimizer.columns
        Intake.__init__(self, columns, columns + scaler.columns, optimizer.scalars, max_features)

    # The loop

    def run(
        self,
        samples: list[Any],
        labels: cython.double[::1],
        weights: cython.double[::1],
        predictions: cython.double[::1],
        stop_at_first: cython.bint = False,
    ) -> list[tuple[int, Rejection]]:
        """Predict, then learn, sample by sample.

        Parameters
        ----------
        samples
            n dicts.
        labels, weights
            (n,); a NaN label means: predict only.
        predictions
            (n,), written: ŷ before learning; NaN where the sample was refused.
        stop_at_first
            Whether the first refused sample ends the run.

        Returns
        -------
        list of (int, Rejection)
            The refused samples by index.
        """
        i: cython.Py_ssize_t
        rejections: list[Any] = []
        for i in range(len(samples)):
            rejection = self._predict_learn(samples[i], float(labels[i]), float(weights[i]))
            if rejection is None:
                predictions[i] = self.activation.value(self.score)
            else:
                predictions[i] = np.nan
                rejections.append((i, rejection))
                if stop_at_first:
                    break
        return rejections

    def score_one(self, features: object) -> float:
        """Return the score z = w·x + b; see :meth:`perceptron_core.Perceptron.score_one`."""
        rejection = self._predict_learn(features, NO_LABEL, 1.0)
        if rejection is not None:
            raise SampleRejected(rejection)
        return float(self.score)

    def predict_one(self, features: object) -> float:
        """Return ŷ; see :meth:`perceptron_core.Perceptron.predict_one`."""
        rejection = self._predict_learn(features, NO_LABEL, 1.0)
        if rejection is not None:
            raise SampleRejected(rejection)
        return float(self.activation.value(self.score))

    def learn_one(self, features: object, label: object, weight: object = 1.0) -> None:
        """Learn one sample; see :meth:`perceptron_core.Perceptron.learn_one`."""
        y: cython.double = real("label", label)
        w: cython.double = real("weight", weight)
        if not (self.lowest <= y <= self.highest and fabs(y) <= LARGEST):
            raise ValueError(
                f"label is {label!r}; a finite number ≥ {self.lowest:g} and ≤ {self.highest:g} was expected"
            )
        if not 0.0 <= w <= LARGEST:
            raise ValueError(f"weight is {weight!r}; a finite number ≥ 0 was expected")
        rejection = self._predict_learn(features, y, w)
        if rejection is not None:
            raise SampleRejected(rejection)

    @cython.cfunc
    def _predict_learn(self, features: object, y: cython.double, weight: cython.double) -> object:
        """Set ``score``, then learn from y unless it is NaN; return a Rejection or None."""
        sample: Sample = self.sample
        rejection = self.gather(features)
        if rejection is not None:
            return rejection
        if self.scaler.leads:
            self.scaler.learn(sample)
        self.scaler.transform(sample)
        self.score = self.optimizer.score(sample)
        if not fabs(self.score) <= BOUND:
            return Rejection("diverged", f"the score is {self.score!r}, beyond ±{LIMIT:g}")
        if y != y:
            return None
        if sample.unseen and self.names.count + sample.unseen > self.max_features:
            return Rejection(
                "too_many_features",
                f"{sample.unseen} unseen features on top of {self.names.count} would pass "
                f"max_features = {self.max_features}",
            )
        self._learn(y, weight)
        if not sample.is_sound():
            return Rejection("diverged", f"learning it would take a number of the model beyond ±{LIMIT:g}")
        self.keep(sample)
        return None

    @cython.cfunc
    @cython.exceptval(check=False)
    def _learn(self, y: cython.double, weight: cython.double) -> cython.void:
        """Update the statistics, scale by the new ones, and take one step, as a river pipeline does."""
        sample: Sample = self.sample
        if not self.scaler.leads:
            self.scaler.learn(sample)
            self.scaler.transform(sample)
        self.optimizer.learn(sample, self.loss, self.activation, y, weight)

    # What surrounds the loop: whole rows in and out

    def inputs(
        self, features: object, as_predicted: cython.bint = False
    ) -> list[tuple[tuple[Any, ...], float, float]]:
        """Return (identity, x, x̃) of each feature of a sample; see :meth:`perceptron_core.Perceptron.inputs`.

        Raises
        ------
        SampleRejected
            The sample can't be used.
        """
        k: cython.Py_ssize_t
        rejection = self.gather(features)
        if rejection is not None:
            raise SampleRejected(rejection)
        sample: Sample = self.sample
        if as_predicted and self.scaler.leads:
            self.scaler.learn(sample)
        self.scaler.transform(sample)
        found = []
        for k in range(1, sample.count):
            found.append((self.entry(k), float(sample.raw[k]), float(sample.x[k])))
        return found

    def weights(self) -> Any:
        """Return the (n,) weights that predictions are made by, in order of the rows."""
        scalars = self.bias_table[self.columns :]
        return self.optimizer.weights(self.table[: self.names.count], scalars, self.learned)

    def by_rate(self) -> dict[float, tuple[float, Any]]:
        """Return, by rate, its share in predictions and its own (n,) weights, where there are several."""
        rows, scalars = self.table[: self.names.count], self.bias_table[self.columns :]
        found: dict[float, tuple[float, Any]] = self.optimizer.by_rate(rows, scalars, self.learned)
        return found

    def intercept(self) -> float:
        """Return the bias that predictions are made by."""
        row, scalars = self.bias_table[: self.columns], self.bias_table[self.columns :]
        return float(self.optimizer.bias(row, scalars, self.learned))
