"""Inputs as the neuron sees them: features read, one-hot and scaled; a data set of them as a sparse matrix.

The bias is the weight of a constant input 1, so column 0 of the matrix is 1 in every row, and the weighted
sum plus bias is one sum: z = w₀·1 + w₁x₁ + … + wₙxₙ.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from perceptron_core import kernel
from perceptron_core.perceptron import Features, Perceptron

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


def put_weights(model: Perceptron, w: Floats) -> None:
    """Give the model these weights; ``w`` is (d + 1,) with the bias first."""
    blocks = []
    for number in range(model.n_blocks):
        names = model.names(number)
        rows = np.frombuffer(model.block(number)).reshape(len(names), -1).copy()
        first = 1 + number * kernel.BLOCK
        rows[:, 0] = w[first : first + len(names)]
        blocks.append((number, names, rows.tobytes()))
    model.load(model.version, [float(w[0]), *model.scalars()[1:]], blocks)
    model.commit()


@dataclass(frozen=True)
class DataSet:
    """n samples of d features, scaled, as the rows of a sparse (n, d + 1) matrix.

    Parameters
    ----------
    d
        Features; the bias is column 0.
    starts
        (n + 1,) where a row begins in ``columns`` and ``inputs``.
    columns, inputs
        (m,) column and x̃, row after row.
    labels, weights
        (n,) targets, and sample weights of mean 1.
    """

    d: int
    starts: Integers
    columns: Integers
    inputs: Floats
    labels: Floats
    weights: Floats

    @classmethod
    def read(cls, model: Perceptron, samples: Sequence[Features], labels: Floats, weights: Floats) -> DataSet:
        """Return the samples by the names and statistics of ``model``, which has seen them all."""
        known = model._neuron.entries()
        place = {entry: column for column, entry in enumerate(known, start=1)}
        columns, inputs, starts = [], [], [0]
        for features in samples:
            columns.append(0)
            inputs.append(1.0)
            for entry, _, x in model.inputs(features):
                columns.append(place[entry])
                inputs.append(x)
            starts.append(len(columns))
        index = np.array(columns, dtype=np.int64)
        return cls(len(known), np.array(starts), index, np.array(inputs), labels, weights / weights.mean())

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def rows(self) -> Integers:
        """(m,) the row of each input."""
        return np.repeat(np.arange(len(self)), np.diff(self.starts))

    def scores(self, w: Floats) -> Floats:
        """Return (n,) z = w·x + b; ``w`` is (d + 1,) with b first. Summed in order, as the neuron does."""
        return np.bincount(self.rows, w[self.columns] * self.inputs, len(self)).astype(np.float64, copy=False)

    def means(self, of_samples: Floats) -> Floats:
        """Return (d + 1,) the mean over the samples of a number of each times its inputs."""
        totals = np.bincount(self.columns, of_samples[self.rows] * self.inputs, self.d + 1)
        return totals / len(self)

    def shares(self) -> Floats:
        """Return (d + 1,) the share of the samples, by weight, that carry a feature; 0 for the bias."""
        shares = np.bincount(self.columns, self.weights[self.rows], self.d + 1) / len(self)
        shares[0] = 0.0
        return shares

    def constant(self) -> list[int]:
        """Return the features, counted from 0, whose input is the same in every sample."""
        low, high = np.zeros(self.d + 1), np.zeros(self.d + 1)
        everywhere = np.bincount(self.columns, minlength=self.d + 1) == len(self)
        low[everywhere], high[everywhere] = np.inf, -np.inf
        np.minimum.at(low, self.columns, self.inputs)
        np.maximum.at(high, self.columns, self.inputs)
        return [int(column) - 1 for column in np.flatnonzero(low == high) if column]

    def batches(self, size: int, order: Integers) -> Iterator[DataSet]:
        """Yield mini-batches of ``size`` rows in this order; the last may be smaller."""
        for start in range(0, len(self), size):
            yield self._take(order[start : start + size])

    def _take(self, rows: Integers) -> DataSet:
        counts = np.diff(self.starts)[rows]
        starts = np.concatenate([[0], counts.cumsum()])
        places = np.arange(starts[-1]) + np.repeat(self.starts[rows] - starts[:-1], counts)
        parts = (self.columns[places], self.inputs[places], self.labels[rows], self.weights[rows])
        return DataSet(self.d, starts, *parts)
