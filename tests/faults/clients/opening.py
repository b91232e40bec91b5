"""Bare clients, and our writers over them, with one scripted broker."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from kafka import ConsumerGroupMetadata, KafkaProducer

from service.streams.kafka_python_clients import Seat
from service.streams.kafka_writer import TransactionalWriter
from service.streams.port import Output
from tests.faults.clients.broker import ScriptedBroker

CLIENTS = ("kafka-python", "confluent")
IMPATIENT = {"delivery.timeout.ms": 400, "request.timeout.ms": 300, "linger.ms": 0}
SAMPLES = [("samples", 0), ("samples", 1)]


class ClientDefect(Exception):
    """A client did what no client should; expected for as long as it is not mended."""


def defect(what: str, guard: str) -> pytest.MarkDecorator:
    """Mark a test of sane behaviour that the client does not show; it fails on the day that it does."""
    mended = f"{what}: where this passes, the client has mended it, and {guard} may go"
    return pytest.mark.xfail(strict=True, raises=ClientDefect, reason=mended)


@contextmanager
def bare_producer(broker: ScriptedBroker, **options: Any) -> Iterator[KafkaProducer]:
    """Yield kafka-python's own producer, ready for transactions."""
    options = {"linger_ms": 0, "retry_backoff_ms": 5, **options}
    producer = KafkaProducer(bootstrap_servers=broker.address, transactional_id="bare", **options)
    producer.init_transactions()
    try:
        yield producer
    finally:
        producer.close(timeout=0)


@contextmanager
def writer(client: str, broker: ScriptedBroker, **options: Any) -> Iterator[TransactionalWriter]:
    """Yield our writer over a client."""
    name = client.replace("-", "_")
    if client == "confluent":
        pytest.importorskip("confluent_kafka")
    clients = importlib.import_module(f"service.streams.{name}_clients")
    writers = importlib.import_module(f"service.streams.{name}_writer")
    dotted = {key.replace("_", "."): value for key, value in options.items()}
    opened = writers.Writer(clients.Connection(broker.address, dotted), "ours")
    try:
        yield opened
    finally:
        opened.close()


class SeatOf(Seat):
    """A seat whose identity is given."""

    def __init__(self, generation: int = 3, member: str = "m") -> None:
        self._identity = ConsumerGroupMetadata("group", generation, member)

    def identity(self) -> ConsumerGroupMetadata:
        """Return what was given."""
        return self._identity


def output(*values: bytes, **more: Any) -> Output:
    """Return records for the one topic there is."""
    return Output("out", 0, [b"key"] * len(values), list(values), **more)
