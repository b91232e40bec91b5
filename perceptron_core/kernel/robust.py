"""Scaling that a few wild values do not spoil, that leaves absence its meaning, and that follows changes."""

# mypy: allow-untyped-decorators
from __future__ import annotations

try:
    import cython
except ImportError:
    import perceptron_core._interpreted as cython

from typing import Any

from perceptron_core.kernel.sample import Sample
from perceptron_core.kernel.scalers import Scaler

if cython.compiled:
    from cython.cimports.libc.math import fabs, sqrt
    from cython.cimports.perceptron_core.kernel.blocks import is_due, mean, take, variance
else:
    from math import fabs, sqrt

    from perceptron_core.kernel.blocks import is_due, mean, take, variance

LARGEST = cython.declare(cython.double, 1e70)  # the state holds its square
SMALLEST = cython.declare(cython.double, 1e-280)  # the state holds the inverse of its root
CLIP = cython.declare(cython.double, 5.0)
SETTLED = cython.declare(cython.double, 20.0)
ABSENCES = cython.declare(cython.double, 2.0)


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def _within(x: cython.double, bound: cython.double) -> cython.double:
    """Return ``x`` within ± ``bound``."""
    return -bound if x < -bound else bound if x > bound else x


@cython.cclass
class RobustScaler(Scaler):
    """x̃ = (x − m + a s) / (s √(1 + a²)), within ± 5, for neurons to which an absent feature is a 0.

    m and s are mean and deviation of the feature's values over the two blocks of ``blocks.py``; after 20
    values they take in no more than the ± 5. a = 2 (1 − p)/p, but no more than m/s, and of m's sign, where
    p is the share of samples that carry the feature: of all samples, or of those since its first and two
    more, whichever is larger. Text stays 1.

    Columns: samples that carried the feature; how many the model had learned before the first of them; four
    numbers of blocks; what is subtracted; by what it is multiplied then. The last two spare most samples
    roots and divisions.

    Notes
    -----
    What is always there is standardised: a = 0. What is rarely there, as a word, is divided by its root
    mean square √(m² + s²), so it is 1 if it does not vary; centred, its presence would say nothing: a = m/s.
    Between them absence, 0, lies a deviations below the mean: near enough to it for gaps in data, far
    enough for counts whose zeros are left out.

    Numbers beyond ± 1e70 are taken as that; a deviation below 1e-140 is taken as 0.
    """

    def __init__(self, column: int) -> None:
        self.column = column
        self.columns = 8
        self.leads = True

    @cython.cfunc
    @cython.exceptval(check=False)
    def transform(self, sample: Sample) -> cython.void:
        """Set ``x`` from ``raw`` with the statistics as they are."""
        k: cython.Py_ssize_t
        x: cython.double
        c: cython.Py_ssize_t = self.column
        for k in range(1, sample.count):
            if not sample.is_text[k]:
                x = _within(sample.raw[k], LARGEST) - sample.rows[k, c + 6]
                sample.x[k] = _within(x * sample.rows[k, c + 7], CLIP)
            else:
                sample.x[k] = sample.raw[k]

    @cython.cfunc
    @cython.exceptval(check=False)
    def learn(self, sample: Sample) -> cython.void:
        """Take the sample into the statistics."""
        k: cython.Py_ssize_t
        c: cython.Py_ssize_t = self.column
        for k in range(1, sample.count):
            if sample.is_text[k]:
                continue
            if sample.rows[k, c] == 0.0:
                sample.rows[k, c + 1] = sample.learned
            sample.rows[k, c] += 1.0
            if is_due(sample.rows[k, c]):
                self.take(sample, k)

    @cython.cfunc
    @cython.exceptval(check=False)
    def take(self, sample: Sample, k: cython.Py_ssize_t) -> cython.void:
        """Take row k into its blocks, and work out anew what to subtract and by what to multiply."""
        c: cython.Py_ssize_t = self.column
        x: cython.double = _within(sample.raw[k], LARGEST)
        beyond: cython.double = (x - sample.rows[k, c + 6]) * sample.rows[k, c + 7]
        if fabs(beyond) > CLIP and sample.rows[k, c] > SETTLED:
            x = sample.rows[k, c + 6] + _within(beyond, CLIP) / sample.rows[k, c + 7]
        share: cython.double = take(sample.rows, k, c + 2, sample.rows[k, c], x)
        m: cython.double = mean(sample.rows, k, c + 2, share)
        square: cython.double = variance(sample.rows, k, c + 2, share)
        a: cython.double = 2.0 * self.absent(sample, k)
        if m * m <= a * a * square or (square == 0.0 and a > 0.0):
            square += m * m
            m = 0.0
        elif a > 0.0:
            m -= a * sqrt(square) if m > 0.0 else -a * sqrt(square)
            square *= 1.0 + a * a
        sample.rows[k, c + 6] = m
        sample.rows[k, c + 7] = 1.0 / sqrt(square) if square > SMALLEST else 0.0

    @cython.cfunc
    @cython.exceptval(check=False)
    def absent(self, sample: Sample, k: cython.Py_ssize_t) -> cython.double:
        """Return (1 − p)/p of row k's feature."""
        carried: cython.double = sample.rows[k, self.column]
        before: cython.double = sample.rows[k, self.column + 1] - ABSENCES
        of: cython.double = sample.learned + 1.0
        if before > 0.0:
            of -= before
        return (of - carried) / carried

    def describe(self, row: Any) -> dict[str, float]:
        """Return the statistics of a feature by name; ``row`` is its row of the state."""
        count, centre, factor = (float(row[self.column + i]) for i in (0, 6, 7))
        return {"count": count, "centre": centre, "scale": 1.0 / factor if factor else 0.0}
