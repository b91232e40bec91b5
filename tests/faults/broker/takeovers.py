"""How long a model stands still: from a kill, a stop or a restart to the first commit of who comes next.

Measured on the machine's monotonic clock, which all processes share, with work always at hand. A restart in
place is that of the command itself, ``python -m service run``, with all that it imports; its first commit is
taken from the model topic.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from service.settings import Settings
from service.streams.port import Reader
from tests.contracts.rig import wait_until
from tests.corpus import cases
from tests.faults.broker.episodes import SESSION_TIMEOUT_MS, Episode, Table, Tally, clients, stopped
from tests.faults.processes import DEADLINE_S, Worker
from tests.kafka_broker import broker

SLICE = 100  # record by record: the owner still has work when it ends, and its heir has it at once
ENGINE = {"max_batch": 1}
STANDBY_TURNS = 12  # at ten a second: by then its place in the group is settled

KILL, STOP, RESTART = "after a kill", "after a clean stop", "restart in place"
TARGETS_S = {KILL: SESSION_TIMEOUT_MS / 1000 + 2, STOP: 1.0, RESTART: 3.0}


def campaign(size: int = 100, seed: int = 0, client: str | None = None) -> Table:
    """Take each time ``size`` times by each client."""
    tally, rows = Tally("takeovers"), []
    with broker() as bootstrap:
        for one in clients(client):
            for kind, of_kind in ((KILL, successions), (STOP, successions), (RESTART, restarts)):
                seconds = sorted(of_kind(bootstrap, one, kind, size, seed, tally))
                rows.append(row(kind, one, seconds))
    return [*rows, *tally.table()[-1:]]


def row(kind: str, client: str, seconds: Sequence[float]) -> dict[str, object]:
    """Return the distribution beside its target."""
    at = {f"p{share}": round(percentile(seconds, share), 3) for share in (50, 90, 99)}
    met = at["p99"] <= TARGETS_S[kind]
    return {
        "kind": kind,
        "client": client,
        "count": len(seconds),
        **at,
        "target": TARGETS_S[kind],
        "met": met,
    }


def percentile(ordered: Sequence[float], share: int) -> float:
    """Return the least value that ``share`` percent do not exceed."""
    return ordered[max(0, -(-len(ordered) * share // 100) - 1)]


def successions(
    bootstrap: str, client: str, kind: str, size: int, seed: int, tally: Tally
) -> Iterator[float]:
    """Yield the seconds from the end of an owner to the first commit of the standby that was there."""
    episode = Episode(bootstrap, "takeovers", cases((size + 1) * SLICE, seed))
    with ExitStack() as stack, feeding(episode) as feed:
        owner = stack.enter_context(episode.worker(client, False, ENGINE))
        started = time.monotonic()
        feed()
        owner.next_commit_after(started)
        for _ in range(size):
            standby = standing_by(episode, client, stack)
            feed()
            ended = time.monotonic()
            os.kill(owner.pid, signal.SIGKILL if kind == KILL else signal.SIGTERM)
            yield standby.next_commit_after(ended)["at"] - ended
            assert owner.wait() in (0, -signal.SIGKILL), f"{owner}\n{owner.errors()}"
            owner = standby
            tally.add(kind, client)
        episode.wait_until_learned([owner])
        stopped(owner)
    tally.close(episode)


def standing_by(episode: Episode, client: str, stack: ExitStack) -> Worker:
    """Start a learner, and return it once it has stood by for a while."""
    standby = stack.enter_context(
        episode.worker(client, False, ENGINE, trap=["standing by", STANDBY_TURNS, signal.SIGSTOP])
    )
    wait_until(standby.is_frozen, DEADLINE_S)
    standby.wake()
    return standby


def restarts(bootstrap: str, client: str, kind: str, size: int, seed: int, tally: Tally) -> Iterator[float]:
    """Yield the seconds from the start of the command, right after a kill, to its first commit."""
    random_ = random.Random(seed)
    episode = Episode(bootstrap, "restarts", cases((size + 1) * SLICE, seed))
    with feeding(episode) as feed, episode.stream() as stream, stream.reader() as reader:
        place = (episode.chosen.topics.model, 0)
        reader.seek({place: 0})
        for number in range(size + 1):
            feed()
            started = time.monotonic()
            process = subprocess.Popen(command(episode, client), stderr=subprocess.PIPE)
            try:
                next_head(reader, process)
                if number > 0:  # the first finds no seat of its own to take again
                    yield time.monotonic() - started
                time.sleep(random_.uniform(0, 0.2))
            finally:
                process.kill()
                process.communicate()
            tally.add(kind, client)
    episode.finish(client)
    tally.close(episode)


def next_head(reader: Reader, process: subprocess.Popen[bytes]) -> None:
    """Wait for the next commit in the model topic."""

    def is_there() -> bool:
        assert process.poll() is None, f"it has ended: {(process.communicate()[1] or b'').decode()}"
        return any(b"head" in batch.keys for batch in reader.poll(1000, 0.01))

    wait_until(is_there, DEADLINE_S)


def command(episode: Episode, client: str) -> list[str]:
    """Return the command line of a learner with a stable name."""
    chosen = {"stream.client": client, "engine.instance_id": "one", **flat(episode.chosen)}
    options = [option for name, value in chosen.items() for option in ("--set", f"{name}={value}")]
    return [sys.executable, "-m", "service", "run", "--stream", episode.url, *options]


def flat(chosen: Settings) -> dict[str, Any]:
    """Return what a campaign sets of the model and the engine, by setting name."""
    sections = {"model": chosen.model, "engine": chosen.engine}
    return {
        f"{name}.{key}": value
        for name, section in sections.items()
        for key, value in section.model_dump(include=section.model_fields_set - {"loss"}).items()
    }


@contextmanager
def feeding(episode: Episode) -> Iterator[Any]:
    """Yield a function that gives a few more records."""
    with episode.stream() as stream:
        yield lambda: episode.provide(SLICE, stream)
