"""The best of a grid of learning rates, optimizers and scalers, picked for each data set after the fact.

No learner can be told this choice beforehand: it is the mark to be near to. In regression the targets may
be standardised too, by their running mean and deviation, or rates would have to make up for the targets'
units.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from benchmarks.quality.contenders import Contender, perceptron, refused
from benchmarks.quality.datasets import Dataset
from benchmarks.quality.kept import Kept
from benchmarks.quality.rows import REGRESSION, Features
from benchmarks.quality.scoring import Floats, Model, Score

RATES = {
    "sgd": tuple(10.0 ** (-4 + third / 3) for third in range(20)),
    "adagrad": tuple(10.0 ** (-3 + third / 3) for third in range(17)),
}


@dataclass(frozen=True)
class Best:
    """The best score on a data set, by which setting, of how many."""

    loss: float
    setting: str
    settings: int


class TargetScaled:
    """A regression model that learns the target standardised as it was so far, the row's own included."""

    def __init__(self, model: Model, labels: Floats) -> None:
        self._model = model
        count = np.arange(1, len(labels) + 1)
        centred = labels - labels[0]
        mean = np.cumsum(centred) / count
        spread = np.sqrt(np.maximum(np.cumsum(centred**2) / count - mean**2, 0.0))
        self._mean, self._spread = mean + labels[0], np.where(spread > 0.0, spread, 1.0)
        self._row = 0

    def predict_learn_many(self, samples: Sequence[Features], labels: Floats) -> Floats:
        """Predict with the statistics before each row, learn with those after it."""
        after = slice(self._row, self._row + len(samples))
        before = np.arange(self._row - 1, self._row - 1 + len(samples))
        standard = self._model.predict_learn_many(samples, (labels - self._mean[after]) / self._spread[after])
        self._row += len(samples)
        told = np.where(before >= 0, self._mean[before] + self._spread[before] * standard, 0.0)
        return np.asarray(told)


def target_scaled(dataset: Dataset, **parameters: object) -> Model:
    """Return a neuron behind a scaler of inputs and one of targets."""
    return TargetScaled(perceptron(dataset, scale=True, **parameters), dataset.labels)


def settings(task: str) -> list[Contender]:
    """Return the grid; optimizers that the neuron does not know are left out."""
    scalers: dict[str, Callable[..., Model]] = {
        "bare": partial(perceptron, scale=False),
        "scaled": partial(perceptron, scale=True),
    }
    if task == REGRESSION:
        scalers["targets scaled"] = target_scaled
    return [
        Contender(
            f"{scaler} {optimizer} {rate:.3g}",
            partial(make, optimizer=optimizer, learning_rate=rate),
        )
        for optimizer, rates in RATES.items()
        if not refused(optimizer=optimizer, learning_rate=0.1)
        for scaler, make in scalers.items()
        for rate in rates
    ]


def best(dataset: Dataset, kept: Kept) -> Best:
    """Return the best setting that got through the data set without failure."""
    grid = settings(dataset.task)
    scores: list[tuple[Score, str]] = [(kept.score(setting, dataset), setting.name) for setting in grid]
    whole = [(score.loss, name) for score, name in scores if not score.failure]
    return Best(*min(whole), len(grid))
