"""The topics campaign: what becomes of a learner whose topics are compacted, cut, deleted and made anew."""

from __future__ import annotations

import itertools
import json
import random
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from unittest.mock import patch

from tests.contracts.rig import wait_until
from tests.corpus import cases
from tests.faults.broker.sites import CLIENTS, WITHIN_S, Site, Table, refusal, site, tally
from tests.faults.checks import heads, read_topic
from tests.faults.processes import worker
from tests.kafka_broker import broker_from_jars

RECORDS = cases(6_000)
FEW = 400
KILLS = 5  # in one episode

COMPACTING_BROKER = {"log.cleaner.backoff.ms": "50"}
COMPACTING_TOPIC = {
    "cleanup.policy": "compact",
    "segment.ms": "100",
    "min.cleanable.dirty.ratio": "0.01",
    "max.compaction.lag.ms": "1",
    "delete.retention.ms": "0",
    "max.message.bytes": "20000000",
}

Fault = Callable[[Site], list[str]]
"""Does it, and returns what it found wrong."""


def kills_under_compaction(where: Site, seed: int, count: int = KILLS) -> list[str]:
    """Kill and stop learners while the broker keeps no more than the last of each key of their model."""
    random_ = random.Random(seed)
    where.provide(RECORDS)
    for _ in range(count):
        with worker(where.url, where.client, where.sections()) as started:
            for _ in range(random_.randint(1, 30)):
                started.next_commit()
            (started.kill if random_.random() < 0.7 else started.stop)()
    with worker(where.url, where.client, where.sections()) as started:
        started.finish()
    left = heads(where.stream, where.chosen)
    untouched = [] if len(left) < left[-1].sequence else ["nothing was compacted"]
    return untouched + where.differences(RECORDS, compacted=True)


def cut_past_the_head(where: Site) -> list[str]:
    """Remove samples that were not learned: that is refused, and skipped only where it is wished for."""
    where.provide(RECORDS[:FEW])
    where.learn()
    where.provide(RECORDS[FEW : 3 * FEW])
    where.cut(first=2 * FEW)
    gap = f"offsets {FEW} to {2 * FEW - 1} were removed before they were learned.*on_gap"
    found = refusal(where.learn, gap)
    where.learn(on_gap="skip")
    return found + where.differs_in_state(RECORDS[:FEW] + RECORDS[2 * FEW : 3 * FEW])


def samples_made_anew(where: Site, running: bool) -> list[str]:
    """Make the samples topic anew, and fill it further than it was: that is refused until a reset."""
    found = after_the_loss_of(where, where.chosen.topics.samples, running, "was deleted and made anew")
    where.learn(reset_from="first")
    return found + where.differs_in_state(RECORDS[FEW : 3 * FEW])


def model_made_anew(where: Site, running: bool) -> list[str]:
    """Make the model topic anew: that is refused until a reset."""
    found = after_the_loss_of(where, where.chosen.topics.model, running, "the model (in it )?was lost")
    where.learn(reset_from="first")
    return found + where.differs_in_state(RECORDS[: 3 * FEW])


def answers_made_anew(where: Site, running: bool, topic: str) -> list[str]:
    """Make a topic of answers anew: what was in it is gone, the learner goes on, and answers once."""
    name = getattr(where.chosen.topics, topic)
    found = after_the_loss_of(where, name, running, "")
    where.learn()
    offsets = [answered(value, dict(headers)) for _, _, value, headers in read_topic(where.stream, name)]
    if not offsets or offsets[0] < FEW or offsets != sorted(set(offsets)):
        found.append(f"{topic} of offsets {offsets[:5]} ... are in the new topic")
    return found + where.differs_in_state(RECORDS[: 3 * FEW])


def answered(value: bytes | None, headers: dict[str, bytes | None]) -> int:
    """Return the offset that a prediction or a dead letter answers."""
    told = headers.get("perceptron.error.offset")
    return int(told) if told else int(json.loads(value or b"{}")["offset"])


def after_the_loss_of(where: Site, topic: str, running: bool, refused_with: str) -> list[str]:
    """Learn some, make a topic anew, provide twice as much again; return what was not refused."""
    where.provide(RECORDS[:FEW])
    if running:
        return lost_while_running(where, topic, refused_with)
    where.learn()
    where.make_anew(topic)
    where.provide(RECORDS[FEW : 3 * FEW])
    return refusal(where.learn, refused_with) if refused_with else []


def lost_while_running(where: Site, topic: str, refused_with: str) -> list[str]:
    """Make a topic anew under a learner, which ends by it, or goes on to the end of what is provided."""
    with patch("service.input.RELIST_S", 0.5), where.learning() as running:
        running.wait_until_at(FEW)
        where.make_anew(topic)
        where.provide(RECORDS[FEW : 3 * FEW])
        if not refused_with:
            running.wait_until_at(3 * FEW)
            return []
        wait_until(lambda: running.failure, WITHIN_S)
    in_between = "lacks a topic"  # it may look while there is none
    told = refusal(partial(raise_, running.failure), f"{refused_with}|{in_between}")
    return told + refusal(where.learn, refused_with)


def raise_(failure: BaseException | None) -> None:
    assert failure is not None
    raise failure


FAULTS: dict[str, Fault] = {
    "samples cut past the head": cut_past_the_head,
    "samples made anew, stopped": partial(samples_made_anew, running=False),
    "samples made anew, running": partial(samples_made_anew, running=True),
    "model made anew, stopped": partial(model_made_anew, running=False),
    "model made anew, running": partial(model_made_anew, running=True),
    "predictions made anew, stopped": partial(answers_made_anew, running=False, topic="predictions"),
    "predictions made anew, running": partial(answers_made_anew, running=True, topic="predictions"),
    "dead letters made anew, stopped": partial(answers_made_anew, running=False, topic="dlq"),
    "dead letters made anew, running": partial(answers_made_anew, running=True, topic="dlq"),
}


def plan(size: int, seed: int) -> Iterator[tuple[str, Fault, int]]:
    """Yield what to do, and how many faults it is: kills under compaction in turn with everything else."""
    done = 0
    for number, (kind, fault) in enumerate(itertools.cycle(FAULTS.items())):
        killed = partial(kills_under_compaction, seed=seed + number)
        for one in (("killed under compaction", killed, KILLS), (kind, fault, 1)):
            if done >= size:
                return
            done += one[-1]
            yield one


def campaign(size: int, seed: int, client: str | None = None) -> Table:
    """Do ``size`` faults or a few more, with both clients; return a row for each kind."""
    rows: dict[tuple[str, str], dict[str, object]] = {}
    # Two by two, and the number of other kinds is odd: each meets either client.
    clients = itertools.cycle([client] if client else [CLIENTS[0]] * 2 + [CLIENTS[1]] * 2)
    with broker_from_jars(COMPACTING_BROKER) as bootstrap:
        for kind, fault, count in plan(size, seed):
            with site(bootstrap, with_client := next(clients), configs={"model": COMPACTING_TOPIC}) as where:
                started, found = time.monotonic(), fault(where)
            told = f"DIVERGED {found}" if found else "exact"
            print(f"{with_client}: {kind}: {time.monotonic() - started:.0f} s, {told}", file=sys.stderr)
            tally(rows, kind, with_client, count, found)
    return [rows[key] for key in sorted(rows)]
