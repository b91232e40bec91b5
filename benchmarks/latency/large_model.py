"""Start to first prediction, and all that depends on the size of a model: restore, memory, bytes written."""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.latency import service
from benchmarks.latency.probe import Probe
from benchmarks.peers import broker
from benchmarks.peers.samples import SHAPES
from benchmarks.report import progress

PER_SAMPLE = 500
TAKEOVER = "learning on from version"


@dataclass(frozen=True)
class Started:
    """One start: seconds until it said it was the owner, until its first prediction; and its memory."""

    owner_s: float
    first_s: float
    rss_bytes: int


def wide_messages(features: int) -> Iterator[bytes]:
    """Yield samples that bring all the features, 500 at a time, twice over."""
    random_ = random.Random(features)
    for round_ in range(2):
        for first in range(0, features, PER_SAMPLE):
            x = {
                f"w{j}": round(random_.uniform(0, 1), 4)
                for j in range(first, min(features, first + PER_SAMPLE))
            }
            yield json.dumps(
                {"id": f"{round_}-{first}", "features": x, "label": first // PER_SAMPLE % 2}
            ).encode()


def new_topics(bootstrap: str, messages: list[bytes]) -> tuple[str, str]:
    """Make a model's topics, with these samples."""
    samples, outputs = (f"{what}-{uuid.uuid4().hex[:8]}" for what in ("wide", "out"))
    with broker.on_kafka(bootstrap) as stream:
        broker.fill(stream, samples, messages)
        broker.make_outputs(stream, samples, outputs)
    return samples, outputs


def wait_until_learned(
    running: service.Service, bootstrap: str, samples: str, outputs: str, count: int
) -> None:
    """Wait until the service has committed so many samples."""
    group = broker.settings_for(samples, outputs).group
    with broker.on_kafka(bootstrap) as stream:
        running.wait_for(lambda: stream.group_offsets(group, samples).get(0, 0) >= count, 900.0, 0.05)


def starts(bootstrap: str, features: int, rounds: int, rate: str) -> tuple[list[Started], int]:
    """Learn a model of so many features, then start on it; return also the memory of who learned it."""
    messages = list(wide_messages(features)) if features else SHAPES["dense-10"].messages(1)
    samples, outputs = new_topics(bootstrap, messages)
    with service.running(bootstrap, samples, outputs, rate=rate, more="engine.max_batch=200") as running:
        wait_until_learned(running, bootstrap, samples, outputs, len(messages))
        grown = running.rss_bytes()
    return [start(bootstrap, samples, outputs, messages[0], rate) for _ in range(rounds)], grown


def start(bootstrap: str, samples: str, outputs: str, message: bytes, rate: str) -> Started:
    """Start on what is there: one sample waits to be answered."""
    probe = Probe(bootstrap, samples, outputs)
    probe.skip_to_end()
    probe.send(message)
    with service.running(bootstrap, samples, outputs, rate=rate) as running:
        owner_s = running.wait_for(lambda: running.says(TAKEOVER))
        probe.wait(60.0)
        found = Started(owner_s, running.seconds(), running.rss_bytes())
    probe.close()
    progress(f"owner after {found.owner_s:.2f} s, first prediction after {found.first_s:.2f} s")
    return found


@dataclass(frozen=True)
class Written:
    """What one sample a commit writes: bytes a sample to the model topic, and the sample's own."""

    model_bytes: float
    sample_bytes: float


def one_sample_a_commit(bootstrap: str, count: int) -> Written:
    """Let the service commit every sample by itself, and look at the broker's disk."""
    messages = SHAPES["dense-10"].messages(count)
    samples, outputs = new_topics(bootstrap, messages)
    with service.running(bootstrap, samples, outputs, more="engine.max_batch=1") as running:
        wait_until_learned(running, bootstrap, samples, outputs, count)
    on_disk = service.log_bytes(bootstrap, f"{outputs}.model")
    return Written(on_disk / count, sum(map(len, messages)) / count)
