"""How many samples a second the whole service learns, exactly once, on each stream.

``python -m benchmarks.stream`` starts a broker (or takes ``KAFKA_BOOTSTRAP``), lets the contenders alternate
for some rounds, and prints medians, the spread, and the ratio to what most people would write: json and
river, one sample at a time, without any stream. Samples are JSON with 10 features; transactions are of
5,000 samples; the clock runs from the first commit to the last. Every run's model hash is checked.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import statistics
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path

from service.engine import Commit, Engine
from service.settings import Settings
from service.streams.port import Output
from service.streams.select import open_stream
from service.topics import topic_specs
from tests.kafka_broker import broker

FEATURES = 10


def make_samples(count: int) -> list[bytes]:
    """Return labelled samples as a producer would write them."""
    random_ = random.Random(5)
    return [
        json.dumps(
            {
                "id": f"s-{number}",
                "features": {f"f{j}": random_.gauss(j, 1 + j) for j in range(FEATURES)},
                "label": number % 2,
            }
        ).encode()
        for number in range(count)
    ]


def service(url: str, client: str, samples: list[bytes]) -> tuple[float, str]:
    """Return samples per second of the whole service, and the hash of the model it ends with."""
    model = {"name": f"bench-{uuid.uuid4().hex[:8]}", "learning_rate": 0.01}
    settings = Settings.model_validate({"model": model})
    commits: list[tuple[float, Commit]] = []
    with open_stream(url, client=client) as stream:
        stream.create_topics(topic_specs(settings))
        stream.append([Output(settings.topics.samples, 0, [None] * len(samples), samples)])
        Engine(stream, settings, on_commit=lambda commit: commits.append((time.perf_counter(), commit))).run(
            until_end=True
        )
    learned = sum(commit.records for _, commit in commits[1:])
    return learned / (commits[-1][0] - commits[0][0]), commits[-1][1].head.hash


def naive(samples: list[bytes]) -> tuple[float, str]:
    """Return samples per second of json and river in a plain loop, without any stream."""
    from river import linear_model, optim, preprocessing

    model = preprocessing.StandardScaler() | linear_model.LogisticRegression(optim.SGD(0.01))
    few = samples[:20_000]
    started = time.perf_counter()
    for value in few:
        sample = json.loads(value)
        probability = model.predict_proba_one(sample["features"]).get(True, 0.5)
        json.dumps({"id": sample["id"], "prediction": probability > 0.5, "probability": probability}).encode()
        model.learn_one(sample["features"], bool(sample["label"]))
    return len(few) / (time.perf_counter() - started), ""


def main() -> None:
    """Let the contenders alternate, and print what came out."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--samples", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    samples = make_samples(arguments.samples)
    with broker() as bootstrap, tempfile.TemporaryDirectory() as folder:
        contenders: dict[str, Callable[[int], tuple[float, str]]] = {
            "json + river, no stream": lambda _: naive(samples),
            "sqlite": lambda n: service(f"sqlite:{Path(folder) / f'{n}.db'}", "auto", samples),
            "kafka-python": lambda _: service(f"kafka://{bootstrap}", "kafka-python", samples),
            "confluent": lambda _: service(f"kafka://{bootstrap}", "confluent", samples),
        }
        rates: dict[str, list[float]] = {name: [] for name in contenders}
        hashes = set()
        for number in range(arguments.rounds):
            for name, contender in contenders.items():
                rate, digest = contender(number)
                rates[name].append(rate)
                hashes.add(digest)
    assert len(hashes - {""}) == 1, "every stream ends with the same model"
    report(rates, arguments.samples)


def report(rates: dict[str, list[float]], count: int) -> None:
    """Print a table."""
    base = statistics.median(rates["json + river, no stream"])
    print(f"{count:,} samples, {FEATURES} features, {len(rates['sqlite'])} rounds, ", end="")
    print(f"{os.cpu_count()} cores, Python {platform.python_version()}, {time.strftime('%Y-%m-%d')}")
    print(f"{'':26}{'samples/s':>12}{'lowest':>12}{'highest':>12}{'ratio':>8}")
    for name, found in rates.items():
        median = statistics.median(found)
        print(f"{name:26}{median:12,.0f}{min(found):12,.0f}{max(found):12,.0f}{median / base:7.1f}x")


if __name__ == "__main__":
    main()
