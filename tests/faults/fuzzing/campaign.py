"""Fuzzing by the million: every target in processes of its own, with a bound on their memory.

``campaign(size, seed)`` shares ``size`` inputs out among the targets. A failure is told as target, seed and
number; :func:`replay` runs it again. A process that dies is a failure of the chunk that it was at.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import resource
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from tests.faults.fuzzing.model_log import ModelLogs
from tests.faults.fuzzing.plain import Plain
from tests.faults.fuzzing.records import Records
from tests.faults.fuzzing.settings import SettingsSources
from tests.faults.fuzzing.sqlite import SqliteFiles
from tests.faults.fuzzing.target import CHUNK, Failure, Tally, Target, case_of, run_chunk

Table = list[dict[str, object]]

TARGETS: dict[str, type[Target]] = {
    kind.name: kind for kind in (Records, ModelLogs, Plain, SettingsSources, SqliteFiles)
}
SHARES = {
    "records": 0.96,
    "model log": 0.015,
    "plain restore": 0.015,
    "settings": 0.007,
    "sqlite file": 0.003,
}
"""Of the inputs, about as many as the same time takes."""

ROOM_BYTES = 512 << 20
"""Address space that a process may take beyond what it has once the target is ready."""
REPORT_S = 10.0
ENOUGH_FAILURES = 50
"""Of one target: more would tell nothing new."""


@dataclass
class _Progress:
    """What came of one target so far."""

    wanted: int
    tally: Tally = field(default_factory=Tally)
    peak_mb: float = 0.0
    cpu_s: float = 0.0

    @property
    def inputs(self) -> int:
        return self.tally.outcomes.total() + len(self.tally.failures)


@dataclass
class _Worker:
    """A process, its end of the pipe, and the chunk that it is at."""

    process: Any
    pipe: Connection
    chunk: int


def campaign(size: int, seed: int, processes: int = 2, targets: Sequence[str] = tuple(TARGETS)) -> Table:
    """Hand ``size`` inputs over, and return a row for each target."""
    shares = sum(SHARES[name] for name in targets)
    return [_row(name, _run(name, seed, round(size * SHARES[name] / shares), processes)) for name in targets]


def replay(name: str, seed: int, number: int) -> list[str]:
    """Run one case again, in a fresh state."""
    with ready(name) as target:
        target.begin()
        return list(target.outcomes(case_of(target, seed, number)))


@contextlib.contextmanager
def ready(name: str) -> Iterator[Target]:
    """Yield a target, and let go of what it took."""
    target = TARGETS[name]()
    try:
        yield target
    finally:
        target.close()


def _run(name: str, seed: int, wanted: int, processes: int) -> _Progress:
    progress, said = _Progress(wanted), time.monotonic()
    chunks = iter(range(sys.maxsize))
    workers = {worker.pipe: worker for worker in (_start(name, seed, next(chunks)) for _ in range(processes))}
    while workers:
        for pipe in wait(list(workers)):
            worker = workers.pop(pipe)  # type: ignore[arg-type]
            is_alive = _take(worker, progress, name, seed)
            if progress.inputs >= wanted or len(progress.tally.failures) >= ENOUGH_FAILURES:
                _end(worker)
                continue
            following = next(chunks)
            if is_alive:
                worker.pipe.send(following)
                worker.chunk = following
            else:
                worker = _start(name, seed, following)
            workers[worker.pipe] = worker
        if time.monotonic() - said > REPORT_S:
            said = time.monotonic()
            failed = len(progress.tally.failures)
            print(f"{name}: {progress.inputs} of {wanted}, {failed} failed", file=sys.stderr)
    return progress


def _take(worker: _Worker, progress: _Progress, name: str, seed: int) -> bool:
    """Take what a worker says of its chunk; whether it is alive."""
    try:
        tally, peak_mb, cpu_s = worker.pipe.recv()
    except EOFError:
        worker.process.join()
        error = f"the process ended with {worker.process.exitcode} within chunk {worker.chunk}"
        progress.tally.failures.append(Failure(name, seed, worker.chunk * CHUNK, error, None))
        return False
    progress.tally.add(tally)
    progress.peak_mb = max(progress.peak_mb, peak_mb)
    progress.cpu_s += cpu_s
    return True


def _end(worker: _Worker) -> None:
    with contextlib.suppress(OSError):
        worker.pipe.send(None)
    worker.process.join()


def _start(name: str, seed: int, chunk: int) -> _Worker:
    ours, theirs = multiprocessing.Pipe()
    context = multiprocessing.get_context("spawn")  # so that the peak of memory is the target's own
    process = context.Process(target=_work, args=(theirs, name, seed, chunk), daemon=True)
    process.start()
    theirs.close()
    return _Worker(process, ours, chunk)


def _work(pipe: Connection, name: str, seed: int, chunk: int | None) -> None:
    """Run chunks as they are asked for."""
    _hush()
    with ready(name) as target:
        run_chunk(target, seed, 0)  # makes what the target keeps, such as models and files
        _bound_memory()
        while chunk is not None:
            before = time.process_time()
            tally = run_chunk(target, seed, chunk)
            peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            pipe.send((tally, peak_mb, time.process_time() - before))
            chunk = pipe.recv()


def _hush() -> None:
    """Send what Rust prints of its panics nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


def _bound_memory() -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + ROOM_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _row(name: str, progress: _Progress) -> dict[str, object]:
    tally = progress.tally
    return {
        "kind": name,
        "inputs": progress.inputs,
        "outcomes": ", ".join(f"{outcome} {count}" for outcome, count in tally.outcomes.most_common()),
        "failures": len(tally.failures),
        "peak MB": round(progress.peak_mb),
        "inputs per CPU second": round(progress.inputs / max(progress.cpu_s, 1e-9)),
        "first failure": str(tally.failures[0]) if tally.failures else "",
        "divergences": len(tally.failures),
    }
