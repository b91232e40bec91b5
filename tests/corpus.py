"""A stream of samples that holds everything at once, and what a plain loop makes of it.

The oracle is written apart from the service: Python's own JSON, ``Perceptron.predict_one`` and
``learn_one``, one sample at a time.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from perceptron_core import SampleRejected
from service.settings import Settings
from service.streams.port import Header

MAX_FEATURES = 600
MAX_RECORD_BYTES = 20_000


def settings(**sections: Any) -> Settings:
    """Return the settings that the corpus is made for."""
    model = {"name": "corpus", "max_features": MAX_FEATURES, "learning_rate": 0.05, "l2": 0.001}
    engine = {"max_record_bytes": MAX_RECORD_BYTES, "session_timeout_ms": 1500}
    return Settings(
        **{
            **sections,
            "model": {**model, **sections.get("model", {})},
            "engine": {**engine, **sections.get("engine", {})},
        }
    )


@dataclass(frozen=True)
class Case:
    """One record, and what the decoder has to say of it: a reason, or the parts of the sample."""

    key: bytes | None
    value: bytes | None
    reason: str | None = None
    id: str | int | None = None
    features: dict[str, Any] = field(default_factory=dict)
    label: float | None = None
    weight: float = 1.0
    headers: tuple[Header, ...] = ()


def cases(count: int, seed: int = 11) -> list[Case]:
    """Return ``count`` records; the first of a longer corpus are the same."""
    random_ = random.Random(seed)
    return [
        _broken(random_, number) if random_.random() < 0.06 else _good(random_, number)
        for number in range(count)
    ]


def _good(random_: random.Random, number: int) -> Case:
    features: dict[str, Any] = {
        f"n{j}": random_.choice([random_.gauss(j, 1 + j), random_.randint(-9, 9), random_.gauss(0, 1e-3)])
        for j in range(8)
        if random_.random() < 0.9
    }
    features["country"] = random_.choice(["FR", "DE", "日本", "a=b", ""])
    features["vip"] = random_.random() < 0.3
    features["missing"] = None if random_.random() < 0.5 else random_.random()
    if random_.random() < (0.18 if number < 4000 else 0.01):  # past the first blocks, and the bound
        features[f"rare{number}"] = random_.choice([1.5, "x", True])
    signal = features.get("n1", 0) - 1 + 2 * features["vip"] - (features["country"] == "DE")
    label = float(signal + random_.gauss(0, 1) > 0)
    sample: dict[str, Any] = {"features": features}
    id = random_.choice([None, f"s-{number}", number, f"ключ-{number}"])
    if id is not None:
        sample["id"] = id
    kind = random_.random()
    if kind < 0.05:
        label = None
    else:
        sample[random_.choice(["label", "label", "ground_truth"])] = random_.choice(
            [int(label), label, bool(label)]
        )
    weight = 1.0
    if random_.random() < 0.1:
        weight = random_.choice([0, 0.5, 2.0, 7])
        sample["weight"] = weight
    if random_.random() < 0.05:
        sample["note"] = random_.choice([[1, {"a": [None]}], "text", {"label": 9}, 1e300])
    value = json.dumps(sample, ensure_ascii=random_.random() < 0.5).encode()
    key = None if id is None else str(id).encode()
    return Case(key, value, None, id, features, label, float(weight))


def _broken(random_: random.Random, number: int) -> Case:
    reason, value = random_.choice(list(_faults(number)))
    return Case(random_.choice([None, b"k", b"\xff\x00"]), value, reason)


def _faults(number: int) -> Iterator[tuple[str, bytes | None]]:
    def of(**parts: Any) -> bytes:
        return json.dumps({"id": number, "features": {"n1": 1, "new": 2}, "label": 1, **parts}).encode()

    yield "empty", None
    yield "not_json", b""
    yield "not_json", b'{"features": {"n1": NaN}, "label": 1}'
    yield "not_json", b'{"features": {"n1": 1}, "label": 1'
    yield "not_json", b'{"features": {"n1": "\xff"}, "label": 1}'
    yield "not_json", b'{"features": {"n1": 1}, "note": "\xc3"}'
    yield "not_json", b'{"note": ' + b"[" * 3000 + b"]" * 3000 + b', "features": {}, "label": 1}'
    yield "wrong_type", b"[1, 2]"
    yield "wrong_type", of(features=[1])
    yield "wrong_type", of(features={"n1": [1]})
    yield "wrong_type", of(id=1.5)
    yield "missing_features", b'{"label": 1}'
    yield "bad_label", of(label=2)
    yield "bad_label", of(label="1")
    yield "bad_weight", of(weight=-1)
    yield "bad_weight", of(weight="1")
    yield "not_finite", b'{"features": {"n1": 1e999}, "label": 1}'
    yield "not_finite", b'{"features": {"n1": ' + b"9" * 400 + b'}, "label": 1}'
    yield "too_large", of(features={"x" * 257: 1})
    yield "too_large", of(features={"t": "é" * 128})
    yield "too_large", of(id="i" * 1025)
    yield "too_large", of(note="n" * MAX_RECORD_BYTES)
    yield "too_many_features", of(features={f"w{j}": 1 for j in range(MAX_FEATURES + 1)})
    yield "diverged", of(features={"n1": 1e200})
    yield "diverged", of(features={"n1": -1.7e308, "n2": 3})


@dataclass
class Expected:
    """What a plain loop makes of the corpus."""

    predictions: list[dict[str, Any]]
    dead: list[tuple[int, str]]  # offset, reason
    hash: str
    version: int


def plain_loop(records: list[Case], chosen: Settings) -> Expected:
    """Predict, then learn, one sample at a time, as a user would write it."""
    model = chosen.model.new_perceptron()
    predictions, dead = [], []
    for offset, case in enumerate(records):
        try:
            if case.reason is not None and case.reason not in ("diverged", "too_many_features"):
                dead.append((offset, case.reason))
                continue
            features, label, id = case.features, case.label, case.id
            if case.reason is not None:  # it is for the model to say, and not every model refuses it
                parsed = json.loads(case.value or b"")
                features, label, id = parsed["features"], parsed["label"], parsed.get("id")
            probability, version = model.predict_one(features), model.version
            if label is not None:
                model.learn_one(features, label, case.weight)
        except SampleRejected as rejected:
            dead.append((offset, rejected.rejection.reason))
            continue
        predictions.append(
            {
                "id": f"{chosen.topics.samples}-0-{offset}" if id is None else id,
                "prediction": int(probability > 0.5),
                "probability": probability,
                "label": None if label is None else int(label),
                "model": chosen.model.name,
                "version": version,
                "topic": chosen.topics.samples,
                "partition": 0,
                "offset": offset,
            }
        )
    return Expected(predictions, dead, model.hash(), model.version)
