"""From produced to visible: everyone in turn answers 2,000 samples a second."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from statistics import median
from typing import Any

from benchmarks.latency import service
from benchmarks.latency.probe import Latency, Probe
from benchmarks.peers import broker, java
from benchmarks.peers.programs import NotInstalled, clients, python_with
from benchmarks.peers.rounds import spread
from benchmarks.peers.samples import SHAPES
from benchmarks.report import Row, progress

Live = Callable[[str, str, str], AbstractContextManager[Any]]

CONFLUENT, KAFKA_PYTHON = "ours, confluent", "ours, kafka-python"
QUIX = "Quix Streams + river, exactly once, commits every {} ms"
STREAMS = f"{java.STREAMS}, commits every {{}} ms"
QUIX_MS, STREAMS_MS = (1, 10, 50), (10, 50)
"""What is tried of peers that commit by the clock; their best counts."""

HEAD = ["contender", "p50, ms", "p99, ms"]
WARM_UP_S = 3
P50_MS, P99_MS, SHARE = 4.0, 20.0, 1 / 5


@contextmanager
def quix(interval_ms: int, bootstrap: str, samples: str, outputs: str) -> Iterator[None]:
    """Run Quix Streams until the block is left."""
    command = [
        python_with("quixstreams"),
        "-m",
        "benchmarks.peers.apps.quix_app",
        bootstrap,
        samples,
        outputs,
    ]
    command += ["0", "dense-10", "exactly-once", str(interval_ms / 1000)]
    process = subprocess.Popen(command, env=clients(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait(60)


def streams(interval_ms: int, bootstrap: str, samples: str, outputs: str) -> AbstractContextManager[None]:
    """Run Kafka Streams until the block is left."""
    return java.running(java.STREAMS, bootstrap, samples, outputs, f"commit_ms={interval_ms}")


def services(only: Sequence[str]) -> dict[str, Live]:
    """Return who answers, of those whose names hold any of these words."""
    known: dict[str, Live] = {
        CONFLUENT: partial(service.running, client="confluent"),
        KAFKA_PYTHON: partial(service.running, client="kafka-python"),
        java.LOOP: partial(java.running, java.LOOP),
        **{STREAMS.format(ms): partial(streams, ms) for ms in STREAMS_MS},
        **{QUIX.format(ms): partial(quix, ms) for ms in QUIX_MS},
    }
    return {name: live for name, live in known.items() if any(some in name for some in only)}


def compete(
    bootstrap: str, rate: int, seconds: int, rounds: int, entrants: Mapping[str, Live]
) -> dict[str, list[Latency]]:
    """Let everyone answer once a round; an empty list is of one that is not installed."""
    messages = SHAPES["dense-10"].messages(rate * (WARM_UP_S + seconds) + 1)
    found: dict[str, list[Latency]] = {name: [] for name in entrants}
    for number in range(1, rounds + 1):
        for name, live in entrants.items():
            try:
                latency = measured(live, bootstrap, messages, rate)
            except NotInstalled as missing:
                progress(f"{name}: not installed: {missing}")
                continue
            found[name].append(latency)
            progress(f"round {number}/{rounds}: {name}: {latency.p50_ms:.1f} / {latency.p99_ms:.1f} ms")
    return found


def measured(live: Live, bootstrap: str, messages: Sequence[bytes], rate: int) -> Latency:
    """Start one, wait until it answers, and measure."""
    samples, outputs = (f"{what}-{uuid.uuid4().hex[:8]}" for what in ("live", "out"))
    with broker.on_kafka(bootstrap) as stream:
        broker.fill(stream, samples, [])
        broker.make_outputs(stream, samples, outputs)
    probe = Probe(bootstrap, samples, outputs)
    with live(bootstrap, samples, outputs):
        probe.first(messages[0])
        latency = probe.measure(messages[1:], rate, rate * WARM_UP_S)
    probe.close()
    broker.remove(bootstrap, outputs)
    return latency


def table(found: dict[str, list[Latency]]) -> Iterator[Row]:
    """Yield a row for each, the soonest first."""
    for name in sorted(found, key=lambda name: median(p50s(found[name]) or [1e9])):
        rows = found[name]
        yield [name, spread(p50s(rows)), spread(p99s(rows))] if rows else [name, "not installed", ""]


def verdicts(found: dict[str, list[Latency]]) -> Iterator[Row]:
    """Yield a row for each target; peers that commit by the clock are taken at their best."""
    own = found.get(CONFLUENT)
    if not own:
        return
    for what, of, limit in (("p50", p50s, P50_MS), ("p99", p99s, P99_MS)):
        value = median(of(own))
        yield [f"{CONFLUENT}, {what}", f"≤ {limit:g} ms", f"{value:.1f} ms", word(value <= limit)]
        for peer in ("Kafka Streams", "Quix Streams"):
            if theirs := [median(of(rows)) for name, rows in found.items() if name.startswith(peer) and rows]:
                share = value / min(theirs)
                question = f"{CONFLUENT} / {peer} at its best, {what}"
                yield [question, f"≤ {SHARE:g}", f"{share:.2f}", word(share <= SHARE)]


def p50s(rows: Sequence[Latency]) -> list[float]:
    """Return the medians of all rounds."""
    return [row.p50_ms for row in rows]


def p99s(rows: Sequence[Latency]) -> list[float]:
    """Return the 99th percentiles of all rounds."""
    return [row.p99_ms for row in rows]


def word(kept: bool) -> str:
    """Return the verdict."""
    return "kept" if kept else "MISSED"
