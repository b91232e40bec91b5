"""The service as it is really run: ``perceptron run`` in a process of its own."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.peers.programs import clients

DEADLINE_S = 120.0


class Service:
    """A running service and its log."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path, started: float) -> None:
        self._process = process
        self._log = log
        self._started = started

    def rss_bytes(self) -> int:
        """Return how much memory the process has."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) * 1024

    def wait_for(
        self, what: Callable[[], bool], within_s: float = DEADLINE_S, every_s: float = 0.002
    ) -> float:
        """Wait until something is so, and return the seconds since the process was started."""
        deadline = time.perf_counter() + within_s
        while not what():
            if self._process.poll() is not None or time.perf_counter() > deadline:
                raise SystemExit(
                    f"the service did not do what was waited for:\n{self._log.read_text()[-3000:]}"
                )
            time.sleep(every_s)
        return self.seconds()

    def seconds(self) -> float:
        """Return how long ago the process was started."""
        return time.perf_counter() - self._started

    def says(self, words: str) -> bool:
        """Whether something stands in its log."""
        return words in self._log.read_text()


@contextmanager
def running(
    bootstrap: str,
    samples: str,
    outputs: str,
    client: str = "confluent",
    *,
    rate: str = "0.01",
    more: str = "",
) -> Iterator[Service]:
    """Run the service until the block is left, then let it finish; ``more`` is a further setting."""
    sets = [
        f"stream.client={client}",
        f"model.name={outputs}",
        f"model.learning_rate={rate}",
        f"topics.samples={samples}",
        f"topics.predictions={outputs}",
        *([more] if more else []),
    ]
    command = [sys.executable, "-m", "service", "run", "--stream", f"kafka://{bootstrap}"]
    command += [part for setting in sets for part in ("--set", setting)]
    with TemporaryDirectory() as folder:
        log = Path(folder) / "service.log"
        with log.open("wb") as output:
            environment = {name: value for name, value in clients().items() if "PERCEPTRON" not in name}
            started = time.perf_counter()
            process = subprocess.Popen(command, cwd=folder, env=environment, stdout=output, stderr=output)
        try:
            yield Service(process, log, started)
        finally:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def log_bytes(bootstrap: str, topic: str) -> int:
    """Return how many bytes a topic's first partition has on the broker's disk."""
    from kafka import KafkaAdminClient

    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        folders = [folder for broker in admin.describe_log_dirs() for folder in broker["log_dirs"]]
    finally:
        admin.close()
    topics = [found for folder in folders for found in folder["topics"] if found["name"] == topic]
    return int(topics[0]["partitions"][0]["partition_size"])
