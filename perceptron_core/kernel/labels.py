"""Labels that are values, in units of their own spread, so that no step depends on the unit they come in."""

# mypy: allow-untyped-decorators
from __future__ import annotations

try:
    import cython
except ImportError:
    import perceptron_core._interpreted as cython

import numpy as np

from perceptron_core.kernel.sample import Sample

if cython.compiled:
    from cython.cimports.libc.math import sqrt
    from cython.cimports.perceptron_core.kernel.blocks import is_due, mean, take, variance
    from cython.cimports.perceptron_core.kernel.losses import clamp
else:
    from math import sqrt

    from perceptron_core.kernel.blocks import is_due, mean, take, variance
    from perceptron_core.kernel.losses import clamp

LARGEST = cython.declare(cython.double, 1e70)  # the state holds its square
WILD = cython.declare(cython.double, 10.0)
SETTLED = cython.declare(cython.double, 20.0)
NUMBERS = 9


@cython.cclass
class LabelScale:
    """Mean and deviation of the labels over two blocks (``blocks.py``), and the range seen.

    Nine of the model's scalars, from ``first`` on: labels seen; centre; spread; the lowest and the highest;
    four numbers of blocks. Labels beyond ± 1e70 are taken as that, and, after 20 of them, those beyond ten
    deviations from the mean as ten.
    """

    first: cython.Py_ssize_t
    row: cython.double[:, ::1]  # where the blocks lie while a label is taken in

    def __init__(self, first: int) -> None:
        self.first = first
        self.row = np.zeros((1, 4)).data

    @cython.cfunc
    @cython.exceptval(check=False)
    def take(self, sample: Sample, y: cython.double) -> cython.double:
        """Take a label in, and return it as it was taken."""
        c: cython.Py_ssize_t = self.first
        y = clamp(y, -LARGEST, LARGEST)
        if sample.scalars[c] == 0.0 or y < sample.scalars[c + 3]:
            sample.scalars[c + 3] = y
        if sample.scalars[c] == 0.0 or y > sample.scalars[c + 4]:
            sample.scalars[c + 4] = y
        sample.scalars[c] += 1.0
        if sample.scalars[c] > SETTLED and sample.scalars[c + 2] > 0.0:
            far: cython.double = WILD * sample.scalars[c + 2]
            y = clamp(y, sample.scalars[c + 1] - far, sample.scalars[c + 1] + far)
        if is_due(sample.scalars[c]):
            self.describe(sample, y)
        return y

    @cython.cfunc
    @cython.exceptval(check=False)
    def describe(self, sample: Sample, y: cython.double) -> cython.void:
        """Take a label into the blocks, and work out centre and spread anew."""
        c: cython.Py_ssize_t = self.first
        i: cython.Py_ssize_t
        for i in range(4):
            self.row[0, i] = sample.scalars[c + 5 + i]
        share: cython.double = take(self.row, 0, 0, sample.scalars[c], y)
        sample.scalars[c + 1] = mean(self.row, 0, 0, share)
        sample.scalars[c + 2] = sqrt(variance(self.row, 0, 0, share))
        for i in range(4):
            sample.scalars[c + 5 + i] = self.row[0, i]

    @cython.cfunc
    @cython.exceptval(check=False)
    def centre(self, sample: Sample) -> cython.double:
        """Return the mean."""
        return sample.scalars[self.first + 1]

    @cython.cfunc
    @cython.exceptval(check=False)
    def spread(self, sample: Sample) -> cython.double:
        """Return the deviation."""
        return sample.scalars[self.first + 2]

    @cython.cfunc
    @cython.exceptval(check=False)
    def within_range(self, sample: Sample, z: cython.double) -> cython.double:
        """Return z within the range seen."""
        return clamp(z, sample.scalars[self.first + 3], sample.scalars[self.first + 4])
