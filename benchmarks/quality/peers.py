"""The other libraries, untuned: river, Vowpal Wabbit, scikit-learn, as their documentation starts them.

river's models stand bare and behind its StandardScaler; river's TargetStandardScaler and hyperparameters
are not used, as a user who tunes nothing would not. scikit-learn gets its columns told beforehand, a missing
value as 0. Vowpal Wabbit reads its own text format.
"""

from __future__ import annotations

import importlib.util
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
from river import linear_model as river_linear_model
from river import optim, preprocessing

from benchmarks.quality.contenders import Contender
from benchmarks.quality.datasets import Dataset
from benchmarks.quality.rows import BINARY, REGRESSION, TASKS, Features
from benchmarks.quality.scoring import Floats

linear_model: Any = river_linear_model  # untyped constructors
NEUTRAL = {BINARY: 0.5, REGRESSION: 0.0}


class RowByRow(ABC):
    """A library that takes one row at a time."""

    @abstractmethod
    def step(self, features: Features, label: float) -> float:
        """Return the prediction, made before learning."""

    def predict_learn_many(self, samples: Sequence[Features], labels: Floats) -> list[float]:
        """Predict, then learn, row by row."""
        return [self.step(x, y) for x, y in zip(samples, labels.tolist(), strict=True)]


class River(RowByRow):
    """A river model or pipeline."""

    def __init__(self, scaled: bool, make: Callable[[str], Any], dataset: Dataset) -> None:
        model = make(dataset.task)
        self._model = preprocessing.StandardScaler() | model if scaled else model
        self._binary = dataset.task == BINARY

    def step(self, features: Features, label: float) -> float:
        """Predict, then learn; river's own neutral prediction counts where it knows no class yet."""
        if self._binary:
            prediction = self._model.predict_proba_one(features).get(True, NEUTRAL[BINARY])
            self._model.learn_one(features, label == 1)
        else:
            prediction = self._model.predict_one(features)
            self._model.learn_one(features, label)
        return float(prediction)


class ScikitLearn(RowByRow):
    """SGDClassifier or SGDRegressor by ``partial_fit``."""

    def __init__(self, scaled: bool, average: bool, dataset: Dataset) -> None:
        from sklearn.linear_model import (
            SGDClassifier,
            SGDRegressor,
        )
        from sklearn.preprocessing import StandardScaler

        self._task, self._binary = dataset.task, dataset.task == BINARY
        seed = {"random_state": 0, "average": average}
        self._model = SGDClassifier(loss="log_loss", **seed) if self._binary else SGDRegressor(**seed)
        self._scaler = StandardScaler() if scaled else None
        self._column = {name: j for j, name in enumerate(dataset.names)}
        self._fitted = False

    def step(self, features: Features, label: float) -> float:
        """Predict with what is known, then scale and learn."""
        row = np.zeros((1, len(self._column)))
        row[0, [self._column[name] for name in features]] = list(features.values())
        prediction = self._predict(row) if self._fitted else NEUTRAL[self._task]
        if self._scaler:
            row = self._scaler.partial_fit(row).transform(row)
        classes = {"classes": [0, 1]} if self._binary else {}
        self._model.partial_fit(row, [label], **classes)
        self._fitted = True
        return prediction

    def _predict(self, row: Floats) -> float:
        row = self._scaler.transform(row) if self._scaler else row
        found = self._model.predict_proba(row)[0, 1] if self._binary else self._model.predict(row)[0]
        return float(found)


class VowpalWabbit(RowByRow):
    """A Vowpal Wabbit workspace."""

    def __init__(self, arguments: str, dataset: Dataset) -> None:
        from vowpalwabbit import Workspace

        self._binary = dataset.task == BINARY
        link = "--loss_function logistic --link logistic" if self._binary else ""
        self._workspace = Workspace(f"--quiet {link} {arguments}", enable_logging=True)

    def step(self, features: Features, label: float) -> float:
        """Predict, then learn, one line of text."""
        target = (1 if label == 1 else -1) if self._binary else label
        inputs = " ".join(f"{name.replace(':', '_')}:{value!r}" for name, value in features.items())
        example = self._workspace.parse(f"{target} |f {inputs}")
        prediction = float(self._workspace.predict(example))
        self._workspace.learn(example)
        self._workspace.finish_example(example)
        return prediction


def _linear(optimizer: Callable[[], Any] | None, task: str) -> Any:
    given = {} if optimizer is None else {"optimizer": optimizer()}
    chosen = linear_model.LogisticRegression if task == BINARY else linear_model.LinearRegression
    return chosen(**given)


def _passive_aggressive(task: str) -> Any:
    return linear_model.PAClassifier() if task == BINARY else linear_model.PARegressor()


def _alma(task: str) -> Any:
    return linear_model.ALMAClassifier()


RIVER: dict[str, Callable[[str], Any]] = {
    "SGD": partial(_linear, None),
    "Momentum": partial(_linear, optim.Momentum),
    "AdaGrad": partial(_linear, optim.AdaGrad),
    "AdaDelta": partial(_linear, optim.AdaDelta),
    "RMSProp": partial(_linear, optim.RMSProp),
    "Adam": partial(_linear, optim.Adam),
    "FTRL": partial(_linear, optim.FTRLProximal),
    "PA": _passive_aggressive,
    "ALMA": _alma,
}
SCIKIT_LEARN = {"SGD": (False, False), "scaled SGD": (True, False), "scaled averaged SGD": (True, True)}
VOWPAL_WABBIT = {
    "default": "",
    "coin": "--coin",
    "FTRL": "--ftrl",
    "Pistol": "--pistol",
    "adaptive": "--adaptive",
    "adaptive invariant": "--adaptive --invariant",
    "normalized": "--normalized",
    "SGD": "--sgd",
}


def _without(package: str) -> str | None:
    return None if importlib.util.find_spec(package) else f"{package} is not installed"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _peers() -> Iterator[Contender]:
    for name, make in RIVER.items():
        tasks = (BINARY,) if name == "ALMA" else TASKS
        for scaled, prefix in ((False, "river"), (True, "river scaled")):
            yield Contender(f"{prefix} {name}", partial(River, scaled, make), _version("river"), tasks)
    for name, options in SCIKIT_LEARN.items():
        yield Contender(f"sklearn {name}", partial(ScikitLearn, *options), _version("scikit-learn"))
    for name, arguments in VOWPAL_WABBIT.items():
        yield Contender(
            f"VW {name}",
            partial(VowpalWabbit, arguments),
            _version("vowpalwabbit"),
            absent=partial(_without, "vowpalwabbit"),
        )


PEERS = tuple(_peers())
