"""The neuron: the loop that runs a sample through the article's steps, and the state that it works on.

=====================================  ==============================================
the article                            here
=====================================  ==============================================
weighted sum plus bias  z = w·x + b    :meth:`~perceptron_core.kernel.sample.Sample.weighted_sum`
activation  ŷ = a(z)                   ``activations.py``
loss  L(y, ŷ)                          ``losses.py``, ``margins.py``
chain rule  ∂L/∂z = ∂L/∂ŷ · ∂ŷ/∂z      :meth:`~perceptron_core.kernel.losses.Loss.gradient`
∂z/∂w = x, ∂z/∂b = 1                   :meth:`~perceptron_core.kernel.optimizers.Optimizer.learn`
gradient descent  w ← w − α ∂L/∂w      :meth:`~perceptron_core.kernel.optimizers.Optimizer.move`
=====================================  ==============================================

A sample works on copies of the rows of state that it needs; they are written back only when every new
number is finite and at most 1e150, so a refused sample leaves no trace.
"""

# mypy: allow-untyped-decorators
from __future__ import annotations

try:
    import cython
except ImportError:
    import perceptron_core._interpreted as cython

from typing import Any

import numpy as np

from perceptron_core.kernel.activations import Activation
from perceptron_core.kernel.limits import LIMIT, NAME_BYTES
from perceptron_core.kernel.losses import Loss
from perceptron_core.kernel.names import end_of, keyed_hash, read_entries, spell
from perceptron_core.kernel.optimizers import Optimizer
from perceptron_core.kernel.reading import not_finite, number, real, unusable, unusable_name
from perceptron_core.kernel.row import Row
from perceptron_core.kernel.sample import Sample
from perceptron_core.kernel.scalers import Scaler
from perceptron_core.kernel.table import Table
from perceptron_core.rejection import Rejection, SampleRejected

if cython.compiled:
    from cython.cimports.libc.math import fabs
    from cython.cimports.perceptron_core.kernel.spelling import prefetch
else:
    from math import fabs

BOUND = cython.declare(cython.double, LIMIT)
LARGEST = cython.declare(cython.double, 1.7976931348623157e308)
UNASKED = cython.declare(cython.Py_ssize_t, -2)
NO_LABEL = cython.declare(cython.double, float("nan"))


