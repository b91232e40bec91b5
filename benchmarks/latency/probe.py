"""Measures from outside how long a sample takes to become a prediction that anyone may read."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
from confluent_kafka import Consumer, Producer, TopicPartition

TICK_S = 0.001
FIRST_S = 60.0
LAST_S = 20.0


@dataclass(frozen=True)
class Latency:
    """Milliseconds from before a sample was produced until its prediction was read."""

    p50_ms: float
    p99_ms: float


class Probe:
    """Sends samples at a steady rate and reads the committed predictions, one for each, in order.

    Parameters
    ----------
    bootstrap
        The broker.
    samples, outputs
        The topics; both are empty at first.
    """

    def __init__(self, bootstrap: str, samples: str, outputs: str) -> None:
        self._samples = samples
        self._producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 0})
        options = {"group.id": f"{outputs}.probe", "isolation.level": "read_committed"}
        self._consumer = Consumer({"bootstrap.servers": bootstrap, "enable.auto.commit": False, **options})
        self._place = TopicPartition(outputs, 0, 0)
        self._consumer.assign([self._place])

    def close(self) -> None:
        """Let go of the clients."""
        self._consumer.close()

    def skip_to_end(self) -> None:
        """Look at nothing that is there already."""
        _, end = self._consumer.get_watermark_offsets(self._place, 10.0)
        self._consumer.assign([TopicPartition(self._place.topic, 0, end)])

    def send(self, message: bytes) -> None:
        """Send one sample."""
        self._producer.produce(self._samples, message, partition=0)
        self._producer.flush()

    def first(self, message: bytes) -> None:
        """Send one sample and wait until it is answered: whoever answers is up then."""
        self.send(message)
        self.wait(FIRST_S)

    def wait(self, within_s: float) -> bytes:
        """Return the next prediction."""
        deadline = time.monotonic() + within_s
        while (message := self._consumer.poll(0.5)) is None or message.error():
            if time.monotonic() > deadline:
                raise SystemExit(f"no prediction within {within_s} s")
        return bytes(message.value() or b"")

    def measure(self, messages: Sequence[bytes], rate: int, warm_up: int) -> Latency:
        """Send all of them, ``rate`` a second, and look at those behind the first ``warm_up``."""
        sent: list[float] = []
        sender = threading.Thread(target=self.send_steadily, args=(messages, rate, sent))
        sender.start()
        found, values = [], []
        for _ in messages:
            values.append(self.wait(LAST_S))
            found.append(time.perf_counter())
        sender.join()
        self._require_same(messages, values)
        waits_ms = (np.array(found) - np.array(sent))[warm_up:] * 1e3
        return Latency(*np.percentile(waits_ms, [50, 99]).tolist())

    def send_steadily(self, messages: Sequence[bytes], rate: int, sent: list[float]) -> None:
        """Send what is due at each tick; late ticks are made up for."""
        began = time.perf_counter()
        while len(sent) < len(messages):
            due = min(int((time.perf_counter() - began) * rate), len(messages))
            for number in range(len(sent), due):
                sent.append(time.perf_counter())
                self._producer.produce(self._samples, messages[number], partition=0)
            self._producer.poll(0)
            time.sleep(TICK_S)
        self._producer.flush()

    def _require_same(self, messages: Sequence[bytes], values: Sequence[bytes]) -> None:
        """Raise unless each prediction is the one for its sample."""
        decode = msgspec.json.Decoder(_Named).decode
        if [decode(value).id for value in values] != [decode(message).id for message in messages]:
            raise SystemExit("the predictions are not those of the samples, one for each and in order")


class _Named(msgspec.Struct):
    id: str
