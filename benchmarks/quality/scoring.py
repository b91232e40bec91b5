"""Progressive scores: predict each row, then learn from it.

Conventions, the same for every contender:

- Log loss takes probabilities to [1e-6, 1 − 1e-6]: a sure error costs 13.8. It is generous to those who are
  sure too soon; at 1e-15 their figures would be worse. Regression is scored by RMSE, with MAE beside it.
- The first prediction, made knowing nothing, is not scored: one miss of a far target would outweigh the rest.
- Who raises an error, or predicts what is not finite, has failed on that set. From there on the running base
  rate (or mean) stands for its predictions.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from benchmarks.quality.datasets import Dataset
from benchmarks.quality.rows import BINARY, Features

CLAMP = 1e-6
CHUNK = 100

Floats = npt.NDArray[np.float64]


class Model(Protocol):
    """What takes part: it predicts, then learns, row by row, a chunk of rows in a call."""

    def predict_learn_many(self, samples: Sequence[Features], labels: Floats, /) -> Sequence[float] | Floats:
        """Return the probabilities of label 1, or the values, each made before learning from its row."""


MakeModel = Callable[[Dataset], Model]


@dataclass(frozen=True)
class Score:
    """How one contender did on one data set: log loss or RMSE, and what went wrong, if anything did."""

    loss: float
    mae: float
    seconds: float
    failure: str | None = None


def score(make_model: MakeModel, dataset: Dataset) -> float:
    """Return the progressive log loss (binary) or RMSE (regression) of a fresh model."""
    return evaluate(make_model, dataset).loss


def evaluate(make_model: MakeModel, dataset: Dataset) -> Score:
    """Return all there is to say about a fresh model's way through a data set."""
    started = time.perf_counter()
    predictions, failure = progressive(make_model, dataset)
    seconds = time.perf_counter() - started
    errors = (predictions - dataset.labels)[1:]
    binary = dataset.task == BINARY
    loss = log_loss(predictions[1:], dataset.labels[1:]) if binary else root_mean_square(errors)
    return Score(loss, float(np.mean(np.abs(errors))), seconds, failure)


def progressive(make_model: MakeModel, dataset: Dataset) -> tuple[Floats, str | None]:
    """Return the predictions, and what went wrong, if anything did; then the base rate stands in."""
    predictions = base_rate(dataset)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = make_model(dataset)
            for start in range(0, len(predictions), CHUNK):
                rows = slice(start, start + CHUNK)
                found = np.asarray(model.predict_learn_many(dataset.samples[rows], dataset.labels[rows]))
                wrong = np.flatnonzero(~np.isfinite(found))
                if wrong.size:
                    predictions[start : start + wrong[0]] = found[: wrong[0]]
                    return predictions, f"row {start + wrong[0]}: {found[wrong[0]]}"
                predictions[rows] = found
    except Exception as error:  # whatever a contender raises is its failure
        return predictions, f"rows {start} to {start + CHUNK}: {type(error).__name__}: {error}"[:200]
    return predictions, None


def base_rate(dataset: Dataset) -> Floats:
    """Return what who looks at labels only would predict: (n₁ + ½)/(n + 1), or the mean so far."""
    count = np.arange(len(dataset.labels))
    total = np.cumsum(dataset.labels) - dataset.labels
    return (total + 0.5) / (count + 1.0) if dataset.task == BINARY else total / np.maximum(count, 1)


def log_loss(probabilities: Floats, labels: Floats) -> float:
    """Return the mean of −ln of the probability given to what came."""
    given = np.where(labels == 1, probabilities, 1.0 - probabilities)
    return float(-np.mean(np.log(np.clip(given, CLAMP, 1.0 - CLAMP))))


def root_mean_square(errors: Floats) -> float:
    """Return √mean(e²), also where e² would overflow."""
    largest = float(np.max(np.abs(errors)))
    return largest * float(np.sqrt(np.mean((errors / largest) ** 2))) if largest else 0.0
