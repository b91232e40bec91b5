"""Pipelines for the tests, as a user would write them into a module of their own."""

from __future__ import annotations

import random
from typing import Any

from river import base, compose, forest, linear_model, naive_bayes, neighbors, optim, preprocessing, tree


def logistic() -> Any:
    return preprocessing.StandardScaler() | linear_model.LogisticRegression(optim.Adam(0.02))


def union() -> Any:
    texts = compose.SelectType(str) | preprocessing.OneHotEncoder()
    hashed = compose.SelectType(str) | preprocessing.FeatureHasher(32, seed=1)
    numbers = compose.SelectType(float, int) | preprocessing.AdaptiveStandardScaler()
    return (texts + hashed + numbers) | linear_model.PAClassifier()


def robust_perceptron() -> Any:
    return compose.SelectType(float) | preprocessing.RobustScaler() | linear_model.Perceptron()


def target_scaled() -> Any:
    regression = linear_model.LinearRegression(optim.AdaGrad(0.1))
    return compose.SelectType(float) | preprocessing.TargetStandardScaler(regression)


def bayes() -> Any:
    return compose.SelectType(float) | naive_bayes.GaussianNB()


def hoeffding() -> Any:
    return tree.HoeffdingTreeClassifier(grace_period=20, delta=0.1)


def adaptive_forest() -> Any:
    return forest.ARFClassifier(n_models=3, seed=3, grace_period=20)


def unseeded() -> Any:
    return forest.ARFClassifier(n_models=3)


def nearest() -> Any:
    return neighbors.KNNClassifier(engine=neighbors.LazySearch(window_size=50))


class Moody(base.Classifier):
    """Changes its state before it fails, and draws random numbers all the time."""

    def __init__(self, seed: int = 5) -> None:
        self.seed = seed
        self._rng = random.Random(seed)
        self._seen: dict[str, float] = {}
        self._noise = 0.0

    def predict_proba_one(self, x: dict[str, Any], **options: Any) -> dict[Any, float]:
        self._seen["predicted"] = self._seen.get("predicted", 0) + 1
        if x.get("fault") == "predict":
            raise KeyError("fault")
        if x.get("fault") == "nan":
            return {True: float("nan"), False: 1.0}
        return {True: self._noise, False: 1.0 - self._noise}

    def learn_one(self, x: dict[str, Any], y: Any) -> None:
        self._noise = self._rng.random()
        self._seen["learned"] = self._seen.get("learned", 0) + 1
        if x.get("fault") == "learn":
            raise RuntimeError("a fault while learning")
        if x.get("fault") == "overflow":
            self._seen["total"] = 1e300 * 1e300  # and nothing that predicts will show it


def moody() -> Any:
    return Moody()


def failing() -> Any:
    raise OSError("no such weights")


def no_pipeline() -> Any:
    return "a text"


not_callable = 3
