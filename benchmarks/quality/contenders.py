"""Who takes part: our own learners here, the other libraries' from ``peers``; all with their defaults."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from benchmarks.quality.datasets import Dataset
from benchmarks.quality.rows import TASKS
from benchmarks.quality.scoring import Floats, MakeModel, Model, base_rate
from perceptron_core import Perceptron


@dataclass(frozen=True)
class Contender:
    """A named learner; ``version`` is its library's, ``absent`` says why it can't take part, if so."""

    name: str
    make: MakeModel
    version: str = ""
    tasks: tuple[str, ...] = TASKS
    absent: Callable[[], str | None] = lambda: None


class BaseRate:
    """Looks at the labels only: the running base rate, or mean."""

    def __init__(self, dataset: Dataset) -> None:
        self._predictions = iter(base_rate(dataset))

    def predict_learn_many(self, samples: Any, labels: Floats) -> list[float]:
        """Return the base rates before each row."""
        return [next(self._predictions) for _ in samples]


def perceptron(dataset: Dataset, **parameters: Any) -> Model:
    """Return our own neuron, its other parameters at their defaults."""
    return Perceptron(loss=dataset.loss, **parameters)


def refused(**parameters: Any) -> str | None:
    """Return why the neuron can't be made with these parameters, if it can't."""
    try:
        Perceptron(**parameters)
    except ValueError as error:
        return str(error)
    return None


def _own(name: str, **parameters: Any) -> Contender:
    return Contender(name, partial(perceptron, **parameters), absent=partial(refused, **parameters))


OURS = (
    _own("auto", learning_rate="auto"),
    _own("ladder", learning_rate="ladder"),
    _own("SGD 0.01", learning_rate=0.01),
)
BASE_RATE = Contender("base rate", BaseRate)
