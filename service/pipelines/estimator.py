"""A river estimator, sample by sample: what it predicts, what it refuses, and its state out and in."""

from __future__ import annotations

import inspect
import math
import pickle  # nosec B403 # used where model.allow_pickle says so
from collections.abc import Callable
from typing import Any, Final

from perceptron_core import Rejection
from service.errors import ConfigurationError
from service.plain import CannotKeep, State, dump, outline, restore

LIMIT: Final = 1e75
"""Its fourth power is still a double."""
PICKLE: Final = "pickle"
"""The key of the only part of a pickled state; plain parts have a # in theirs, or none at all."""


class Refused(Exception):
    """Carries a rejection out of a sample: the reason and the message."""


class RiverEstimator:
    """A pipeline, always at a known state.

    Parameters
    ----------
    make
        Returns a fresh estimator, the same each time.
    name
        ``module:factory``, for messages.
    task
        ``"binary"`` or ``"regression"``.
    allow_pickle
        Whether a state that can't be kept as plain data is pickled.
    """

    def __init__(self, make: Callable[[], Any], name: str, task: str, allow_pickle: bool) -> None:
        self.name = name
        self.is_pickled = False
        self._make = make
        self._is_binary = task == "binary"
        self._allow_pickle = allow_pickle
        self._has_probabilities = True
        self._template = make()
        self._take(make())

    def predict_learn(self, features: dict[str, Any], label: float, weight: float) -> float:
        """Predict, then learn unless the label is NaN; whatever this raises, the state is spoilt."""
        _check_size(features, label)
        predicted = self._predict(features)
        if not (math.isfinite(predicted) and (not self._is_binary or 0.0 <= predicted <= 1.0)):
            raise Refused("diverged", f"the pipeline predicted {predicted}")
        if label == label:
            y = label > 0.5 if self._is_binary else label
            if weight == 1.0:
                self._estimator.learn_one(features, y)
            elif self._takes_weights:
                self._estimator.learn_one(features, y, w=weight)
            else:
                raise Refused("bad_weight", f"weight {weight:g}: this pipeline takes none")
        return predicted

    def _predict(self, features: dict[str, Any]) -> float:
        """Return the probability of the positive label, or the value."""
        if not self._is_binary:
            return float(self._estimator.predict_one(features) or 0.0)
        if not self._has_probabilities:
            return {None: 0.5, False: 0.0, True: 1.0}[self._estimator.predict_one(features)]
        try:
            probabilities = self._estimator.predict_proba_one(features)
        except NotImplementedError:  # river: not every classifier has them
            self._has_probabilities = False
            return self._predict(features)
        return float(probabilities.get(True, 0.0)) if probabilities else 0.5

    def dumped(self) -> tuple[dict[str, bytes], State]:
        """Return what is stored, and the state that is hashed: the same, unless it is pickled."""
        if not self.is_pickled:
            try:
                state = dump(self._estimator, self._template)
                return state.parts, state
            except CannotKeep as error:
                if not self._allow_pickle:
                    raise ConfigurationError(self._refusal(error)) from None
                self.is_pickled = True
        state = outline(self._estimator, self._template)
        try:
            return {PICKLE: pickle.dumps(self._estimator, 5)}, state
        except Exception as error:
            raise ConfigurationError(f"model.pipeline {self.name} can't be pickled: {error}") from None

    def _refusal(self, error: CannotKeep) -> str:
        return (
            f"model.pipeline {self.name}: {error}, made while learning, so it can't be kept as plain data. "
            "Set model.allow_pickle = true to pickle the state: whoever can write to the model topic can "
            "then run code in each process that reads it"
        )

    def restore(self, parts: dict[str, bytes]) -> None:
        """Go to a stored state.

        Raises
        ------
        ValueError
            It does not belong here.
        ConfigurationError
            It is a pickle, which ``model.allow_pickle`` does not allow.
        """
        self.is_pickled = PICKLE in parts
        if not self.is_pickled:
            restored = restore(parts, self._make())
            if type(restored) is not type(self._template):
                raise ValueError(f"the stored state is a {type(restored).__name__}, not one of {self.name}")
            self._take(restored)
            return
        if not self._allow_pickle:
            raise ConfigurationError(
                f"the stored state of {self.name} is a pickle; reading it needs model.allow_pickle = true"
            )
        try:
            self._take(pickle.loads(parts[PICKLE]))  # nosec B301 # model.allow_pickle says so
        except Exception as error:
            raise ValueError(f"the pickled state can't be read: {type(error).__name__}: {error}") from None

    def _take(self, estimator: Any) -> None:
        self._estimator = estimator
        last = estimator
        while steps := getattr(last, "steps", None):
            last = list(steps.values())[-1]
        self._takes_weights = "w" in inspect.signature(last.learn_one).parameters


def _check_size(features: dict[str, Any], label: float) -> None:
    for name, value in features.items():
        if not isinstance(value, str) and not -LIMIT <= value <= LIMIT:
            raise Refused("diverged", f"feature {name!r:.80}: {value:g} is beyond ±{LIMIT:g}")
    if abs(label) > LIMIT:
        raise Refused("diverged", f"label {label:g} is beyond ±{LIMIT:g}")


def rejection_of(error: Exception) -> Rejection:
    """Return the reason that fits an exception, which the message names."""
    if isinstance(error, Refused):
        return Rejection(*error.args)
    kinds = {ArithmeticError: "diverged", LookupError: "missing_features"}
    reason = next((reason for kind, reason in kinds.items() if isinstance(error, kind)), "wrong_type")
    return Rejection(reason, f"the pipeline raised {type(error).__name__}: {error}")
