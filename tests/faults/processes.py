"""Starting, killing and freezing learners."""

from __future__ import annotations

import json
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from service.settings import Settings
from service.streams.port import Output, Stream
from service.topics import topic_specs
from tests.corpus import Case

DEADLINE_S = 60.0


class Worker:
    """One learner process."""

    def __init__(self, url: str, client: str, sections: dict[str, Any], until_end: bool = True) -> None:
        command = [sys.executable, "-m", "tests.faults.worker", url, client, json.dumps(sections)]
        self._process = subprocess.Popen(
            [*command, "until-end" if until_end else "for-ever"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._commits: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._errors: list[str] = []
        threading.Thread(target=self._listen, daemon=True).start()
        threading.Thread(target=self._collect_errors, daemon=True).start()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._commits.put(json.loads(line))
        self._commits.put(None)

    def _collect_errors(self) -> None:
        assert self._process.stderr is not None
        self._errors.extend(self._process.stderr)

    def next_commit(self, within_s: float = DEADLINE_S) -> dict[str, Any] | None:
        """Return the next commit that it said, None where it has ended."""
        try:
            return self._commits.get(timeout=within_s)
        except queue.Empty:
            raise AssertionError(f"no commit within {within_s} s\n{self.errors()}") from None

    def errors(self) -> str:
        """Return what it wrote to its error output so far."""
        return "".join(self._errors)

    def has_said(self) -> bool:
        """Whether there is a commit that was not asked for yet."""
        return not self._commits.empty()

    def kill(self) -> None:
        """Kill it at once, without a chance to say goodbye."""
        self._process.kill()
        self._process.wait()

    def freeze(self) -> None:
        """Stop its clock."""
        self._process.send_signal(signal.SIGSTOP)

    def wake(self) -> None:
        """Let it go on as if nothing had been."""
        self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """Ask it to end."""
        self._process.terminate()
        self._process.wait(DEADLINE_S)

    def finish(self) -> None:
        """Wait until it has ended by itself, and well."""
        while self.next_commit() is not None:
            pass
        assert self._process.wait(DEADLINE_S) == 0, self.errors()


@contextmanager
def worker(url: str, client: str, sections: dict[str, Any], until_end: bool = True) -> Iterator[Worker]:
    """Yield a learner process that does not outlive the test."""
    started = Worker(url, client, sections, until_end)
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
