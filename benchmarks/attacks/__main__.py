"""How soon predictions come while somebody is at the HTTP port with bad intentions, or with many good ones.

``python -m benchmarks.attacks`` starts a broker (or takes ``KAFKA_BOOTSTRAP``) and prints a report in
Markdown: 1,000 samples a second, confluent, the service left alone and attacked by turns.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from benchmarks.attacks.attacker import KINDS
from benchmarks.latency import service
from benchmarks.latency.probe import Latency
from benchmarks.latency.produced_to_visible import compete, p50s, p99s
from benchmarks.peers.broker import add_pin, benchmark_broker
from benchmarks.peers.part import heading
from benchmarks.peers.programs import clients
from benchmarks.peers.rounds import spread
from benchmarks.report import Row, markdown
from tests.kafka_broker import free_port

ALONE = "left alone"
HEAD = ["what goes on at the HTTP port", "p50, ms", "p99, ms", "p50 / left alone"]


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rate", type=int, default=1000, help="samples a second")
    parser.add_argument("--seconds", type=int, default=5, help="of each run that is measured")
    parser.add_argument("--rounds", type=int, default=7)
    add_pin(parser)
    return parser.parse_args()


@contextmanager
def attacked(kind: str, bootstrap: str, samples: str, outputs: str) -> Iterator[None]:
    """Run the service, and the attack on it."""
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.attacks.attacker", kind, str(port)]
    with service.running(bootstrap, samples, outputs, more=f"http.port={port}") as running:
        running.wait_for(lambda: running.says(f":{port}"))
        if kind == ALONE:
            yield
            return
        attacker = subprocess.Popen(command, env=clients(), stdout=subprocess.PIPE)
        try:
            assert attacker.stdout is not None, "a pipe was asked for"
            if attacker.stdout.readline() != b"begun\n":
                raise SystemExit(f"{' '.join(command)} failed")
            yield
        finally:
            attacker.kill()
            attacker.wait()


def table(found: dict[str, list[Latency]]) -> Iterator[Row]:
    """Yield a row for each kind."""
    for kind, rows in found.items():
        ratios = [mine / alone for mine, alone in zip(p50s(rows), p50s(found[ALONE]), strict=True)]
        yield [kind, spread(p50s(rows)), spread(p99s(rows)), spread(ratios)]


def main() -> None:
    """Run all of it, and print the report."""
    options = arguments()
    kinds = {kind: partial(attacked, kind) for kind in (ALONE, *KINDS)}
    print(heading(options, []))
    with benchmark_broker(options.pin) as bootstrap:
        found = compete(bootstrap, options.rate, options.seconds, options.rounds, kinds)
    print(markdown(HEAD, table(found)))


if __name__ == "__main__":
    main()
