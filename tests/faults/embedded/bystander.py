"""Real kills, beside a process that lives on and keeps SQLite's shared memory as the victim left it.

A learner is killed as it is about to ask its n-th operation of the disk, while this process has the file
open: it has to see an exact prefix through what it shares with the dead, and to recover from it.
"""

from __future__ import annotations

import itertools
import os
import signal
import sys
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory

from service.streams.sqlite import SqliteStream
from service.topics import topic_specs
from tests.faults.embedded.life import FILE, SESSION_TIMEOUT_MS, SETTINGS, Boot, found, live_in
from tests.faults.embedded.operations import NOTHING, Ack, Operation
from tests.faults.embedded.table import Table, row
from tests.faults.processes import FORKS

DEADLINE_S = 60.0


def kills(stride: int = 1, first: int = 0) -> Table:
    """Kill before every ``stride``-th operation, from the ``first`` on, until a life ends by itself."""
    divergences, count = 0, 0
    for number in itertools.count(first, stride):
        was_killed, findings = kill_before(number)
        divergences += bool(findings)
        for finding in findings:
            print(f"killed before operation {number}: {finding}", file=sys.stderr)
        if not was_killed:
            break
        count += 1
    return row("beside a bystander", "SIGKILL", count, count, count, divergences)


def kill_before(number: int) -> tuple[bool, list[str]]:
    """Kill a learner before an operation; return whether it came to that, and what is wrong afterwards."""
    with (
        TemporaryDirectory() as directory,
        SqliteStream(str(Path(directory) / FILE), SESSION_TIMEOUT_MS) as bystander,
    ):
        bystander.create_topics(topic_specs(SETTINGS))
        was_killed, promised = _killed_life(Path(directory), number)
        produced, learned, findings = found(bystander)
        life = live_in(Path(directory), Boot().after_process_crash())
    findings += life.wrongs(promised)
    if (produced, learned) != (life.produced, life.learned):
        findings.append(f"saw {produced} records, {learned} learned; then {life.produced}, {life.learned}")
    return was_killed, findings


def _killed_life(directory: Path, number: int) -> tuple[bool, Ack]:
    """Return whether the life ended before its time, and what it had promised."""
    ours, theirs = FORKS.Pipe(duplex=False)
    victim = FORKS.Process(target=_be_killed, args=(theirs, directory, number), daemon=True)
    victim.start()
    theirs.close()
    promised = NOTHING
    with suppress(EOFError):
        while ours.poll(DEADLINE_S):
            promised = ours.recv()
    victim.join(DEADLINE_S)
    if victim.exitcode is None:
        victim.kill()
    assert victim.exitcode in (0, -signal.SIGKILL), f"the victim ended with {victim.exitcode}"
    return victim.exitcode != 0, promised


def _be_killed(pipe: Connection, directory: Path, number: int) -> None:
    operations = itertools.count()

    def kill(operation: Operation) -> int:
        if isinstance(operation, Ack):
            pipe.send(operation)
        elif next(operations) == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return 0

    live_in(directory, Boot(), refuse=kill)
