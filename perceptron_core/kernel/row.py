"""The features of a sample in columns: one tuple of names for many samples, and no object for each number."""

# mypy: allow-untyped-decorators
from __future__ import annotations

try:
    import cython
except ImportError:
    import perceptron_core._interpreted as cython

from typing import Any


@cython.final
@cython.no_gc
@cython.cclass
class Row:
    """Stands for a dict of features where there are many: whoever makes it vouches for what it says.

    Parameters
    ----------
    names
        Of the features, no two equal; the same tuple for as many rows as possible.
    numbers
        (m,) values of the features of many rows.
    first
        Where those of this row begin in ``numbers``.
    texts
        By feature a text, or None where it is a number; None where all of them are.
    """

    names: tuple[str, ...]
    numbers: cython.double[::1]
    first: cython.Py_ssize_t
    texts: tuple[str | None, ...] | None

    def __init__(
        self,
        names: tuple[str, ...],
        numbers: cython.double[::1],
        first: cython.Py_ssize_t,
        texts: tuple[str | None, ...] | None = None,
    ) -> None:
        self.names = names
        self.numbers = numbers
        self.first = first
        self.texts = texts

    def features(self) -> dict[str, Any]:
        """Return the features by name."""
        texts = self.texts or (None,) * len(self.names)
        return {
            name: float(self.numbers[self.first + k]) if texts[k] is None else texts[k]
            for k, name in enumerate(self.names)
        }
