"""Seeds by the thousand, in processes; a table of what struck, and every divergence shrunk and shown."""

from __future__ import annotations

import logging
import multiprocessing
import sys
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import dataclass, field

from tests.faults.simulation.plan import KINDS, Plan, plan_of
from tests.faults.simulation.shrink import shrink
from tests.faults.simulation.world import Outcome, Planting, run

Table = list[dict[str, object]]

CHUNK = 25
REPORT_S = 10.0


@dataclass
class Tally:
    """What a number of runs came to."""

    seeds: int = 0
    transactions: int = 0
    commits: int = 0
    fences: int = 0
    records: int = 0
    struck: Counter[str] = field(default_factory=Counter)
    failures: list[tuple[Plan, dict[str, list[str]]]] = field(default_factory=list)

    def take(self, outcome: Outcome) -> None:
        """Count one run."""
        self.seeds += 1
        self.transactions += outcome.transactions
        self.commits += outcome.commits
        self.fences += outcome.fences
        self.records += outcome.plan.records
        self.struck += outcome.struck
        if outcome.findings:
            self.failures.append((outcome.plan, outcome.findings))

    def add(self, other: Tally) -> None:
        """Count the runs of another tally."""
        for name in ("seeds", "transactions", "commits", "fences", "records", "struck", "failures"):
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def table(self, seconds: float) -> Table:
        """Return a row per kind of fault, behind one of all."""
        total = {
            "kind": "all",
            "count": self.struck.total(),
            "seeds": self.seeds,
            "records": self.records,
            "transactions": self.transactions,
            "commits": self.commits,
            "takeovers": self.fences,
            "divergences": len(self.failures),
            "seeds_per_s": round(self.seeds / seconds, 1),
        }
        return [total, *({"kind": kind, "count": self.struck[kind]} for kind in KINDS)]


def run_quietly(plan: Plan, planted: Planting = nullcontext) -> Outcome:
    """Run a plan without the learners' log."""
    log = logging.getLogger("perceptron")
    before, log.disabled = log.disabled, True
    try:
        return run(plan, planted)
    finally:
        log.disabled = before


def tally_of(seeds: Iterable[int]) -> Tally:
    """Run the plans of some seeds."""
    tally = Tally()
    for seed in seeds:
        tally.take(run_quietly(plan_of(seed)))
    return tally


def campaign(size: int, seed: int = 0, processes: int = 2, **options: object) -> Table:
    """Run ``size`` seeds from ``seed`` on; every divergence is shrunk and printed, to be kept as a plan."""
    started = reported = time.monotonic()
    chunks = [range(at, min(at + CHUNK, seed + size)) for at in range(seed, seed + size, CHUNK)]
    total = Tally()
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        for tally in pool.imap_unordered(tally_of, chunks):
            total.add(tally)
            if time.monotonic() - reported > REPORT_S:
                reported = time.monotonic()
                _say(f"{total.seeds} of {size} seeds, {len(total.failures)} divergences")
    seconds = time.monotonic() - started
    for plan, findings in total.failures[:5]:
        _say(f"seed {plan.seed}: {findings}\n  {shrink(plan, lambda one: bool(run_quietly(one).findings))}")
    return total.table(seconds)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
