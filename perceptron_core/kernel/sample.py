"""One sample on its way through the neuron."""

# mypy: allow-untyped-decorators
from __future__ import annotations

try:
    import cython
except ImportError:
    import perceptron_core._interpreted as cython

from typing import Any

import numpy as np

from perceptron_core.kernel.limits import LIMIT

if cython.compiled:
    from cython.cimports.libc.math import fabs
else:
    from math import fabs

BOUND = cython.declare(cython.double, LIMIT)


@cython.cclass
class Sample:
    """Inputs, and copies of the rows of state that they touch; what is written here is not kept yet.

    Row 0 is the bias, whose input is the constant 1. Column 0 of a row is the weight; then come the
    optimizer's numbers, then the scaler's.

    Notes
    -----
    ``keys`` is a look-up cache: samples often come with the same names in the same order.
    """

    count: cython.Py_ssize_t  # rows in use, the bias among them
    unseen: cython.Py_ssize_t  # of these, features that the model does not have yet
    width: cython.Py_ssize_t  # columns of a row
    learned: cython.longlong  # how many samples the model has learned before this one
    keys: list[Any]  # by row: the name of a number that `index` is known to hold for
    layout: bytes | None  # the identities that `index` and `is_text` hold for, where they came as a row
    identities: list[Any]  # by row: what an unseen feature is to be known by; see `names.spell`
    is_text: cython.uchar[::1]  # by row: whether it is a one-hot feature
    index: cython.Py_ssize_t[::1]  # where a row lives in the state, −1 where unseen
    hashes: cython.ulonglong[::1]  # of the identities that are looked up, and where they end
    ends: cython.Py_ssize_t[::1]
    raw: cython.double[::1]  # inputs as they came
    x: cython.double[::1]  # inputs after scaling
    rows: cython.double[:, ::1]
    scalars: cython.double[::1]  # what the optimizer keeps once for the whole model

    def __init__(self, width: int, scalars: int) -> None:
        self.width = width
        self.learned = 0
        self.keys = []
        self.scalars = np.zeros(scalars).data
        self.reserve(32)

    @cython.cfunc
    def reserve(self, count: cython.Py_ssize_t) -> Any:
        """Make room for ``count`` rows; forgets the last sample where it has to grow."""
        if count <= len(self.keys):
            return
        size: cython.Py_ssize_t = max(count, 2 * len(self.keys))
        self.layout = None
        self.identities = [None] * size
        self.is_text = memoryview(bytearray(size))
        self.index = np.full(size, -1, dtype=np.intp).data
        self.hashes = np.zeros(size, dtype=np.uint64).data
        self.ends = np.zeros(size, dtype=np.intp).data
        self.raw = np.ones(size).data
        self.x = np.ones(size).data
        self.rows = np.zeros((size, self.width)).data
        self.keys = [self] * size  # no feature's name; the last, since its length stands for all

    @cython.cfunc
    @cython.exceptval(check=False)
    def weighted_sum(self) -> cython.double:
        """Return z = w·x + b."""
        k: cython.Py_ssize_t
        z: cython.double = 0.0
        for k in range(self.count):
            z += self.rows[k, 0] * self.x[k]
        return z

    @cython.cfunc
    @cython.exceptval(check=False)
    def is_sound(self) -> cython.bint:
        """Whether every number of the rows is finite and within the limit."""
        k: cython.Py_ssize_t
        c: cython.Py_ssize_t
        sound: cython.bint = True
        for k in range(self.count):
            for c in range(self.width):
                sound &= fabs(self.rows[k, c]) <= BOUND  # NaN is not <= anything
        for c in range(self.scalars.shape[0]):
            sound &= fabs(self.scalars[c]) <= BOUND
        return sound
