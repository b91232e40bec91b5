"""Who takes part: ours on each stream, what users would write or take instead, and the ceilings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from benchmarks.peers import java
from benchmarks.peers.ground import Ground
from benchmarks.peers.programs import python_with
from benchmarks.peers.result import Result

ALL = 1 << 60
OURS, PEER, CEILING = "ours", "peer", "ceiling"

Run = Callable[[str, str, int], Result]
Check = Callable[[Result, int], None]

CONFLUENT = "ours, confluent"
KAFKA_PYTHON = "ours, kafka-python"
SQLITE = "ours, SQLite"
RIVER_AT_LEAST_ONCE = "confluent + json + river, at least once"
RIVER_EXACTLY_ONCE = "confluent + json + river, transactions of 5,000"
KAFKA_PYTHON_RIVER = "kafka-python + json + river, at least once"
QUIX_AT_LEAST_ONCE = "Quix Streams + river, at least once"
QUIX_EXACTLY_ONCE = "Quix Streams + river, exactly once"
RIVER_ALONE = "json + river, no stream"
SCIKIT_LEARN = "json + scikit-learn partial_fit, no stream"
VOWPAL_WABBIT = "Vowpal Wabbit's driver on a file (its own format)"
BARE = "bare confluent loop"
BARE_TRANSACTIONS = "bare confluent loop, transactions of 5,000"
BARE_KAFKA_PYTHON = "bare kafka-python loop, transactions of 5,000"
BARE_SQLITE = "bare SQLite copying"


@dataclass(frozen=True)
class Contender:
    """Someone who answers the samples.

    Parameters
    ----------
    name
        As in a report.
    run
        Takes the broker's address, the samples' topic and how many of them to answer.
    check
        Raises where the result is not what was to be done.
    kind
        Ours, a peer, or a ceiling: who does not learn.
    limit
        How many samples it is given at most, where it is slow.
    """

    name: str
    run: Run
    check: Check
    kind: str = PEER
    limit: int = ALL


def contenders(ground: Ground) -> Iterator[Contender]:
    """Yield all that can take part with the samples of this ground."""
    yield from ours(ground)
    yield from river_loops(ground)
    yield from quix(ground)
    yield from without_stream(ground)
    yield from ceilings(ground)
    yield from jvm(ground)


def ours(ground: Ground) -> Iterator[Contender]:
    """Yield the whole service: at the rate 0.01 it is the same learner as the peers', its default is not."""

    def kafka(name: str, client: str, rate: str, bootstrap: str, samples: str, count: int) -> Result:
        return ground.on_kafka(name, "service_loop", f"kafka://{bootstrap}", client, samples, "{}", rate)

    def sqlite(name: str, rate: str, bootstrap: str, samples: str, count: int) -> Result:
        return ground.on_sqlite(name, "service_loop", "sqlite:{}", "auto", samples, "outputs", rate)

    for rate, suffix in (("0.01", ""), ("auto", ", default learner")):
        check = ground.oracle.require_learned if suffix else ground.oracle.require_equal
        for base, client in ((CONFLUENT, "confluent"), (KAFKA_PYTHON, "kafka-python")):
            name = base + suffix
            yield Contender(name, partial(kafka, name, client, rate), check, OURS)
        name = SQLITE + suffix
        yield Contender(name, partial(sqlite, name, rate), check, OURS)


def river_loops(ground: Ground) -> Iterator[Contender]:
    """Yield what most would write."""
    check, shape = ground.oracle.require_equal, ground.shape.name

    def loop(
        name: str, module: str, more: tuple[str, ...], bootstrap: str, samples: str, count: int
    ) -> Result:
        return ground.on_kafka(name, module, bootstrap, samples, "{}", count, shape, "river", *more)

    for name, module, more in (
        (RIVER_AT_LEAST_ONCE, "confluent_loop", ("at-least-once",)),
        (RIVER_EXACTLY_ONCE, "confluent_loop", ("exactly-once",)),
        (KAFKA_PYTHON_RIVER, "kafka_python_loop", ()),
    ):
        yield Contender(name, partial(loop, name, module, more), check, limit=100_000)


def quix(ground: Ground) -> Iterator[Contender]:
    """Yield Quix Streams with its default settings, in its own environment."""

    def app(name: str, guarantee: str, bootstrap: str, samples: str, count: int) -> Result:
        place, python = (bootstrap, samples, "{}", count, ground.shape.name), python_with("quixstreams")
        return ground.on_kafka(name, "quix_app", *place, guarantee, python=python)

    for name, guarantee in ((QUIX_AT_LEAST_ONCE, "at-least-once"), (QUIX_EXACTLY_ONCE, "exactly-once")):
        yield Contender(name, partial(app, name, guarantee), ground.oracle.require_equal, limit=100_000)


def without_stream(ground: Ground) -> Iterator[Contender]:
    """Yield learners that would still have to be given a stream, a commit and a way back."""
    exact, learned = ground.oracle.require_equal, ground.oracle.require_learned

    def river(bootstrap: str, samples: str, count: int) -> Result:
        return ground.on_file(RIVER_ALONE, count, "river")

    def scikit_learn(bootstrap: str, samples: str, count: int) -> Result:
        return ground.on_file(SCIKIT_LEARN, count, "sklearn")

    def vowpal_wabbit(bootstrap: str, samples: str, count: int) -> Result:
        return ground.by_vowpal_wabbit(VOWPAL_WABBIT, count)

    yield Contender(RIVER_ALONE, river, exact, limit=100_000)
    if ground.shape.name.startswith("dense"):
        yield Contender(SCIKIT_LEARN, scikit_learn, exact, limit=4_000)
    yield Contender(VOWPAL_WABBIT, vowpal_wabbit, learned, limit=500_000)


def ceilings(ground: Ground) -> Iterator[Contender]:
    """Yield loops that pass the records on as they are."""
    check, shape = ground.oracle.require_count, ground.shape.name

    def loop(
        name: str, module: str, more: tuple[str, ...], bootstrap: str, samples: str, count: int
    ) -> Result:
        return ground.on_kafka(name, module, bootstrap, samples, "{}", count, shape, "copy", *more)

    def sqlite(bootstrap: str, samples: str, count: int) -> Result:
        return ground.on_sqlite(BARE_SQLITE, "sqlite_copy", "{}", samples, "outputs", count)

    for name, module, more in (
        (BARE, "confluent_loop", ("at-least-once",)),
        (BARE_TRANSACTIONS, "confluent_loop", ("exactly-once",)),
        (BARE_KAFKA_PYTHON, "kafka_python_loop", ()),
    ):
        yield Contender(name, partial(loop, name, module, more), check, CEILING)
    yield Contender(BARE_SQLITE, sqlite, check, CEILING)


def jvm(ground: Ground) -> Iterator[Contender]:
    """Yield the peers in Java, which take numbers only."""
    if not ground.shape.name.startswith("dense"):
        return
    for name, run in java.contenders().items():
        if name == java.BARE_JAVA:
            yield Contender(name, run, ground.oracle.require_count, CEILING)
        else:
            yield Contender(name, run, ground.oracle.require_equal)
