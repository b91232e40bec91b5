"""Progressive metrics, kept sample by sample beside the model and equal to river's of the same names.

Unweighted: every labelled, accepted sample counts once, whatever its weight. Sums are taken in the
order of the samples, so the values do not depend on how samples come in batches. Compiled where a
compiler is at hand, like the kernel.
"""

# mypy: allow-untyped-decorators
from __future__ import annotations

try:
    import cython
except ImportError:
    import perceptron_core._interpreted as cython

import math

if cython.compiled:
    from cython.cimports.libc.math import fabs, log
    from cython.cimports.perceptron_core.kernel.losses import clamp
else:
    from math import fabs, log

    from perceptron_core.kernel.losses import clamp


BOUND = cython.declare(cython.double, 1e145)
ROUNDING = 1e-12


@cython.cclass
class BinaryMetrics:
    """Accuracy, precision, recall, F1 and log loss of probabilities.

    Notes
    -----
    A prediction is positive when its probability is above 0.5. Log loss keeps probabilities within
    [1e−15, 1 − 1e−15] and is in nats. A ratio without cases is 0, as in river.
    """

    true_positives: cython.double
    true_negatives: cython.double
    false_positives: cython.double
    false_negatives: cython.double
    log_loss_sum: cython.double

    def __init__(self) -> None:
        self.load([0.0] * 5)

    def update(self, labels: cython.double[::1], predictions: cython.double[::1]) -> None:
        """Take a batch in.

        Parameters
        ----------
        labels
            (n,) targets, 0 or 1; NaN: not labelled.
        predictions
            (n,) probabilities; NaN: refused.
        """
        i: cython.Py_ssize_t
        y: cython.double
        p: cython.double
        for i in range(labels.shape[0]):
            y = float(labels[i])  # interpreted, an array gives numpy scalars
            p = float(predictions[i])
            if y != y or p != p:
                continue
            if y > 0.5:
                if p > 0.5:
                    self.true_positives += 1.0
                else:
                    self.false_negatives += 1.0
            elif p > 0.5:
                self.false_positives += 1.0
            else:
                self.true_negatives += 1.0
            p = 1e-15 if p < 1e-15 else 1.0 - 1e-15 if p > 1.0 - 1e-15 else p
            self.log_loss_sum -= log(p) if y > 0.5 else log(1.0 - p)

    def state(self) -> list[float]:
        """Return the numbers to be given to :meth:`load`."""
        return [
            self.true_positives,
            self.true_negatives,
            self.false_positives,
            self.false_negatives,
            self.log_loss_sum,
        ]

    def load(self, state: list[float]) -> None:
        """Go on from a :meth:`state`."""
        (
            self.true_positives,
            self.true_negatives,
            self.false_positives,
            self.false_negatives,
            self.log_loss_sum,
        ) = state

    def since(self, earlier: list[float]) -> BinaryMetrics:
        """Return the metrics of the samples that came after an earlier :meth:`state` of these."""
        later = BinaryMetrics()
        later.load([now - before for now, before in zip(self.state(), earlier, strict=True)])
        return later

    def values(self) -> dict[str, float]:
        """Return the metrics by name."""
        tp, tn, fp, fn, log_loss = self.state()
        samples = tp + tn + fp + fn
        return {
            "samples": samples,
            "accuracy": _ratio(tp + tn, samples),
            "log_loss": _ratio(log_loss, samples),
            "f1": _ratio(2 * tp, 2 * tp + fp + fn),
            "precision": _ratio(tp, tp + fp),
            "recall": _ratio(tp, tp + fn),
        }


@cython.cclass
class RegressionMetrics:
    """Mean absolute error, (root) mean squared error and R².

    Notes
    -----
    R² = 1 − Σ(y − ŷ)² / Σ(y − ȳ)²; 0 before the second sample and where the labels do not vary. Labels and
    predictions count as ±1e145 where they are beyond: one square would be infinite, and so the sums for good.
    """

    samples: cython.double
    absolute_sum: cython.double
    squared_sum: cython.double
    label_mean: cython.double
    label_scatter: cython.double  # Σ(y − ȳ)², by Welford's update

    def __init__(self) -> None:
        self.load([0.0] * 5)

    def update(self, labels: cython.double[::1], predictions: cython.double[::1]) -> None:
        """Take a batch in.

        Parameters
        ----------
        labels
            (n,) targets; NaN: not labelled.
        predictions
            (n,) predictions; NaN: refused.
        """
        i: cython.Py_ssize_t
        y: cython.double
        error: cython.double
        before: cython.double
        for i in range(labels.shape[0]):
            y = clamp(float(labels[i]), -BOUND, BOUND)
            error = clamp(float(predictions[i]), -BOUND, BOUND) - y
            if error != error:
                continue
            self.samples += 1.0
            self.absolute_sum += fabs(error)
            self.squared_sum += error * error
            before = y - self.label_mean
            self.label_mean += before / self.samples
            self.label_scatter += before * (y - self.label_mean)

    def state(self) -> list[float]:
        """Return the numbers to be given to :meth:`load`."""
        return [self.samples, self.absolute_sum, self.squared_sum, self.label_mean, self.label_scatter]

    def load(self, state: list[float]) -> None:
        """Go on from a :meth:`state`."""
        self.samples, self.absolute_sum, self.squared_sum, self.label_mean, self.label_scatter = state

    def since(self, earlier: list[float]) -> RegressionMetrics:
        """Return the metrics of the samples that came after an earlier :meth:`state` of these.

        Notes
        -----
        The scatter of the whole is that of both parts and of their means about the common one:
        Σ(y − ȳ)² = S₁ + S₂ + n₁ n₂ / n · (ȳ₁ − ȳ₂)². What rounding alone leaves of it counts as 0: such
        labels do not vary.
        """
        samples, absolute, squared, mean, scatter = self.state()
        samples_1, absolute_1, squared_1, mean_1, scatter_1 = earlier
        later, samples_2 = RegressionMetrics(), samples - samples_1
        if samples_2 > 0:
            mean_2 = (samples * mean - samples_1 * mean_1) / samples_2
            between = samples_1 * samples_2 / samples * (mean_1 - mean_2) ** 2
            scatter_2 = scatter - scatter_1 - between
            if scatter_2 <= ROUNDING * scatter:
                scatter_2 = 0.0
            later.load([samples_2, absolute - absolute_1, squared - squared_1, mean_2, scatter_2])
        return later

    def values(self) -> dict[str, float]:
        """Return the metrics by name."""
        samples, absolute, squared, _, scatter = self.state()
        mse = _ratio(squared, samples)
        return {
            "samples": samples,
            "mae": _ratio(absolute, samples),
            "mse": mse,
            "rmse": math.sqrt(mse),
            "r2": 1.0 - squared / scatter if samples > 1 and scatter > 0.0 else 0.0,
        }


def _ratio(part: float, whole: float) -> float:
    """Return part / whole, 0 where there is no whole."""
    return part / whole if whole else 0.0
