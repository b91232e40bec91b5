"""The proxy campaign: a learner behind a network that fails every few commits, in every way there is."""

from __future__ import annotations

import itertools
import random
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

from service.engine import Engine
from service.errors import PerceptronError
from service.observer import Commit
from service.settings import Settings
from service.streams.port import Stream
from service.streams.select import open_stream
from tests.corpus import Case, cases, settings
from tests.faults.broker.network_faults import Api, BlackHole, Cut, CutReply, Delay, Fault, Hold, Lose
from tests.faults.broker.proxy import Proxy
from tests.faults.checks import collect, examine
from tests.faults.oracle import Oracle
from tests.faults.processes import provide
from tests.kafka_broker import broker_from_jars, free_port
from tests.on_commit import OnCommit

Table = list[dict[str, object]]

CLIENTS = ("confluent", "kafka-python")
RECORDS = tuple(cases(2_000))
BATCH = 25
EVERY = 4  # commits between faults
RESTARTS = 20

REQUEST_S = 1.0
COMMIT_S = 4.0
TURN_MS = 5_000
BEYOND_REQUEST_S = 1.5 * REQUEST_S
OPTIONS: dict[str, dict[str, Any]] = {
    "confluent": {"socket.timeout.ms": 1000, "delivery.timeout.ms": 3000, "reconnect.backoff.max.ms": 200},
    "kafka-python": {
        "request_timeout_ms": 1000,
        "delivery_timeout_ms": 3000,
        "reconnect_backoff_max_ms": 200,
        "bootstrap_timeout_ms": 5000,
    },
}

COMMIT_APIS = (
    Api.PRODUCE,
    Api.ADD_PARTITIONS_TO_TXN,
    Api.ADD_OFFSETS_TO_TXN,
    Api.TXN_OFFSET_COMMIT,
    Api.END_TXN,
)
READING_APIS = (Api.FETCH, Api.HEARTBEAT, Api.METADATA)
TAKEOVER_APIS = (Api.INIT_PRODUCER_ID, Api.FIND_COORDINATOR, Api.OFFSET_COMMIT, Api.LIST_OFFSETS)
START_APIS = (Api.JOIN_GROUP, Api.SYNC_GROUP)
OVERTAKEN = (
    Api.END_TXN,
    Api.INIT_PRODUCER_ID,
    Api.ADD_PARTITIONS_TO_TXN,
    Api.PRODUCE,
    Api.TXN_OFFSET_COMMIT,
)


def network_faults(api: Api) -> Iterator[list[Fault]]:
    """Yield all that can happen to one kind of request."""
    yield [Cut(api, reset=True)]
    yield [Cut(api, reset=False)]
    yield [CutReply(api)]
    yield [CutReply(api, part=0.5)]
    yield [Lose(api)]
    yield [Delay(api, 0.3)]
    yield [Delay(api, BEYOND_REQUEST_S)]
    yield [BlackHole(api, BEYOND_REQUEST_S)]


def held_ends() -> Iterator[list[Fault]]:
    """Yield all ways to hold an EndTxn, of a commit and of the abort that follows a lost connection."""
    for until, cut, fresh in itertools.product(OVERTAKEN, (True, False), (True, False)):
        yield [Hold(Api.END_TXN, until, cut, fresh)]
    for until in OVERTAKEN[1:]:
        yield [Lose(Api.TXN_OFFSET_COMMIT), Hold(Api.END_TXN, until)]


def all_faults() -> list[list[Fault]]:
    """Return every fault once; those of a takeover come behind one that leads to it."""
    faults = list(held_ends())
    for api in (*COMMIT_APIS, *READING_APIS):
        faults += network_faults(api)
    for api in TAKEOVER_APIS:
        faults += [[Cut(Api.END_TXN), *fault] for fault in network_faults(api)]
    return faults


@contextmanager
def proxied_broker() -> Iterator[tuple[str, str, Proxy]]:
    """Yield a broker's own address, the address behind the proxy, and the proxy."""
    inner, outer = free_port(), free_port()
    listener = {
        "listeners": f"PROXIED://127.0.0.1:{inner}",
        "advertised.listeners": f"PROXIED://127.0.0.1:{outer}",
        "listener.security.protocol.map": "PROXIED:PLAINTEXT",
    }
    with broker_from_jars(listener) as direct, Proxy(outer, inner).running() as proxy:
        yield direct, f"127.0.0.1:{outer}", proxy


@contextmanager
def hasty() -> Iterator[None]:
    """Let the adapters wait for seconds where they would wait for a quarter of a minute."""
    places = {
        "service.streams.confluent_writer": ("COMMIT_TIMEOUT_S", "TIMEOUT_S"),
        "service.streams.kafka_python_writer": ("COMMIT_TIMEOUT_S", "TIMEOUT_S"),
        "service.streams.confluent": ("TIMEOUT_S", "ATTEMPT_S"),
        "service.streams.kafka_python": ("TIMEOUT_S",),
    }
    with ExitStack() as patches:
        patches.enter_context(patch("service.streams.kafka_common.POLL_INTERVAL_MS", TURN_MS))
        for module, names in places.items():
            for name in names:
                seconds = REQUEST_S if name == "ATTEMPT_S" else COMMIT_S
                patches.enter_context(patch(f"{module}.{name}", seconds))
        yield


