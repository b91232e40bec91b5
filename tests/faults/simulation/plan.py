"""What is to happen in a world: everything that decides a run, drawn from a seed, and nothing else."""

from __future__ import annotations

import random
from collections.abc import Collection
from dataclasses import dataclass

EVERYWHERE: frozenset[str] = frozenset()
REQUESTS = frozenset(
    {"metadata", "fetch", "join", "prove", "leave", "fence", "add", "produce", "offsets", "end", "abort"}
)
WRITES = frozenset({"fence", "add", "produce", "offsets", "end", "abort"})
ENDS = frozenset({"end"})

KINDS: dict[str, tuple[int, frozenset[str]]] = {
    # kind: how often among a hundred, and where it strikes
    "kill": (13, EVERYWHERE),
    "kill after delivery": (6, WRITES),
    "stop": (4, EVERYWHERE),
    "freeze": (8, EVERYWHERE),
    "request lost": (8, REQUESTS),
    "reply lost": (10, REQUESTS),
    "request late": (6, WRITES),
    "cut off": (4, REQUESTS),
    "cut off after delivery": (6, WRITES),
    "cut off, delivered late": (4, WRITES),
    "end slow and repeated": (4, ENDS),
    "end lost": (4, ENDS),
    "batch expired": (3, frozenset({"produce"})),
    "markers late": (4, ENDS),
    "rebalance": (4, EVERYWHERE),
    "seat lost": (3, EVERYWHERE),
    "compaction": (4, EVERYWHERE),
    "retention": (3, EVERYWHERE),
    "offsets reset": (2, EVERYWHERE),
}
"""Every kind of fault."""


@dataclass(frozen=True)
class Fault:
    """One fault: so many steps after the one before it, at the next point where its kind can strike."""

    gap: int
    kind: str
    amount: float  # from 0 to 1: how long, how far


@dataclass(frozen=True)
class Plan:
    """A run."""

    seed: int  # of what is left to chance within the world: latencies, sizes of fetches
    corpus: int
    records: int
    at_start: int  # records that are there when it begins; the others come bit by bit
    batch: int
    processes: int
    static: int  # how many of them are static members
    until_end: float  # how likely one that starts is told to run until the end
    faults: tuple[Fault, ...]


def plan_of(seed: int, records: int = 400, faults: int = 50, only: Collection[str] = ()) -> Plan:
    """Draw a plan; with ``only``, of these kinds of faults."""
    draw = random.Random(seed)
    processes = draw.choice([1, 2, 3, 3])
    kinds = [kind for kind in KINDS if kind in only] if only else list(KINDS)
    weights = [KINDS[kind][0] for kind in kinds]
    return Plan(
        seed=seed,
        corpus=draw.randrange(4),
        records=records,
        at_start=draw.choice([0, records // 2, records]),
        batch=draw.choice([2, 3, 4]),
        processes=processes,
        static=draw.choice([0, 0, 1, processes]),
        until_end=draw.choice([0.0, 0.5, 1.0]),
        faults=tuple(
            Fault(int(draw.expovariate(1 / 25)), kind, round(draw.random(), 3))
            for kind in draw.choices(kinds, weights, k=faults)
        ),
    )
