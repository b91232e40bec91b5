"""What the estimators have in common; nothing here needs river."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from perceptron_core import frames
from perceptron_core.contributions import table
from perceptron_core.perceptron import Features, Perceptron
from perceptron_core.rejection import SampleRejected

CHANGEABLE = ("learning_rate", "l2", "intercept_learning_rate", "max_features", "clip_gradient", "schedule")
"""The parameters that a trained estimator can go on with in another value."""


def _changeable(name: str) -> property:
    """Return a parameter that river's ``mutate`` may change; what was learned stays."""

    def get(self: NeuronEstimator) -> Any:
        return self._model.config[name]

    def change(self: NeuronEstimator, value: Any) -> None:
        if Perceptron(**{**self._model.config, name: value}).identity != self._model.identity:
            raise ValueError(
                f"{name} can't go from {get(self)!r} to {value!r}: what was learned would mean something "
                f"else; make an untrained one, by clone({{{name!r}: {value!r}}})"
            )
        self._model = self._model.with_parameters(**{name: value})

    return property(get, change)


class NeuronEstimator:
    """The parameters by name, the neuron that they describe, and what it shows of itself."""

    learning_rate = _changeable("learning_rate")
    l2 = _changeable("l2")
    intercept_learning_rate = _changeable("intercept_learning_rate")
    max_features = _changeable("max_features")
    clip_gradient = _changeable("clip_gradient")
    schedule = _changeable("schedule")

    def __init__(self, **parameters: Any) -> None:
        scale, rate = parameters["scale"], parameters["learning_rate"]
        effective = {
            "activation": parameters["activation"] or self._own_activation(parameters["loss"]),
            "scale": isinstance(rate, str) if scale is None else scale,
            "interactions": parameters["interactions"] or (),
        }
        self._model = Perceptron(**{**parameters, **effective})
        self._y_name: Any = None
        for name, value in parameters.items():
            if name not in CHANGEABLE:
                setattr(self, name, value)
        self.interactions = parameters["interactions"] or None  # river can't clone an empty tuple

    def _value(self, x: Features) -> float:
        """Return ŷ; NaN takes no part in it."""
        return _tolerant(self._model.predict_one, x)

    @property
    def weights(self) -> dict[Any, float]:
        """The weights by display name; of scaled inputs where the neuron scales."""
        return self._model.weights

    @property
    def intercept(self) -> float:
        """The bias b."""
        return self._model.bias

    def score_one(self, x: dict[Any, Any]) -> float:
        """Return the score z, before the activation; NaN takes no part in it.

        river's min-max scaler gives NaN for a feature that it has not learned yet. Learning refuses it.

        Parameters
        ----------
        x
            Name → number, boolean, text or None.
        """
        return _tolerant(self._model.score_one, x)

    def debug_one(self, x: dict[Any, Any], decimals: int = 5) -> str:
        """Return a table of what each feature adds to the score; river's pipelines print it, too.

        Parameters
        ----------
        x
            Name → number, boolean, text or None.
        decimals
            Digits behind the point.

        Returns
        -------
        str
            Each feature's value, its input x̃ after the neuron's own scaling, its weight and their product.
        """
        return table(self._model, x, decimals)

    @property
    def _mutable_attributes(self) -> set[str]:
        return set(CHANGEABLE)

    def _own_activation(self, loss: str) -> str | None:
        """Return the activation where none is named; None for the loss's own."""
        return None

    def _target(self, y: Any) -> float:
        """Return a label as the neuron takes it."""
        if y is None:
            raise ValueError("a label is missing; one for each row was expected")
        return y  # type: ignore[no-any-return]

    def _scores(self, frame: Any) -> list[float]:
        return [self.score_one(x) for x in frames.samples(frame)]

    def _learn_frame(self, frame: Any, y: Any, w: float | list[Any]) -> None:
        """Learn row by row; predictions for frames go by the name of the labels from now on."""
        labels = [self._target(label) for label in frames.values(y)]
        weights = w if isinstance(w, list) else [w] * len(labels)
        self._model.predict_learn_many(frames.samples(frame), labels, weights)
        self._y_name = y.name


def _tolerant(predict: Callable[[Features], float], x: Features) -> float:
    """Return the prediction; where it is refused for a NaN, that of the sample without it."""
    try:
        return predict(x)
    except SampleRejected as refused:
        if refused.rejection.reason != "not_finite":
            raise
        return predict({name: value for name, value in x.items() if value == value})
