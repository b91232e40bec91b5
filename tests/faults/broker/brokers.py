"""SIGKILL, and freezes, of the broker itself, under learners that live through all of it.

Two models, each with a learner and a standby of the other client, so that every fault meets an owner by
either client in the midst of its commits. The learners' memory and descriptors are watched: each recovery
opens a producer.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

from tests.corpus import cases
from tests.faults.broker.episodes import Episode, Table, Tally, clients, require_flat, stopped
from tests.faults.broker.flat import Sample, sample
from tests.faults.processes import Worker, first_to_commit
from tests.kafka_broker import Broker, own_broker

TURNS = 25
SLICE = 400
BATCH = 10
FAULT_WITHIN_S = 0.15
SHORT_S, PAST_SESSION_S, PAST_REQUEST_S, PAST_DELIVERY_S = 0.8, 3.0, 11.0, 17.0

AT_ONCE = {"broker.session.timeout.ms": "2000", "broker.heartbeat.interval.ms": "500"}
"""Else a broker that comes back waits nine seconds, until its former life is given up."""

KILL = "kill"
FREEZES = {
    "freeze, short": (SHORT_S, 10),
    "freeze past the session": (PAST_SESSION_S, 7),
    "freeze past a request's time": (PAST_REQUEST_S, 2),
    "freeze past a delivery's time": (PAST_DELIVERY_S, 1),
}
"""How long, and how many of twenty freezes."""


def campaign(size: int = 100, seed: int = 0, client: str | None = None, scale: int = 1) -> Table:
    """Kill the broker ``size`` times and freeze it half as often."""
    random_, tally = random.Random(seed), Tally("broker faults")
    weights = [weight for _, weight in FREEZES.values()]
    faults = [KILL] * size + random_.choices(list(FREEZES), weights, k=size // 2)
    random_.shuffle(faults)
    own = clients(client)
    with own_broker(AT_ONCE) as broker:
        for start in range(0, len(faults), TURNS):
            episode(broker, own, faults[start : start + TURNS], random_, tally, scale)
    return tally.table()


def episode(
    broker: Broker,
    own: Sequence[str],
    faults: Sequence[str],
    random_: random.Random,
    tally: Tally,
    scale: int = 1,
) -> None:
    """Let one set of learners live through some faults."""
    count = len(faults) * SLICE * scale
    models = [Episode(broker.bootstrap, f"of-{one}", cases(count, random_.randrange(10_000))) for one in own]
    with learners(models, own, BATCH * scale) as teams:
        sizes: dict[Worker, list[Sample]] = {one: [] for team in teams for one in team}
        for fault in faults:
            strike(broker, models, teams, fault, random_, SLICE * scale)
            tally.add(fault, " and ".join(own))
            for one, samples in sizes.items():
                samples.append(sample(one.pid))
        for model, team in zip(models, teams, strict=True):
            model.wait_until_learned(team)
        stopped(*sizes)
    require_flat(sizes)
    for model in models:
        tally.close(model)


@contextmanager
def learners(models: Sequence[Episode], own: Sequence[str], max_batch: int) -> Iterator[list[list[Worker]]]:
    """Start a learner for each model, and behind it a standby of the other client."""
    with ExitStack() as stack:
        teams: list[list[Worker]] = [[] for _ in models]
        for shift in (0, 1):
            for number, model in enumerate(models):
                client = own[(number + shift) % len(own)]
                engine = {"max_batch": max_batch}
                teams[number].append(stack.enter_context(model.worker(client, False, engine)))
        yield teams


def strike(
    broker: Broker,
    models: Sequence[Episode],
    teams: Sequence[list[Worker]],
    fault: str,
    random_: random.Random,
    count: int,
) -> None:
    """Strike the broker while every model is being learned, and wait until each is learned on."""
    started = time.monotonic()
    for model in models:
        model.provide(count)
    for team in teams:
        first_to_commit(team, started)
    time.sleep(random_.uniform(0, FAULT_WITHIN_S))
    FAULTS[fault](broker, random_)
    for model, team in zip(models, teams, strict=True):
        model.wait_until_learned(team)


def restart(broker: Broker, random_: random.Random) -> None:
    """Kill it and start it again."""
    broker.kill()
    broker.start()


def freeze_for(seconds: float) -> Callable[[Broker, random.Random], None]:
    """Return the freeze of so many seconds, at most a quarter less."""

    def freeze(broker: Broker, random_: random.Random) -> None:
        broker.freeze()
        time.sleep(seconds * random_.uniform(0.75, 1))
        broker.wake()

    return freeze


FAULTS: dict[str, Callable[[Broker, random.Random], None]] = {
    KILL: restart,
    **{name: freeze_for(seconds) for name, (seconds, _) in FREEZES.items()},
}
