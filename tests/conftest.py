"""Fixtures of every suite."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.kafka_broker import NoBrokerError, broker, give_up


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
