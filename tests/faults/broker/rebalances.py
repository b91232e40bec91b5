"""Storms of members that come and go, while the model is learned and while it is being restored."""

from __future__ import annotations

import random
import signal
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack

from service.streams.select import open_stream
from tests.contracts.rig import wait_until
from tests.corpus import cases
from tests.faults.broker.episodes import SESSION_TIMEOUT_MS, Episode, Table, Tally, clients, stopped
from tests.faults.processes import DEADLINE_S, Worker
from tests.kafka_broker import broker

MOVES = 12
SLICE = 200
TEAM = 3
STAY_S = 0.4
VISITORS = 3


def campaign(size: int = 300, seed: int = 0, client: str | None = None) -> Table:
    """Let the groups of some models go through ``size`` rebalances."""
    random_, tally = random.Random(seed), Tally("rebalances")
    with broker() as bootstrap:
        while tally.total("generations") < size:
            storm(bootstrap, clients(client), random_, tally)
    return tally.table()


def storm(
    bootstrap: str, own: Sequence[str], random_: random.Random, tally: Tally, moves: int = MOVES
) -> None:
    """Shake one group, move after move; after each, what was provided has to be learned."""
    episode = Episode(bootstrap, "rebalances", cases(moves * SLICE, random_.randrange(10_000)))
    with ExitStack() as stack:
        team = Team(episode, own, random_, stack)
        for number in range(moves):
            kind = list(KINDS)[number % len(KINDS)]
            episode.provide(SLICE)
            KINDS[kind](team)
            episode.wait_until_learned(team.members)
            tally.add(kind, " and ".join(own))
        stopped(*team.members)
    tally.note(generations=generation(episode))
    tally.close(episode)


class Team:
    """The learners of one model, oldest first."""

    def __init__(
        self, episode: Episode, own: Sequence[str], random_: random.Random, stack: ExitStack
    ) -> None:
        self._episode = episode
        self._own = own
        self._random = random_
        self._stack = stack
        self.members = [self._new() for _ in range(TEAM)]

    def _new(self) -> Worker:
        started = self._episode.worker(self._random.choice(self._own), False, {"max_batch": 10})
        return self._stack.enter_context(started)

    def be_visited(self) -> None:
        """Let members that only hold a seat come and go, all at once."""
        visits = [threading.Thread(target=self._visit, args=[self._random.random()]) for _ in range(VISITORS)]
        for visit in visits:
            visit.start()
        for visit in visits:
            visit.join()

    def _visit(self, seed: float) -> None:
        random_, chosen = random.Random(seed), self._episode.chosen
        client = random_.choice(self._own)
        with (
            open_stream(self._episode.url, client=client, session_timeout_ms=SESSION_TIMEOUT_MS) as stream,
            stream.join(chosen.group, chosen.topics.model) as seat,
        ):
            until = time.monotonic() + random_.uniform(0, STAY_S)
            while time.monotonic() < until:
                seat.poll()
                time.sleep(0.02)

    def grow(self) -> None:
        """Let two learners join, and any one leave."""
        leaving = self._random.choice(self.members)
        self.members += [self._new(), self._new()]
        self._lose(leaving)

    def shrink(self) -> None:
        """Let the owner leave, and some other at the same time be killed."""
        while len(self.members) < TEAM:
            self.members.append(self._new())
        owner, other = self.members[0], self.members[-1]
        self.members.remove(other)
        other.kill()
        self._lose(owner)

    def restore_amid_visits(self) -> None:
        """Let the owner leave, freeze its heir between fence and restore, and let visitors come and go."""
        while len(self.members) < TEAM:
            self.members.append(self._new())
        heirs = self.members[1:]
        for heir in heirs:
            heir.arm("after the end offset", 1, signal.SIGSTOP)
        self._lose(self.members[0])
        frozen = wait_until(lambda: next((h for h in heirs if h.is_frozen()), None), DEADLINE_S)
        for heir in heirs:
            heir.disarm()
        self._visit(self._random.random())
        frozen.wake()
        for heir in heirs:  # on a busy machine a second one may have met the trap before it was disarmed
            heir.wake()

    def _lose(self, member: Worker) -> None:
        self.members.remove(member)
        stopped(member)


KINDS: dict[str, Callable[[Team], None]] = {
    "visitors come and go": Team.be_visited,
    "learners join, one leaves": Team.grow,
    "the owner leaves, another is killed": Team.shrink,
    "visitors during a restore": Team.restore_amid_visits,
}


def generation(episode: Episode) -> int:
    """Return how many rebalances the group has seen, by its own count."""
    with episode.stream() as stream, stream.join(episode.chosen.group, episode.chosen.topics.model) as seat:
        wait_until(seat.poll)
        return int(seat.identity().generation_id)
