"""The poison campaign: records that nobody should send, through the whole service."""

from __future__ import annotations

import itertools
import json
import random
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from service.streams.port import Header
from tests.contracts.rig import wait_until
from tests.corpus import Case, cases
from tests.faults.broker.sites import CLIENTS, WITHIN_S, Site, Table, site, tally
from tests.faults.processes import worker
from tests.kafka_broker import broker_from_jars

MAX_FEATURES = 600
LARGE_BYTES = 10_000_000
DEEP = 9_000
GROWTH_BYTES = 500_000_000
ROUND = 800
HEADERS: tuple[tuple[Header, ...], ...] = (
    (),
    (("trace", b"1"), ("trace", None), ("größe", b"\x00\xff")),
    (("perceptron.error.reason", b"forged"),),
)
ROOMY = {
    name: {"max.message.bytes": str(LARGE_BYTES + 1_000_000 * more)}
    for name, more in (("samples", 1), ("dlq", 2), ("predictions", 2))
}


def sample(number: int, **parts: object) -> bytes:
    """Return a sample with some of its parts spoilt."""
    return json.dumps({"id": number, "features": {"n1": 1}, "label": 1, **parts}).encode()


def poisons(random_: random.Random) -> dict[str, Callable[[int], Case]]:
    """Return what makes a record of each kind; each is refused for its reason, or is a sample after all."""

    def refused(reason: str, make: Callable[[int], bytes]) -> Callable[[int], Case]:
        return lambda number: Case(random_.choice([None, b"k"]), make(number), reason)

    def large(number: int) -> bytes:
        return sample(number, note="n" * LARGE_BYTES)

    def deep(number: int) -> bytes:
        return b'{"note": ' + b"[" * DEEP + b"]" * DEEP + b', "features": {}, "label": 1}'

    def flipped(number: int) -> Case:
        features, label = {"n1": 1.0, "vip": True}, float(number % 2)
        value = json.dumps({"id": number, "features": features, "label": int(label)}).encode()
        return Case(str(number).encode(), value, None, number, features, label)

    return {
        "10 MB": refused("too_large", large),
        "deep JSON": refused("not_json", deep),
        "1e308": refused("diverged", lambda number: sample(number, features={"n1": 1e308, "n2": -1e308})),
        "unique features": refused(
            "too_many_features",
            lambda number: sample(number, features={f"u{number}-{i}": i for i in range(MAX_FEATURES + 1)}),
        ),
        "huge id": refused("too_large", lambda number: sample(number, id="i" * 15_000)),
        "invalid UTF-8": refused("not_json", lambda number: b'{"features": {"\xff\xfe": 1}, "label": 1}'),
        "label flips": flipped,
    }


def poisoned(count: int, seed: int) -> list[Case]:
    """Return ``count`` records with headers; one in four is poison, one in 160 has 10 MB."""
    random_ = random.Random(seed)
    kinds = poisons(random_)
    large, sound = kinds.pop("10 MB"), iter(cases(count, seed))

    def case(number: int) -> Case:
        if number % 4:
            return next(sound)
        return large(number) if number % 160 == 80 else random_.choice(list(kinds.values()))(number)

    return [replace(case(number), headers=HEADERS[number % len(HEADERS)]) for number in range(count)]


def swallowed(where: Site, seed: int, count: int = ROUND) -> list[str]:
    """Let a learner of its own process take all of it; return what is not exact, or not bounded."""
    records = poisoned(count, seed)
    where.provide(records)
    with worker(where.url, where.client, where.sections(), until_end=False) as started:
        before = peak_bytes(started.pid)
        wait_until(lambda: where.is_learned(count), WITHIN_S)
        grown = peak_bytes(started.pid) - before
        started.stop()
    found = [f"memory grew by {grown} bytes"] if grown > GROWTH_BYTES else []
    return found + where.differences(records)


def peak_bytes(pid: int) -> int:
    """Return the most memory that a process has had at a time."""
    status = Path(f"/proc/{pid}/status").read_text()
    return 1024 * int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))


def campaign(size: int, seed: int, client: str | None = None) -> Table:
    """Send ``size`` records of poison, with a learner by each client in turn; return a row each."""
    rows: dict[tuple[str, str], dict[str, object]] = {}
    clients = itertools.cycle([client] if client else CLIENTS)
    with broker_from_jars() as bootstrap:
        for number, with_client in zip(range(-(-size * 4 // ROUND)), clients, strict=False):
            with site(bootstrap, with_client, configs=ROOMY) as where:
                found = swallowed(where, seed + number)
            told = f"DIVERGED {found}" if found else "exact"
            print(f"{with_client}: {ROUND // 4} records of poison: {told:.1000}", file=sys.stderr)
            tally(rows, "poison", with_client, ROUND // 4, found)
    return [rows[key] for key in sorted(rows)]
