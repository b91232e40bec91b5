"""Crash the embedded stream everywhere, and once more while it recovers; the result has to be exact.

One life is recorded: a new file, its topics, the samples, three commits, the close. For each boundary
between two operations, every state that a crash there may leave is built and a second life begins with
it, recorded in its turn and crashed at each of its own boundaries. Each life has to find an exact
prefix - answers, model, position and group belong together - that holds all that was acknowledged, and
to end exactly where one that never stopped does.
"""

from __future__ import annotations

import itertools
import random
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

from tests.faults.embedded.bystander import kills
from tests.faults.embedded.crashes import PROCESS, Crash, power_cuts, process_crash
from tests.faults.embedded.full_disk import refusals
from tests.faults.embedded.life import SCENARIOS, Boot, Life, live
from tests.faults.embedded.operations import NOTHING, Ack, Disk, Operation
from tests.faults.embedded.table import Table, row

T = TypeVar("T")

CUTS_OF_A_RECOVERY = 20
CHAIN, CHAINS = 5, 200
PROGRESS_S = 10.0


class Campaign:
    """Crashes under one setting of SQLite; ``pragma`` is run behind those that the service makes.

    Attributes
    ----------
    findings
        One line for each state that was not recovered from exactly.
    """

    def __init__(self, name: str, pragma: str | None, seed: int) -> None:
        self.findings: list[str] = []
        self.boundaries = 0
        self._name = name
        self._pragma = pragma
        self._random = random.Random(seed)
        self._states, self._divergences = Counter[str](), Counter[str]()
        self._distinct: dict[str, set[bytes]] = defaultdict(set)
        self._judged: dict[bytes, Life] = {}  # equal files, equal life: ids and clocks follow from the boot
        self._said_at = time.monotonic()

    def run(self, size: int = 0, stride: int = 1, recoveries: bool = True) -> None:
        """Crash at every ``stride``-th operation; try all else, or ``size`` states of it for each."""
        boot = Boot()
        first = live({}, boot, self._pragma)
        assert not list(first.wrongs(NOTHING)), "without a crash, too, it has to be exact"
        for disk in itertools.islice(disks(Disk.of({}), first.trace), 0, None, stride):
            self.boundaries += 1
            killed = process_crash(disk, boot)
            cuts = list(power_cuts(disk, boot, self._random))
            recovery = self._live(killed)
            for crash in [killed, *self._some(cuts, size)]:
                self._judge(crash.kind, crash)
            if recoveries:
                self._crash_the_recovery(killed, recovery, size)
                self._cut_the_recovery(self._random.choice([killed, *cuts]), size)

    def run_chains(self, count: int) -> None:
        """Crash at random again and again, each time in what follows the last crash."""
        for _ in range(count):
            crash = Crash(PROCESS, Disk.of({}), (), Boot())
            for _ in range(CHAIN):
                disk = self._random.choice(list(disks(crash.disk_after, self._live(crash).trace)))
                cuts = power_cuts(disk, crash.boot, self._random)
                crash = self._random.choice([process_crash(disk, crash.boot), *cuts])
                self._judge(f"{CHAIN} crashes on end", crash)

    def _crash_the_recovery(self, crash: Crash, recovery: Life, size: int) -> None:
        for disk in self._some(list(disks(crash.disk_after, recovery.trace)), size):
            self._judge("process crash in recovery", process_crash(disk, crash.boot))

    def _cut_the_recovery(self, crash: Crash, size: int) -> None:
        recovering = list(disks(crash.disk_after, self._live(crash).trace))
        for _ in range(min(size or CUTS_OF_A_RECOVERY, CUTS_OF_A_RECOVERY)):
            cuts = list(power_cuts(self._random.choice(recovering), crash.boot, self._random))
            self._judge("power cut in recovery", self._random.choice(cuts))

    def _some(self, things: Sequence[T], size: int) -> Iterable[T]:
        return things if size == 0 or size >= len(things) else self._random.sample(things, size)

    def _live(self, crash: Crash) -> Life:
        """Live on from a crash; the judgement is kept, the trace would take too much room."""
        life = live(crash.image, crash.boot, self._pragma)
        self._judged[crash.digest] = replace(life, trace=())
        return life

    def _judge(self, kind: str, crash: Crash) -> None:
        if crash.digest not in self._judged:
            self._live(crash)
        self._distinct[kind].add(crash.digest)
        self._note(kind, self._judged[crash.digest], crash.disk.ack)

    def _note(self, kind: str, life: Life, promised: Ack) -> None:
        self._say_progress()
        self._states[kind] += 1
        if findings := "; ".join(life.wrongs(promised)):
            self._divergences[kind] += 1
            self.findings.append(f"{self._name}: operation {self.boundaries}: {kind}: {findings}")

    def _say_progress(self) -> None:
        if time.monotonic() - self._said_at >= PROGRESS_S:
            self._said_at = time.monotonic()
            tried = f"{self._states.total()} states, {self._divergences.total()} divergences"
            print(f"{self._name}: operation {self.boundaries}, {tried}", file=sys.stderr, flush=True)

    def rows(self) -> Table:
        """Return a row for each kind of crash."""
        rows: Table = []
        for kind, states in self._states.items():
            distinct, divergences = len(self._distinct[kind]), self._divergences[kind]
            rows += row(self._name, kind, self.boundaries, states, distinct, divergences)
        return rows


def campaign(size: int = 0, seed: int = 0) -> Table:
    """Try every state, or ``size`` sampled ones per operation; then kill and refuse at every operation.

    With a ``size``, kills and refusals come at every tenth operation.
    """
    rows: Table = []
    for name, pragma in SCENARIOS.items():
        run = Campaign(name, pragma, seed)
        run.run(size)
        run.run_chains(size or CHAINS)
        rows += run.rows()
        print(*run.findings[:20], sep="\n", end="", file=sys.stderr)
    stride = 10 if size else 1
    return [*rows, *kills(stride, seed % stride), *refusals(stride, seed % stride)]


def disks(first: Disk, trace: Iterable[Operation]) -> Iterator[Disk]:
    """Yield the disk before, between and after the operations."""
    return itertools.accumulate(trace, Disk.after, initial=first)
