"""Starting, killing and freezing learners."""

from __future__ import annotations

import json
import os
import queue
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from service.settings import Settings
from service.streams.port import Output, Stream
from service.topics import topic_specs
from tests.corpus import Case
from tests.faults import worker as life

DEADLINE_S = 60.0

FORKS = get_context("forkserver")
"""A process that has imported everything, and makes every learner by a fork: a start costs milliseconds."""

FORKS.set_forkserver_preload(
    ["tests.faults.worker", "service.streams.kafka_python", "service.streams.sqlite"]
    + ["service.streams.confluent"] * bool(find_spec("confluent_kafka"))
)


class Worker:
    """One learner process; ``more`` as :class:`tests.faults.worker.Life` takes it."""

    def __init__(
        self, url: str, client: str, sections: dict[str, Any], until_end: bool = True, **more: Any
    ) -> None:
        (theirs, self._input), (output, said), (errors, written) = (
            FORKS.Pipe(duplex=False) for _ in range(3)
        )
        until = "until-end" if until_end else "for-ever"
        self._what = f"{client} {sections} {more}"
        arguments = [url, client, json.dumps(sections), until, json.dumps(more)]
        self._process = FORKS.Process(
            target=life.be_born, args=((theirs, said, written), arguments), daemon=True
        )
        self._process.start()
        for pipe in (theirs, said, written):
            pipe.close()
        self._commits: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._errors: list[str] = []
        self._threads = [
            threading.Thread(target=self._listen, args=[output], daemon=True),
            threading.Thread(target=self._collect_errors, args=[errors], daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def _listen(self, output: Connection) -> None:
        for line in lines(output):
            self._commits.put(json.loads(line))
        self._commits.put(None)

    def _collect_errors(self, errors: Connection) -> None:
        self._errors.extend(lines(errors))

    def __str__(self) -> str:
        return f"{self._what}, status {self.status}"

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process.pid is not None
        return self._process.pid

    @property
    def status(self) -> int | None:
        """How it ended: its exit code, or minus the signal; None while it lives."""
        return self._process.exitcode

    def arm(self, label: str, passing: int = 1, number: int = signal.SIGKILL) -> None:
        """Let it strike itself at a labelled point."""
        self._tell({"trap": [label, passing, number]})

    def disarm(self) -> None:
        """Let it strike itself nowhere."""
        self._tell({"trap": []})

    def _tell(self, order: dict[str, Any]) -> None:
        os.write(self._input.fileno(), json.dumps(order).encode() + b"\n")

    def next_commit(self, within_s: float = DEADLINE_S) -> dict[str, Any] | None:
        """Return the next commit that it said, None where it has ended."""
        try:
            return self._commits.get(timeout=within_s)
        except queue.Empty:
            raise AssertionError(f"no commit within {within_s} s\n{self.errors()}") from None

    def next_commit_after(self, moment: float) -> dict[str, Any]:
        """Return the first commit that it made after a moment of the monotonic clock."""
        while (commit := self.next_commit()) is None or commit["at"] <= moment:
            assert commit is not None, f"it has ended with {self.wait()}\n{self.errors()}"
        return commit

    def errors(self) -> str:
        """Return what it wrote to its error output so far; where it hangs, with the stack of each thread."""
        if self.status is None:
            os.kill(self.pid, signal.SIGUSR1)
            self.wait(within_s=1)
        return "".join(self._errors)

    def has_said(self) -> bool:
        """Whether there is a commit that was not asked for yet."""
        return not self._commits.empty()

    def kill(self) -> None:
        """Kill it at once, without a chance to say goodbye."""
        self._process.kill()
        self.wait()

    def wait(self, within_s: float = DEADLINE_S) -> int | None:
        """Wait until it has ended and all that it said was heard; return how it ended."""
        self._process.join(within_s)
        for thread in self._threads if self.status is not None else ():
            thread.join()
        return self.status

    def freeze(self) -> None:
        """Stop its clock."""
        os.kill(self.pid, signal.SIGSTOP)

    def require_alive(self) -> None:
        """Fail, with what it has said, where it has ended."""
        assert self.status is None, f"{self}\n{self.errors()}"

    def is_frozen(self) -> bool:
        """Whether its clock stands."""
        self.require_alive()
        return Path(f"/proc/{self.pid}/stat").read_text().rpartition(") ")[2].startswith("T")

    def wake(self) -> None:
        """Let it go on as if nothing had been."""
        if self.status is None:
            os.kill(self.pid, signal.SIGCONT)

    def stop(self) -> None:
        """Ask it to end."""
        self._process.terminate()
        self.wait()

    def finish(self) -> None:
        """Wait until it has ended by itself, and well."""
        while self.next_commit() is not None:
            pass
        assert self.wait() == 0, self.errors()


def first_to_commit(workers: Sequence[Worker], moment: float) -> Worker:
    """Return whichever learner is the first to have committed after a moment of the monotonic clock."""
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        for one in workers:
            while one.has_said():
                if (commit := one.next_commit()) is not None and commit["at"] > moment:
                    return one
        time.sleep(0.005)
    raise AssertionError("\n".join(f"{one}: {one.errors()}" for one in workers))


def lines(pipe: Connection) -> Iterator[str]:
    """Yield what comes through a pipe, line by line."""
    with open(os.dup(pipe.fileno()), errors="replace") as text:  # noqa: PTH123
        yield from text
    pipe.close()


@contextmanager
def worker(
    url: str, client: str, sections: dict[str, Any], until_end: bool = True, **more: Any
) -> Iterator[Worker]:
    """Yield a learner process that does not outlive the test."""
    started = Worker(url, client, sections, until_end, **more)
    try:
        yield started
    finally:
        started.wake()
        started.kill()


def provide(stream: Stream, chosen: Settings, records: list[Case]) -> None:
    """Make the topics and put the records in."""
    stream.create_topics(topic_specs(chosen))
    keys, values = [case.key for case in records], [case.value for case in records]
    stream.append([Output(chosen.topics.samples, 0, keys, values)])
