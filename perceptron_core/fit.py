"""Fitting a data set, as the article does: from checked data to a model at the bottom of the cost."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from perceptron_core.checks import check_range, check_targets
from perceptron_core.descent import Descent, FitDiverged, Rule, Stop
from perceptron_core.features import display
from perceptron_core.inputs import DataSet, Floats, put_weights
from perceptron_core.perceptron import Features, Perceptron

__all__ = ["Fit", "FitDiverged", "Rule", "Stop", "fit"]


@dataclass(frozen=True)
class Fit:
    """What a descent came to.

    Parameters
    ----------
    model
        A Perceptron with the weights found and, where scaling is on, the statistics of the data set; it
        goes on learning online from there, at the same learning rate.
    reason
        Why it stopped: ``"gradient"``, ``"cost"`` or ``"patience"`` (see :class:`Rule`), ``"epochs"``:
        not converged, or ``"stopped"``: ``on_epoch`` asked for it.
    costs, gradient_norms
        (epochs + 1,) C and ‖∂C/∂(w, b)‖ of the whole data set, before the first epoch and after each.
    constant
        Features whose input is the same in every sample: they can't tell samples apart.
    """

    model: Perceptron
    reason: Stop
    costs: Floats
    gradient_norms: Floats
    constant: tuple[Any, ...]

    @property
    def epochs(self) -> int:
        """Passes over the data set."""
        return len(self.costs) - 1

    @property
    def weights(self) -> dict[Any, float]:
        """The weights by display name; of scaled inputs where scaling is on."""
        return self.model.weights

    @property
    def bias(self) -> float:
        """The bias b."""
        return self.model.bias

    def to_dict(self) -> dict[str, Any]:
        """Return the outcome as plain data."""
        return {
            "reason": self.reason,
            "epochs": self.epochs,
            "cost": float(self.costs[-1]),
            "gradient_norm": float(self.gradient_norms[-1]),
            "weights": self.weights,
            "bias": self.bias,
            "constant": list(self.constant),
            "costs": self.costs.tolist(),
        }


def fit(
    samples: Sequence[Features] | npt.NDArray[Any],
    labels: Sequence[float] | npt.NDArray[Any],
    *,
    loss: str = "log",
    activation: str | None = None,
    learning_rate: float = 0.1,
    batch_size: int | None = None,
    max_epochs: int = 1000,
    gradient_tolerance: float = 1e-4,
    cost_tolerance: float = 1e-7,
    patience: int | None = None,
    l2: float = 0.0,
    scale: bool | str = True,
    weights: Sequence[float] | npt.NDArray[Any] | None = None,
    seed: int | None = 0,
    options: Mapping[str, float] | None = None,
    hash_bits: int | None = None,
    interactions: Sequence[tuple[str, str]] = (),
    on_epoch: Callable[[int, float, float], bool | None] | None = None,
) -> Fit:
    """Descend the mean loss of a data set, from w = 0 and b = 0, until convergence.

    Parameters
    ----------
    samples
        n dicts of features, read as :class:`Perceptron` reads them; or an (n, d) array, whose columns are
        then named ``x1`` to ``xd``.
    labels
        (n,) targets, in the range of the activation.
    loss, activation, l2, scale, options, hash_bits, interactions
        As of :class:`Perceptron`. The scaling statistics are those of the whole data set.
    learning_rate
        α > 0.
    batch_size
        Samples whose mean gradient makes a step; by default all of them.
    max_epochs, gradient_tolerance, cost_tolerance, patience
        The rule of convergence, see :class:`Rule`.
    weights
        (n,) sample weights ≥ 0, relative to their mean: a sample of weight 2 counts as two.
    seed
        Of the shuffling before each epoch of mini-batches; None: in the order given.
    on_epoch
        Called with the number of epochs, the cost and the gradient's norm; stops where it returns True.

    Returns
    -------
    Fit

    Raises
    ------
    ValueError
        Data that can't be learned from: empty, of different lengths, with labels missing, out of range or
        of one class only; or a parameter out of range.
    SampleRejected
        A sample can't be used; the message says which and why.
    FitDiverged
        The cost grew without bound.

    Warns
    -----
    UserWarning
        A feature is constant, or the descent has not converged within ``max_epochs``.

    Notes
    -----
    C(w, b) = (1/N) Σᵢ vᵢ (L(yᵢ, ŷᵢ) + ½ λ Σⱼ wⱼ²), j over the features that sample i carries;
    w ← w − α ∂C/∂w and b ← b − α ∂C/∂b. Sums are taken in the order of the samples: the same data give
    the same bits. With ``batch_size=1``, ``seed=None``, ``scale=False`` an epoch is what
    :meth:`Perceptron.learn_one` does sample by sample.

    Examples
    --------
    >>> from perceptron_core.fit import fit
    >>> import numpy as np
    >>> x = np.array([[0.0], [1.0], [2.0]])
    >>> result = fit(x, [1.0, 3.0, 5.0], loss="squared", scale=False, gradient_tolerance=1e-9)
    >>> result.reason, round(result.weights["x1"], 6), round(result.bias, 6)
    ('gradient', 2.0, 1.0)
    >>> round(result.model.predict_one({"x1": 10.0}), 6)
    21.0
    """
    rule = Rule(max_epochs, gradient_tolerance, cost_tolerance, patience)
    if batch_size is not None:
        check_range("batch_size", batch_size, at_least=1)
    model = Perceptron(
        loss=loss,
        activation=activation,
        learning_rate=learning_rate,
        l2=l2,
        scale=scale,
        options=options,
        hash_bits=hash_bits,
        interactions=interactions,
    )
    data = _data_set(model, samples, labels, weights)
    constant = _constant(model, data)
    descent = Descent(model, data, rule, on_epoch)
    w, reason = descent.run(batch_size, seed)
    put_weights(model, w)
    if reason == "epochs":
        warnings.warn(descent.complaint(), stacklevel=2)
    return Fit(model, reason, np.array(descent.costs), np.array(descent.norms), constant)


def _data_set(model: Perceptron, samples: Any, labels: Any, weights: Any) -> DataSet:
    """Check the data, let ``model`` see names and statistics (it learns with weight 0), and return them."""
    samples = as_dicts(samples)
    y = np.array(labels, dtype=np.float64)
    v = np.ones(len(samples)) if weights is None else np.array(weights, dtype=np.float64)
    if not len(samples) == len(y) == len(v):
        raise ValueError(f"{len(samples)} samples, {len(y)} labels and {len(v)} weights: lengths differ")
    if not len(samples):
        raise ValueError("there are no samples; at least one was expected")
    if np.isnan(y).any():
        missing = np.isnan(y).argmax()
        raise ValueError(f"the label of sample {missing} is missing or NaN; a number was expected")
    check_targets(y, v, model.target_range)
    if not v.any():
        raise ValueError("all sample weights are 0; at least one above 0 was expected")
    model.predict_learn_many(samples, y, np.zeros(len(y)))
    return DataSet.read(model, samples, _of_both_classes(model, y), v)


def as_dicts(samples: Any) -> Sequence[Features]:
    """Return samples as dicts; the columns of an (n, d) array are named ``x1`` to ``xd``."""
    if not isinstance(samples, np.ndarray):
        return list(samples)
    if samples.ndim != 2:
        raise ValueError(f"an array of shape (n, d) was expected, not {samples.shape}")
    names = [f"x{j}" for j in range(1, samples.shape[1] + 1)]
    return [dict(zip(names, row, strict=True)) for row in samples.tolist()]


def _of_both_classes(model: Perceptron, labels: Floats) -> Floats:
    """Return the labels; raise where classes are to be told apart and there is one only."""
    if model.target_range == (0.0, 1.0) and labels[0] in (0.0, 1.0) and (labels == labels[0]).all():
        raise ValueError(f"all labels are {labels[0]:g}: at least one sample of the other class was expected")
    return labels


def _constant(model: Perceptron, data: DataSet) -> tuple[Any, ...]:
    """Return the constant features by display name, with a warning that names them."""
    entries = model._neuron.entries()
    constant = tuple(display(entries[j]) for j in data.constant())
    if constant and len(data) > 1:
        shown = ", ".join(map(repr, constant[:5])) + (", …" if len(constant) > 5 else "")
        warnings.warn(f"constant in every sample, so of no use: {shown}", stacklevel=3)
    return constant
