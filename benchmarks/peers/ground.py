"""Where the contenders of one shape meet: the filled topic, the filled file, and what is expected."""

from __future__ import annotations

import shutil
import uuid
from functools import cached_property
from pathlib import Path

import msgspec
import numpy as np

from benchmarks.peers import broker, programs
from benchmarks.peers.oracle import Oracle, log_loss
from benchmarks.peers.result import Result
from benchmarks.peers.samples import Shape
from service.streams.port import Stream
from service.streams.sqlite import SqliteStream


class Ground:
    """The samples of a shape on each kind of stream, and the oracle's answers to them.

    Parameters
    ----------
    bootstrap
        The broker.
    shape, count
        Which samples, and how many.
    folder
        For files; emptied by whoever made it.
    """

    def __init__(self, bootstrap: str, shape: Shape, count: int, folder: Path) -> None:
        self.bootstrap = bootstrap
        self.shape = shape
        self.count = count
        self.oracle = Oracle(shape, count)
        self.samples = f"{shape.name}-{uuid.uuid4().hex[:8]}"
        self._folder = folder
        with broker.on_kafka(bootstrap) as stream:
            broker.fill(stream, self.samples, shape.messages(count))

    @cached_property
    def sqlite_file(self) -> Path:
        """A file with the samples in it."""
        file = self._folder / f"{self.samples}.db"
        with SqliteStream(str(file)) as stream:
            broker.fill(stream, self.samples, self.shape.messages(self.count))
        return file

    def on_kafka(self, name: str, module: str, *arguments: object, python: str = "") -> Result:
        """Let a program answer the samples on Kafka; ``{}`` among its arguments is its output topic."""
        outputs = f"out-{uuid.uuid4().hex[:8]}"
        with broker.on_kafka(self.bootstrap) as stream:
            broker.make_outputs(stream, self.samples, outputs)
            given = [outputs if argument == "{}" else argument for argument in arguments]
            times = programs.timed(module, *given, **({"python": python} if python else {}))
            result = self._result(name, times, stream, outputs)
        broker.remove(self.bootstrap, outputs)
        return result

    def on_sqlite(self, name: str, module: str, *arguments: object) -> Result:
        """Let a program answer the samples on a fresh file, whose path takes the place of ``{}``."""
        file = self._folder / "run.db"
        shutil.copyfile(self.sqlite_file, file)
        given = [str(argument).replace("{}", str(file)) for argument in arguments]
        times = programs.timed(module, *given)
        with SqliteStream(str(file)) as stream:
            result = self._result(name, times, stream, "outputs")
        for left in self._folder.glob("run.db*"):
            left.unlink()
        return result

    def on_file(self, name: str, count: int, learner: str) -> Result:
        """Let a learner without stream answer the first samples, line by line."""
        lines, output = self._folder / "samples.jsonl", self._folder / "answers.jsonl"
        lines.write_bytes(b"\n".join(self.shape.messages(count)))
        arguments = (lines, output, count, self.shape.name, learner)
        times = programs.timed("without_stream", *arguments)
        decode = msgspec.json.Decoder(dict[str, object]).decode
        found = [decode(line)["probability"] for line in output.read_bytes().splitlines()]
        return self._judged(name, times, np.array(found, float))

    def by_vowpal_wabbit(self, name: str, count: int) -> Result:
        """Let Vowpal Wabbit's driver answer the first samples, from a file in its own format."""
        python = programs.python_with("vowpalwabbit")
        lines, output = self._folder / "samples.vw", self._folder / "answers.txt"
        lines.write_text("".join(self.shape.lines(count)))
        times = programs.timed("vw_driver", lines, output, count, python=python)
        with output.open() as answers:
            return self._judged(name, times, np.array([float(line) for line in answers]))

    def _result(self, name: str, times: dict[str, float], stream: Stream, outputs: str) -> Result:
        return self._judged(name, times, broker.probabilities(stream, outputs))

    def _judged(self, name: str, times: dict[str, float], found: np.ndarray) -> Result:
        labels = self.oracle.labels[: len(found)]
        loss = log_loss(found[: len(labels)], labels)
        return Result(name, len(found), times["seconds"], times["cpu_seconds"], float(found.sum()), loss)
