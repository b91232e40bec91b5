"""What every output is held to: river, in a plain loop over the samples, without JSON or a stream."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any

import numpy as np

from benchmarks.peers.apps.river_model import new_model
from benchmarks.peers.result import Result
from benchmarks.peers.samples import Shape

TOLERANCE = 1e-9
COIN = math.log(2)

Probabilities = np.ndarray[Any, np.dtype[np.float64]]


class WrongOutput(Exception):
    """A contender did not do the job that was timed."""


def log_loss(probabilities: Probabilities, labels: Probabilities) -> float:
    """Return the mean log loss."""
    right = np.where(labels > 0.5, probabilities, 1 - probabilities)
    return float(-np.log(np.clip(right, 1e-15, 1.0)).mean())


class Oracle:
    """Knows the probabilities for the first samples of a shape.

    Parameters
    ----------
    shape
        The samples.
    count
        How many.
    """

    def __init__(self, shape: Shape, count: int) -> None:
        self._shape = shape
        self._count = count

    @cached_property
    def labels(self) -> Probabilities:
        """The labels as 0 and 1."""
        return np.fromiter((y for _, y in self._shape.pairs(self._count)), float)

    @cached_property
    def probabilities(self) -> Probabilities:
        """What river predicts, each before learning from it."""
        model, found = new_model(self._shape.name), []
        for x, y in self._shape.pairs(self._count):
            found.append(model.predict_proba_one(x).get(True, 0.5))
            model.learn_one(x, y)
        return np.array(found)

    def require_count(self, result: Result, count: int) -> None:
        """Raise unless every sample has been answered once: all that can be asked of a loop that copies."""
        if result.records != count:
            raise WrongOutput(f"{result.name}: {result.records:,} records in the output, expected {count:,}")

    def require_learned(self, result: Result, count: int) -> None:
        """Raise unless a learner of another kind has predicted all samples, better than a coin would."""
        self.require_count(result, count)
        if not result.log_loss < COIN:
            raise WrongOutput(
                f"{result.name}: log loss {result.log_loss}, expected less than a coin's {COIN}"
            )

    def require_equal(self, result: Result, count: int) -> None:
        """Raise unless the probabilities are river's, each for its own sample."""
        self.require_count(result, count)
        expected = self.probabilities[:count]
        loss = log_loss(expected, self.labels[:count])
        pairs = {"sum": (result.checksum, float(expected.sum())), "log loss": (result.log_loss, loss)}
        for what, (found, wanted) in pairs.items():
            if not math.isclose(found, wanted, rel_tol=TOLERANCE):
                raise WrongOutput(f"{result.name}: {what} of the probabilities is {found}, expected {wanted}")
