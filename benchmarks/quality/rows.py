"""From matrices and raw records to the rows that every contender gets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

BINARY = "binary"
REGRESSION = "regression"
TASKS = (BINARY, REGRESSION)

Features = dict[str, float]
Matrix = npt.NDArray[np.float64]
Rows = tuple[list[Features], Matrix]


def from_matrix(x: Matrix, y: npt.NDArray[Any], names: Iterable[str] | None = None) -> Rows:
    """Return the rows of a matrix; what is NaN is left out."""
    columns = list(names) if names else [f"x{j}" for j in range(x.shape[1])]
    samples = [{n: v for n, v in zip(columns, row, strict=True) if v == v} for row in x.tolist()]
    return samples, np.asarray(y, dtype=np.float64)


def from_records(records: Iterable[tuple[Mapping[Any, Any], Any]]) -> Rows:
    """Return the rows of a data set whose features may be text and whose labels are numbers."""
    pairs = [(dict(map(_number, x.items())), float(y)) for x, y in records]
    return [x for x, _ in pairs], np.array([y for _, y in pairs])


def shuffled(rows: Rows, seed: int) -> Rows:
    """Return the rows in another order, for sets that come sorted by label."""
    samples, labels = rows
    order = np.random.default_rng(seed).permutation(len(samples))
    return [samples[i] for i in order], labels[order]


def _number(item: tuple[Any, Any]) -> tuple[str, float]:
    name, value = item
    return (f"{name}={value}", 1.0) if isinstance(value, str) else (str(name), float(value))
