"""River's neuron, for the demo to stand beside: ``StandardScaler`` and a linear model."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from service.commands.datasets import DataSet
from service.settings import ModelSettings


@dataclass(frozen=True)
class Peer:
    """What river made of a data set; ``is_same``: by the very equations and rates of ours."""

    name: str
    is_same: bool
    predictions: Sequence[float]
    seconds: float
    metrics: dict[str, float]


def river_peer(dataset: DataSet, settings: ModelSettings) -> Peer:
    """Predict and learn the data set in river's own loop, then take river's own metrics."""
    model, name = _model(settings)
    is_binary = settings.task == "binary"
    predictions = []
    started = time.perf_counter()
    for features, label in dataset.samples:
        predictions.append(model.predict_proba_one(features) if is_binary else model.predict_one(features))
        model.learn_one(features, label)
    seconds = time.perf_counter() - started
    metrics = _metrics(dataset, predictions, is_binary)
    values = [p[True] for p in predictions] if is_binary else predictions
    return Peer(name, is_same(settings), values, seconds, metrics)


def _model(settings: ModelSettings) -> tuple[Any, str]:
    """Return river's model, with our rates where it is the same one, else with its defaults; and its name."""
    from river import linear_model, optim, preprocessing

    kind: Any = (
        linear_model.LogisticRegression if settings.task == "binary" else linear_model.LinearRegression
    )
    if not is_same(settings):
        return preprocessing.StandardScaler() | kind(), f"StandardScaler | {kind.__name__}, as they come"
    rate, bias_rate = float(settings.learning_rate), settings.intercept_learning_rate
    neuron = kind(
        optimizer=optim.SGD(rate),
        loss=optim.losses.Log() if settings.loss == "log" else optim.losses.Squared(),
        l2=settings.l2,
        intercept_lr=rate if bias_rate is None else bias_rate,
    )
    if not settings.scale:
        return neuron, kind.__name__
    return preprocessing.StandardScaler() | neuron, f"StandardScaler | {kind.__name__}"


def is_same(settings: ModelSettings) -> bool:
    """Whether river has the very model of these settings."""
    identity = settings.new_perceptron().identity
    names = ("loss", "activation", "optimizer", "l1", "options")
    known = {("log", "sigmoid", "sgd", 0.0), ("squared", "identity", "sgd", 0.0)}
    loss, activation, optimizer, l1, options = (identity[name] for name in names)
    is_plain = settings.schedule == "constant" and isinstance(settings.scale, bool)
    return (loss, activation, optimizer, l1) in known and not options and is_plain


def _metrics(dataset: DataSet, predictions: Sequence[Any], is_binary: bool) -> dict[str, float]:
    from river import metrics

    kinds = (
        {"accuracy": metrics.Accuracy, "log_loss": metrics.LogLoss, "f1": metrics.F1}
        if is_binary
        else {"mae": metrics.MAE, "rmse": metrics.RMSE, "r2": metrics.R2}
    )
    made = {name: kind() for name, kind in kinds.items()}
    for (_, label), predicted in zip(dataset.samples, predictions, strict=True):
        for metric in made.values():
            is_label = is_binary and metric.requires_labels
            metric.update(label, predicted[True] > 0.5 if is_label else predicted)
    return {name: float(metric.get()) for name, metric in made.items()}
