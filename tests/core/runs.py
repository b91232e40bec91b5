"""Runs over every part of the kernel, printed to the bit: `python -m tests.core.runs`."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np

from perceptron_core import Perceptron, registry
from perceptron_core.kernel import neuron
from perceptron_core.metrics import BinaryMetrics, RegressionMetrics
from tests.core.samples import REFUSED, mixed, state


def models() -> Iterator[dict[str, Any]]:
    """Yield parameters: every loss with every activation, and every optimizer, scaler and schedule."""
    for loss, part in registry.LOSSES.items():
        for activation in part.activations:
            yield {"loss": loss, "activation": activation, "l2": 0.01, "l1": 1e-4}
    for optimizer, scale in product(registry.OPTIMIZERS, registry.SCALERS):
        yield {"optimizer": optimizer, "scale": scale, "intercept_learning_rate": 0.02}
        yield {"optimizer": optimizer, "scale": scale, "loss": "squared"}
    for rate in registry.WITHOUT_RATE:
        yield {"learning_rate": rate}
        for loss in ("squared", "absolute", "huber", "quantile", "poisson", "hinge", "modified_huber"):
            yield {"learning_rate": rate, "loss": loss}
    for schedule in registry.SCHEDULES:
        yield {"schedule": schedule}


def results() -> Iterator[str]:
    """Yield what each model makes of the same samples, refused and extreme ones among them."""
    stream = mixed(300, seed=8, names=60)
    bad = [(x, 1.0, 1.0) for x, _ in REFUSED.values()]
    odd = [({"f0": x, "f1": -x}, 1.0, 1e308) for x in (1e308, 1e100, 5e-324, 1e-160)]
    samples = [*stream[:200], *bad, *odd, *stream[200:]]
    columns = [list(column) for column in zip(*samples, strict=True)]
    for parameters in models():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = Perceptron(max_features=300, **{"learning_rate": 0.07, **parameters})
        refused: list[Any] = []
        predictions = model.predict_learn_many(*columns, rejections=refused)
        yield f"{parameters} {predictions.tobytes().hex()} {refused} {state(model)} {model.statistics}"
    yield from metric_results()


def metric_results() -> Iterator[str]:
    """Yield the metrics of random predictions."""
    random_ = np.random.default_rng(3)
    labels = np.where(random_.random(999) < 0.1, np.nan, (random_.random(999) > 0.4).astype(float))
    predictions = np.where(random_.random(999) < 0.1, np.nan, random_.random(999))
    for metrics in (BinaryMetrics(), RegressionMetrics()):
        metrics.update(labels, predictions)
        yield f"{metrics.state()} {metrics.values()}"


if __name__ == "__main__":
    print("interpreted" if neuron.__file__.endswith(".py") else "compiled")
    for line in results():
        print(line)
