"""What a caller gives, taken in: a sample's numbers, and the rows of state that its features have.

Names are looked up only where they differ from those of the sample before.
"""

# mypy: allow-untyped-decorators
from __future__ import annotations

try:
    import cython
except ImportError:
    import perceptron_core._interpreted as cython

from typing import Any

from perceptron_core.kernel.limits import NAME_BYTES
from perceptron_core.kernel.names import end_of, read_entries, spell
from perceptron_core.kernel.reading import not_finite, number, unusable, unusable_name
from perceptron_core.kernel.row import Row
from perceptron_core.kernel.sample import Sample
from perceptron_core.kernel.table import Table
from perceptron_core.rejection import Rejection

if cython.compiled:
    from cython.cimports.libc.math import fabs
    from cython.cimports.perceptron_core.kernel.spelling import prefetch
else:
    from math import fabs

LARGEST = cython.declare(cython.double, 1.7976931348623157e308)
UNASKED = cython.declare(cython.Py_ssize_t, -2)


@cython.cclass
class Intake(Table):
    """The working state, and the sample that is on its way through it.

    Parameters
    ----------
    columns, width, scalars
        As :class:`~perceptron_core.kernel.table.Table` takes them.
    max_features
        The bound on features, of a sample and of the model.
    """

    sample: Sample
    max_features: cython.Py_ssize_t

    def __init__(self, columns: int, width: int, scalars: int, max_features: int) -> None:
        Table.__init__(self, columns, width, scalars)
        self.sample = Sample(width, scalars)
        self.max_features = max_features

    @cython.cfunc
    def gather(self, features: object) -> object:
        """Copy the rows that the sample touches into it; return a Rejection or None."""
        if isinstance(features, Row):
            return self._fetch(self._take_row(features))
        if not isinstance(features, dict):
            return Rejection("wrong_type", f"a dict of features was expected, not {type(features).__name__}")
        return self._fetch(self._take_dict(features if type(features) is dict else dict(features)))

    @cython.cfunc
    def _take_row(self, row: Row) -> object:
        """Take in numbers, and where in the state their features are, unless that is as before."""
        sample: Sample = self.sample
        text: cython.p_const_uchar = row.identities
        k: cython.Py_ssize_t
        is_known: cython.bint = row.identities is sample.layout
        self._begin(row.count)
        for k in range(1, row.count + 1):
            sample.raw[k] = row.numbers[row.first + k - 1]
        sample.count = row.count + 1
        if is_known:
            sample.layout = row.identities
            return None
        sample.ends[0] = 0
        for k in range(1, row.count + 1):  # memory is far: all of it is asked for before any is used
            sample.ends[k] = end_of(text, sample.ends[k - 1])
            sample.hashes[k] = self.names.expect(text, sample.ends[k - 1], sample.ends[k])
        for k in range(1, row.count + 1):
            sample.keys[k] = sample
            sample.is_text[k] = text[sample.ends[k - 1]] == 0x92
            self._found(k, self.names.find_hashed(sample.hashes[k], text, sample.ends[k - 1], sample.ends[k]))
            if sample.index[k] < 0:
                sample.identities[k] = row.identities[sample.ends[k - 1] : sample.ends[k]]
        sample.layout = row.identities
        return None

    @cython.cfunc
    def _take_dict(self, features: dict[Any, Any]) -> object:
        """Do the same for a dict, up to a value that can't be used; return a Rejection for that."""
        sample: Sample = self.sample
        trouble = None
        k: cython.Py_ssize_t = 0
        all_known: cython.bint = True
        self._begin(len(features))
        for name, value in features.items():
            if value is None:
                continue
            text = None
            if type(value) is float:
                sample.raw[k + 1] = value
            elif isinstance(value, str):
                text = value
                sample.raw[k + 1] = 1.0
            else:
                try:
                    sample.raw[k + 1] = number(value)
                except (TypeError, OverflowError) as error:
                    trouble = unusable(name, value, error)
                    break
            k += 1
            if text is None and sample.index[k] >= 0 and _are_same(name, sample.keys[k]):
                continue
            all_known = False
            identity = spell(name, text)
            sample.index[k] = UNASKED
            sample.keys[k] = name if text is None else sample
            sample.is_text[k] = text is not None
            sample.identities[k] = identity
            if type(identity) is bytes:
                sample.hashes[k] = self.names.expect(identity, 0, len(identity))
        sample.count = k + 1
        if not all_known:
            for k in range(1, sample.count):
                if sample.index[k] == UNASKED:
                    self._found(k, self.names.find(sample.identities[k], sample.hashes[k]))
        return trouble

    @cython.cfunc
    @cython.exceptval(check=False)
    def _found(self, k: cython.Py_ssize_t, j: cython.Py_ssize_t) -> cython.void:
        """Note where in the state the sample's row k is, −1 for nowhere."""
        self.sample.index[k] = j
        if cython.compiled and j >= 0:
            prefetch(cython.address(self.state[j, 0]))

    @cython.cfunc
    def _begin(self, count: cython.Py_ssize_t) -> Any:
        """Make room for so many features, and copy what the bias has of its own."""
        sample: Sample = self.sample
        c: cython.Py_ssize_t
        sample.reserve(count + 1)
        sample.layout = None
        sample.unseen = 0
        sample.learned = self.learned
        for c in range(self.columns):
            sample.rows[0, c] = self.bias[c]
        for c in range(sample.scalars.shape[0]):
            sample.scalars[c] = self.bias[self.columns + c]

    @cython.cfunc
    def _fetch(self, trouble: object) -> object:
        """Copy the rows of state; return the first Rejection: ``trouble`` comes last."""
        sample: Sample = self.sample
        k: cython.Py_ssize_t
        for k in range(1, sample.count):
            if not fabs(sample.raw[k]) <= LARGEST:
                return not_finite(self.entry(k)[0], sample.raw[k])
            if sample.index[k] >= 0:
                self.copy(sample, k, sample.index[k])
                continue
            rejection = self._admit(k)
            if rejection is not None:
                return rejection
        if trouble is None and sample.count - 1 > self.max_features:
            return Rejection(
                "too_many_features",
                f"the sample has {sample.count - 1} features; max_features is {self.max_features}",
            )
        return trouble

    @cython.cfunc
    def _admit(self, k: cython.Py_ssize_t) -> object:
        """Let the sample's row k be that of an unseen feature; return a Rejection or None."""
        sample: Sample = self.sample
        c: cython.Py_ssize_t
        identity = sample.identities[k]
        if type(identity) is not bytes or len(identity) > NAME_BYTES:
            rejection = unusable_name(*self.entry(k))
            if rejection is not None:
                return rejection
        sample.unseen += 1
        for c in range(sample.width):
            sample.rows[k, c] = 0.0
        return None

    @cython.cfunc
    def entry(self, k: cython.Py_ssize_t) -> tuple[Any, ...]:
        """Return the identity of the sample's row k."""
        j: cython.Py_ssize_t = self.sample.index[k]
        if j >= 0:
            return self.entries(j, j + 1)[0]
        identity = self.sample.identities[k]
        return read_entries(identity, 1)[0] if type(identity) is bytes else identity

    def add_names(self, entries: list[tuple[Any, ...]]) -> None:
        """Give features the next rows, in order; the last sample's may be among them."""
        self.sample = Sample(self.sample.width, self.sample.scalars.shape[0])
        Table.add_names(self, entries)

    def truncate_names(self, count: int) -> None:
        """Take back the names of the rows from ``count`` on, and the look-up cache with them."""
        self.sample = Sample(self.sample.width, self.sample.scalars.shape[0])
        Table.truncate_names(self, count)


@cython.cfunc
@cython.inline
def _are_same(name: object, other: object) -> cython.bint:
    """Whether two names are surely equal."""
    return name is other or (type(name) is str and type(other) is str and name == other)
