"""The features of a sample in columns: names spelled once for many samples, and no object for each number."""

# mypy: allow-untyped-decorators
from __future__ import annotations

try:
    import cython
except ImportError:
    import perceptron_core._interpreted as cython

from perceptron_core.kernel.names import read_entries


@cython.final
@cython.no_gc
@cython.cclass
class Row:
    """Stands for a dict of features where there are many: whoever makes it vouches for what it says.

    Parameters
    ----------
    identities
        Of the features, no two equal, one after the other as ``names.py`` spells them; the same object for
        as many rows as possible.
    count
        How many features.
    numbers
        (m,) values of the features of many rows; 1 for a text.
    first
        Where those of this row begin in ``numbers``.
    """

    identities: bytes
    count: cython.Py_ssize_t
    numbers: cython.double[::1]
    first: cython.Py_ssize_t

    def __init__(
        self,
        identities: bytes,
        count: cython.Py_ssize_t,
        numbers: cython.double[::1],
        first: cython.Py_ssize_t,
    ) -> None:
        self.identities = identities
        self.count = count
        self.numbers = numbers
        self.first = first

    def features(self) -> dict[str, float | str]:
        """Return the features by name."""
        entries = read_entries(self.identities, self.count)
        return {
            entry[0]: float(self.numbers[self.first + k]) if len(entry) == 1 else entry[1]
            for k, entry in enumerate(entries)
        }
