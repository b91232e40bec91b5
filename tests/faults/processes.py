"""Starting, killing and freezing learners, and reading what they left behind."""

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

from service.learner import Learner
from service.model_log import Head, ModelLog, _unframe
from service.settings import Settings
from service.streams.port import Output, Stream
from service.topics import topic_specs
from tests.contracts.rig import read_to_end
from tests.corpus import Case, Expected

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


def read_topic(stream: Stream, topic: str) -> list[Any]:
    """Return the committed records of a topic: offset, key, value, headers."""
    with stream.reader() as reader:
        reader.seek({(topic, 0): stream.first_offset((topic, 0))})
        return list(read_to_end(stream, reader, (topic, 0)))


def heads(stream: Stream, chosen: Settings) -> list[Head]:
    """Return the heads that are in the model topic, in order."""
    records = read_topic(stream, chosen.topics.model)
    return [_unframe(value, Head) for _, key, value, _ in records if key == b"head"]


def leavings(stream: Stream, chosen: Settings) -> dict[str, Any]:
    """Return everything that a run leaves behind, as a fresh reader finds it."""
    learner = Learner(chosen, {chosen.topics.predictions: 1, chosen.topics.dlq: 1})
    log = ModelLog(stream, chosen)
    head = log.catch_up(learner)
    log.close()
    assert head is not None
    return {
        "predictions": [(key, value) for _, key, value, _ in read_topic(stream, chosen.topics.predictions)],
        "dead": [(key, value, headers) for _, key, value, headers in read_topic(stream, chosen.topics.dlq)],
        "hash": learner.model.hash(),
        "version": learner.model.version,
        "metrics": learner.metric_values(),
        "next_offsets": head.next_offsets,
        "group": stream.group_offsets(chosen.group, chosen.topics.samples),
    }


def assert_exact(left: dict[str, Any], expected: Expected, count: int) -> None:
    """Assert that what was left is what a plain loop over ``count`` records makes."""
    assert [json.loads(value) for _, value in left["predictions"]] == expected.predictions
    told = [dict(headers) for _, _, headers in left["dead"]]
    assert [
        (int(header["perceptron.error.offset"]), header["perceptron.error.reason"].decode())
        for header in told
    ] == expected.dead
    assert (left["hash"], left["version"]) == (expected.hash, expected.version)
    assert left["group"] == {0: count}
    assert list(left["next_offsets"].values()) == [{0: count}]
