"""Things of river's whose state is kept as plain data, of many kinds inside."""

from __future__ import annotations

from typing import Any

from river import compose, drift, linear_model, metrics, naive_bayes, optim, preprocessing, stats


def logistic() -> Any:
    """Return the pipeline of river's own first example."""
    return preprocessing.StandardScaler() | linear_model.LogisticRegression(optimizer=optim.Adam(0.1))


def mixed() -> Any:
    """Return two scalers before counts of what was seen."""
    numbers = compose.SelectType(float) | preprocessing.MinMaxScaler()
    return (
        compose.TransformerUnion(numbers, preprocessing.AdaptiveStandardScaler()) | naive_bayes.GaussianNB()
    )


def compiled() -> Any:
    """Return statistics that only river's compiled part understands."""
    return [stats.Quantile(0.3), stats.EWMean(), stats.Kurtosis(), stats.RollingIQR(20), stats.PeakToPeak()]


def windows() -> Any:
    """Return windows and a detector of drift."""
    return [drift.ADWIN(), drift.KSWIN(seed=7), stats.Mode(5)]


def measures() -> Any:
    """Return metrics."""
    return [metrics.ROCAUC(), metrics.F1(), metrics.ClassificationReport()]


ALL = (logistic, mixed, compiled, windows, measures)


def learn(thing: Any, features: dict[str, float], label: bool) -> None:
    """Let a thing of any kind take a sample in."""
    for each in thing if isinstance(thing, list) else [thing]:
        if isinstance(each, metrics.base.Metric):
            each.update(label, features.get("n0", 0.5) > 0)
        elif not hasattr(each, "learn_one"):
            each.update(features.get("n0", 0.0))
        else:
            each.learn_one(features, label)
