"""Kill, freeze, restart, swap clients: what is left is, to the bit, what a run that never stopped leaves.

The campaigns of :mod:`tests.faults.broker` in small, so that what they rest on is held in every run.
"""

from __future__ import annotations

import gc
import random
import time
import uuid
from contextlib import ExitStack
from pathlib import Path

import pytest

from service.streams.port import Fenced, TopicSpec
from service.streams.select import open_stream
from tests.contracts.rig import output
from tests.corpus import cases, settings
from tests.faults.broker import brokers, kills, rebalances, swaps, zombies
from tests.faults.broker.episodes import Tally
from tests.faults.broker.flat import Sample, is_flat
from tests.faults.broker.points import POINTS, Trap
from tests.faults.checks import assert_exact
from tests.faults.oracle import Oracle
from tests.faults.processes import Worker, provide, worker
from tests.kafka_broker import NoBrokerError, give_up, own_broker

RECORDS = cases(20_000)
KILLS = 10
BOTH = ("confluent", "kafka-python")


def kill_at_random(started: Worker, random_: random.Random) -> None:
    """Let it commit a few times, then kill it a random moment later."""
    for _ in range(random_.randint(0, 5)):
        if started.next_commit() is None:
            return
    deadline = time.perf_counter() + random_.uniform(0, 0.05)
    while time.perf_counter() < deadline:
        pass
    started.kill()


@pytest.mark.slow
def test_ten_kills_on_sqlite(tmp_path: Path) -> None:
    url, random_ = f"sqlite:{tmp_path / 'kills.db'}", random.Random(1)
    sections = {"model": {"name": f"kills-{uuid.uuid4().hex[:8]}"}, "engine": {"max_batch": 150}}
    chosen = settings(**sections)
    with open_stream(url, session_timeout_ms=1500) as stream:
        provide(stream, chosen, RECORDS)
        for _ in range(KILLS):
            with worker(url, "auto", sections) as started:
                kill_at_random(started, random_)
        with worker(url, "auto", sections) as started:
            started.finish()
        assert_exact(stream, Oracle(RECORDS, chosen))


@pytest.fixture
def clients() -> tuple[str, str]:
    """Return both clients."""
    pytest.importorskip("confluent_kafka")
    return BOTH


@pytest.mark.kafka
@pytest.mark.slow
@pytest.mark.parametrize("client", BOTH)
def test_a_kill_at_any_point_of_the_protocols(
    kafka_bootstrap: str, client: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if client == "confluent":
        pytest.importorskip("confluent_kafka")
    monkeypatch.setenv("KAFKA_BOOTSTRAP", kafka_bootstrap)
    *rows, total = kills.campaign(size=1, seed=1, client=client)
    assert {row["kind"] for row in rows} == {*POINTS, kills.AT_RANDOM}
    assert total["divergences"] == 0


@pytest.mark.kafka
@pytest.mark.slow
def test_an_owner_that_wakes_behind_its_heir_writes_nothing(
    kafka_bootstrap: str, clients: tuple[str, str]
) -> None:
    tally = Tally("zombies")
    for pair in (clients, clients[::-1]):
        zombies.chain(kafka_bootstrap, pair, 1, tally, turns=2)
    assert tally.total("divergences") == 0


@pytest.mark.kafka
@pytest.mark.slow
def test_members_come_and_go_while_it_learns_and_restores(
    kafka_bootstrap: str, clients: tuple[str, str]
) -> None:
    tally = Tally("rebalances")
    rebalances.storm(kafka_bootstrap, clients, random.Random(1), tally, moves=len(rebalances.KINDS))
    assert tally.total("generations") > len(rebalances.KINDS)
    assert tally.total("divergences") == 0


@pytest.mark.kafka
@pytest.mark.slow
def test_the_client_is_swapped_in_mid_stream(kafka_bootstrap: str, clients: tuple[str, str]) -> None:
    tally = Tally("swaps")
    swaps.chain(kafka_bootstrap, clients, 1, tally, swaps=3)
    assert tally.total("divergences") == 0


@pytest.mark.kafka
@pytest.mark.slow
def test_learners_outlive_a_kill_and_a_freeze_of_the_broker(clients: tuple[str, str]) -> None:
    tally = Tally("broker faults")
    with ExitStack() as stack:
        try:
            broker = stack.enter_context(own_broker(brokers.AT_ONCE))
        except NoBrokerError as error:
            give_up(f"no broker was killed: {error}")
        brokers.episode(broker, clients, [brokers.KILL, "freeze past the session"], random.Random(1), tally)
    assert tally.total("divergences") == 0


@pytest.mark.kafka
@pytest.mark.parametrize("client", BOTH)
def test_a_fenced_writer_keeps_no_descriptors(kafka_bootstrap: str, client: str) -> None:
    if client == "confluent":
        pytest.importorskip("confluent_kafka")
    name, open_files = f"fenced-{uuid.uuid4().hex[:8]}", Path("/proc/self/fd")
    descriptors = []
    with open_stream(f"kafka://{kafka_bootstrap}", client=client) as stream:
        stream.create_topics([TopicSpec(name)])
        with stream.join(name, name) as seat:
            for _ in range(5):
                zombie, heir = stream.fence(name), stream.fence(name)
                with pytest.raises(Fenced):
                    zombie.commit([output(name, [b"too late"])], {}, seat)
                heir.close()
                del zombie, heir
                gc.collect()
                descriptors.append(len(list(open_files.iterdir())))
    assert descriptors[-1] - descriptors[0] < 5, descriptors


def test_a_leak_is_told_from_a_process_that_has_warmed_up() -> None:
    warm = [Sample(100_000_000 + 1_000 * number, 40 + number % 3) for number in range(30)]
    leaking = [Sample(100_000_000, 40 + number) for number in range(30)]
    growing = [Sample(100_000_000 + 2_000_000 * number, 40) for number in range(30)]
    assert is_flat([Sample(10_000_000, 5), *warm])
    assert not is_flat(leaking)
    assert not is_flat(growing)


def test_a_point_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match="after the poll"):
        Trap().arm("after the pole")
