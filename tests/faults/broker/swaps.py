"""Rolling restarts in mid-stream, in which the client changes every time."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial

from tests.corpus import cases
from tests.faults.broker.episodes import Episode, Table, Tally, clients, side_by_side, stopped
from tests.faults.processes import Worker
from tests.kafka_broker import broker

SWAPS = 10
SLICE = 400
JOBS = 2
MID_STREAM_S = 0.1

ROLLING, STOPPED, KILLED = "a standby of the other client", "in place, stopped", "in place, killed"


def campaign(size: int = 50, seed: int = 0, client: str | None = None) -> Table:
    """Swap the client, or restart the one that is given, ``size`` times."""
    random_, tally = random.Random(seed), Tally("client swaps")
    counts = [min(SWAPS, size - done) for done in range(0, size, SWAPS)]
    with broker() as bootstrap:
        chains = [partial(chain, bootstrap, clients(client), random_.random(), tally, n) for n in counts]
        side_by_side(JOBS, chains)
    return tally.table()


def chain(bootstrap: str, own: Sequence[str], seed: float, tally: Tally, swaps: int) -> None:
    """Swap one model's learner again and again."""
    random_ = random.Random(seed)
    episode = Episode(bootstrap, "swaps", cases((swaps + 1) * SLICE, random_.randrange(10_000)))
    first = random_.randrange(2)
    with ExitStack() as stack:
        current = start(episode, own[first % len(own)], "one", stack)
        episode.provide(1)
        current.next_commit()  # from here on it takes SIGTERM well
        for number in range(1, swaps + 1):
            client = own[(first + number) % len(own)]
            kind = random_.choice([ROLLING, STOPPED, KILLED])
            episode.provide(SLICE)
            current.wait(random_.uniform(0, MID_STREAM_S))
            current = swapped(episode, current, client, kind, number, stack)
            tally.add(kind, client)
        episode.provide()
        episode.wait_until_learned([current])
        stopped(current)
    tally.close(episode)


def start(episode: Episode, client: str, name: str, stack: ExitStack) -> Worker:
    """Start a learner that goes on until it is stopped."""
    engine = {"max_batch": 10, "instance_id": name}
    return stack.enter_context(episode.worker(client, False, engine))


def swapped(episode: Episode, old: Worker, client: str, kind: str, number: int, stack: ExitStack) -> Worker:
    """Put another learner in the place of the old one, and wait for its first commit."""
    moment = time.monotonic()
    if kind == ROLLING:
        new = start(episode, client, "", stack)
        new.wait(0.5)
        stopped(old)
    else:
        old.kill() if kind == KILLED else stopped(old)
        new = start(episode, client, "one", stack)
    episode.provide(1)
    new.next_commit_after(moment)
    return new
