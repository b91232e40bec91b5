"""A row stands for a dict: the same predictions, refusals and state, to the bit."""

from __future__ import annotations

import random
import warnings
from typing import Any

import msgspec
import numpy as np
import pytest

from perceptron_core import Perceptron
from perceptron_core.kernel import Row
from tests.core.runs import models
from tests.core.samples import mixed, state


def as_row(features: dict[str, Any], known: dict[bytes, bytes]) -> Row:
    """Return a row of the same features, with the spelling of its identities that is known already."""
    items = [(name, value) for name, value in features.items() if value is not None]
    entries = [(name, value) if isinstance(value, str) else (name,) for name, value in items]
    numbers = [0.0, *(1.0 if isinstance(value, str) else float(value) for _, value in items)]
    identities = b"".join(map(msgspec.msgpack.encode, entries))
    return Row(known.setdefault(identities, identities), len(entries), np.array(numbers), 1)


def learned(samples: list[Any], labels: list[float], **parameters: Any) -> str:
    """Return all that comes of samples, some of them learned after the model was changed elsewise."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = Perceptron(max_features=250, **{"learning_rate": 0.07, **parameters})
    found: list[Any] = []
    for start in range(0, len(samples), 50):
        refused: list[Any] = []
        these = slice(start, start + 50)
        found += model.predict_learn_many(samples[these], labels[these], None, refused).tolist(), refused
        if start % 100:
            model.rollback()
        else:
            model.commit()
            found.append(model.predict_one({"x1": 2.0, "f0": 3.0}))
    return repr((found, state(model)))


def dense(count: int) -> list[tuple[dict[str, Any], float]]:
    """Return samples of the same few names, now and then one more or less, a text, a number too large."""
    random_ = random.Random(4)
    samples = []
    for number in range(count):
        features: dict[str, Any] = {f"x{j}": random_.gauss(j, 2) for j in range(6)}
        if random_.random() < 0.1:
            features[f"y{number}"] = 1
        if random_.random() < 0.1:
            del features["x3"]
        if random_.random() < 0.1:
            features["x4"] = random_.choice(["a", "b", 1e300, 1e149, None])
        samples.append((features, float(random_.random() < 0.5)))
    return samples


@pytest.mark.parametrize("parameters", models(), ids=str)
def test_rows_are_learned_as_dicts(parameters: dict[str, Any]) -> None:
    of_all = [(features, label) for features, label, _ in mixed(200, seed=9, names=40)]
    for samples in (of_all, dense(400)):
        dicts, labels = [features for features, _ in samples], [label for _, label in samples]
        known: dict[bytes, bytes] = {}
        rows = [as_row(features, known) for features in dicts]
        either = [
            row if number % 3 else features
            for number, (row, features) in enumerate(zip(rows, dicts, strict=True))
        ]
        plain = learned(dicts, labels, **parameters)
        assert learned(rows, labels, **parameters) == plain
        assert learned(either, labels, **parameters) == plain


def test_a_row_says_what_it_stands_for() -> None:
    row = as_row({"a": 1.5, "c": None, "b": "text"}, {})
    assert row.features() == {"a": 1.5, "b": "text"}


def test_a_row_that_was_unseen_is_known_once_a_state_is_loaded() -> None:
    source, model = (Perceptron(learning_rate=0.5, scale=False) for _ in range(2))
    row = as_row({"a": 1.0, "b": 2.0}, {})
    source.learn_one(row.features(), 1)
    model.predict_learn_many([row], [None])
    model.load(1, source.scalars(), [(0, source.names(0), source.block(0))])
    model.predict_learn_many([row], [1.0])
    source.learn_one(row.features(), 1)
    assert state(model) == state(source)
