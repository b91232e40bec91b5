"""Learners frozen past their session while another takes over, and woken again.

Two learners of one model, of whichever clients, take turns: the owner is frozen, at a labelled point or at
random; the other takes over and commits; the frozen one is woken and has to notice that it owns nothing.
What it might have written all the same, the examination finds: bytes twice, or an attempt gone on.
"""

from __future__ import annotations

import random
import signal
import time
from contextlib import ExitStack
from functools import partial

from tests.contracts.rig import wait_until
from tests.corpus import cases
from tests.faults.broker.episodes import Episode, Table, Tally, clients, require_flat, side_by_side, stopped
from tests.faults.broker.flat import Sample, sample
from tests.faults.broker.kills import AT_RANDOM
from tests.faults.broker.points import POINTS, RECOVERING
from tests.faults.processes import DEADLINE_S, Worker, first_to_commit
from tests.kafka_broker import broker

TURNS = 10
SLICE = 200
HEIRS_SLICE = 60
RANDOM_SHARE = 0.3
STATIC_SHARE = 0.3
JOBS = 4

OWNERS = [label for label, point in POINTS.items() if point.needs in ({}, RECOVERING) and label != "joining"]
"""Points that the owner of a shard comes by again and again, where each commit is taken for a slow one."""


def campaign(size: int = 100, seed: int = 0, client: str | None = None) -> Table:
    """Freeze ``size`` owners of each client, and count how often they wake behind their heirs."""
    random_, tally = random.Random(seed), Tally("zombies")
    own = clients(client)
    chains = range(0, size * len(own), TURNS)  # the older of two keeps the shard: mostly the first of a pair
    with broker() as bootstrap:
        pairs = [(own[number % len(own)], random_.choice(own)) for number in range(len(chains))]
        side_by_side(JOBS, [partial(chain, bootstrap, pair, random_.random(), tally) for pair in pairs])
    return tally.table()


def chain(bootstrap: str, pair: tuple[str, str], seed: float, tally: Tally, turns: int = TURNS) -> None:
    """Freeze one owner after the other: the zombie of one turn is the heir of the next."""
    random_ = random.Random(seed)
    episode = Episode(bootstrap, "zombies", cases(turns * (SLICE + HEIRS_SLICE), random_.randrange(10_000)))
    names = ("one", "two") if random_.random() < STATIC_SHARE else ("", "")
    with ExitStack() as stack:
        two = [
            stack.enter_context(
                episode.worker(client, False, {"max_batch": 20, "instance_id": name}, **RECOVERING)
            )
            for client, name in zip(pair, names, strict=True)
        ]
        sizes: dict[Worker, list[Sample]] = {one: [] for one in two}
        for _ in range(turns):
            label = AT_RANDOM if random_.random() < RANDOM_SHARE else random_.choice(OWNERS)
            zombie = take_turns(episode, two, label, random_)
            tally.add(label, pair[two.index(zombie)])
            for one, samples in sizes.items():
                samples.append(sample(one.pid))
        stopped(*two)
    require_flat(sizes)
    episode.finish(random_.choice(pair))
    tally.close(episode)


def take_turns(episode: Episode, two: list[Worker], label: str, random_: random.Random) -> Worker:
    """Freeze the owner, whichever it is, until its heir has committed; return the zombie."""
    zombie = frozen(episode, two, label, random_)
    frozen_at = time.monotonic()
    [heir] = (one for one in two if one is not zombie)
    heir.disarm()
    heir.wake()  # on a busy machine it may have taken over, and met the same trap, before it was disarmed
    episode.provide(HEIRS_SLICE)
    heir.next_commit_after(frozen_at)
    zombie.wait(random_.uniform(0, 0.3))
    zombie.wake()
    return zombie


def frozen(episode: Episode, two: list[Worker], label: str, random_: random.Random) -> Worker:
    """Freeze the owner with work in its hands."""
    started = time.monotonic()
    if label != AT_RANDOM:
        passing = random_.randint(1, 3)
        for one in two:
            one.arm(label, passing, signal.SIGSTOP)
    episode.provide(SLICE)
    if label == AT_RANDOM:
        owner = first_to_commit(two, started)
        owner.wait(random_.uniform(0, 0.2))
        owner.freeze()
    return wait_until(lambda: next((one for one in two if one.is_frozen()), None), DEADLINE_S)
