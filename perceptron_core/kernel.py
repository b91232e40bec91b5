"""The mathematics of the neuron, and the loop that runs it: one source, interpreted or compiled.

Every step of the perceptron article has its place here, in its order:

=====================================  =========================================
the article                            here
=====================================  =========================================
weighted sum plus bias  z = w·x + b    :meth:`Sample.weighted_sum`
activation  ŷ = a(z)                   :class:`Sigmoid`, :class:`Identity`, :class:`Step`
loss  L(y, ŷ)                          :class:`LogLoss`, :class:`SquaredLoss`
chain rule  ∂L/∂z = ∂L/∂ŷ · ∂ŷ/∂z      :meth:`Loss.gradient`
∂z/∂w = x, ∂z/∂b = 1                   :class:`SGD`: ``gradient * x``; the bias has the input 1
gradient descent  w ← w − α ∂L/∂w      :meth:`SGD.step`
=====================================  =========================================

Conventions. A gradient points uphill; steps subtract it. Binary targets are 0 and 1 (anything between
is accepted), never −1. Squared loss is (ŷ − y)², so its derivative carries the factor 2, as in the
article and in river; scikit-learn and Vowpal Wabbit halve it. Log loss is −y ln ŷ − (1 − y) ln(1 − ŷ).
The bias is the weight of a constant input 1: row 0 of every sample; it is not scaled and not
penalised, and learns at its own rate if one is given. ``gradient × sample weight`` is clamped to
± 1e12 and l2 touches only the features present, both as river does.

A sample works on copies of the rows of state that it needs; they are written back only when every new
number is finite and at most 1e150, so a refused sample leaves no trace.
"""

# mypy: allow-untyped-decorators
from __future__ import annotations

try:
    import cython
except ImportError:
    import perceptron_core._interpreted as cython

import numbers as _numbers
from typing import Any

import numpy as np

from perceptron_core.rejection import Rejection, SampleRejected

if cython.compiled:
    from cython.cimports.libc.math import exp, fabs, log, sqrt
else:
    from math import exp, fabs, log, sqrt

BLOCK: cython.Py_ssize_t = 256
"""Features in a block, the unit of state that is written when it changed."""

LIMIT: cython.double = 1e150
"""The largest magnitude that any number of the state may have."""

GRADIENT_LIMIT: cython.double = 1e12
"""The largest magnitude of ``gradient × weight``, as in river."""

PROBABILITY_FLOOR: cython.double = 1e-15
"""Probabilities are kept this far from 0 and 1 before a logarithm, as in river."""

NAME_BYTES: cython.Py_ssize_t = 256
"""The longest display name (``name`` or ``name=text``) of a feature, in bytes of UTF-8."""


@cython.cclass
class Activation:
    """ŷ = a(z), and its slope."""

    @cython.ccall
    @cython.exceptval(check=False)
    def value(self, z: cython.double) -> cython.double:
        """Return the prediction ŷ for the score z."""
        return z

    @cython.ccall
    @cython.exceptval(check=False)
    def slope(self, z: cython.double) -> cython.double:
        """Return ∂ŷ/∂z."""
        return 1.0


@cython.cclass
class Identity(Activation):
    """ŷ = z: linear regression."""


@cython.cclass
class Sigmoid(Activation):
    """ŷ = σ(z) = 1 / (1 + e⁻ᶻ): a probability."""

    @cython.ccall
    @cython.exceptval(check=False)
    def value(self, z: cython.double) -> cython.double:
        """Return σ(z); branched on the sign, so that the exponential never overflows."""
        if z >= 0.0:
            return 1.0 / (1.0 + exp(-z))
        odds: cython.double = exp(z)
        return odds / (1.0 + odds)

    @cython.ccall
    @cython.exceptval(check=False)
    def slope(self, z: cython.double) -> cython.double:
        """Return σ(z)(1 − σ(z)), as σ(z)σ(−z): no digits are lost near 1."""
        return self.value(z) * self.value(-z)


