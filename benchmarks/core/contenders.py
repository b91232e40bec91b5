"""Who is timed: our neuron, and river's on the same samples; each returns its last predictions."""

from __future__ import annotations

import gc
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from river import linear_model, optim, preprocessing

from benchmarks.core.samples import RATE, Samples
from perceptron_core import Perceptron
from service.learner import Learner
from service.settings import Settings
from service.streams.port import Batch

Run = Callable[[Samples], Sequence[float]]


@dataclass(frozen=True)
class Contender:
    """A way to predict and then learn each sample.

    Parameters
    ----------
    name
        As the table shows it.
    run
        Takes fresh samples, returns a prediction for each.
    peer
        Whose predictions these must be, to 1e-9; the ratio is taken to it, too.
    equal
        Whether they must be: the default learner is another one.
    """

    name: str
    run: Run
    peer: str
    equal: bool = True

    def timed(self, samples: Samples) -> tuple[float, Sequence[float]]:
        """Return seconds and predictions."""
        gc.collect()
        started = time.perf_counter()
        predictions = self.run(samples)
        return time.perf_counter() - started, predictions


def river_bare(samples: Samples) -> Sequence[float]:
    """River's logistic regression, one sample at a time."""
    return _river(linear_model.LogisticRegression(optim.SGD(RATE), intercept_lr=RATE), samples)


def river_scaled(samples: Samples) -> Sequence[float]:
    """River's logistic regression behind its scaler, one sample at a time."""
    return _river(_scaled(), samples)


def _scaled() -> Any:
    return preprocessing.StandardScaler() | linear_model.LogisticRegression(
        optim.SGD(RATE), intercept_lr=RATE
    )


def _river(model: Any, samples: Samples) -> Sequence[float]:
    predictions = []
    for x, y in zip(samples.features, samples.labels, strict=True):
        predictions.append(model.predict_proba_one(x)[True])
        model.learn_one(x, y)
    return predictions


def one_by_one(**parameters: Any) -> Run:
    """Our neuron, two calls for each sample."""

    def run(samples: Samples) -> Sequence[float]:
        model = Perceptron(**{"learning_rate": RATE, **parameters})
        predict, learn, predictions = model.predict_one, model.learn_one, []
        for x, y in zip(samples.features, samples.labels, strict=True):
            predictions.append(predict(x))
            learn(x, y)
        return predictions

    return run


def many(**parameters: Any) -> Run:
    """Our neuron, one call for all samples."""

    def run(samples: Samples) -> Sequence[float]:
        model = Perceptron(**{"learning_rate": RATE, **parameters})
        found: list[float] = model.predict_learn_many(samples.features, samples.labels).tolist()
        return found

    return run


def river_messages(samples: Samples) -> Sequence[float]:
    """Decode by json, learn by river, encode by json."""
    model = _scaled()
    predictions = []
    for message in samples.messages:
        sample = json.loads(message)
        p = model.predict_proba_one(sample["features"])[True]
        json.dumps({"id": sample["id"], "prediction": int(p > 0.5), "probability": p}).encode()
        model.learn_one(sample["features"], bool(sample["label"]))
        predictions.append(p)
    return predictions


def our_messages(samples: Samples) -> Sequence[float]:
    """Let the service's learner decode, guard, learn, metrics, encode; in batches of 5,000."""
    settings = Settings.model_validate({"model": {"learning_rate": RATE}})
    learner = Learner(settings, {settings.topics.predictions: 1, settings.topics.dlq: 1})
    predictions: list[float] = []
    decode = msgspec.json.Decoder(_Probability).decode
    for first in range(0, len(samples.messages), 5000):
        values = samples.messages[first : first + 5000]
        count = len(values)
        offsets = range(first, first + count)
        batch = Batch(settings.topics.samples, 0, offsets, [None] * count, values, [()] * count)
        (output,) = learner.process(batch)
        predictions.extend(decode(value or b"").probability for value in output.values[-2:])
    return predictions[-2:]


class _Probability(msgspec.Struct):
    probability: float


def check(contender: Contender, found: Sequence[float], expected: Sequence[float]) -> None:
    """Raise unless the contender predicts what its peer does."""
    last = min(len(found), len(expected))
    if contender.equal:
        np.testing.assert_allclose(found[-last:], expected[-last:], rtol=1e-9, atol=1e-9)
    assert np.isfinite(found).all(), contender.name
