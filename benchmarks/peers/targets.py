"""What is aimed at, as ratios within one run; a target that is missed stands beside what was found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

from benchmarks.peers import contenders as who
from benchmarks.peers import java
from benchmarks.peers.rounds import Contest, spread
from benchmarks.report import Row

HEAD = ["question", "target", "found", ""]


@dataclass(frozen=True)
class Target:
    """``ours`` is to be at least ``ratio`` times as fast as ``other``; with samples of one shape only."""

    ours: str
    other: str
    ratio: float
    shapes: tuple[str, ...] = ("dense-10",)


TARGETS = (
    Target(who.CONFLUENT, who.RIVER_AT_LEAST_ONCE, 11.0),
    Target(who.CONFLUENT, who.QUIX_EXACTLY_ONCE, 10.0),
    Target(who.CONFLUENT, who.KAFKA_PYTHON_RIVER, 25.0),
    Target(who.CONFLUENT, who.RIVER_EXACTLY_ONCE, 8.0),
    Target(who.CONFLUENT, java.LOOP, 1.0),
    Target(who.CONFLUENT, java.FLINK_100MS, 1.0),
    Target(who.CONFLUENT, java.FLINK_1S, 0.9),
    Target(who.CONFLUENT, java.STREAMS, 1.2),
    Target(who.CONFLUENT, java.STREAMS_CACHED, 1.6),
    Target(who.CONFLUENT, java.STREAMS_ROCKSDB, 2.5),
    Target(who.CONFLUENT, who.BARE_TRANSACTIONS, 0.7),
    Target(who.KAFKA_PYTHON, who.BARE_KAFKA_PYTHON, 0.9),
    Target(who.SQLITE, who.BARE_SQLITE, 0.6),
    Target(who.CONFLUENT, who.QUIX_EXACTLY_ONCE, 30.0, ("sparse",)),
    Target(who.CONFLUENT, who.BARE_TRANSACTIONS, 0.4, ("sparse",)),
)

SQLITE_RATE = 200_000
SAME_WITHIN = 0.8
"""With more features, and with text, ratios are to stay within 20 % of those with ten numbers."""


def verdicts(contest: Contest) -> Iterator[Row]:
    """Yield a row for each target that this contest can tell of."""
    shape = contest.ground.shape.name
    for target in TARGETS:
        wanted = target.ratio
        if shape not in target.shapes:
            if shape not in ("dense-30", "text") or "dense-10" not in target.shapes:
                continue
            wanted *= SAME_WITHIN
        if contest.has(target.ours, target.other):
            found = contest.ratios(target.ours, target.other)
            question = f"{target.ours} / {target.other}"
            yield [question, f"≥ {wanted:.3g}", spread(found), word(median(found) >= wanted)]
    if shape == "dense-10" and contest.has(who.SQLITE):
        found = contest.rates(who.SQLITE)
        yield [
            "samples/s on SQLite",
            f"≥ {SQLITE_RATE:,}",
            f"{median(found):,.0f}",
            word(median(found) >= SQLITE_RATE),
        ]


def word(kept: bool) -> str:
    """Return the verdict."""
    return "kept" if kept else "MISSED"
