"""Kill, freeze, restart, swap clients: what is left is, to the bit, what a run that never stopped leaves."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from service.settings import Settings
from service.streams.port import Stream
from service.streams.select import open_stream
from tests.corpus import cases, settings
from tests.faults.checks import assert_exact, heads
from tests.faults.oracle import Oracle
from tests.faults.processes import Worker, provide, worker

RECORDS = cases(20_000)
KILLS = 20

pytestmark = pytest.mark.slow


@contextmanager
def provided(url: str, client: str, sections: dict[str, Any]) -> Iterator[tuple[Stream, Settings]]:
    chosen = settings(**sections)
    with open_stream(url, client=client, session_timeout_ms=1500) as stream:
        provide(stream, chosen, RECORDS)
        yield stream, chosen


def kill_at_random(started: Worker, random_: random.Random) -> None:
    """Let it commit a few times, then kill it a random moment later."""
    for _ in range(random_.randint(0, 5)):
        if started.next_commit() is None:
            return
    deadline = time.perf_counter() + random_.uniform(0, 0.05)
    while time.perf_counter() < deadline:
        pass
    started.kill()


def killed_run(url: str, clients: list[str], seed: int) -> None:
    name = f"kills-{uuid.uuid4().hex[:8]}"
    random_ = random.Random(seed)
    plain = {"model": {"name": name}, "engine": {"max_batch": 150}}
    static = {"model": {"name": name}, "engine": {"max_batch": 150, "instance_id": "one"}}
    with provided(url, clients[0], plain) as (stream, chosen):
        for kill in range(KILLS):
            with worker(url, clients[kill % len(clients)], static if kill % 3 else plain) as started:
                kill_at_random(started, random_)
        with worker(url, clients[-1], plain) as started:
            started.finish()
        assert_exact(stream, Oracle(RECORDS, chosen))


def test_twenty_kills_on_sqlite(tmp_path: Path) -> None:
    killed_run(f"sqlite:{tmp_path / 'kills.db'}", ["auto"], seed=1)


@pytest.mark.kafka
@pytest.mark.parametrize("clients", [["confluent", "kafka-python"], ["kafka-python", "confluent"]])
def test_twenty_kills_on_kafka_ending_on_the_other_client(kafka_bootstrap: str, clients: list[str]) -> None:
    pytest.importorskip("confluent_kafka")
    killed_run(f"kafka://{kafka_bootstrap}", clients, seed=2)


@pytest.mark.kafka
@pytest.mark.parametrize("client", ["confluent", "kafka-python"])
def test_another_process_takes_over_from_a_killed_and_from_a_frozen_one(
    kafka_bootstrap: str, client: str
) -> None:
    if client == "confluent":
        pytest.importorskip("confluent_kafka")
    url = f"kafka://{kafka_bootstrap}"
    sections = {"model": {"name": f"two-{uuid.uuid4().hex[:8]}"}, "engine": {"max_batch": 20}}
    with (
        provided(url, client, sections) as (stream, chosen),
        worker(url, client, sections) as first,
    ):
        assert first.next_commit() is not None
        with worker(url, client, sections) as second, worker(url, client, sections) as third:
            first.kill()
            owner, standby = next_owner(second, third)
            owner.freeze()
            assert standby.next_commit() is not None, f"the standby has not taken over: {standby.errors()}"
            owner.wake()
            standby.finish()
            owner.finish()
        assert_exact(stream, Oracle(RECORDS, chosen))
        attempts = {head.attempt for head in heads(stream, chosen)}
        assert len(attempts) >= 3


def next_owner(*workers: Worker) -> tuple[Worker, Worker]:
    """Return the worker that commits first, and the other."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        for number, candidate in enumerate(workers):
            if candidate.has_said():
                return candidate, workers[1 - number]
        time.sleep(0.01)
    raise AssertionError("nobody took over")
