"""The working state: a row of numbers for each feature, and the bias; and what it was where it changed.

Column 0 of a row is the weight; then come the optimizer's numbers, then the scaler's. A block is 256
consecutive rows.
"""

# mypy: allow-untyped-decorators
from __future__ import annotations

try:
    import cython
except ImportError:
    import perceptron_core._interpreted as cython

from typing import Any

import numpy as np

from perceptron_core.kernel.limits import BLOCK
from perceptron_core.kernel.names import Names, spell
from perceptron_core.kernel.sample import Sample

PER_BLOCK = cython.declare(cython.Py_ssize_t, BLOCK)


@cython.cclass
class Table:
    """The state of a neuron.

    Parameters
    ----------
    columns
        The weight and the optimizer's numbers: what the bias has, too.
    width
        The columns of a row.
    scalars
        What the optimizer keeps once for the whole model.
    """

    learned: cython.longlong  # how many samples
    columns: cython.Py_ssize_t
    names: Names  # the features, by row
    table: Any  # the state as an array, over the same memory as `state`
    state: cython.double[:, ::1]
    bias_table: Any  # the bias, its optimizer's columns, then the optimizer's scalars
    bias: cython.double[::1]
    dirty_flags: cython.uchar[::1]  # by block: whether it changed since the state was marked clean
    before: dict[int, Any]  # the rows that such a block had by then
    clean: cython.Py_ssize_t  # how many features were known by then

    def __init__(self, columns: int, width: int, scalars: int) -> None:
        self.learned = 0
        self.columns = columns
        self.names = Names()
        self.before = {}
        self.clean = 0
        self._use(np.zeros((BLOCK, width), dtype="<f8"))
        self.bias_table = np.zeros(columns + scalars, dtype="<f8")
        self.bias = self.bias_table.data

    # A sample's rows

    @cython.cfunc
    @cython.exceptval(check=False)
    def copy(self, sample: Sample, k: cython.Py_ssize_t, j: cython.Py_ssize_t) -> cython.void:
        """Copy row j of the state to a sample's row k."""
        c: cython.Py_ssize_t
        for c in range(sample.width):
            sample.rows[k, c] = self.state[j, c]

    @cython.cfunc
    def keep(self, sample: Sample) -> Any:
        """Write a sample's rows back: the one place where a sample changes the state."""
        k: cython.Py_ssize_t
        j: cython.Py_ssize_t
        c: cython.Py_ssize_t
        for c in range(self.columns):
            self.bias[c] = sample.rows[0, c]
        for c in range(sample.scalars.shape[0]):
            self.bias[self.columns + c] = sample.scalars[c]
        for k in range(1, sample.count):
            j = sample.index[k]
            if j < 0:
                j = self.add(sample.identities[k])
                sample.index[k] = j
            if not self.dirty_flags[j // PER_BLOCK]:
                self._mark_dirty(j // PER_BLOCK)
            for c in range(sample.width):
                self.state[j, c] = sample.rows[k, c]
        self.learned += 1

    @cython.cfunc
    def _mark_dirty(self, block: cython.Py_ssize_t) -> Any:
        """Keep the rows that a block has while it is clean."""
        first: cython.Py_ssize_t = block * PER_BLOCK
        self.before[block] = self.table[first : max(first, min(first + PER_BLOCK, self.clean))].copy()
        self.dirty_flags[block] = 1

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def add(self, identity: object) -> cython.Py_ssize_t:
        """Give a feature the next row."""
        if self.names.count == len(self.table):
            larger = np.zeros((2 * len(self.table), self.table.shape[1]), dtype="<f8")
            larger[: len(self.table)] = self.table
            self._use(larger)
        return self.names.add(identity)

    @cython.cfunc
    def _use(self, table: Any) -> Any:
        """Take a larger table as the state."""
        flags = bytearray(len(table) // BLOCK)
        for block in self.before:
            flags[block] = 1
        self.table = table
        self.state = table.data
        self.dirty_flags = memoryview(flags)

    # Whole rows in and out

    def facts(self) -> tuple[int, int, Any, Any]:
        """Return how many samples are learned and features known, the table and the bias row (not copies)."""
        return self.learned, self.names.count, self.table, self.bias_table

    def entries(self, first: cython.Py_ssize_t = 0, end: cython.Py_ssize_t = -1) -> list[tuple[Any, ...]]:
        """Return the identities of rows, or of all: ``(name,)`` of a number, ``(name, text)`` of a text."""
        return self.names.entries(first, self.names.count if end < 0 else end)

    def spelling(self, first: cython.Py_ssize_t, end: cython.Py_ssize_t) -> bytes | None:
        """Return the same as MessagePack, one after the other; None where one has a name that is no text."""
        return self.names.spelling(first, end)

    def dirty_blocks(self) -> list[int]:
        """Return the blocks that changed since :meth:`mark_clean`, in order."""
        return sorted(self.before)

    def mark_clean(self) -> dict[int, Any]:
        """Forget which blocks changed; return the rows that each had before, as far as they were known."""
        block: cython.Py_ssize_t
        before: dict[int, Any] = self.before
        self.before = {}
        for block in before:
            self.dirty_flags[block] = 0
        self.clean = self.names.count
        return before

    def put(self, first: int, rows: Any) -> None:
        """Overwrite rows from ``first`` on, which changes their blocks."""
        block: cython.Py_ssize_t
        for block in range(first // PER_BLOCK, (first + len(rows) - 1) // PER_BLOCK + 1):
            if not self.dirty_flags[block]:
                self._mark_dirty(block)
        self.table[first : first + len(rows)] = rows

    def put_scalars(self, learned: int, bias: Any) -> None:
        """Overwrite the count of learned samples and the bias row."""
        self.learned = learned
        self.bias_table[:] = bias

    def add_names(self, entries: list[tuple[Any, ...]]) -> None:
        """Give features the next rows, in order.

        Raises
        ------
        ValueError
            A feature has a row already.
        """
        for entry in entries:
            identity = spell(entry[0], entry[1] if len(entry) > 1 else None)
            hashed = self.names.expect(identity, 0, len(identity)) if type(identity) is bytes else 0
            if self.names.find(identity, hashed) >= 0:
                raise ValueError(f"feature {entry!r:.80} is there twice")
            self.add(identity)

    def truncate_names(self, count: int) -> None:
        """Take back the names of the rows from ``count`` on."""
        self.names.truncate(count)
