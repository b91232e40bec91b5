"""Scaling: from the inputs as they came, x, to the inputs of the neuron, x̃, by running statistics.

Statistics are taken over the samples that carry a feature. Text is one-hot and never scaled: among the
samples that carry it, it does not vary.
"""

# mypy: allow-untyped-decorators
from __future__ import annotations

try:
    import cython
except ImportError:
    import perceptron_core._interpreted as cython

from typing import Any

from perceptron_core.kernel.sample import Sample

if cython.compiled:
    from cython.cimports.libc.math import sqrt
else:
    from math import sqrt


@cython.cclass
class Scaler:
    """No scaling: inputs are used as they are.

    Attributes
    ----------
    column, columns
        Where in a row its numbers begin, and how many they are.
    leads
        Whether the statistics take a sample in before it is predicted. They see no label, so nothing
        leaks; a prediction that is not learned from leaves them as they were.
    """

    column: cython.Py_ssize_t
    columns: cython.Py_ssize_t
    leads: cython.bint

    def __init__(self, column: int) -> None:
        self.column = column
        self.columns = 0
        self.leads = True

    @cython.cfunc
    @cython.exceptval(check=False)
    def transform(self, sample: Sample) -> cython.void:
        """Set ``x`` from ``raw`` with the statistics as they are."""
        k: cython.Py_ssize_t
        for k in range(1, sample.count):
            sample.x[k] = sample.raw[k]

    @cython.cfunc
    @cython.exceptval(check=False)
    def learn(self, sample: Sample) -> cython.void:
        """Take the sample into the statistics."""

    def describe(self, row: Any) -> dict[str, float]:
        """Return the statistics of a feature by name; ``row`` is its row of the state."""
        return {}


@cython.cclass
class StandardScaler(Scaler):
    """x̃ = (x − mean) / sd over the samples that carry the feature; 0 where sd is 0. Text is not scaled.

    Columns: count, mean, variance, by Welford's updates in river's form; and 1 / sd, which is needed
    twice for each time that it changes.
    """

    def __init__(self, column: int) -> None:
        self.column = column
        self.columns = 4
        self.leads = False

    @cython.cfunc
    @cython.exceptval(check=False)
    def transform(self, sample: Sample) -> cython.void:
        """Set ``x`` from ``raw`` with the statistics as they are."""
        k: cython.Py_ssize_t
        c: cython.Py_ssize_t = self.column
        for k in range(1, sample.count):
            if not sample.is_text[k]:
                sample.x[k] = (sample.raw[k] - sample.rows[k, c + 1]) * sample.rows[k, c + 3]
            else:
                sample.x[k] = sample.raw[k]

    @cython.cfunc
    @cython.exceptval(check=False)
    def learn(self, sample: Sample) -> cython.void:
        """Take the sample into the statistics."""
        k: cython.Py_ssize_t
        count: cython.double
        before: cython.double
        mean: cython.double
        variance: cython.double
        c: cython.Py_ssize_t = self.column
        for k in range(1, sample.count):
            if sample.is_text[k]:
                continue
            count = sample.rows[k, c] + 1.0
            before = sample.raw[k] - sample.rows[k, c + 1]
            mean = sample.rows[k, c + 1] + before / count
            sample.rows[k, c] = count
            sample.rows[k, c + 1] = mean
            variance = sample.rows[k, c + 2]
            variance += (before * (sample.raw[k] - mean) - variance) / count
            sample.rows[k, c + 2] = variance
            sample.rows[k, c + 3] = 1.0 / sqrt(variance) if variance > 0.0 else 0.0

    def describe(self, row: Any) -> dict[str, float]:
        """Return the statistics of a feature by name; ``row`` is its row of the state."""
        count, mean, variance = (float(number) for number in row[self.column : self.column + 3])
        return {"count": count, "mean": mean, "sd": sqrt(max(variance, 0.0))}


@cython.cclass
class MinMaxScaler(Scaler):
    """x̃ = (x − min) / (max − min); 0 where they are equal. Text is not scaled.

    Columns: count, min, max.
    """

    def __init__(self, column: int) -> None:
        self.column = column
        self.columns = 3
        self.leads = False

    @cython.cfunc
    @cython.exceptval(check=False)
    def transform(self, sample: Sample) -> cython.void:
        """Set ``x`` from ``raw`` with the statistics as they are."""
        k: cython.Py_ssize_t
        low: cython.double
        high: cython.double
        c: cython.Py_ssize_t = self.column
        for k in range(1, sample.count):
            if sample.is_text[k]:
                sample.x[k] = sample.raw[k]
                continue
            low = sample.rows[k, c + 1]
            high = sample.rows[k, c + 2]
            sample.x[k] = (sample.raw[k] - low) / (high - low) if high > low else 0.0

    @cython.cfunc
    @cython.exceptval(check=False)
    def learn(self, sample: Sample) -> cython.void:
        """Take the sample into the statistics."""
        k: cython.Py_ssize_t
        x: cython.double
        c: cython.Py_ssize_t = self.column
        for k in range(1, sample.count):
            if sample.is_text[k]:
                continue
            x = sample.raw[k]
            if sample.rows[k, c] == 0.0 or x < sample.rows[k, c + 1]:
                sample.rows[k, c + 1] = x
            if sample.rows[k, c] == 0.0 or x > sample.rows[k, c + 2]:
                sample.rows[k, c + 2] = x
            sample.rows[k, c] += 1.0

    def describe(self, row: Any) -> dict[str, float]:
        """Return the statistics of a feature by name; ``row`` is its row of the state."""
        count, low, high = (float(number) for number in row[self.column : self.column + 3])
        return {"count": count, "min": low, "max": high}
