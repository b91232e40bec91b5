"""From produced to learned, as a follower in another process sees it."""

from __future__ import annotations

import time
import uuid
from threading import Thread

import numpy as np

from benchmarks.latency import service
from benchmarks.latency.probe import Latency, Probe
from benchmarks.peers import broker
from benchmarks.peers.samples import SHAPES
from service import ModelFollower

WARM_UP_S = 3
LAST_S = 20.0


def freshness(bootstrap: str, rate: int, seconds: int, client: str) -> Latency:
    """Return how long samples take until a follower shows a model that has learned them."""
    messages = SHAPES["dense-10"].messages(rate * (WARM_UP_S + seconds) + 1)
    samples, outputs = (f"{what}-{uuid.uuid4().hex[:8]}" for what in ("fresh", "out"))
    with broker.on_kafka(bootstrap) as stream:
        broker.fill(stream, samples, [])
        broker.make_outputs(stream, samples, outputs)
    probe = Probe(bootstrap, samples, outputs)
    with service.running(bootstrap, samples, outputs, client):
        probe.first(messages[0])
        with ModelFollower(f"kafka://{bootstrap}", model=outputs, client=client) as live:
            watch = _Watch(live, len(messages))
            watch.start()
            sent: list[float] = []
            probe.send_steadily(messages[1:], rate, sent)
            watch.join()
    probe.close()
    broker.remove(bootstrap, outputs)
    taken = 1000 * (watch.seen[1:] - np.array(sent))[rate * WARM_UP_S :]
    return Latency(float(np.percentile(taken, 50)), float(np.percentile(taken, 99)))


class _Watch(Thread):
    """Notes for each sample when the follower's version first included it."""

    def __init__(self, live: ModelFollower, versions: int) -> None:
        super().__init__(name="freshness", daemon=True)
        self.seen = np.full(versions, np.nan)
        self._live = live

    def run(self) -> None:
        """Follow to the last version."""
        known = 0
        while known < len(self.seen):
            version = self._live.wait_for(known + 1, LAST_S)
            self.seen[known:version] = time.perf_counter()
            known = version
