"""The hanging campaign: somebody else's transaction stays open on a topic of ours, and then ends."""

from __future__ import annotations

import itertools
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from kafka import KafkaProducer

from tests.contracts.rig import wait_until
from tests.corpus import Case, cases
from tests.faults.broker.sites import CLIENTS, Site, Table, refusal, site, tally
from tests.kafka_broker import broker_from_jars

RECORDS = cases(900)
BEFORE, BEHIND = 300, 301
SOMEBODY = "somebody-else"


@contextmanager
def warnings() -> Iterator[list[str]]:
    """Yield what the service warns of meanwhile."""
    told: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: told.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger("perceptron")
    logger.addHandler(handler)
    try:
        yield told
    finally:
        logger.removeHandler(handler)


def left_open(where: Site, topic: str, case: Case) -> Any:
    """Return a producer that has written a record in a transaction, and does not end it."""
    producer = KafkaProducer(bootstrap_servers=where.bootstrap, transactional_id=f"{SOMEBODY}-{topic}")
    producer.init_transactions()
    producer.begin_transaction()
    producer.send(topic, case.value or b"", case.key).get(20)
    return producer


def on_the_samples(where: Site, commits: bool) -> list[str]:
    """Let it hide the samples behind it: the learner names it, and learns on when it has ended."""
    where.provide(RECORDS[:BEFORE])
    with patch("service.input.HIDDEN_S", 0.5), warnings() as told, where.learning() as running:
        running.wait_until_at(BEFORE)
        producer = left_open(where, where.chosen.topics.samples, RECORDS[BEFORE])
        where.provide(RECORDS[BEHIND:])
        wait_until(lambda: any(SOMEBODY in text for text in told))
        learned_too_much = running.position() > BEFORE
        producer.commit_transaction() if commits else producer.abort_transaction()
        running.wait_until_at(len(RECORDS))
        producer.close()
    found = ["it learned what was hidden"] if learned_too_much else []
    if commits:
        return found + where.differences(RECORDS)
    return found + where.differs_in_state(RECORDS[:BEFORE] + RECORDS[BEHIND:])


def on_the_model(where: Site) -> list[str]:
    """Let it hide the end of the model log: the start is refused, and told why, until it has ended."""
    where.provide(RECORDS)
    producer = left_open(where, where.chosen.topics.model, Case(SOMEBODY.encode(), b""))
    found = refusal(where.learn, f"an open transaction hides the rest.*{SOMEBODY}")
    producer.abort_transaction()
    producer.close()
    where.learn()
    return found + where.differences(RECORDS)


FAULTS: dict[str, Callable[[Site], list[str]]] = {
    "on the samples, committed": lambda where: on_the_samples(where, commits=True),
    "on the samples, aborted": lambda where: on_the_samples(where, commits=False),
    "on the model log": on_the_model,
}


def campaign(size: int, seed: int, client: str | None = None) -> Table:
    """Leave ``size`` transactions open, for both clients in turn; return a row for each kind."""
    rows: dict[tuple[str, str], dict[str, object]] = {}
    turns = zip(
        itertools.cycle(FAULTS.items()), itertools.cycle([client] if client else CLIENTS), strict=True
    )
    with broker_from_jars() as bootstrap:
        for (kind, fault), with_client in itertools.islice(turns, size):
            with site(bootstrap, with_client) as where:
                found = fault(where)
            told = f"DIVERGED {found}" if found else "exact"
            print(f"{with_client}: hanging transaction {kind}: {told}", file=sys.stderr)
            tally(rows, kind, with_client, 1, found)
    return [rows[key] for key in sorted(rows)]