@cython.cclass
class Neuron(Table):
    """The loop over samples, and the working state that it changes.

    Parameters
    ----------
    activation, loss, optimizer, scaler
        What the neuron is made of. The scaler's columns begin behind the weight and the optimizer's.
    max_features
        The bound on features, of a sample and of the model.
    targets
        The least and the largest label.
    """

    activation: Activation
    loss: Loss
    optimizer = cython.declare(Optimizer, visibility="readonly")
    scaler = cython.declare(Scaler, visibility="readonly")
    sample: Sample
    max_features: cython.Py_ssize_t
    lowest: cython.double
    highest: cython.double
    score: cython.double

    def __init__(
        self,
        activation: Activation,
        loss: Loss,
        optimizer: Optimizer,
        scaler: Scaler,
        max_features: int,
        targets: tuple[float, float],
    ) -> None:
        self.activation = activation
        self.loss = loss
        self.optimizer = optimizer
        self.scaler = scaler
        self.sample = Sample(1 + optimizer.columns + scaler.columns, optimizer.scalars)
        self.max_features = max_features
        self.lowest, self.highest = targets
        Table.__init__(self, 1 + optimizer.columns, self.sample.width, optimizer.scalars)

    # The loop

    def run(
        self,
        samples: list[Any],
        labels: cython.double[::1],
        weights: cython.double[::1],
        predictions: cython.double[::1],
        stop_at_first: cython.bint = False,
    ) -> list[tuple[int, Rejection]]:
        """Predict, then learn, sample by sample.

        Parameters
        ----------
        samples
            n dicts.
        labels, weights
            (n,); a NaN label means: predict only.
        predictions
            (n,), written: ŷ before learning; NaN where the sample was refused.
        stop_at_first
            Whether the first refused sample ends the run.

        Returns
        -------
        list of (int, Rejection)
            The refused samples by index.
        """
        i: cython.Py_ssize_t
        rejections: list[Any] = []
        for i in range(len(samples)):
            rejection = self._predict_learn(samples[i], float(labels[i]), float(weights[i]))
            if rejection is None:
                predictions[i] = self.activation.value(self.score)
            else:
                predictions[i] = np.nan
                rejections.append((i, rejection))
                if stop_at_first:
                    break
        return rejections

    def score_one(self, features: object) -> float:
        """Return the score z = w·x + b; see :meth:`perceptron_core.Perceptron.score_one`."""
        rejection = self._predict_learn(features, NO_LABEL, 1.0)
        if rejection is not None:
            raise SampleRejected(rejection)
        return float(self.score)

    def predict_one(self, features: object) -> float:
        """Return ŷ; see :meth:`perceptron_core.Perceptron.predict_one`."""
        rejection = self._predict_learn(features, NO_LABEL, 1.0)
        if rejection is not None:
            raise SampleRejected(rejection)
        return float(self.activation.value(self.score))

    def learn_one(self, features: object, label: object, weight: object = 1.0) -> None:
        """Learn one sample; see :meth:`perceptron_core.Perceptron.learn_one`."""
        y: cython.double = real("label", label)
        w: cython.double = real("weight", weight)
        if not (self.lowest <= y <= self.highest and fabs(y) <= LARGEST):
            raise ValueError(
                f"label is {label!r}; a finite number ≥ {self.lowest:g} and ≤ {self.highest:g} was expected"
            )
        if not 0.0 <= w <= LARGEST:
            raise ValueError(f"weight is {weight!r}; a finite number ≥ 0 was expected")
        rejection = self._predict_learn(features, y, w)
        if rejection is not None:
            raise SampleRejected(rejection)

    @cython.cfunc
    def _predict_learn(self, features: object, y: cython.double, weight: cython.double) -> object:
        """Set ``score``, then learn from y unless it is NaN; return a Rejection or None."""
        sample: Sample = self.sample
        rejection = self._gather(features)
        if rejection is not None:
            return rejection
        if self.scaler.leads:
            self.scaler.learn(sample)
        self.scaler.transform(sample)
        self.score = self.optimizer.score(sample)
        if not fabs(self.score) <= BOUND:
            return Rejection("diverged", f"the score is {self.score!r}, beyond ±{LIMIT:g}")
        if y != y:
            return None
        if sample.unseen and self.names.count + sample.unseen > self.max_features:
            return Rejection(
                "too_many_features",
                f"{sample.unseen} unseen features on top of {self.names.count} would pass "
                f"max_features = {self.max_features}",
            )
        self._learn(y, weight)
        if not sample.is_sound():
            return Rejection("diverged", f"learning it would take a number of the model beyond ±{LIMIT:g}")
        self.keep(sample)
        return None

    @cython.cfunc
    @cython.exceptval(check=False)
    def _learn(self, y: cython.double, weight: cython.double) -> cython.void:
        """Update the statistics, scale by the new ones, and take one step, as a river pipeline does."""
        sample: Sample = self.sample
        if not self.scaler.leads:
            self.scaler.learn(sample)
            self.scaler.transform(sample)
        self.optimizer.learn(sample, self.loss, self.activation, y, weight)

    # Between the state and the sample

    @cython.cfunc
    def _gather(self, features: object) -> object:
        """Copy the rows that the sample touches into it; return a Rejection or None."""
        if isinstance(features, Row):
            return self._fetch(self._take_row(features))
        if not isinstance(features, dict):
            return Rejection("wrong_type", f"a dict of features was expected, not {type(features).__name__}")
        return self._fetch(self._take_dict(features if type(features) is dict else dict(features)))

    @cython.cfunc
    def _take_row(self, row: Row) -> Any:
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
            return
        sample.ends[0] = 0
        for k in range(1, row.count + 1):  # memory is far: all of it is asked for before any is used
            sample.ends[k] = end_of(text, sample.ends[k - 1])
            sample.hashes[k] = keyed_hash(text, sample.ends[k - 1], sample.ends[k])
            self.names.expect(sample.hashes[k])
        for k in range(1, row.count + 1):
            sample.keys[k] = sample
            sample.is_text[k] = text[sample.ends[k - 1]] == 0x92
            self._found(k, self.names.find_hashed(sample.hashes[k], text, sample.ends[k - 1], sample.ends[k]))
            if sample.index[k] < 0:
                sample.identities[k] = row.identities[sample.ends[k - 1] : sample.ends[k]]
        sample.layout = row.identities

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
                sample.hashes[k] = keyed_hash(identity, 0, len(identity))
                self.names.expect(sample.hashes[k])
        sample.count = k + 1
        if not all_known:
            for k in range(1, sample.count):
                if sample.index[k] == UNASKED:
                    self._found(k, self.names.find(sample.identities[k], sample.hashes[k]))
        return trouble

    @cython.cfunc
    @cython.inline
    @cython.final
    @cython.exceptval(check=False)
    def _found(self, k: cython.Py_ssize_t, j: cython.Py_ssize_t) -> cython.void:
        """Note where in the state the sample's row k is, −1 for nowhere."""
        self.sample.index[k] = j
        if cython.compiled and j >= 0:
            prefetch(cython.address(self.state[j, 0]))

    @cython.cfunc
    @cython.inline
    @cython.final
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
        for c in range(self.optimizer.scalars):
            sample.scalars[c] = self.bias[self.columns + c]

    @cython.cfunc
    @cython.inline
    @cython.final
    def _fetch(self, trouble: object) -> object:
        """Copy the rows of state; return the first Rejection: ``trouble`` comes last."""
        sample: Sample = self.sample
        k: cython.Py_ssize_t
        for k in range(1, sample.count):
            if not fabs(sample.raw[k]) <= LARGEST:
                return not_finite(self._entry(k)[0], sample.raw[k])
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
            rejection = unusable_name(*self._entry(k))
            if rejection is not None:
                return rejection
        sample.unseen += 1
        for c in range(sample.width):
            sample.rows[k, c] = 0.0
        return None

    @cython.cfunc
    def _entry(self, k: cython.Py_ssize_t) -> tuple[Any, ...]:
        """Return the identity of the sample's row k."""
        j: cython.Py_ssize_t = self.sample.index[k]
        if j >= 0:
            return self.entries(j, j + 1)[0]
        identity = self.sample.identities[k]
        return read_entries(identity, 1)[0] if type(identity) is bytes else identity

    # What surrounds the loop: whole rows in and out

    def inputs(
        self, features: object, as_predicted: cython.bint = False
    ) -> list[tuple[tuple[Any, ...], float, float]]:
        """Return (identity, x, x̃) of each feature of a sample; see :meth:`perceptron_core.Perceptron.inputs`.

        Raises
        ------
        SampleRejected
            The sample can't be used.
        """
        k: cython.Py_ssize_t
        rejection = self._gather(features)
        if rejection is not None:
            raise SampleRejected(rejection)
        sample: Sample = self.sample
        if as_predicted and self.scaler.leads:
            self.scaler.learn(sample)
        self.scaler.transform(sample)
        found = []
        for k in range(1, sample.count):
            found.append((self._entry(k), float(sample.raw[k]), float(sample.x[k])))
        return found

    def weights(self) -> Any:
        """Return the (n,) weights that predictions are made by, in order of the rows."""
        scalars = self.bias_table[self.columns :]
        return self.optimizer.weights(self.table[: self.names.count], scalars, self.learned)

    def by_rate(self) -> dict[float, tuple[float, Any]]:
        """Return, by rate, its share in predictions and its own (n,) weights, where there are several."""
        rows, scalars = self.table[: self.names.count], self.bias_table[self.columns :]
        found: dict[float, tuple[float, Any]] = self.optimizer.by_rate(rows, scalars, self.learned)
        return found

    def intercept(self) -> float:
        """Return the bias that predictions are made by."""
        row, scalars = self.bias_table[: self.columns], self.bias_table[self.columns :]
        return float(self.optimizer.bias(row, scalars, self.learned))

    def add_names(self, entries: list[tuple[Any, ...]]) -> None:
        """Give features the next rows, in order; the last sample's may be among them."""
        self.sample = Sample(self.sample.width, self.optimizer.scalars)
        Table.add_names(self, entries)

    def truncate_names(self, count: int) -> None:
        """Take back the names of the rows from ``count`` on, and the look-up cache with them."""
        self.sample = Sample(self.sample.width, self.optimizer.scalars)
        Table.truncate_names(self, count)


@cython.cfunc
@cython.inline
def _are_same(name: object, other: object) -> cython.bint:
    """Whether two names are surely equal."""
    return name is other or (type(name) is str and type(other) is str and name == other)