@cython.cclass
class Step(Activation):
    """ŷ = 1 where z > 0, else 0: the binary step; step(0) = 0."""

    @cython.ccall
    @cython.exceptval(check=False)
    def value(self, z: cython.double) -> cython.double:
        """Return 1.0 or 0.0."""
        return 1.0 if z > 0.0 else 0.0

    @cython.ccall
    @cython.exceptval(check=False)
    def slope(self, z: cython.double) -> cython.double:
        """Return 0: flat everywhere but at 0, where it has no derivative. Nothing can be learned by it."""
        return 0.0


@cython.cclass
class Loss:
    """L(y, ŷ), its slope, and the chain rule."""

    @cython.ccall
    @cython.exceptval(check=False)
    def value(self, y: cython.double, prediction: cython.double) -> cython.double:
        """Return L(y, ŷ)."""
        return 0.0

    @cython.ccall
    @cython.exceptval(check=False)
    def slope(self, y: cython.double, prediction: cython.double) -> cython.double:
        """Return ∂L/∂ŷ."""
        return 0.0

    @cython.ccall
    @cython.exceptval(check=False)
    def gradient(self, activation: Activation, y: cython.double, z: cython.double) -> cython.double:
        """Return ∂L/∂z = ∂L/∂ŷ · ∂ŷ/∂z."""
        return self.slope(y, activation.value(z)) * activation.slope(z)


@cython.cclass
class SquaredLoss(Loss):
    """L = (ŷ − y)²."""

    @cython.ccall
    @cython.exceptval(check=False)
    def value(self, y: cython.double, prediction: cython.double) -> cython.double:
        """Return (ŷ − y)²."""
        return (prediction - y) * (prediction - y)

    @cython.ccall
    @cython.exceptval(check=False)
    def slope(self, y: cython.double, prediction: cython.double) -> cython.double:
        """Return 2(ŷ − y)."""
        return 2.0 * (prediction - y)


@cython.cclass
class LogLoss(Loss):
    """L = −y ln ŷ − (1 − y) ln(1 − ŷ): cross-entropy; ŷ is kept within [1e−15, 1 − 1e−15]."""

    @cython.ccall
    @cython.exceptval(check=False)
    def value(self, y: cython.double, prediction: cython.double) -> cython.double:
        """Return the cross-entropy, in nats."""
        p: cython.double = _clamp(prediction, PROBABILITY_FLOOR, 1.0 - PROBABILITY_FLOOR)
        return -y * log(p) - (1.0 - y) * log(1.0 - p)

    @cython.ccall
    @cython.exceptval(check=False)
    def slope(self, y: cython.double, prediction: cython.double) -> cython.double:
        """Return (ŷ − y) / (ŷ(1 − ŷ))."""
        p: cython.double = _clamp(prediction, PROBABILITY_FLOOR, 1.0 - PROBABILITY_FLOOR)
        return (p - y) / (p * (1.0 - p))

    @cython.ccall
    @cython.exceptval(check=False)
    def gradient(self, activation: Activation, y: cython.double, z: cython.double) -> cython.double:
        """Return ŷ − y: behind a sigmoid the two factors of the chain rule cancel to this."""
        if y == 1.0:  # σ(z) − 1 would lose its digits for a large z
            return -activation.value(-z)
        return activation.value(z) - y


@cython.cfunc
@cython.exceptval(check=False)
def _clamp(value: cython.double, low: cython.double, high: cython.double) -> cython.double:
    """Return ``value`` within [low, high]; NaN stays NaN."""
    return low if value < low else high if value > high else value