@dataclass
class Episode:
    """One learner's run over all the records, with a fault every few commits."""

    client: str
    script: Sequence[Sequence[Fault]]
    at_start: Sequence[Fault] = ()
    records: Sequence[Case] = RECORDS
    happened: list[Fault] = field(default_factory=list)
    restarts: list[str] = field(default_factory=list)
    findings: dict[str, list[str]] = field(default_factory=dict)

    def run(self, direct: str, behind: str, proxy: Proxy) -> None:
        """Provide, learn behind the proxy, and examine what is left, past the proxy."""
        chosen = settings(model={"name": f"net-{uuid.uuid4().hex[:8]}"}, engine={"max_batch": BATCH})
        with open_stream(f"kafka://{direct}", client=self.client) as stream:
            provide(stream, chosen, list(self.records))
            before = len(proxy.happened)
            proxy.arm(*self.at_start)
            with hasty():
                self._learn(behind, chosen, self._arming(proxy))
            proxy.disarm()
            self.happened = proxy.happened[before:]
            self.findings = examine(collect(stream, chosen), Oracle(self.records, chosen))

    def _learn(self, behind: str, chosen: Settings, on_commit: Callable[[Commit], None]) -> None:
        """Run until the end, started again where it gave up, as a supervisor would."""
        for _ in range(RESTARTS):
            try:
                with self._open(behind) as stream:
                    return Engine(stream, chosen, observer=OnCommit(on_commit)).run(until_end=True)
            except PerceptronError as error:
                self.restarts.append(f"{type(error).__name__}: {error}")
        raise AssertionError(f"not at the end after {RESTARTS} starts: {self.restarts}")

    def _open(self, behind: str) -> Stream:
        return open_stream(
            f"kafka://{behind}", client=self.client, options=OPTIONS[self.client], session_timeout_ms=1500
        )

    def _arming(self, proxy: Proxy) -> Callable[[Commit], None]:
        commits, script = itertools.count(1), iter(self.script)

        def on_commit(commit: Commit) -> None:
            if next(commits) % EVERY == 0:
                proxy.arm(*next(script, ()))

        return on_commit


def scripts(size: int, seed: int) -> Iterator[list[list[Fault]]]:
    """Yield the faults of one episode after the other, about ``size`` in all, each as often as any."""
    random_ = random.Random(seed)
    faults: list[list[Fault]] = []
    per_episode = len(RECORDS) // BATCH // EVERY - 1
    for _ in range(-(-size // per_episode)):
        while len(faults) < per_episode:
            more = all_faults()
            random_.shuffle(more)
            faults += more
        yield [faults.pop(0) for _ in range(per_episode)]


def campaign(size: int, seed: int, client: str | None = None) -> Table:
    """Run about ``size`` faults, half of them with each client; return a row for each kind."""
    starts = itertools.cycle(fault for api in START_APIS for fault in network_faults(api))
    clients = itertools.cycle([client] if client else CLIENTS)
    episodes = []
    with proxied_broker() as (direct, behind, proxy):
        for script, with_client, at_start in zip(scripts(size, seed), clients, starts, strict=False):
            episode = Episode(with_client, script, at_start)
            started = time.monotonic()
            episode.run(direct, behind, proxy)
            episodes.append(episode)
            say(episode, time.monotonic() - started)
    return table(episodes)


def say(episode: Episode, seconds: float) -> None:
    """Tell of an episode on stderr."""
    verdict = f"DIVERGED {episode.findings}" if episode.findings else "exact"
    told = f"{episode.client}: {len(episode.happened)} faults in {seconds:.0f} s, {verdict}"
    print(told, *episode.restarts, sep="\n  started again: ", file=sys.stderr, flush=True)


def table(episodes: list[Episode]) -> Table:
    """Return a row for each kind of fault and client; a divergence counts for every fault of its episode."""
    faults = [(episode, fault) for episode in episodes for fault in episode.happened]
    rows: Table = []
    for client, kind in sorted({(episode.client, fault.kind) for episode, fault in faults}):
        alike = [(e, fault) for e, fault in faults if (e.client, fault.kind) == (client, kind)]
        apis = Counter(fault.api.name for _, fault in alike)
        outcomes = Counter(fault.outcome for _, fault in alike if fault.outcome)
        rows.append(
            {
                "kind": kind,
                "client": client,
                "count": len(alike),
                "divergences": sum(bool(episode.findings) for episode, _ in alike),
                "at": ", ".join(f"{name} {count}" for name, count in sorted(apis.items())),
                "answers": ", ".join(f"{name} {count}" for name, count in sorted(outcomes.items())),
            }
        )
    return [*rows, _sum(episodes)]


def _sum(episodes: list[Episode]) -> dict[str, object]:
    return {
        "kind": "all",
        "client": ", ".join(sorted({episode.client for episode in episodes})),
        "count": sum(len(episode.happened) for episode in episodes),
        "divergences": sum(bool(episode.findings) for episode in episodes),
        "episodes": len(episodes),
        "records": sum(len(episode.records) for episode in episodes),
        "restarts": sum(len(episode.restarts) for episode in episodes),
    }
