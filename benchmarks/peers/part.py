"""What ``benchmarks.peers`` and ``benchmarks.stream`` share: the command line, and a report of each shape."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import plots
from benchmarks.peers import rounds, targets
from benchmarks.peers.broker import add_pin, benchmark_broker, broker_version
from benchmarks.peers.contenders import CEILING, CONFLUENT, KAFKA_PYTHON, OURS, SQLITE, contenders
from benchmarks.peers.ground import Ground
from benchmarks.peers.programs import peer_versions
from benchmarks.peers.rounds import Contest
from benchmarks.peers.samples import SHAPES
from benchmarks.report import java_version, markdown, provenance

FEWEST = 20_000
COLOURS = {OURS: plots.OURS, CEILING: plots.CEILING}


@dataclass(frozen=True)
class Part:
    """A part of the report.

    Parameters
    ----------
    name
        Of its pictures.
    shapes
        The samples that are tried unless the command line says otherwise.
    base
        Whom the ratios are of.
    takes
        Whether a contender takes part, by name.
    samples
        How many unless the command line says otherwise.
    packages
        Of the peers' own environment, whose versions belong into the report.
    """

    name: str
    shapes: tuple[str, ...]
    base: str
    takes: Callable[[str], bool]
    samples: int
    packages: tuple[str, ...] = ()


def beside_peers(name: str, *shapes: str) -> Part:
    """Return the part that puts the service by confluent beside its peers, on samples of some shapes."""
    others = (KAFKA_PYTHON, SQLITE, "bare SQLite", "bare kafka-python")
    return Part(
        name=name,
        shapes=shapes,
        base=CONFLUENT,
        takes=lambda entrant: not entrant.startswith(others),
        samples=3_000_000,  # fewer, and Flink would see no checkpoint of one second
        packages=("quixstreams", "vowpalwabbit"),
    )


def arguments(doc: str | None, part: Part) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--samples", type=int, default=part.samples, help="of 10 numbers; fewer of others")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--shapes", nargs="+", choices=SHAPES, default=part.shapes)
    parser.add_argument(
        "--only", nargs="+", default=[""], metavar="NAME", help="contenders, by any part of a name"
    )
    add_pin(parser)
    parser.add_argument("--plots", type=Path, metavar="FOLDER", help="draw a picture for each shape")
    return parser.parse_args()


def main(doc: str | None, part: Part) -> None:
    """Run what was asked for, and print the report."""
    options = arguments(doc, part)
    print(heading(options, part.packages))
    with tempfile.TemporaryDirectory() as folder, benchmark_broker(options.pin) as bootstrap:
        for name in options.shapes:
            shape = SHAPES[name]
            count = max(FEWEST, int(options.samples * shape.share))
            ground = Ground(bootstrap, shape, count, Path(folder))
            entrants = [
                entrant
                for entrant in contenders(ground)
                if part.takes(entrant.name) and any(some in entrant.name for some in options.only)
            ]
            contest = rounds.compete(ground, entrants, options.rounds)
            print("\n".join(section(contest, part, options)), flush=True)


def heading(options: argparse.Namespace, packages: Sequence[str]) -> str:
    """Return where and how it was measured."""
    clients = provenance("confluent-kafka", "kafka-python", "river", "scikit-learn", "msgspec")
    peers = peer_versions(*packages)
    others = {"Kafka": broker_version(), "Java": java_version(), **peers}
    named = ", ".join(f"{name} {value}" for name, value in others.items())
    pinned = (
        "clients and broker on cores of their own" if options.pin else "clients and broker share all cores"
    )
    return f"{clients}, {named}; {options.rounds} alternating rounds, medians; {pinned}.\n"


def section(contest: Contest, part: Part, options: argparse.Namespace) -> Iterator[str]:
    """Yield the report of one shape: verdicts, table, picture."""
    ground = contest.ground
    yield f"\n#### {ground.shape.title}, {ground.count:,} samples\n"
    if found := list(targets.verdicts(contest)):
        yield markdown(targets.HEAD, found) + "\n"
    yield f"Ratio: {part.base}, to the contender.\n"
    yield markdown(rounds.HEAD, rounds.table(contest, part.base))
    if options.plots:
        file = options.plots / f"{part.name}-{ground.shape.name}.png"
        kinds = {entrant.name: COLOURS.get(entrant.kind, plots.OTHERS) for entrant in contest.entrants}
        rates = {name: [rate / 1000 for rate in contest.rates(name)] for name in kinds if contest.has(name)}
        yield "\n" + plots.bars(file, ground.shape.title, "1,000 samples/s", rates, kinds)
