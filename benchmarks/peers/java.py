"""The peers in Java, of ``benchmarks/java``: built by Maven once, each run in a process of its own.

By hand, in Kafka Streams and in Flink, all exactly once, with the same neuron in all of them. A JVM compiles
what it runs while it runs, so their clocks start when half of the samples are done. Flink's checkpoints of
one second ask for some seconds' worth of samples, three million say.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path

import msgspec
import numpy as np

from benchmarks.peers import broker
from benchmarks.peers.apps.clock import BATCH
from benchmarks.peers.oracle import log_loss
from benchmarks.peers.programs import TIMEOUT_S, NotInstalled
from benchmarks.peers.result import Result
from benchmarks.report import ROOT, progress
from service.streams.port import Stream

SOURCES = ROOT / "benchmarks" / "java"

LOOP = "Java loop by hand"
BARE_JAVA = "bare Java loop"
STREAMS = "Kafka Streams, tuned: model stored once per commit"
STREAMS_CACHED = "Kafka Streams, model stored per sample, cached"
STREAMS_ROCKSDB = "Kafka Streams, model stored per sample, RocksDB"
FLINK_100MS = "Flink, checkpoints of 100 ms"
FLINK_1S = "Flink, checkpoints of 1 s"

PROGRAMS: Mapping[str, tuple[str, ...]] = {
    LOOP: ("Loop", "learn=true"),
    BARE_JAVA: ("Loop", "learn=false"),
    STREAMS: ("StreamsPeer", "store=per-commit", "commit_ms=100"),
    STREAMS_CACHED: ("StreamsPeer", "store=cached", "commit_ms=100"),
    STREAMS_ROCKSDB: ("StreamsPeer", "store=rocksdb", "commit_ms=100"),
    FLINK_100MS: ("FlinkPeer", "commit_ms=100"),
    FLINK_1S: ("FlinkPeer", "commit_ms=1000"),
}

JAVA = (
    "java",
    "-Xmx1g",
    "-XX:+UseParallelGC",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=error",
    *(f"--add-opens=java.base/java.{package}=ALL-UNNAMED" for package in ("lang", "time", "util")),
)


def contenders() -> dict[str, Callable[[str, str, int], Result]]:
    """Return who takes part: each takes the broker, the topic and how many samples that holds."""
    return {name: partial(_compete, name) for name in PROGRAMS}


@contextmanager
def running(name: str, bootstrap: str, samples: str, outputs: str, *options: str) -> Iterator[None]:
    """Let a contender answer what comes into a topic until the block is left.

    Its topics are there already. ``options`` replace its own, say ``commit_ms=10``; a loop by hand commits
    each poll, whatever they are.
    """
    with tempfile.TemporaryDirectory() as folder:
        command = _command(name, bootstrap, samples, outputs, folder, 0, *options)
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        try:
            yield
        finally:
            process.kill()
            process.wait()


def _compete(name: str, bootstrap: str, samples: str, count: int) -> Result:
    outputs = f"java-{os.urandom(4).hex()}"
    with broker.on_kafka(bootstrap) as stream:
        if (held := stream.end_offset((samples, 0))) != count:
            raise SystemExit(
                f"{name} answers whole topics: {samples} holds {held:,} samples, asked for {count:,}"
            )
        broker.make_outputs(stream, samples, outputs)
        with tempfile.TemporaryDirectory() as folder:
            told = _told(_command(name, bootstrap, samples, outputs, folder, count))
        result = _result(name, told, stream, outputs)
    broker.remove(bootstrap, outputs)
    return result


def _told(command: list[str]) -> dict[str, float]:
    """Run a program to its end, and return what it says of itself."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout[-1000:]}{done.stderr[-3000:]}")
    told: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return told


def _command(
    name: str, bootstrap: str, samples: str, outputs: str, folder: str, count: int, *options: str
) -> list[str]:
    program, *own = PROGRAMS[name]
    given = {
        "bootstrap": bootstrap,
        "samples": samples,
        "output": outputs,
        "model": f"{outputs}.model",
        "folder": folder,
        "count": count,
        "warm_up": count // 2,
        "max_batch": BATCH,
        **dict(option.split("=", 1) for option in (*own, *options)),
    }
    built = build()
    place = ["-cp", os.pathsep.join([str(built / "classes"), str(built / "lib" / "*")]), f"peers.{program}"]
    return [*JAVA, *place, *(f"{key}={value}" for key, value in given.items())]


class _Answer(msgspec.Struct):
    probability: float
    label: float


def _result(name: str, told: dict[str, float], stream: Stream, outputs: str) -> Result:
    """Return the times, and beside them what a read_committed consumer finds in the output."""
    times = told["seconds"], told["cpu_seconds"]
    if told["checksum"] is None:
        return Result(name, sum(map(len, broker.values(stream, outputs))), *times, 0.0, 0.0)
    decode = msgspec.json.Decoder(_Answer).decode
    answers = (decode(value) for batch in broker.values(stream, outputs) for value in batch)
    found = np.array([(answer.probability, answer.label) for answer in answers])
    return Result(name, len(found), *times, float(found[:, 0].sum()), log_loss(found[:, 0], found[:, 1]))


@cache
def build() -> Path:
    """Return the folder of the classes and jars of these very sources, made by Maven where it is not there.

    Raises
    ------
    NotInstalled
        There is no Java or no Maven, or the jars cannot be had.
    """
    built = _cache() / f"java-peers-{_digest()}"
    if built.is_dir() and shutil.which("java"):
        return built
    if not (shutil.which("java") and shutil.which("mvn")):
        raise NotInstalled("a JDK of 17 or later with Maven")
    progress("building the Java peers")
    built.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=built.parent) as folder:
        _maven(folder)
        (Path(folder) / "target").rename(built)  # whole or not at all
    return built


def _maven(folder: str) -> None:
    target = f"{folder}/target"
    goals = [
        "compile",
        "dependency:copy-dependencies",
        f"-DoutputDirectory={target}/lib",
        "-DincludeScope=runtime",
    ]
    command = ["mvn", "-q", "-B", "-f", str(SOURCES / "pom.xml"), f"-Dbuilt={target}", *goals]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise NotInstalled(f"Maven could not build {SOURCES}: {done.stdout[-2000:]}")


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "perceptron-stream"


def _digest() -> str:
    digest = hashlib.sha256()
    for file in sorted([SOURCES / "pom.xml", *SOURCES.rglob("*.java")]):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]
