"""A real Apache Kafka for tests and benchmarks, from whatever this machine has.

In this order: the broker at ``KAFKA_BOOTSTRAP``; a container, where a Docker engine answers and has or
gets the image; the jars, fetched by Maven once and started with ``java``. ``python -m
tests.kafka_broker`` starts one, prints its address and stops it at Ctrl-C.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn

import kafka

VERSION = "4.1.2"
IMAGE = f"apache/kafka:{VERSION}"
START_TIMEOUT_S = 60

SETTINGS = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "INTERNAL",
    "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,INTERNAL:PLAINTEXT,CLIENT:PLAINTEXT",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",  # takeovers can be tried in 1.5 s
    "auto.create.topics.enable": "false",
}

ARTIFACTS = [
    ("org.apache.kafka", "kafka_2.13", VERSION),
    ("org.apache.kafka", "kafka-tools", VERSION),
    ("org.apache.logging.log4j", "log4j-slf4j-impl", "2.25.3"),
]


class NoBrokerError(Exception):
    """Nothing on this machine can be a Kafka broker; the message says what would help."""


def give_up(message: str) -> NoReturn:
    """Skip the test for want of a broker; in CI that is a failure."""
    import pytest  # here, because the benchmarks do without it

    if os.environ.get("CI", "").lower() in ("true", "1"):
        pytest.fail(message)
    pytest.skip(message)


@contextmanager
def broker() -> Iterator[str]:
    """Yield the address ``host:port`` of a broker that answers, and stop what was started for it."""
    if given := os.environ.get("KAFKA_BOOTSTRAP"):
        yield given
    elif _docker_answers():
        with _in_docker() as bootstrap:
            yield bootstrap
    elif _java_found():
        with broker_from_jars() as bootstrap:
            yield bootstrap
    else:
        raise NoBrokerError("set KAFKA_BOOTSTRAP=host:port, start Docker, or install Java 17+ and Maven")


def _docker_answers() -> bool:
    try:
        from testcontainers.core.docker_client import DockerClient

        return bool(DockerClient().client.ping())
    except Exception:  # whatever is missing, there is no Docker for us
        return False


@contextmanager
def _in_docker() -> Iterator[str]:
    from testcontainers.core.container import DockerContainer

    port = free_port()
    bootstrap = f"127.0.0.1:{port}"
    container = DockerContainer(IMAGE)
    container.ports["9092/tcp"] = ("127.0.0.1", port)  # type: ignore[assignment]  # with_bind_ports opens all
    # The broker must reach itself: it cannot by the mapped port, so it also has a listener of its own.
    settings = _settings("0.0.0.0:9092", "localhost:19092", "localhost:9093", advertised=bootstrap)
    for name, value in settings.items():
        container = container.with_env("KAFKA_" + name.upper().replace(".", "_"), value)
    with container:
        _wait_until_ready(bootstrap)
        yield bootstrap


def _java_found() -> bool:
    return bool(shutil.which("java")) and (_jar_dir().is_dir() or bool(shutil.which("mvn")))


class Broker:
    """A broker started with ``java`` in a directory of its own, to be killed, started again and frozen."""

    def __init__(self, home: Path, more: Mapping[str, str]) -> None:
        self.bootstrap, internal, controller = (f"127.0.0.1:{free_port()}" for _ in range(3))
        self._log = home / "broker.log"
        self._java = ["java", "-Xmx1g", "-cp", f"{_jars()}/*"]
        self._properties = home / "server.properties"
        self._process: subprocess.Popen[bytes] | None = None
        settings = dict(_settings(self.bootstrap, internal, controller, advertised=self.bootstrap))
        settings["log.dirs"] = f"{home}/data"
        for key, value in more.items():
            settings[key] = f"{settings[key]},{value}" if key in settings else value
        self._properties.write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
        storage = ["kafka.tools.StorageTool", "format", "-t", "perceptron-stream-test", "-c"]
        subprocess.run([*self._java, *storage, str(self._properties)], check=True, capture_output=True)

    def start(self) -> None:
        """Start it on its data, which may be there, and wait until it answers."""
        command = [*self._java, "kafka.Kafka", str(self._properties)]
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(command, stdout=output, stderr=output, start_new_session=True)
        try:
            _wait_until_ready(self.bootstrap)
        except NoBrokerError as error:
            raise NoBrokerError(f"{error}\n{self._log.read_text()[-2000:]}") from error

    def kill(self) -> None:
        """Kill it at once; what it has written to its data is still there."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def freeze(self) -> None:
        """Stop its clock."""
        self._signal(signal.SIGSTOP)

    def wake(self) -> None:
        """Let it go on as if nothing had been."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None, "it was not started"
        self._process.send_signal(number)


@contextmanager
def own_broker(more: Mapping[str, str] | None = None) -> Iterator[Broker]:
    """Yield a running broker of our own; ``more`` settings add to lists that are there."""
    if not _java_found():
        raise NoBrokerError("install Java 17+ and Maven")
    with tempfile.TemporaryDirectory(prefix="kafka-", ignore_cleanup_errors=True) as home:
        started = Broker(Path(home), more or {})
        try:
            started.start()
            yield started
        finally:
            started.kill()


@contextmanager
def broker_from_jars(more: Mapping[str, str] | None = None) -> Iterator[str]:
    """Yield the address of a broker of our own."""
    with own_broker(more) as started:
        yield started.bootstrap


def _settings(client: str, internal: str, controller: str, *, advertised: str) -> Mapping[str, str]:
    return {
        **SETTINGS,
        "listeners": f"CLIENT://{client},INTERNAL://{internal},CONTROLLER://{controller}",
        "advertised.listeners": f"CLIENT://{advertised},INTERNAL://{internal}",
        "controller.quorum.voters": f"1@{controller}",
    }


def _wait_until_ready(bootstrap: str) -> None:
    try:
        admin: Any = kafka.KafkaAdminClient(
            bootstrap_servers=bootstrap, bootstrap_timeout_ms=START_TIMEOUT_S * 1000
        )
    except kafka.errors.KafkaError as error:
        raise NoBrokerError(f"no broker at {bootstrap} after {START_TIMEOUT_S} s") from error
    admin.close()


def free_port() -> int:
    """Return a port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _jar_dir() -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "perceptron-stream" / f"kafka-{VERSION}"


def _jars() -> Path:
    """Return the directory of Kafka's jars, which Maven fills the first time."""
    jars = _jar_dir()
    if jars.is_dir():
        return jars
    jars.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=jars.parent) as name:
        (Path(name) / "pom.xml").write_text(_pom())
        copy = ["mvn", "-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory=lib"]
        subprocess.run([*copy, "-DincludeScope=runtime"], cwd=name, check=True)
        (Path(name) / "lib").rename(jars)  # whole or not at all
    return jars


def _pom() -> str:
    dependencies = "".join(
        f"<dependency><groupId>{group}</groupId><artifactId>{artifact}</artifactId>"
        f"<version>{version}</version></dependency>"
        for group, artifact, version in ARTIFACTS
    )
    return (
        "<project><modelVersion>4.0.0</modelVersion><groupId>perceptron</groupId>"
        "<artifactId>broker</artifactId><version>1</version>"
        f"<dependencies>{dependencies}</dependencies></project>"
    )


def main() -> None:
    """Run a broker until Ctrl-C or SIGTERM."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt), broker() as bootstrap:
        print(bootstrap, flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
