"""From scores to the figures by which defaults are compared."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

import numpy as np

from benchmarks.quality.contenders import BASE_RATE
from benchmarks.quality.datasets import Dataset
from benchmarks.quality.hindsight import Best
from benchmarks.quality.rows import BINARY
from benchmarks.quality.scoring import Score

CAP = 100.0
"""A ratio counts at most this much: one blow-up shall not decide a mean over all sets."""


@dataclass(frozen=True)
class Results:
    """All scores of one run: by set, by contender; and the best in hindsight by set."""

    datasets: list[Dataset]
    scores: dict[str, dict[str, Score]]
    hindsight: dict[str, Best]

    def where(self, condition: Callable[[Dataset], bool]) -> Results:
        """Return the same for some of the data sets."""
        return replace(self, datasets=[data for data in self.datasets if condition(data)])

    @property
    def contenders(self) -> list[str]:
        """All contenders, the best average rank first."""
        names = {name for data in self.datasets for name in self.scores[data.name]}
        return sorted(names, key=self.rank)

    def rank(self, name: str) -> float:
        """Return the average rank by loss over the sets in which the contender took part."""
        tables = [self.scores[data.name] for data in self.datasets]
        return float(np.mean([_rank(name, scores) for scores in tables if name in scores]))

    def margin(self, name: str, own: Collection[str]) -> float:
        """Return how far the average rank is ahead of the best of the others', or behind, if negative."""
        others = [self.rank(other) for other in self.contenders if other not in own]
        return min(others) - self.rank(name) if others else math.nan

    def ratios(self, name: str) -> dict[str, float]:
        """Return loss / the best in hindsight, by set."""
        return self._over(name, lambda data: self.hindsight[data.name].loss)

    def mae_to_base(self, name: str) -> dict[str, float]:
        """Return the mean absolute error / that of the running mean, by set of regression."""
        values = self.where(lambda data: not binary(data))
        return {
            data.name: self.scores[data.name][name].mae / self.scores[data.name][BASE_RATE.name].mae
            for data in values.datasets
            if name in self.scores[data.name]
        }

    def to_base(self, name: str) -> dict[str, float]:
        """Return loss / that of the running base rate or mean, by set."""
        return self._over(name, lambda data: self.scores[data.name][BASE_RATE.name].loss)

    def failures(self, name: str) -> list[str]:
        """Return the sets in which the contender failed."""
        mine = {data.name: self.scores[data.name].get(name) for data in self.datasets}
        return [data for data, score in mine.items() if score and score.failure]

    def _over(self, name: str, reference: Callable[[Dataset], float]) -> dict[str, float]:
        return {
            data.name: min(self.scores[data.name][name].loss / reference(data), CAP)
            for data in self.datasets
            if name in self.scores[data.name]
        }


def _rank(name: str, scores: dict[str, Score]) -> float:
    mine = scores[name].loss
    better = sum(score.loss < mine for score in scores.values())
    equal = sum(score.loss == mine for score in scores.values())
    return better + (equal + 1) / 2


def geometric_mean(values: Collection[float]) -> float:
    """Return the geometric mean, NaN of nothing."""
    return math.exp(float(np.mean(np.log(list(values))))) if values else math.nan


def share(values: Collection[float], limit: float) -> float:
    """Return the share of values up to a limit."""
    return sum(value <= limit for value in values) / len(values) if values else math.nan


def binary(data: Dataset) -> bool:
    """Say whether labels are classes."""
    return data.task == BINARY
