"""One sample through the article's equations: every intermediate value under its name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from perceptron_core import registry
from perceptron_core.explanation import BIAS, Explanation, Term
from perceptron_core.features import display
from perceptron_core.inputs import put_weights
from perceptron_core.perceptron import Features, Perceptron
from perceptron_core.state import Entry

__all__ = ["Explanation", "Term", "explain", "neuron"]

Input = tuple[Entry | None, float, float]
"""Identity (None: the bias), x and x̃."""


def explain(model: Perceptron, features: Features, label: float, weight: float = 1.0) -> Explanation:
    """Take a sample through forward pass, chain rule and update; the model stays as it is.

    Parameters
    ----------
    model
        The neuron; :func:`neuron` makes one of given weights.
    features, label, weight
        As of :meth:`Perceptron.learn_one`.

    Returns
    -------
    Explanation
        Its new weights are those that ``learn_one`` gives, to the bit: they are learned on a copy.

    Raises
    ------
    SampleRejected
        The sample can't be used.
    ValueError
        The label or the weight is out of range.

    Notes
    -----
    Where the model scales, x̃ is taken by statistics that have seen the sample, as learning takes it.

    Examples
    --------
    >>> from perceptron_core.explain import explain, neuron
    >>> model = neuron({"x1": 0.5, "x2": -0.25}, 0.1, {"x1": 1, "x2": 2}, learning_rate=0.1)
    >>> print(explain(model, {"x1": 1, "x2": 2}, 1).text())
    forward pass
      z = b + w·x = 0.1 + 0.5 · 1 + (-0.25) · 2 = 0.1
      ŷ = σ(z) = 1 / (1 + e⁻ᶻ) = 0.524979
      L = −y ln ŷ − (1 − y) ln(1 − ŷ) = 0.644397 for y = 1
    chain rule
      ∂L/∂ŷ = (ŷ − y) / (ŷ(1 − ŷ)) = -1.90484
      ∂ŷ/∂z = σ(z)(1 − σ(z)) = 0.249376
      ∂L/∂z = ∂L/∂ŷ · ∂ŷ/∂z = (-1.90484) · 0.249376 = -0.475021
      ∂L/∂b = ∂L/∂z · 1 = -0.475021
      ∂L/∂w(x1) = ∂L/∂z · x = (-0.475021) · 1 = -0.475021
      ∂L/∂w(x2) = ∂L/∂z · x = (-0.475021) · 2 = -0.950042
    gradient descent, α = 0.1
      b ← b − α ∂L/∂b = 0.1 − 0.1 · (-0.475021) = 0.147502
      w(x1) ← w − α ∂L/∂w = 0.5 − 0.1 · (-0.475021) = 0.547502
      w(x2) ← w − α ∂L/∂w = -0.25 − 0.1 · (-0.950042) = -0.154996
    """
    learned = model.with_parameters()
    learned.learn_one(features, label, weight)
    config, y = model.config, float(label)
    activation = registry.make_activation(config["activation"])
    loss = registry.make_loss(config["loss"], config["options"], config["activation"])
    inputs = _inputs(learned, features)
    z = _weighted_sum(model, inputs)
    slope = loss.gradient(activation, y, z)
    limit = config["clip_gradient"]
    terms = _terms(model, learned, inputs, max(-limit, min(slope * weight, limit)))
    rate, bias_rate = _rates(model)
    return Explanation(
        loss=config["loss"],
        activation=config["activation"],
        optimizer=config["optimizer"],
        y=y,
        sample_weight=float(weight),
        y_hat_before=model.predict_one(features),
        z=z,
        y_hat=activation.value(z),
        L=loss.cost(activation, y, z),
        of_score=bool(loss.of_score),
        dL_dy_hat=loss.slope(y, z if loss.of_score else activation.value(z)),
        dy_hat_dz=1.0 if loss.of_score else activation.slope(z),
        dL_dz=slope,
        learning_rate=rate,
        bias_learning_rate=bias_rate,
        l2=config["l2"],
        is_plain=rate is not None and bias_rate is not None and _is_plain(terms, rate, bias_rate),
        terms=terms,
    )


def neuron(
    weights: Mapping[str, float], bias: float, features: Features, scale: bool = False, **parameters: Any
) -> Perceptron:
    """Return a Perceptron with these weights of the features of a sample.

    Parameters
    ----------
    weights
        By display name, ``name`` or ``name=text``; 0 where one is not given.
    bias
        b.
    features
        The sample that says what the names mean.
    scale, parameters
        As of :class:`Perceptron`.

    Raises
    ------
    ValueError
        A weight belongs to no feature of the sample, or the model keeps more than one of each.
    """
    rate = parameters.get("learning_rate")
    if isinstance(rate, str) and (weights or bias):
        raise ValueError(
            f"learning_rate {rate!r} keeps several weights of each feature, so they can't be given; "
            "give learning_rate a number, such as 0.1"
        )
    model = Perceptron(scale=scale, **parameters)
    entries = [entry for entry, _, _ in model.inputs(features)]
    known = {str(display(entry)) for entry in entries}
    if unknown := sorted(set(weights) - known - set(map(str, features))):
        raise ValueError(f"weight {unknown[0]!r} is of no feature of the sample, which has {sorted(known)}")
    model._neuron.add_names(entries)
    put_weights(model, np.array([bias, *(weights.get(str(display(entry)), 0.0) for entry in entries)]))
    return model


def _inputs(learned: Perceptron, features: Features) -> list[Input]:
    """Return (identity, x, x̃) of the bias, whose identity is None, and of each feature."""
    return [(None, 1.0, 1.0), *learned.inputs(features)]


def _weights(model: Perceptron) -> dict[Entry | None, float]:
    """Return the weights by identity, and the bias."""
    weights: dict[Entry | None, float] = {None: model.bias}
    weights.update(model.weights_by_identity())
    return weights


def _weighted_sum(model: Perceptron, inputs: list[Input]) -> float:
    """Return z = b + w·x̃, summed in this order, as the neuron does."""
    weights, z = _weights(model), 0.0
    for entry, _, x in inputs:
        z += weights.get(entry, 0.0) * x
    return z


def _terms(model: Perceptron, learned: Perceptron, inputs: list[Input], g: float) -> tuple[Term, ...]:
    """Return what becomes of each weight; ``g`` is ∂L/∂z times the sample weight."""
    before, after, l2 = _weights(model), _weights(learned), model.config["l2"]
    terms = []
    for entry, raw, x in inputs:
        name, w = (BIAS if entry is None else display(entry)), before.get(entry, 0.0)
        penalty = 0.0 if entry is None else l2 * w
        terms.append(Term(name, raw, x, w, w * x, g * x, penalty, after[entry]))
    return tuple(terms)


def _rates(model: Perceptron) -> tuple[float | None, float | None]:
    """Return α of the weights and of the bias at this sample, None where it is not a number."""
    config = model.config
    rate, intercept = config["learning_rate"], config["intercept_learning_rate"]
    if isinstance(rate, str):
        return None, intercept
    now = registry.make_schedule(config["schedule"], rate, config["options"]).rate_at(model.version)
    return now, now if intercept is None else intercept


def _is_plain(terms: tuple[Term, ...], rate: float, bias_rate: float) -> bool:
    """Whether the new weights are, to the bit, those of plain gradient descent."""
    bias, *others = terms
    return bias.w_new == bias.w - bias_rate * bias.dL_dw and all(
        term.w_new == term.w - rate * (term.dL_dw + term.l2_w) for term in others
    )
