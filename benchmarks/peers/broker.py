"""The broker of a run, its topics, and what is in them."""

from __future__ import annotations

import os
import shutil
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import msgspec
import numpy as np
from confluent_kafka.admin import AdminClient

from benchmarks.peers.oracle import Probabilities
from service.settings import Settings
from service.streams.port import Output, Stream
from service.streams.select import open_stream
from service.topics import topic_specs
from tests.kafka_broker import VERSION, broker, broker_from_jars

CHUNK = 50_000


def add_pin(parser: ArgumentParser) -> None:
    """Take ``--pin`` from the command line, for :func:`benchmark_broker`."""
    parser.add_argument(
        "--pin", action="store_true", help="half of the cores for the broker, half for the clients"
    )


@contextmanager
def benchmark_broker(pin: bool = False, more: Mapping[str, str] | None = None) -> Iterator[str]:
    """Yield the address of a broker; pinned, it has the first half of the cores, and we the others.

    Children run where their parent does: so this thread moves, first for the broker, then for the clients.
    ``more`` settings are for a broker of our own.
    """
    cores = sorted(os.sched_getaffinity(0)) if pin else []
    half = len(cores) // 2
    if pin:
        os.sched_setaffinity(0, cores[:half])
    own = more and shutil.which("java") and "KAFKA_BOOTSTRAP" not in os.environ
    with broker_from_jars(more) if own else broker() as bootstrap:
        if pin:
            os.sched_setaffinity(0, cores[half:])
        yield bootstrap
    if pin:
        os.sched_setaffinity(0, cores)


def broker_version() -> str:
    """Return the version of the broker that is started, or that it is not ours to know."""
    return f"at {os.environ['KAFKA_BOOTSTRAP']}" if "KAFKA_BOOTSTRAP" in os.environ else VERSION


def settings_for(samples: str, outputs: str) -> Settings:
    """Return settings of a model that answers these samples in that topic."""
    return Settings.model_validate(
        {"model": {"name": outputs}, "topics": {"samples": samples, "predictions": outputs}}
    )


def fill(stream: Stream, samples: str, messages: Sequence[bytes]) -> None:
    """Make a topic of samples."""
    stream.create_topics(topic_specs(settings_for(samples, f"{samples}.out"))[:1])
    for first in range(0, len(messages), CHUNK):
        chunk = messages[first : first + CHUNK]
        stream.append([Output(samples, 0, [None] * len(chunk), chunk)])


def make_outputs(stream: Stream, samples: str, outputs: str) -> None:
    """Make a model's other topics, which also serve a peer that needs only one of them."""
    stream.create_topics(topic_specs(settings_for(samples, outputs)))


def remove(bootstrap: str, outputs: str) -> None:
    """Delete a model's topics, the samples apart: some runs write more than a disk holds."""
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 4})
    for done in admin.delete_topics([outputs, f"{outputs}.dlq", f"{outputs}.model"]).values():
        done.result()


def values(stream: Stream, topic: str) -> Iterator[list[bytes]]:
    """Yield all committed values, batch by batch."""
    end = stream.end_offset((topic, 0))
    with stream.reader() as reader:
        reader.seek({(topic, 0): stream.first_offset((topic, 0))})
        while reader.position((topic, 0)) < end:
            for batch in reader.poll(10_000, 5.0):
                yield [value for value in batch.values if value is not None]


class _Answer(msgspec.Struct):
    probability: float = 0.0


def probabilities(stream: Stream, topic: str) -> Probabilities:
    """Return what was predicted, in order, as a read_committed consumer finds it; 0 where nothing was."""
    decode = msgspec.json.Decoder(_Answer).decode
    return np.array([decode(value).probability for batch in values(stream, topic) for value in batch])


def on_kafka(bootstrap: str) -> Stream:
    """Open the cluster."""
    return open_stream(f"kafka://{bootstrap}", client="confluent")
