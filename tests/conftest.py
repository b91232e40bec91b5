"""Fixtures of every suite."""

from __future__ import annotations

from collections.abc import Iterator
from unittest.mock import patch

import pytest

from tests.kafka_broker import NoBrokerError, broker, give_up


@pytest.fixture(scope="session", autouse=True)
def no_collections() -> Iterator[None]:
    """Spare each takeover a collection: with a suite in memory it takes a second."""
    with patch("service.engine.give_back"):
        yield


@pytest.fixture(scope="session")
def kafka_bootstrap() -> Iterator[str]:
    """Return the address of a real broker; without one the Kafka suites are skipped, except in CI."""
    running = broker()
    try:
        bootstrap = running.__enter__()
    except NoBrokerError as error:
        give_up(f"the Kafka suites did not run (contracts, faults, end to end on Kafka): {error}")
    try:
        yield bootstrap
    finally:
        running.__exit__(None, None, None)
