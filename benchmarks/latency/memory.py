"""Memory over a long run: samples are sent as fast as they are answered, and the old ones are dropped."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from benchmarks.latency import service
from benchmarks.peers import broker
from benchmarks.peers.samples import SHAPES
from benchmarks.report import progress
from service.streams.port import Output, Stream, TopicSpec
from service.topics import topic_specs

CHUNK = 50_000
AHEAD = 200_000
KEPT = {"retention.bytes": str(200_000_000), "segment.bytes": str(50_000_000)}

BROKER = {"log.retention.check.interval.ms": "5000", "log.segment.delete.delay.ms": "1000"}
"""Of a broker of our own: else 50 million samples and their predictions would take 25 GB of disk."""


@dataclass(frozen=True)
class Long:
    """Memory in bytes after so many samples."""

    samples: list[int]
    rss_bytes: list[int]

    def at(self, share: float) -> int:
        """Return the memory after that share of all samples."""
        wanted = share * self.samples[-1]
        return next(rss for done, rss in zip(self.samples, self.rss_bytes, strict=True) if done >= wanted)


def make_topics(stream: Stream, samples: str, outputs: str) -> None:
    """Make topics that keep the newest records only."""
    specs = topic_specs(broker.settings_for(samples, outputs))
    stream.create_topics(
        [
            TopicSpec(s.name, 1, {**s.config, **KEPT} if s.name in (samples, outputs) else s.config)
            for s in specs
        ]
    )


def long_run(bootstrap: str, count: int) -> Long:
    """Let a small model learn so many samples, and look at the process now and then."""
    samples, outputs = (f"{what}-{uuid.uuid4().hex[:8]}" for what in ("long", "out"))
    chunk = SHAPES["dense-10"].messages(CHUNK)
    found, sent, told = Long([], []), 0, 0
    with broker.on_kafka(bootstrap) as stream:
        make_topics(stream, samples, outputs)
        group = broker.settings_for(samples, outputs).group

        def done() -> int:
            return stream.group_offsets(group, samples).get(0, 0)

        with service.running(bootstrap, samples, outputs) as running:
            while sent < count:
                stream.append([Output(samples, 0, [None] * CHUNK, chunk)])
                sent += CHUNK
                wanted = sent if sent >= count else sent - AHEAD
                running.wait_for(lambda wanted=wanted: done() >= wanted, 300.0, 0.05)  # type: ignore[misc]
                found.samples.append(max(wanted, 0))
                found.rss_bytes.append(running.rss_bytes())
                if sent * 10 // count > told:
                    told = sent * 10 // count
                    progress(f"{sent:,} samples: {found.rss_bytes[-1] / 1e6:.0f} MB")
    broker.remove(bootstrap, outputs)
    return found