@cython.cclass
class Sample:
    """One sample on its way through the neuron: inputs, and copies of the rows of state that they touch.

    Row 0 is the bias, whose input is the constant 1. Column 0 of a row is the weight; then come the
    optimizer's numbers, then the scaler's.
    """

    count: cython.Py_ssize_t  # rows in use, the bias among them
    unseen: cython.Py_ssize_t  # of these, features that the model does not have yet
    width: cython.Py_ssize_t  # columns of a row
    names: list[Any]  # feature names by row; those of the last sample serve as a look-up cache
    texts: list[Any]  # the text of a one-hot feature, None for a number
    index: cython.Py_ssize_t[::1]  # where a row lives in the state, −1 where unseen
    raw: cython.double[::1]  # inputs as they came
    x: cython.double[::1]  # inputs after scaling
    rows: cython.double[:, ::1]

    def __init__(self, width: int) -> None:
        self.width = width
        self.names = []
        self.reserve(32)

    @cython.cfunc
    def reserve(self, count: cython.Py_ssize_t) -> Any:
        """Make room for ``count`` rows; forgets the last sample where it has to grow."""
        if count <= len(self.names):
            return
        size: cython.Py_ssize_t = max(count, 2 * len(self.names))
        self.names = [None] * size
        self.texts = [None] * size
        self.index = np.full(size, -1, dtype=np.intp).data
        self.raw = np.ones(size).data
        self.x = np.ones(size).data
        self.rows = np.zeros((size, self.width)).data

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
        """Whether every number of the rows is finite and within ``LIMIT``."""
        k: cython.Py_ssize_t
        c: cython.Py_ssize_t
        for k in range(self.count):
            for c in range(self.width):
                if not fabs(self.rows[k, c]) <= LIMIT:  # NaN is not <= anything
                    return False
        return True


@cython.cclass
class Scaler:
    """No scaling: inputs are used as they are."""

    column: cython.Py_ssize_t  # its first column
    columns: cython.Py_ssize_t

    def __init__(self, column: int) -> None:
        self.column = column
        self.columns = 0

    @cython.cfunc
    @cython.exceptval(check=False)
    def transform(self, sample: Sample) -> cython.void:
        """Set ``x`` from ``raw`` with the statistics as they are."""
        k: cython.Py_ssize_t
        for k in range(1, sample.count):
            sample.x[k] = sample.raw[k]

    @cython.cfunc
    @cython.exceptval(check=False)
    def learn(self, sample: Sample) -> cython.void:
        """Take the sample into the statistics."""


@cython.cclass
class StandardScaler(Scaler):
    """x̃ = (x − mean) / sd over the samples that carry the feature; 0 where sd is 0. Text is not scaled.

    Columns: count, mean, variance, by Welford's updates in river's form.
    """

    def __init__(self, column: int) -> None:
        self.column = column
        self.columns = 3

    @cython.cfunc
    @cython.exceptval(check=False)
    def transform(self, sample: Sample) -> cython.void:
        """Set ``x`` from ``raw`` with the statistics as they are."""
        k: cython.Py_ssize_t
        variance: cython.double
        c: cython.Py_ssize_t = self.column
        for k in range(1, sample.count):
            if sample.texts[k] is not None:
                sample.x[k] = sample.raw[k]
                continue
            variance = sample.rows[k, c + 2]
            sample.x[k] = (sample.raw[k] - sample.rows[k, c + 1]) / sqrt(variance) if variance > 0.0 else 0.0

    @cython.cfunc
    @cython.exceptval(check=False)
    def learn(self, sample: Sample) -> cython.void:
        """Take the sample into the statistics."""
        k: cython.Py_ssize_t
        count: cython.double
        before: cython.double
        mean: cython.double
        c: cython.Py_ssize_t = self.column
        for k in range(1, sample.count):
            if sample.texts[k] is not None:
                continue
            count = sample.rows[k, c] + 1.0
            before = sample.raw[k] - sample.rows[k, c + 1]
            mean = sample.rows[k, c + 1] + before / count
            sample.rows[k, c] = count
            sample.rows[k, c + 1] = mean
            sample.rows[k, c + 2] += (before * (sample.raw[k] - mean) - sample.rows[k, c + 2]) / count


