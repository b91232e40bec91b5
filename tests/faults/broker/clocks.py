"""The clocks campaign: the date jumps under a learner, forwards and back, and nothing comes of it.

By libfaketime, where it is installed, for everything in the process, the C client included; monotonic
clocks go on, as they do when an administrator sets the date.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.corpus import cases
from tests.faults.broker.sites import CLIENTS, WITHIN_S, Site, Table, site, tally
from tests.kafka_broker import broker_from_jars

RECORDS = cases(2_000)
# No further ahead than an hour: a broker refuses records of a later date (message.timestamp.after.max.ms),
# and a learner starts over until the date is right again. librdkafka waits until dates, not by the monotonic
# clock: after a jump back it may sleep for as long as that was.
JUMPS = {
    "confluent": ("+0", "+1s", "+2s"),
    "kafka-python": ("+50m", "+61s", "+0", "-61s", "-2h", "-30d", "-10y"),
}
PER_EPISODE = 10
LIBRARIES = ("/usr/lib/*/faketime/libfaketime.so.1", "/usr/lib/faketime/libfaketime.so.1")

# The library turns the sleep that Python asks for, until a moment of the monotonic clock, into an error.
LEARNER = """
import select, sys, time
time.sleep = lambda seconds: select.select([], [], [], seconds)
from tests.faults.worker import main
main(*sys.argv[1:])
"""


def library() -> Path:
    """Return where libfaketime is."""
    found = [path for pattern in LIBRARIES for path in Path("/").glob(pattern[1:])]
    if not found:
        raise FileNotFoundError("libfaketime is not installed (package libfaketime)")
    return found[0]


@contextmanager
def dated_learner(where: Site, date: Path) -> Iterator[subprocess.Popen[str]]:
    """Yield a learner process whose date is what a file says at the moment."""
    faked = {
        "LD_PRELOAD": str(library()),
        "FAKETIME_TIMESTAMP_FILE": str(date),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    command = [sys.executable, "-c", LEARNER, where.url, where.client]
    process = subprocess.Popen(
        [*command, json.dumps(where.sections()), "until-end"],
        env={**os.environ, **faked},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def jumps(where: Site, seed: int) -> list[str]:
    """Let the date jump every few commits."""
    random_ = random.Random(seed)
    where.provide(RECORDS)
    every = len(RECORDS) // 20 // PER_EPISODE
    with tempfile.NamedTemporaryFile("w") as file:
        date = Path(file.name)
        date.write_text("+0")
        with dated_learner(where, date) as process:
            assert process.stdout is not None
            for number, _ in enumerate(process.stdout):
                if number % every == 0:
                    date.write_text(random_.choice(JUMPS[where.client]))
            if process.wait(WITHIN_S) != 0:
                return [f"it ended with {process.returncode}"]
    return where.differences(RECORDS)


def campaign(size: int, seed: int, client: str | None = None) -> Table:
    """Let the date jump about ``size`` times, for both clients in turn; return a row for each client."""
    rows: dict[tuple[str, str], dict[str, object]] = {}
    clients = itertools.cycle([client] if client else CLIENTS)
    with broker_from_jars() as bootstrap:
        for number, with_client in zip(range(-(-size // PER_EPISODE)), clients, strict=False):
            with site(bootstrap, with_client) as where:
                found = jumps(where, seed + number)
            print(f"{with_client}: {PER_EPISODE} jumps of the date: {found or 'exact'}", file=sys.stderr)
            tally(rows, "date jumps", with_client, PER_EPISODE, found)
    return [rows[key] for key in sorted(rows)]
