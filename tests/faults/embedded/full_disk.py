"""A disk that refuses at each operation in turn, for a while: nothing is lost, and it goes on exactly.

The learner may stand until the disk takes writes again, or end with an error that says what to do; then
the next one goes on from there. A full disk refuses writes; a failing one fails whatever it is asked.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import reduce

from tests.faults.embedded.life import SCENARIOS, Boot, live
from tests.faults.embedded.operations import Create, Delete, Disk, Operation, Sync, Truncate, Write
from tests.faults.embedded.table import Table, row

FULL = 13
CANTOPEN, WRITE, SYNC, TRUNCATE, DELETE = 14, 10 | 3 << 8, 10 | 4 << 8, 10 | 6 << 8, 10 | 10 << 8
DISKS: dict[str, dict[type[Operation], int]] = {
    "full disk": {Write: FULL},
    "failing disk": {Create: CANTOPEN, Write: WRITE, Sync: SYNC, Truncate: TRUNCATE, Delete: DELETE},
}
ADVICE = {"full disk": "make room on the disk", "failing disk": "check "}
REFUSALS = (1, 3, 10)


class Refusal:
    """Refuses some operations, by their type and with that code, from the ``first`` on."""

    def __init__(self, codes: dict[type[Operation], int], first: int, count: int) -> None:
        self._codes = codes
        self._until_first = first
        self._left = count

    def __call__(self, operation: Operation) -> int:
        self._until_first -= 1
        code = self._codes.get(type(operation), 0)
        if self._until_first >= 0 or self._left == 0 or code == 0:
            return 0
        self._left -= 1
        return code


def refusals(stride: int = 1, first: int = 0) -> Table:
    """Refuse from every ``stride``-th operation on: once, and several times over."""
    rows: Table = []
    for scenario, pragma in SCENARIOS.items():
        points = range(first, len(live({}, Boot(), pragma).trace), stride)
        for kind in DISKS:
            tried = [(point, count) for point in points for count in REFUSALS]
            divergences = sum(_is_divergence(kind, pragma, *one) for one in tried)
            rows += row(scenario, kind, len(points), len(tried), len(tried), divergences)
    return rows


def _is_divergence(kind: str, pragma: str | None, first: int, count: int) -> bool:
    findings = list(findings_of_refusal(kind, pragma, first, count))
    for finding in findings:
        print(f"{kind}, {count} times from operation {first} on: {finding}", file=sys.stderr)
    return bool(findings)


def findings_of_refusal(kind: str, pragma: str | None, first: int, count: int) -> Iterator[str]:
    """Live through a refusal, then on with what that left, also by a power cut; yield what is wrong."""
    boot = Boot()
    life = live({}, boot, pragma, Refusal(DISKS[kind], first, count))
    yield from life.findings
    if life.error and ADVICE[kind] not in life.error:
        yield f"ended with {life.error}, which does not say {ADVICE[kind]!r}"
    disk = reduce(Disk.after, life.trace, Disk.of({}))
    yield from live(disk.image(disk.pending), boot.after_process_crash(), pragma).wrongs(disk.ack)
    yield from live(disk.image([]), boot.after_power_cut(), pragma).wrongs(disk.ack)
