"""The disk campaign: the broker's disk is full; room is made, it is started again, and the learners go on.

By a limit on the size of its files (RLIMIT_FSIZE), which needs no rights but over one's own child: a write
beyond it fails as on a full disk, and the broker, with its only log directory failed, halts.
"""

from __future__ import annotations

import itertools
import random
import resource
import sys

from tests.corpus import cases
from tests.faults.broker.sites import CLIENTS, WITHIN_S, Site, Table, site, tally
from tests.faults.processes import worker
from tests.kafka_broker import Broker, own_broker

RECORDS = cases(4_000)
ROOM_BYTES = 30_000


def filled(broker: Broker, where: Site, seed: int) -> list[str]:
    """Fill the disk while a learner writes; make room once the broker has halted."""
    random_ = random.Random(seed)
    where.provide(RECORDS)
    with worker(where.url, where.client, where.sections()) as started:
        for _ in range(random_.randint(1, 40)):
            started.next_commit()
        fill(broker, where)
        broker.start()
        started.finish()
    return where.differences(RECORDS)


def fill(broker: Broker, where: Site) -> None:
    """Leave room for a few more commits, and wait until the broker has halted for want of it."""
    process, data = broker._process, broker._properties.parent / "data"
    assert process is not None
    written = (data / f"{where.chosen.topics.predictions}-0").glob("*.log")
    limit = sum(path.stat().st_size for path in written) + ROOM_BYTES
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    process.wait(WITHIN_S)


def campaign(size: int, seed: int, client: str | None = None) -> Table:
    """Fill the disk ``size`` times, under both clients in turn; return a row for each client."""
    rows: dict[tuple[str, str], dict[str, object]] = {}
    clients = itertools.cycle([client] if client else CLIENTS)
    with own_broker() as broker:
        for number, with_client in zip(range(size), clients, strict=False):
            with site(broker.bootstrap, with_client) as where:
                found = filled(broker, where, seed + number)
            print(f"{with_client}: full disk: {found or 'exact'}", file=sys.stderr)
            tally(rows, "full disk", with_client, 1, found)
    return [rows[key] for key in sorted(rows)]