@cython.cclass
class SGD:
    """Stochastic gradient descent: w ← w − α (∂L/∂z · x + λ w), and b ← b − α_b ∂L/∂z.

    Parameters
    ----------
    learning_rate
        α.
    intercept_learning_rate
        α_b, of the bias.
    l2
        λ. The bias is not penalised.
    """

    columns: cython.Py_ssize_t  # numbers kept per feature, beside the weight
    learning_rate: cython.double
    intercept_learning_rate: cython.double
    l2: cython.double

    def __init__(self, learning_rate: float, intercept_learning_rate: float, l2: float) -> None:
        self.columns = 0
        self.learning_rate = learning_rate
        self.intercept_learning_rate = intercept_learning_rate
        self.l2 = l2

    @cython.cfunc
    @cython.exceptval(check=False)
    def step(self, sample: Sample, gradient: cython.double) -> cython.void:
        """Take one step downhill; ``gradient`` is ∂L/∂z, and ∂z/∂w is x."""
        k: cython.Py_ssize_t
        sample.rows[0, 0] -= self.intercept_learning_rate * gradient
        for k in range(1, sample.count):
            sample.rows[k, 0] -= self.learning_rate * (gradient * sample.x[k] + self.l2 * sample.rows[k, 0])


@cython.cclass
class Neuron:
    """The working state, and the loop over samples.

    Parameters
    ----------
    activation, loss, optimizer, scaled
        What the neuron is made of; ``scaled`` puts a standard scaler before it.
    max_features
        The bound on features, of a sample and of the model.
    """

    activation: Activation
    loss: Loss
    optimizer: SGD
    scaler: Scaler
    sample: Sample
    max_features: cython.Py_ssize_t
    learned: cython.longlong
    score: cython.double
    numbers: dict[Any, Any]  # feature name -> row
    categories: dict[Any, Any]  # feature name -> {text: row}
    entries: list[Any]  # by row: (name,) for a number, (name, text) for a text
    table: Any  # the state as an array, over the same memory as `state`
    state: cython.double[:, ::1]
    bias_table: Any
    bias: cython.double[::1]
    dirty: Any  # one byte per block
    dirty_flags: cython.uchar[::1]

    def __init__(
        self, activation: Activation, loss: Loss, optimizer: SGD, scaled: bool, max_features: int
    ) -> None:
        self.activation = activation
        self.loss = loss
        self.optimizer = optimizer
        column: cython.Py_ssize_t = 1 + optimizer.columns
        self.scaler = StandardScaler(column) if scaled else Scaler(column)
        self.sample = Sample(column + self.scaler.columns)
        self.max_features = max_features
        self.learned = 0
        self.numbers = {}
        self.categories = {}
        self.entries = []
        self.dirty = bytearray()
        self._use(np.zeros((BLOCK, self.sample.width), dtype="<f8"))
        self.bias_table = np.zeros(column, dtype="<f8")
        self.bias = self.bias_table.data

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

    def forward(self, features: object) -> float:
        """Return the score z = w·x + b of one sample.

        Raises
        ------
        SampleRejected
            The sample can't be used.
        """
        rejection = self._predict_learn(features, np.nan, 1.0)
        if rejection is not None:
            raise SampleRejected(rejection)
        return float(self.score)

    def backward(self, features: object, y: cython.double, weight: cython.double) -> None:
        """Learn one sample.

        Raises
        ------
        SampleRejected
            The sample can't be used; the state is as it was.
        """
        rejection = self._predict_learn(features, y, weight)
        if rejection is not None:
            raise SampleRejected(rejection)

    @cython.cfunc
    def _predict_learn(self, features: object, y: cython.double, weight: cython.double) -> object:
        """Set ``score``, then learn from y unless it is NaN; return a Rejection or None."""
        sample: Sample = self.sample
        rejection = self._gather(features)
        if rejection is not None:
            return rejection
        self.scaler.transform(sample)
        self.score = sample.weighted_sum()
        if not fabs(self.score) <= LIMIT:
            return Rejection("diverged", f"the score is {self.score!r}, beyond ±{LIMIT:g}")
        if y != y:
            return None
        if sample.unseen and len(self.entries) + sample.unseen > self.max_features:
            return Rejection(
                "too_many_features",
                f"{sample.unseen} unseen features on top of {len(self.entries)} would pass "
                f"max_features = {self.max_features}",
            )
        self._learn(y, weight)
        if not sample.is_sound():
            return Rejection("diverged", f"learning it would take a number of the model beyond ±{LIMIT:g}")
        self._keep()
        return None

    @cython.cfunc
    @cython.exceptval(check=False)
    def _learn(self, y: cython.double, weight: cython.double) -> cython.void:
        """Update the statistics, scale by the new ones, and take one step, as a river pipeline does."""
        sample: Sample = self.sample
        self.scaler.learn(sample)
        self.scaler.transform(sample)
        gradient: cython.double = self.loss.gradient(self.activation, y, sample.weighted_sum())
        self.optimizer.step(sample, _clamp(gradient * weight, -GRADIENT_LIMIT, GRADIENT_LIMIT))

    # Between the state and the sample

    @cython.cfunc
    def _gather(self, features: object) -> object:
        """Copy the rows that the sample touches into it; return a Rejection or None."""
        if not isinstance(features, dict):
            return Rejection("wrong_type", f"a dict of features was expected, not {type(features).__name__}")
        items: dict[Any, Any] = features if type(features) is dict else dict(features)
        sample: Sample = self.sample
        k: cython.Py_ssize_t = 0
        j: cython.Py_ssize_t
        c: cython.Py_ssize_t
        x: cython.double
        sample.reserve(len(items) + 1)
        sample.unseen = 0
        for c in range(self.bias.shape[0]):
            sample.rows[0, c] = self.bias[c]
        for name, value in items.items():
            if value is None:
                continue
            k += 1
            text = None
            if type(value) is float:
                x = value
            elif isinstance(value, str):
                text = value
                x = 1.0
            else:
                try:
                    x = _number(value)
                except (TypeError, OverflowError) as error:
                    return _unusable(name, value, error)
            if not fabs(x) <= 1.7976931348623157e308:
                return Rejection("not_finite", f"feature {name!r:.80} is {x!r}; a finite number was expected")
            sample.raw[k] = x
            if text is None and name is sample.names[k] and sample.texts[k] is None and sample.index[k] >= 0:
                j = sample.index[k]
            else:
                j = self._find(name, text)
                sample.names[k] = name
                sample.texts[k] = text
                sample.index[k] = j
            if j >= 0:
                for c in range(sample.width):
                    sample.rows[k, c] = self.state[j, c]
            else:
                rejection = _unusable_name(name, text)
                if rejection is not None:
                    return rejection
                sample.unseen += 1
                for c in range(sample.width):
                    sample.rows[k, c] = 0.0
        sample.count = k + 1
        if k > self.max_features:
            return Rejection(
                "too_many_features", f"the sample has {k} features; max_features is {self.max_features}"
            )
        return None

    @cython.cfunc
    def _keep(self) -> Any:
        """Write the sample's rows back to the state: the one place where it changes."""
        sample: Sample = self.sample
        k: cython.Py_ssize_t
        j: cython.Py_ssize_t
        c: cython.Py_ssize_t
        for c in range(self.bias.shape[0]):
            self.bias[c] = sample.rows[0, c]
        for k in range(1, sample.count):
            j = sample.index[k]
            if j < 0:
                j = self._add(sample.names[k], sample.texts[k])
                sample.index[k] = j
            for c in range(sample.width):
                self.state[j, c] = sample.rows[k, c]
            self.dirty_flags[j // BLOCK] = 1
        self.learned += 1

    # Names

    @cython.cfunc
    def _find(self, name: object, text: object) -> cython.Py_ssize_t:
        """Return the row of a feature, −1 where it is unseen."""
        if text is None:
            return self.numbers.get(name, -1)
        texts = self.categories.get(name)
        return -1 if texts is None else texts.get(text, -1)

    @cython.cfunc
    def _add(self, name: object, text: object) -> cython.Py_ssize_t:
        """Give a feature the next row."""
        row: cython.Py_ssize_t = len(self.entries)
        if row == self.table.shape[0]:
            self._use(np.concatenate([self.table, np.zeros_like(self.table)]))
        if text is None:
            self.numbers[name] = row
            self.entries.append((name,))
        else:
            self.categories.setdefault(name, {})[text] = row
            self.entries.append((name, text))
        return row

    @cython.cfunc
    def _use(self, table: Any) -> Any:
        """Take a larger table as the state."""
        self.table = table
        self.state = table.data
        self.dirty = self.dirty + bytes(len(table) // BLOCK - len(self.dirty))
        self.dirty_flags = memoryview(self.dirty)

    # What surrounds the loop: whole rows in and out

    def facts(self) -> tuple[int, list[tuple[Any, ...]], Any, Any]:
        """Return how many samples were learned, the names by row, the table and the bias row (not copies)."""
        return self.learned, self.entries, self.table, self.bias_table

    def dirty_blocks(self) -> list[int]:
        """Return the blocks that changed since :meth:`mark_clean`."""
        return [block for block, flag in enumerate(self.dirty) if flag]

    def mark_clean(self) -> None:
        """Forget which blocks changed."""
        self.dirty[:] = bytes(len(self.dirty))

    def put(self, first: int, rows: Any) -> None:
        """Overwrite rows from ``first`` on and mark their blocks as changed."""
        self.table[first : first + len(rows)] = rows
        for row in range(first, first + len(rows), BLOCK):
            self.dirty[row // BLOCK] = 1

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
            text = entry[1] if len(entry) > 1 else None
            if self._find(entry[0], text) >= 0:
                raise ValueError(f"feature {entry!r:.80} is there twice")
            self._add(entry[0], text)

    def truncate_names(self, count: int) -> None:
        """Take back the names of the rows from ``count`` on."""
        for entry in self.entries[count:]:
            if len(entry) == 1:
                del self.numbers[entry[0]]
            else:
                del self.categories[entry[0]][entry[1]]
        del self.entries[count:]
        self.sample = Sample(self.sample.width)  # its look-up cache names rows that are gone


def _number(value: object) -> float:
    """Return a number as a double; booleans and numpy's scalars are numbers, text and bytes are not."""
    if not isinstance(value, (_numbers.Real, np.bool_)):
        raise TypeError
    return float(value)


def _unusable(name: object, value: object, error: Exception) -> Rejection:
    """Return why a feature's value can't be used."""
    if isinstance(error, OverflowError):
        return Rejection("not_finite", f"feature {name!r:.80} is an integer beyond the range of a double")
    expected = "a number, a boolean, a text or null was expected"
    return Rejection("wrong_type", f"feature {name!r:.80} is of type {type(value).__name__}; {expected}")


def _unusable_name(name: object, text: object) -> Rejection | None:
    """Return why a feature can't go by its name, None where it can."""
    if name != name:
        return Rejection("wrong_type", f"a feature is named {name!r}, which is not equal to itself")
    display = str(name) if text is None else f"{name}={text}"
    try:
        size = len(display.encode())
    except UnicodeEncodeError:
        return Rejection("wrong_type", f"feature {display!r:.80} has a name that UTF-8 can't write")
    if size > NAME_BYTES:
        return Rejection("too_large", f"feature name {display!r:.80}: over {NAME_BYTES} bytes of UTF-8")
    return None
