"""SIGKILL at every labelled point of the protocols, and at random moments.

An episode is a chain of lives of one model: each is struck, by SIGKILL from within, at its point; the
next, of whichever client the dice say, goes on from what it left. The last one reads to the end.
"""

from __future__ import annotations

import random
import signal
from collections.abc import Sequence
from functools import partial
from typing import Any

from tests.corpus import cases
from tests.faults.broker.episodes import Episode, Table, Tally, clients, side_by_side
from tests.faults.broker.points import POINTS, RESETTING, WAITING
from tests.faults.processes import Worker
from tests.kafka_broker import broker

RECORDS = 10_000
RANDOM_FOR_EACH = 4
LIFE_S = 0.8
DYNAMIC = 0.1
JOBS = 4
AT_RANDOM = "a random moment"

RESETS = [label for label, point in POINTS.items() if point.needs is RESETTING]
OTHERS = [label for label in POINTS if label not in RESETS]

Strike = tuple[str, str]
"""A label and a client."""


def campaign(size: int = 25, seed: int = 0, client: str | None = None, scale: int = 1) -> Table:
    """Kill each client ``size`` times at each labelled point, and four times as often at random."""
    random_, tally = random.Random(seed), Tally("kills")
    todo = [(label, one) for one in clients(client) for label in OTHERS for _ in range(size)]
    todo += [(AT_RANDOM, one) for one in clients(client) for _ in range(size * RANDOM_FOR_EACH)]
    random_.shuffle(todo)
    resets = [(one, last) for one in clients(client) for _ in range(size) for last in RESETS[-2:]]
    with broker() as bootstrap:
        chains = [
            partial(chain, bootstrap, *reset, todo[number :: len(resets)], random_.random(), tally, scale)
            for number, reset in enumerate(resets)
        ]
        side_by_side(JOBS, chains)
    return tally.table()


def chain(
    bootstrap: str,
    resetter: str,
    last_reset: str,
    strikes: Sequence[Strike],
    seed: float,
    tally: Tally,
    scale: int = 1,
) -> None:
    """Strike one model again and again; more topics are taken where the records are used up."""
    random_, left = random.Random(seed), list(strikes)
    episode = Episode(bootstrap, "kills", cases(RECORDS * scale, random_.randrange(10_000)))
    episode.provide()
    static = {} if random_.random() < DYNAMIC else {"instance_id": "one"}
    for label in (*RESETS[:-2], last_reset):  # after the last one the reset may be written: none may follow
        with episode.worker(resetter, engine=static, trap=[label], **RESETTING) as life:
            assert was_struck(life), f"{label} was not reached"
        tally.add(label, resetter)
    with episode.worker(resetter, engine={**static, "max_batch": 20}, stop_after=3) as first:
        first.finish()  # from here on there is a log to restore from
    while left and struck(episode, *left[-1], static, random_, scale):
        tally.add(*left.pop())
    episode.finish(resetter)
    tally.close(episode)
    if left:
        chain(bootstrap, resetter, last_reset, left, random_.random(), tally, scale)


def struck(
    episode: Episode, label: str, client: str, static: dict[str, Any], random_: random.Random, scale: int
) -> bool:
    """Start a life that is struck at a point; False where it met the end of the input before."""
    engine = {**static, "max_batch": scale * random_.choice([5, 20, 100])}
    if label == AT_RANDOM:
        with episode.worker(client, engine=engine) as life:
            life.wait(random_.uniform(0, LIFE_S))
            life.kill()
        return life.status != 0
    point = POINTS[label]
    trap = [label, random_.randint(*point.passings)]
    if point.needs is WAITING:
        return struck_beside(episode, trap, client, engine)
    with episode.worker(client, engine=engine, trap=trap, **point.needs) as life:
        return was_struck(life)


def struck_beside(episode: Episode, trap: list[Any], client: str, engine: dict[str, Any]) -> bool:
    """Strike a standby, then its owner."""
    with episode.worker(client, False, {**engine, "max_batch": 1}) as owner:
        assert owner.next_commit()
        with episode.worker(client, False, trap=trap) as standby:
            if standby.wait(STANDING_S) is None:  # on a busy machine it may have become the owner instead
                standby.stop()
            return was_struck(standby)


STANDING_S = 20.0
STATUS_LOST = 255
"""What multiprocessing says where its fork server lost a status; our own errors are 1 and 2."""


def was_struck(life: Worker) -> bool:
    """Wait for the end of a life, and tell whether it was a violent one."""
    assert life.wait() in (0, -signal.SIGKILL, STATUS_LOST), f"{life}\n{life.errors()}"
    return life.status != 0
